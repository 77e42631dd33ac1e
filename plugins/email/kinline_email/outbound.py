"""Writes the exact bytes of a mail (RFC 5322), once, before anything is sent.

The fields are written here and not by the standard library, which folds long Message-IDs in References into
encoded words that no mailer reads. The Date is the moment of preparing (`kinline.clock`); everything else
follows from the input, and the stored bytes are what every attempt sends.
"""

import re
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from kinline import ChannelError, Handle, HandleType, Outgoing, Prepared, Thread, clock, handles
from kinline_email import inbound, message_ids, mime, signing, thread
from kinline_email.addresses import Mailbox, handle_of
from kinline_email.automatic import LOOP_MARK
from kinline_email.composing import composed, encoded
from kinline_email.settings import EmailSettings

MAX_REFERENCES = 30  #: the first and the newest; RFC 5322 limits a line, not a thread
MAX_SUBJECT = 1_000
MAX_FILES = 18_000_000  #: bytes; they grow by a third on their way, and most servers stop at 25 MB
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_PLACEHOLDER = "0@kinline.invalid"


def check(outgoing: Outgoing, settings: EmailSettings) -> None:
    """Refuse what must not or cannot be sent; nothing has been written yet."""
    if not settings.address:
        raise _refused("Set the address of this mail account before sending.", "not_configured")
    for to in _recipients(outgoing):
        _check_recipient(to, settings)
    signing.check(settings)
    if sum(len(one.content) for one in outgoing.attachments) > MAX_FILES:
        raise _refused(f"Files of over {MAX_FILES // 1_000_000} MB together are not sent by mail.", "too_large")


def _check_recipient(to: Handle, settings: EmailSettings) -> None:
    if to.type is not HandleType.EMAIL:
        raise _refused(f"A mail goes to a mail address, not to {to.type}.", "invalid_recipient")
    _address(to.value)
    if handles.is_blocked(to):
        raise _refused(f"Nobody reads {to.value}: it is a machine's mailbox.", "machine_mailbox")
    if settings.is_ours(to.value):
        raise _refused(f"{to.value} is our own address.", "own_address")


def _recipients(outgoing: Outgoing) -> tuple[Handle, ...]:
    return tuple(dict.fromkeys([outgoing.to, *(each.handle for each in outgoing.cc)]))


def prepare(outgoing: Outgoing, settings: EmailSettings) -> Prepared:
    """The bytes, the Message-ID's source id and the envelope (RFC 5321), to be stored before sending.

    Raises `ChannelError` ``invalid_recipient`` (permanent) where a field has a line break, NUL, or two addresses.
    """
    sender, recipients = _address(settings.address), [_address(each.value) for each in _recipients(outgoing)]
    above = _above(outgoing.answered)
    fields = _fields(outgoing, settings, sender, recipients[0], above)
    body_fields, body = composed(outgoing)
    draft = _written([("Message-ID", f"<{_PLACEHOLDER}>"), *fields, *body_fields], body)
    root = mime.parse(draft, set())
    digest = inbound.digest(root, Mailbox("", sender))
    key = message_ids.ours(_plain_id(outgoing.id), digest, sender.rpartition("@")[2], outgoing.reply_token)
    return Prepared(
        body=signing.signed(_written([("Message-ID", f"<{key}>"), *fields, *body_fields], body), settings),
        media_type="message/rfc822",
        source_id=message_ids.source_id_of_ours(key),
        thread=Thread(
            key=key,
            parent=above[0] if above else "",
            ancestors=tuple(above[1:]),
            topic=thread.topic(_subject(outgoing, bool(outgoing.answered))),
            private=True,
            claimed=True,
        ),
        facts={
            "message_id": key,
            "subject": _subject(outgoing, bool(outgoing.answered)),  # as it goes out, for the record of it
            # RFC 3834 section 3.3: an automatic answer has no envelope sender, so that it is never answered.
            "envelope_from": "" if outgoing.automatic and above else sender,
            "envelope_to": recipients,
            **({} if "".join([sender, *recipients]).isascii() else {"smtputf8": True}),
            **({"notify": True} if settings.delivery_reports else {}),
        },
        recipients=_recipients(outgoing),
    )


