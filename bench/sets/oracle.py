"""Mails of all kinds, compared with what CPython's own parser reads in them.

Where CPython itself reports a defect, throws, or finds no such field, it has no opinion, and none is compared;
so where it reads what nobody wrote: C1 control characters in a text, a date before 1970 or after 2099.
"""

import email
import email.policy
import email.utils
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from kinline import Broken, Interaction, Role
from sets import Case, Cases
from sets.mail import pieces, read


def mails(folder: Path) -> Cases:
    """Nothing crashes, a mail is never refused, and each field is what CPython reads."""
    for path in _files(folder):
        first = pieces(path)[0]
        if isinstance(first, Broken):
            refused = _looks_like_mail(path)
            yield Case(path.name, f"refused: {first.code}" if refused else "")
        else:
            yield Case(path.name, "; ".join(_differences(path, read(path))))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        aside = {"_licence", "_oracle"} & set(path.parts)
        if path.is_file() and not aside and not path.name.startswith((".", "_")):
            yield path


def _looks_like_mail(path: Path) -> bool:
    return path.suffix == ".eml"


def _differences(path: Path, mail: Interaction) -> Iterator[str]:
    raw = path.read_bytes()
    if raw.startswith(b"From "):
        raw = re.sub(rb"(?m)^>(?=>*From )", b"", raw.partition(b"\n")[2])
    told: EmailMessage = email.message_from_bytes(raw, policy=email.policy.default)
    for name, ask in _OPINIONS.items():
        try:
            opinion = ask(told)
        except Exception:  # noqa: S112 - any: the policy throws what it likes, and has then no opinion
            continue
        found = _FOUND[name](mail)
        if opinion is not None and not _agree(name, found, opinion):
            yield f"{name}: {str(found)[:120]!r} instead of {str(opinion)[:120]!r}"


def _field(told: EmailMessage, name: str) -> Any:
    found = told.get_all(name, [])
    return found[0] if len(found) == 1 and not found[0].defects else None


def _subject(told: EmailMessage) -> str | None:
    found = _field(told, "subject")
    return None if found is None or "\ufffd" in found else " ".join(str(found).split())


def _author(told: EmailMessage) -> str | None:
    found = _field(told, "from")
    if found is None or len(found.addresses) != 1 or not found.addresses[0].domain:
        return None
    one = found.addresses[0]
    return f"{one.username}@{one.domain}".lower()


def _date(told: EmailMessage) -> float | None:
    found = _field(told, "date")
    moment: datetime | None = found.datetime if found is not None else None
    return moment.timestamp() if moment is not None and moment.tzinfo and 1970 <= moment.year < 2099 else None


def _text(told: EmailMessage) -> str | None:
    """The first plain text, where all its parts could be read without a defect."""
    if any(part.defects for part in told.walk()):
        return None
    part = told.get_body(preferencelist=("plain",))
    text = part.get_content() if part is not None else ""
    return None if not text.strip() or re.search("[\x80-\x9f\ufffd]", text) else _squeezed(text)


def _squeezed(text: str) -> str:
    return "".join(text.split())


_OPINIONS: dict[str, Callable[[EmailMessage], Any]] = {
    "subject": _subject,
    "from": _author,
    "date": _date,
    "body": _text,
}
_FOUND: dict[str, Callable[[Interaction], Any]] = {
    "subject": lambda mail: " ".join(mail.subject.split()),
    "from": lambda mail: mail.parties[0].handle.value.lower() if mail.parties[0].handle else "",
    "date": lambda mail: mail.occurred_at.timestamp() if mail.occurred_at else None,
    "body": lambda mail: _squeezed(mail.facts.get("full_text") or mail.text),
}


def _agree(name: str, found: Any, opinion: Any) -> bool:
    return opinion in found if name == "body" else bool(found == opinion)


# What the names of Chatwoot's mails promise


def chatwoot(folder: Path) -> Cases:
    """As CPython reads them, and what their names promise."""
    for path in sorted(folder.glob("*.eml")):
        mail = read(path)
        told: EmailMessage = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        broken = [f"not {promise}" for promise, keeps in _promises(path.stem).items() if not keeps(mail, told)]
        yield Case(path.name, "; ".join([*_differences(path, mail), *broken]))


Promise = Callable[[Interaction, EmailMessage], bool]


