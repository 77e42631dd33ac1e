"""What providers post: whole mails as they came, and what became of mails of ours.

A mail is taken raw only (SendGrid: "POST the raw, full MIME message"; Mailgun: an address that ends in ``mime``;
Postmark: "Include raw email content"): what a provider took apart cannot be put together again, and no signature holds.
"""

import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import multipart

from kinline import Broken, Item, Source, Unreadable
from kinline_email.headers import parameters
from kinline_email.split import MAX_MAIL

MOST_PARTS = 200
MOST_EVENTS = 10_000
MAX_BODY = MAX_MAIL * 3 // 2  #: bytes; base64 makes a third more
#: Where each provider puts the raw mail, and what to switch on when it is not there.
RAW = {
    "sendgrid": ("email", "switch on “POST the raw, full MIME message” for this host in Inbound Parse"),
    "mailgun": ("body-mime", "let the route forward to an address that ends in mime: …/webhook?as=mime"),
    "postmark": ("RawEmail", "switch on “Include raw email content in JSON payload” of the inbound stream"),
}


def parse(raw: bytes, source: Source, provider: str) -> Iterator[Item | Broken]:
    """Mails as bytes with the form ``mail live``; events as JSON objects with the provider's name."""
    if len(raw) > MAX_BODY:
        raise Unreadable("The call is longer than any mail that is taken.", code="too_large")
    kind = source.media_type.partition(";")[0].strip().lower()
    if kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        yield from _mail(form(raw, source.media_type), provider)
        return
    try:
        told = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("The call is neither a form nor JSON.", code="not_json") from None
    if isinstance(told, dict) and ("RawEmail" in told or "FromFull" in told):
        yield from _mail({name: value.encode() for name, value in told.items() if isinstance(value, str)}, provider)
        return
    events = told if isinstance(told, list) else [told.get("event-data", told) if isinstance(told, dict) else told]
    for event in events[:MOST_EVENTS]:
        if isinstance(event, dict):
            yield Item(body=event, form=provider)
        else:
            yield Broken(code="unknown_shape", detail="An event that is no object.")


def _mail(fields: dict[str, bytes], provider: str) -> Iterator[Item | Broken]:
    name, cure = RAW[provider]
    if not fields.get(name):
        yield Broken(code="not_raw", detail=f"The raw mail is missing: {cure}.")
    elif len(fields[name]) > MAX_MAIL:
        yield Broken(code="mail_too_large", detail=f"The mail is over {MAX_MAIL // 1_000_000} MB.")
    else:
        yield Item(body=fields[name], form="mail live")


def form(raw: bytes, media_type: str) -> dict[str, bytes]:
    """The fields of a form, files too; the first of several of one name. Raises `Unreadable`."""
    try:
        if media_type.lower().startswith("multipart/"):
            return _multipart(raw, parameters(media_type, set())[1].get("boundary", ""))
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_PARTS, encoding="latin-1")
    except (multipart.MultipartError, ValueError) as error:
        raise Unreadable(f"The form cannot be read: {error}"[:300], code="bad_form") from None
    found: dict[str, bytes] = {}
    for name, value in pairs:
        found.setdefault(name, value.encode("latin-1"))
    return found


def _multipart(raw: bytes, boundary: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    reader = multipart.MultipartParser(
        io.BytesIO(raw), boundary, content_length=len(raw), part_limit=MOST_PARTS, memory_limit=2 * MAX_BODY,
        spool_limit=MAX_BODY, disk_limit=0,
    )  # fmt: skip
    for part in reader:
        found.setdefault(part.name, part.raw)
        part.close()
    return found


def mailgun_signature(raw: bytes, media_type: str) -> tuple[str, str, str] | None:
    """Time, token and signature, out of a form or of an event's JSON."""
    try:
        if media_type.startswith(("multipart/form-data", "application/x-www-form-urlencoded")):
            fields: dict[str, Any] = {
                name: value.decode() for name, value in form(raw, media_type).items() if len(value) < 500
            }
        else:
            fields = msgspec.json.decode(raw)["signature"]
        return str(fields["timestamp"]), str(fields["token"]), str(fields["signature"])
    except (Unreadable, msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, RecursionError):
        return None
