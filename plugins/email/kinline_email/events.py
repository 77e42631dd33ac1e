"""What became of a mail of ours, as its provider tells: receipts, linked by our own Message-ID and by nothing else."""

import re
from datetime import UTC, datetime
from typing import Any

from kinline import Applied, Normalised, Receipt, Unreadable
from kinline_email import message_ids
from kinline_email.addresses import handle_of

#: The provider's word: ours, and whether it is for good. Another word is no report.
SENDGRID = {
    "delivered": ("delivered", False), "deferred": ("delayed", False), "bounce": ("bounced", True),
    "dropped": ("bounced", True), "spamreport": ("complained", True), "open": ("read", False),
}  # fmt: skip
MAILGUN = {
    "delivered": ("delivered", False), "failed": ("bounced", True), "complained": ("complained", True),
    "opened": ("read", False), "rejected": ("bounced", True),
}  # fmt: skip
POSTMARK = {
    "Delivery": ("delivered", False), "Bounce": ("bounced", True), "SpamComplaint": ("complained", True),
    "Open": ("read", False),
}  # fmt: skip
#: Postmark's kinds of bounce that pass, or that are none (https://postmarkapp.com/developer/api/bounce-api#bounce-types).
_SOFT = {"Transient", "SoftBounce", "DnsError", "SpamNotification", "Undeliverable", "Blocked"}
_NO_BOUNCE = {"AutoResponder", "AddressChange", "OpenRelayTest", "ChallengeVerification", "Subscribe", "Unsubscribe"}


def normalise(event: dict[str, Any], provider: str) -> list[Normalised]:
    """A receipt, or a word on why there is none."""
    match provider:
        case "sendgrid":
            found = _sendgrid(event)
        case "mailgun":
            found = _mailgun(event)
        case _:
            found = _postmark(event)
    return [found]


def _sendgrid(event: dict[str, Any]) -> Normalised:
    word = _text(event, "event")
    report, permanent = SENDGRID.get(word, ("", False))
    if word == "bounce" and _text(event, "type") == "blocked":
        permanent = False  # the other server refused it this time, not the address
    at = _moment(event.get("timestamp"))
    detail = " ".join(filter(None, (_text(event, "status"), _text(event, "reason") or _text(event, "response"))))
    return _told(word, report, permanent, _text(event, "smtp-id"), _text(event, "email"), at, detail)


def _mailgun(event: dict[str, Any]) -> Normalised:
    word = _text(event, "event")
    report, permanent = MAILGUN.get(word, ("", False))
    if word == "failed" and _text(event, "severity") != "permanent":
        report, permanent = "delayed", False
    key = _text(_below(event, "message", "headers"), "message-id")
    status = _below(event, "delivery-status")
    detail = " ".join(filter(None, (_text(status, "code"), _text(status, "message") or _text(status, "description"))))
    return _told(word, report, permanent, key, _text(event, "recipient"), _moment(event.get("timestamp")), detail)


def _postmark(event: dict[str, Any]) -> Normalised:
    """Postmark keeps no Message-ID of ours: the sender writes it into a field ``X-PM-Metadata-message-id``."""
    word, kind = _text(event, "RecordType"), _text(event, "Type")
    report, permanent = POSTMARK.get(word, ("", False))
    if word == "Bounce" and kind in _NO_BOUNCE:
        report = ""
    if word == "Bounce" and kind in _SOFT:
        report, permanent = "delayed" if kind in ("Transient", "DnsError") else "bounced", False
    at = next((found for name in ("DeliveredAt", "BouncedAt", "ReceivedAt") if (found := _iso(event.get(name)))), None)
    detail = " ".join(filter(None, (kind, _text(event, "Details") or _text(event, "Description"))))
    key = _text(_below(event, "Metadata"), "message-id")
    return _told(word, report, permanent, key, _text(event, "Recipient") or _text(event, "Email"), at, detail)


def _told(
    word: str, report: str, permanent: bool, key: str, recipient: str, at: datetime | None, detail: str
) -> Normalised:
    if not word:
        raise Unreadable("An event without a name.", code="unknown_shape")
    key = key.strip().strip("<>")
    if not report:
        return Applied(reason=f"{word[:50]} tells nothing about a delivery")
    if not message_ids.is_ours(key):
        return Applied(reason=f"{word[:50]} of a mail that was not sent from here")
    return Receipt(
        source_id=message_ids.source_id_of_ours(key), report=report, occurred_at=at, recipient=handle_of(recipient),
        permanent=permanent, detail=re.sub(r"\s+", " ", detail)[:500],
    )  # fmt: skip


def _text(event: dict[str, Any], name: str) -> str:
    found = event.get(name)
    return str(found)[:1000] if isinstance(found, str | int | float) and not isinstance(found, bool) else ""


def _below(event: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        found = event.get(name)
        event = found if isinstance(found, dict) else {}
    return event


def _moment(value: Any) -> datetime | None:
    """Seconds since 1970; None where that is no time."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 4e9:
        return None
    return datetime.fromtimestamp(value, UTC)


def _iso(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else None
