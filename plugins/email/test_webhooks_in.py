"""Calls of SendGrid, Mailgun and Postmark: proved, taken apart, and told as receipts."""

import base64
import hmac
import io
import json
import time
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kinline import (
    Applied,
    Broken,
    ChannelError,
    Interaction,
    Item,
    Receipt,
    Request,
    Source,
    Unreadable,
    VerificationFailed,
)
from kinline_email import EmailChannel, message_ids
from kinline_email.settings import EmailSettings

MAIL = (
    b"From: Ann <ann@people.example>\r\nTo: help@shop.example\r\nSubject: Caf\xc3\xa9\r\nMessage-ID: <1@people.example>\r\n"
    b"Date: Fri, 20 Nov 2026 10:00:00 +0000\r\n\r\nHello\r\n--not-the-boundary\r\n"
)
KEY = ec.generate_private_key(ec.SECP256R1())
OURS = message_ids.ours("0198f00dfeed", "0" * 32, "shop.example")
SECRET = "not a real one"


def der(key: ec.EllipticCurvePrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


SENDGRID = EmailSettings(webhook_from="sendgrid", sendgrid_key=der(KEY))
SENDGRID_PLAIN = EmailSettings(webhook_from="sendgrid", webhook_secret=SECRET)
MAILGUN = EmailSettings(webhook_from="mailgun", webhook_secret=SECRET)
POSTMARK = EmailSettings(webhook_from="postmark", webhook_secret=SECRET)


def call(
    body: bytes, media_type: str = "application/json", query: dict[str, str] | None = None, **headers: str
) -> Request:
    named = {"content-type": media_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Request(method="POST", headers=named, query=query or {}, body=body)


def multipart(fields: dict[str, bytes]) -> tuple[bytes, str]:
    body = b"".join(
        b'--b0undary\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in fields.items()
    )
    return body + b"--b0undary--\r\n", "multipart/form-data; boundary=b0undary"


def pieces(body: bytes, media_type: str, settings: EmailSettings) -> list[Any]:
    source = Source(name="webhook", media_type=media_type)
    found: list[Any] = []
    for piece in EmailChannel().parse(io.BytesIO(body), source, settings):
        found += EmailChannel().normalise(piece, settings) if isinstance(piece, Item) else [piece]
    return found


def accepted(request: Request, settings: EmailSettings) -> bool:
    try:
        EmailChannel().verify(request, settings)
    except VerificationFailed:
        return False
    return True


# Proof


def sendgrid_signed(body: bytes, key: ec.EllipticCurvePrivateKey = KEY, stamp: str = "1795569430") -> Request:
    signature = base64.b64encode(key.sign(stamp.encode() + body, ec.ECDSA(SHA256()))).decode()
    return call(
        body,
        x_twilio_email_event_webhook_signature=signature, x_twilio_email_event_webhook_timestamp=stamp,
    )  # fmt: skip


def test_sendgrid_signs_the_raw_bytes_with_its_key() -> None:
    good = sendgrid_signed(b'[{"event": "delivered"}]\r\n')
    assert accepted(good, SENDGRID)

    # W12: other bytes, another time, another key, another curve, no signature, a key in another form
    for change in (
        {"body": good.body.strip()},
        {"headers": {**good.headers, "x-twilio-email-event-webhook-timestamp": "1795569431"}},
        {"headers": {**good.headers, "x-twilio-email-event-webhook-timestamp": ""}},
        {"headers": {**good.headers, "x-twilio-email-event-webhook-signature": ""}},
        {"headers": {**good.headers, "x-twilio-email-event-webhook-signature": "AAAA"}},
        {"headers": {"content-type": "application/json"}},
    ):
        forged = Request(**{"method": "POST", "headers": good.headers, "query": {}, "body": good.body, **change})  # type: ignore[arg-type]
        assert not accepted(forged, SENDGRID)
    other_curve = ec.generate_private_key(ec.SECP384R1())
    assert not accepted(
        sendgrid_signed(good.body, other_curve), EmailSettings(webhook_from="sendgrid", sendgrid_key=der(other_curve))
    )
    assert not accepted(sendgrid_signed(good.body, ec.generate_private_key(ec.SECP256R1())), SENDGRID)
    assert not accepted(good, EmailSettings(webhook_from="sendgrid", sendgrid_key="no key"))


@pytest.mark.parametrize("settings", [SENDGRID_PLAIN, POSTMARK])
def test_a_secret_in_the_address_or_as_a_password_is_proof(settings: EmailSettings) -> None:
    basic = "Basic " + base64.b64encode(f"anybody:{SECRET}".encode()).decode()
    assert accepted(call(b"{}", query={"secret": SECRET}), settings)
    assert accepted(call(b"{}", authorization=basic), settings)

    for query, header in (
        ({}, ""),
        ({"secret": ""}, ""),
        ({"secret": "wrong"}, ""),
        ({"secret": SECRET}, "Basic x"),
        ({}, "Basic !"),
    ):
        assert not accepted(call(b"{}", query=query, authorization=header), settings)
    assert not accepted(call(b"{}", query={"secret": ""}), EmailSettings(webhook_from="postmark"))


def mailgun_fields(stamp: int | None = None, key: str = SECRET) -> dict[str, str]:
    told = str(int(time.time()) if stamp is None else stamp)
    signature = hmac.new(key.encode(), f"{told}a-token".encode(), sha256).hexdigest()
    return {"timestamp": told, "token": "a-token", "signature": signature}


def test_mailgun_signs_time_and_token() -> None:
    body, kind = multipart({name: value.encode() for name, value in mailgun_fields().items()} | {"body-mime": MAIL})
    assert accepted(call(body, kind), MAILGUN)
    assert accepted(call(urlencode(mailgun_fields()).encode(), "application/x-www-form-urlencoded"), MAILGUN)
    assert accepted(call(json.dumps({"signature": mailgun_fields(), "event-data": {}}).encode()), MAILGUN)

    for fields in (mailgun_fields(key="wrong"), mailgun_fields(int(time.time()) - 90_000), {}, {"timestamp": "x"}):
        assert not accepted(call(urlencode(fields).encode(), "application/x-www-form-urlencoded"), MAILGUN)
        assert not accepted(call(json.dumps({"signature": fields}).encode()), MAILGUN)
    for nonsense in (b"", b"[]", b"{", b"\xff", b'{"signature": 1}', b"[" * 100_000):
        assert not accepted(call(nonsense), MAILGUN)
        assert not accepted(call(nonsense, "multipart/form-data"), MAILGUN)


# Mails


@pytest.mark.parametrize(
    ("body", "settings"),
    [
        (multipart({"headers": b"x", "email": MAIL, "envelope": b'{"to":["help@shop.example"]}'}), SENDGRID),
        (multipart({"recipient": b"help@shop.example", "body-mime": MAIL}), MAILGUN),
        ((urlencode({"body-mime": MAIL}).encode(), "application/x-www-form-urlencoded"), MAILGUN),
        ((json.dumps({"FromFull": {}, "RawEmail": MAIL.decode()}).encode(), "application/json"), POSTMARK),
    ],
    ids=["sendgrid", "mailgun", "mailgun, urlencoded", "postmark"],
)
def test_a_raw_mail_is_the_mail_that_any_other_way_brings(body: tuple[bytes, str], settings: EmailSettings) -> None:
    (found,) = pieces(*body, settings)
    (same,) = EmailChannel().parse(io.BytesIO(MAIL), Source(name="one.eml"), settings)
    assert isinstance(same, Item)
    (from_file,) = EmailChannel().normalise(same, settings)

    assert isinstance(found, Interaction)
    assert isinstance(from_file, Interaction)
    assert (found.subject, found.source_id) == ("Café", from_file.source_id)


@pytest.mark.parametrize(
    ("body", "settings", "cure"),
    [
        (multipart({"text": b"Hello", "from": b"ann@people.example"}), SENDGRID, "POST the raw"),
        (multipart({"body-plain": b"Hello"}), MAILGUN, "mime"),
        ((json.dumps({"FromFull": {}, "TextBody": "Hello"}).encode(), "application/json"), POSTMARK, "raw email"),
    ],
)
def test_a_mail_that_was_taken_apart_is_set_aside_with_the_cure(
    body: tuple[bytes, str], settings: EmailSettings, cure: str
) -> None:
    (found,) = pieces(*body, settings)

    assert isinstance(found, Broken)
    assert found.code == "not_raw"
    assert cure in found.detail


@pytest.mark.parametrize("settings", [SENDGRID, MAILGUN, POSTMARK])
@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        (b"", "application/json", "not_json"),
        (b"[" * 100_000, "application/json", "not_json"),
        (b"nothing", "multipart/form-data", "bad_form"),
        (b"--x\r\n\r\n" * 1000, "multipart/form-data; boundary=x", "bad_form"),
        (b"&".join(b"a=%d" % n for n in range(1000)), "application/x-www-form-urlencoded", "bad_form"),
        (b"\xff=1", "application/x-www-form-urlencoded", "bad_form"),
        (b"[1]", "application/json", "unknown_shape"),
        (b"[{}]", "application/json", "unknown_shape"),
    ],
)
def test_a_call_that_is_nonsense_is_set_aside(settings: EmailSettings, body: bytes, kind: str, told: str) -> None:
    try:
        found = [piece.code for piece in pieces(body, kind, settings)]
    except Unreadable as error:
        found = [error.code]

    assert found == [told]