def _fields(
    outgoing: Outgoing, settings: EmailSettings, sender: str, recipient: str, above: list[str]
) -> list[tuple[str, str]]:
    written = datetime.fromtimestamp(clock.now() // clock.SECOND, tz=clock.EPOCH.tzinfo)
    fields = [
        ("Date", format_datetime(written)),
        ("From", _mailbox(settings.name, sender)),
        ("To", _mailbox(outgoing.to_name, recipient)),
        *(
            [("Cc", ",\r\n ".join(_mailbox(one.name, _address(one.handle.value)) for one in outgoing.cc))]
            if outgoing.cc
            else []
        ),
        *_reply_to(outgoing, settings, sender),
        *([("Disposition-Notification-To", sender)] if settings.read_receipts and not outgoing.automatic else []),
        ("Subject", encoded(_subject(outgoing, bool(outgoing.answered)))),
    ]
    if above:
        kept = above if len(above) <= MAX_REFERENCES else [*above[: MAX_REFERENCES - 1], above[-1]]
        fields.append(("In-Reply-To", f"<{above[0]}>"))
        fields.append(("References", "\r\n ".join(f"<{one}>" for one in reversed(kept))))
    if outgoing.stop_url:
        fields += [
            ("List-Unsubscribe", f"<{_line(outgoing.stop_url, 'stop address')}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]
    if outgoing.automatic:
        fields += [
            ("Auto-Submitted", "auto-replied" if above else "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
            ("Precedence", "bulk"),
            ("X-Loop", f"{LOOP_MARK} {sender}"),
        ]
    return [*fields, ("MIME-Version", "1.0")]


def _reply_to(outgoing: Outgoing, settings: EmailSettings, sender: str) -> list[tuple[str, str]]:
    """Our address with the reply token, where its server takes plus-addresses and it fits (RFC 5321: 64 characters)."""
    local, _, domain = sender.rpartition("@")
    tagged = f"{local}+{outgoing.reply_token}"
    if not settings.plus_addressing or not outgoing.reply_token or len(tagged) > 64:
        return []
    return [("Reply-To", _mailbox(settings.name, f"{tagged}@{domain}"))]


def _subject(outgoing: Outgoing, is_answer: bool) -> str:
    subject = outgoing.subject
    if not subject and is_answer:
        base, _ = thread.base_subject(str(outgoing.answered.get("subject", "")))
        subject = f"Re: {base}" if base else ""
    return _line(subject, "subject")[:MAX_SUBJECT]


def _above(answered: dict[str, Any]) -> list[str]:
    """The keys of what is answered, nearest first. Only what was a Message-ID can be written into a mail."""
    facts = answered.get("facts") or {}
    every = [facts.get("message_id", ""), *facts.get("references", [])]
    return [one for one in dict.fromkeys(every) if isinstance(one, str) and _is_message_id(one)]


def _is_message_id(key: str) -> bool:
    return re.fullmatch(r"[!-;=?-~]{1,250}", key) is not None and not message_ids.is_shortened(key)


def _mailbox(name: str, address: str) -> str:
    name = _line(name, "name").strip()
    if not name:
        return address
    if _ATOMS.fullmatch(name) and "=?" not in name:
        return f"{name} <{address}>"
    if name.isascii() and "=?" not in name and len(name) < 200:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{address}>'
    return f"{encoded(name)} <{address}>"


def _written(fields: list[tuple[str, str]], body: bytes) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode() + b"\r\n" + body


def _line(text: str, what: str) -> str:
    if _FORBIDDEN.search(text):
        raise _refused(f"The {what} has a line break or a control character.", "invalid_recipient")
    return text


def _address(text: str) -> str:
    """The one address of a field. The domain in ASCII (IDNA); what is before the @ may need SMTPUTF8 (RFC 6531)."""
    handle = handle_of(_line(text, "address"))
    if handle is None or re.search(r"[\s,;<>]", handle.value):
        raise _refused("The recipient is not exactly one mail address.", "invalid_recipient")
    local, _, domain = handle.value.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode() if not domain.isascii() else domain}"
    except UnicodeError:
        raise _refused("The domain of the recipient is none that a mail could go to.", "invalid_recipient") from None


def _plain_id(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z_-]{1,64}", text):
        raise _refused("A follow-up id is letters, digits, - and _.", "invalid_id")
    return text


def _refused(detail: str, code: str) -> ChannelError:
    return ChannelError(detail, permanent=True, code=code)
