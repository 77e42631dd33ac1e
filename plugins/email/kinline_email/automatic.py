"""Mail that no person wrote just now (RFC 3834 section 2, RFC 5230, and what desks meet).

Machine mail is recorded, marked with why, never answered, and never breaks a silence. The tables below are
looked at from the most telling to the least.
"""

import re

from kinline import handles
from kinline_email.addresses import Mailbox, handle_of
from kinline_email.headers import Headers

MAX_HOPS = 50  #: Received fields; Postfix's hopcount_limit
LOOP_MARK = "kinline"  #: what our own X-Loop begins with

#: Fields whose presence (with any value but these) says that a machine wrote.
_FIELDS = {
    "x-auto-response-suppress": "auto-generated",
    "x-autoreply": "auto-reply",
    "x-autorespond": "auto-reply",
    "x-autoresponder": "auto-reply",
    "x-autoreply-from": "auto-reply",
    "x-mail-autoreply": "auto-reply",
    "x-vacation": "auto-reply",
    "x-fc-machinegenerated": "auto-generated",
    "x-loop": "auto-generated",
    "x-rt-loop-prevention": "auto-generated",
    "feedback-id": "bulk",
    "list-id": "list",
    "list-unsubscribe": "list",
    "list-post": "list",
    "mailing-list": "list",
    "x-mailing-list": "list",
}
_NO = frozenset({"", "no", "none", "false", "0"})
_PRECEDENCE = {"auto_reply": "auto-reply", "list": "list", "bulk": "bulk", "junk": "bulk"}

#: How auto-responders begin their subjects when they send no header (vacation programs before RFC 3834).
_SUBJECT = re.compile(
    r"\s*(?:automatic reply|auto(?:matic|mated)?[ -]?(?:reply|response|answer)|out of (?:the )?office|ooo:|"
    r"(?:i am|i'm) (?:on (?:vacation|holiday|leave)|away)|on vacation|automatische antwort|abwesenheits?(?:notiz|nachricht|meldung)?\b|"
    r"abwesend|réponse automatique|absence du bureau|respuesta automática|fuera de (?:la )?oficina|"
    r"risposta automatica|fuori sede|resposta automática|automatisch antwoord|afwezig|automatiskt svar|autosvar|"
    r"odpowiedź automatyczna|автоответ)",
    re.IGNORECASE,
)
_DAEMON = re.compile(r"(?:mailer-daemon|postmaster|mail delivery (?:sub)?system|mail-daemon|mmdf)", re.IGNORECASE)


def reason(found: Headers, subject: str, author: Mailbox | None, *, own_list: bool = False) -> str:
    """Why this is machine mail, in one word; empty for people's mail. Bounces are found before, in ``bounce``.

    ``own_list``: the list that it came over is a mailbox of ours, so that being of a list says nothing.
    """
    precedence = _PRECEDENCE.get(found.get("precedence").lower(), "")
    return (
        _auto_submitted(found)
        or _loop(found)
        or _by_field(found, own_list=own_list)
        or ("" if own_list and precedence == "list" else precedence)
        or ("null-sender" if has_null_sender(found) else "")
        or ("machine-mailbox" if author and _is_machine(author) else "")
        or ("auto-reply" if _SUBJECT.match(subject) else "")
    )


def has_null_sender(found: Headers) -> bool:
    """An empty envelope sender (RFC 5321 section 4.5.5): a bounce, a notification, an answer of a machine.

    Only Return-Path tells. ``MAILER-DAEMON`` in an mbox From_ line does not: programs write it for "unknown".
    """
    return "".join(found.get("return-path").split()) == "<>"


def is_daemon(author: Mailbox | None) -> bool:
    """Whether the mail system itself writes."""
    return author is not None and bool(_DAEMON.match(author.address) or _DAEMON.match(author.name))


def _is_machine(author: Mailbox) -> bool:
    handle = handle_of(author.address) if author.address else None
    return is_daemon(author) or (handle is not None and handles.is_machine(handle))


def _auto_submitted(found: Headers) -> str:
    word = found.get("auto-submitted").lower().partition(";")[0].partition(" ")[0]
    if word in _NO:
        return ""
    return "auto-reply" if word.startswith("auto-repl") else "auto-generated"


def _loop(found: Headers) -> str:
    marks = any(value.lower().startswith(LOOP_MARK) for value in found.all("x-loop")[:100])
    return "loop" if marks or len(found.all("received")) > MAX_HOPS else ""


def _by_field(found: Headers, *, own_list: bool) -> str:
    for field, why in _FIELDS.items():
        if own_list and why == "list":
            continue
        if field in found and found.get(field).lower() not in _NO:
            return why
    return ""