# Receipts


def sendgrid(event: str, **more: Any) -> dict[str, Any]:
    return {"event": event, "email": "ann@people.example", "timestamp": 1795569430, "smtp-id": f"<{OURS}>", **more}


def mailgun(event: str, **more: Any) -> dict[str, Any]:
    message = {"headers": {"message-id": OURS}}
    return {"event": event, "recipient": "ann@people.example", "timestamp": 1795569430.5, "message": message, **more}


def postmark(kind: str, **more: Any) -> dict[str, Any]:
    return {"RecordType": kind, "Recipient": "ann@people.example", "Metadata": {"message-id": OURS}, **more}


@pytest.mark.parametrize(
    ("event", "settings", "told"),
    [
        (sendgrid("delivered", response="250 OK"), SENDGRID, ("delivered", False, "250 OK")),
        (sendgrid("bounce", type="bounce", status="5.1.1", reason="no such user"), SENDGRID, ("bounced", True, "5.1.1 no such user")),
        (sendgrid("bounce", type="blocked", reason="spam"), SENDGRID, ("bounced", False, "spam")),
        (sendgrid("deferred"), SENDGRID, ("delayed", False, "")),
        (sendgrid("spamreport"), SENDGRID, ("complained", True, "")),
        (sendgrid("open"), SENDGRID, ("read", False, "")),
        (mailgun("delivered"), MAILGUN, ("delivered", False, "")),
        (
            mailgun("failed", severity="permanent", **{"delivery-status": {"code": 550, "message": "no"}}), MAILGUN,
            ("bounced", True, "550 no"),
        ),
        (mailgun("failed", severity="temporary"), MAILGUN, ("delayed", False, "")),
        (mailgun("complained"), MAILGUN, ("complained", True, "")),
        (postmark("Delivery", DeliveredAt="2026-11-20T10:00:00.0000000Z"), POSTMARK, ("delivered", False, "")),
        (postmark("Bounce", Type="HardBounce", Description="gone"), POSTMARK, ("bounced", True, "HardBounce gone")),
        (postmark("Bounce", Type="SoftBounce"), POSTMARK, ("bounced", False, "SoftBounce")),
        (postmark("Bounce", Type="Transient"), POSTMARK, ("delayed", False, "Transient")),
        (postmark("SpamComplaint"), POSTMARK, ("complained", True, "")),
        (postmark("Open"), POSTMARK, ("read", False, "")),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)  # fmt: skip
def test_what_became_of_a_mail_of_ours(
    event: dict[str, Any], settings: EmailSettings, told: tuple[str, bool, str]
) -> None:
    body = [event] if settings.webhook_from == "sendgrid" else {"event-data": event} if settings is MAILGUN else event
    (found,) = pieces(json.dumps(body).encode(), "application/json", settings)

    assert isinstance(found, Receipt)
    assert found.source_id == message_ids.source_id_of_ours(OURS)
    assert (found.report, found.permanent, found.detail) == told
    assert str(found.recipient) == "email:ann@people.example"


@pytest.mark.parametrize(
    ("event", "settings"),
    [
        (sendgrid("click"), SENDGRID),
        (sendgrid("bounce", **{"smtp-id": "<1@people.example>"}), SENDGRID),
        (sendgrid("bounce", **{"smtp-id": 5}), SENDGRID),
        (mailgun("failed", severity="permanent", message="none"), MAILGUN),
        (postmark("Bounce", Type="AutoResponder"), POSTMARK),
        (postmark("Bounce", Metadata=None), POSTMARK),
    ],
)
def test_what_is_no_report_of_ours_changes_nothing(event: dict[str, Any], settings: EmailSettings) -> None:
    (found,) = pieces(json.dumps(event).encode(), "application/json", settings)

    assert isinstance(found, Applied)


def test_our_own_server_still_signs_the_mail_itself() -> None:
    mine = EmailSettings(webhook_secret=SECRET)
    good = "sha256=" + hmac.new(SECRET.encode(), MAIL, sha256).hexdigest()
    assert accepted(call(MAIL, "message/rfc822", x_kinline_signature=good), mine)
    with pytest.raises(ChannelError):
        EmailChannel().verify(call(MAIL + b"x", "message/rfc822", x_kinline_signature=good), mine)