def _promises(name: str) -> dict[str, Promise]:
    kept = {"under its parents": _has_parents, "automatic or not": _automatic(name), "dated or not": _dated(name)}
    if "attachments" in name:
        kept["with its files"] = lambda mail, told: len(mail.attachments) == len(list(told.iter_attachments()))
    return kept | {promise: keeps for part, (promise, keeps) in _NAMED.items() if part in name}


def _automatic(name: str) -> Promise:
    machine = name.startswith(("auto_reply", "bounced", "notification", "non_utf"))
    return lambda mail, told: bool(mail.automatic) == machine


def _dated(name: str) -> Promise:
    return lambda mail, told: (mail.occurred_at is None) == (name == "mail_with_no_date")


def _has_parents(mail: Interaction, told: EmailMessage) -> bool:
    """References and In-Reply-To, as they stand; a report stands under the mail that it reports."""
    named = re.findall(r"<([^<>\s]+)>", " ".join(str(one) for one in _both(told)))
    found = {mail.thread.parent, *mail.thread.ancestors} - {""} if mail.thread else set()
    return found == set(named) - {mail.thread.key if mail.thread else ""} or "failed" in mail.facts


def _both(told: EmailMessage) -> list[Any]:
    return [*told.get_all("references", []), *told.get_all("in-reply-to", [])]


def _recipients(mail: Interaction) -> list[str]:
    return [one.handle.value if one.handle else "" for one in mail.parties if one.role is Role.RECIPIENT]


def _quote_is_gone(mail: Interaction, told: EmailMessage) -> bool:
    return ">" not in mail.text and "wrote:" not in mail.text and "wrote:" in mail.facts.get("full_text", "")


def _bounced(mail: Interaction, told: EmailMessage) -> bool:
    final = re.search(r"^Final-Recipient: *rfc822; *(\S+)", told.as_string(), re.MULTILINE | re.IGNORECASE)
    expected = final[1] if final else told.get("x-failed-recipients", "")
    return mail.automatic == "bounce" and [one["address"] for one in mail.facts.get("failed", [])] == [expected]


_NAMED: dict[str, tuple[str, Promise]] = {
    "bounced": ("a bounce of who is named", _bounced),
    "no_subject": ("without subject", lambda mail, told: mail.subject == ""),
    "only_html": ("readable and shown", lambda mail, told: bool(mail.text and mail.html)),
    "only_text": ("readable, without HTML", lambda mail, told: bool(mail.text) and not mail.html),
    "with_quote": ("without the quotation", _quote_is_gone),
    "reply_to": ("answered where it asks", lambda mail, told: _asked(mail, told)),
    "invalid_to": ("for nobody by guessing", lambda mail, told: _recipients(mail) == [""]),
    "reply_cc": ("with its copies", lambda mail, told: len(_recipients(mail)) == 2),
    "without_sender_name": ("without a name", lambda mail, told: mail.parties[0].name == ""),
}


def _asked(mail: Interaction, told: EmailMessage) -> bool:
    asked = [address for _, address in email.utils.getaddresses(told.get_all("reply-to", [])) if address]
    return list(mail.facts.get("reply_to", [])) == asked


# Where several parsers agree


def consensus(folder: Path) -> Cases:
    """Real mails, and in each field what three other parsers agree upon."""
    lines = (folder / "_oracle" / "consensus.jsonl").read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, lines):
        mail = read(folder / row["file"])
        yield Case(row["file"], "; ".join(_disagreements(mail, row["values"])))


def _disagreements(mail: Interaction, values: dict[str, Any]) -> Iterator[str]:
    author = mail.parties[0].handle
    found = {
        "from": [author.value.lower()] if author else [],
        "subject": mail.subject,
        "mid": f"<{mail.facts.get('message_id', '')}>",
        "date": int(mail.occurred_at.replace(tzinfo=UTC).timestamp()) if mail.occurred_at else None,
        "to and cc": sorted({one.lower() for one in _recipients(mail)} - {""}),
    }
    expected = dict(values)
    if {"to", "cc"} <= values.keys():
        expected["to and cc"] = sorted({one.lower() for one in [*values["to"], *values["cc"]]})
    if "from" in expected:
        expected["from"] = [one.lower() for one in expected["from"]]
    for name in ("from", "subject", "mid", "date", "to and cc"):
        lost = name in expected and "\ufffd" in str(expected[name])
        if name in expected and not lost and expected[name] is not None and found[name] != expected[name]:
            yield f"{name}: {str(found[name])[:150]!r} instead of {str(expected[name])[:150]!r}"
