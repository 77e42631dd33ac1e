"""Reports of the mail system about what we sent (RFC 3464, 5965, 8098), and old bounces without a form.

A report makes an interaction that says what failed, and a `Receipt` for each recipient *if* it quotes a
Message-ID of ours: everybody can write us a bounce for a mail we never sent (backscatter). Bounces that
follow no standard are read by flufl.bounce as a second opinion.
"""

import email
import logging
import re
from datetime import datetime
from email.policy import compat32

import msgspec
from flufl.bounce import all_failures

from kinline import Receipt
from kinline_email import charsets, headers, message_ids
from kinline_email.addresses import Mailbox, handle_of
from kinline_email.automatic import has_null_sender, is_daemon
from kinline_email.headers import Headers
from kinline_email.mime import Part

MAX_RECIPIENTS = 500
MAX_SCAN = 200_000  #: bytes that the second opinion may look at
MAX_WORDS = 5_000  #: characters of a report that follows no form
MAX_DIAGNOSTIC = 1_000

_REPORTS = {
    "message/delivery-status": "delivery",
    "message/global-delivery-status": "delivery",
    "message/feedback-report": "complaint",
    "message/disposition-notification": "read",
}
#: RFC 3464 section 2.3.3: what was done, and what we call it.
_ACTIONS = {
    "failed": "bounced",
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "relayed",
    "expanded": "delivered",
}
#: What mailers say in the subject of a report, in the languages of Exchange and of the common mail servers.
_SUBJECT = re.compile(
    r".{0,40}(?:undeliver|delivery (?:status|failure|has failed|problem|report|error|notification)|failure notice|"
    r"mail (?:delivery )?fail|failed mail|returned mail|delivery failed|non.?deliver|returned to sender|"
    r"could not be delivered|warning: message|mail system error|error sending|.{0,80}user unknown|"
    r"unzustellbar|nicht zugestellt|nicht zustellbar|zustellung fehlgeschlagen|non remis|non distribuable|"
    r"échec de (?:la )?(?:remise|distribution)|non délivré|no se (?:puede|pudo|ha podido) entregar|"
    r"no entregado|error de entrega|impossibile recapitare|mancato recapito|non recapitabile|"
    r"não (?:é possível|foi possível) entregar|não entregue|falha na entrega|onbestelbaar|niet bezorgd|"
    r"ej levererbart|kan inte levereras|kunne ikke leveres|kan ikke leveres|uleverbar|"
    r"nie można dostarczyć|niedostarcz|nedoručiteln|teslim edilemedi|недоставлен|не доставлен|не удалось доставить|"
    r"配信不能|配信できません|未送达|无法投递|退信|无法传递)"
    r"|.{0,300}\((?:mail )?delivery failed\)\s*",
    re.IGNORECASE,
)
#: What a status ends with that is about this mail or this moment, even where it begins with 5.
_PASSING = (".2.2", ".2.3", ".3.4")
#: What an SMTP server answered, with its RFC 3463 status: ``550 5.1.1``, ``550-5.7.1``, qmail's ``#5.1.1``.
_ANSWER = re.compile(rb"(?:\b[245]\d\d[ -]|#)#?([245]\.\d{1,3}\.\d{1,3})\b")
_ADDRESS = re.compile(r"(?<![\w.+=@-])[\w.+=-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}(?![\w@-])")
#: Where a copy of what was sent begins in a report without parts.
_COPY = re.compile(
    r"^(?:[\s>*=_-]{0,20}(?:below|this is|the following is|original message|returned message|a copy of|included is|"
    r"message headers?|hier|unten).{0,80}(?:copy|message|header|kopie|nachricht)|(?:received|return-path|message-id|subject):)",
    re.IGNORECASE | re.MULTILINE,
)
_STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")

logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # it logs what it throws, and we catch that


class Failed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one recipient."""

    address: str
    report: str = "bounced"
    action: str = "failed"
    status: str = ""  #: RFC 3463, as 5.1.1
    diagnostic: str = ""

    @property
    def permanent(self) -> bool:
        """Whether to write there again: never after a complaint, and not after a failure that is for good.

        A full mailbox, a mail that was too large and a rule of the other side against us or this mail (RFC 3463: X.2.2,
        X.2.3, X.3.4, X.7.X) say nothing of the mailbox.
        """
        passing = self.status.startswith("4") or self.status.endswith(_PASSING) or self.status[1:3] == ".7"
        return self.report == "complained" or (self.report == "bounced" and not passing)


class Report(msgspec.Struct, frozen=True):
    """A report: why the mail is automatic, what it says of whom, and which of our mails it is about."""

    automatic: str
    failed: tuple[Failed, ...]
    original: str = ""  #: Message-ID, without brackets

    def receipts(self, at: datetime | None) -> list[Receipt]:
        """One for each recipient; none if the report is about no mail of ours."""
        if not message_ids.is_ours(self.original):
            return []
        return [
            Receipt(
                source_id=message_ids.source_id_of_ours(self.original),
                report=one.report,
                occurred_at=at,
                recipient=handle_of(one.address),
                permanent=one.permanent,
                detail=f"{one.status} {one.diagnostic}".strip(),
            )
            for one in self.failed
        ]


def read(root: Part, subject: str, author: Mailbox | None) -> Report | None:
    """What this mail reports, or None where it is no report."""
    machine = has_null_sender(root.headers) or is_daemon(author)
    parts = list(root.walk())
    for part in parts:
        if part.media_type in _REPORTS:
            return _report(part, parts, _REPORTS[part.media_type])
    if not (machine or root.media_type == "multipart/report" or _SUBJECT.match(subject)):
        return None
    failed = _second_opinion(root)
    if not failed:
        if not (machine and _SUBJECT.match(subject)):
            return None
        failed = _only_one_named(root, parts)
    return Report(_automatic("delivery", failed) if failed else "bounce", failed, _original(root, parts))


def _report(part: Part, parts: list[Part], sort: str) -> Report:
    blocks = _blocks(part)
    if sort == "delivery":
        found = {(one.address, one.report): one for one in map(_recipient, reversed(blocks)) if one}
        failed = tuple(reversed(found.values()))[:MAX_RECIPIENTS] or _second_opinion(parts[0])
    else:
        failed = _one_event(blocks[0] if blocks else Headers(), sort)
    return Report(_automatic(sort, failed), failed, _original(parts[0], parts, blocks))


def _automatic(sort: str, failed: tuple[Failed, ...]) -> str:
    if sort == "complaint":
        return "complaint"
    if sort == "read" and not any(one.report == "bounced" for one in failed):
        return "read-receipt"
    return "bounce" if not failed or any(one.report == "bounced" for one in failed) else "delivery-report"


def _blocks(part: Part) -> list[Headers]:
    """The groups of fields of a status part. Some mailers cut them as parts, some encode them."""
    data = b"\n\n".join(child.raw for child in part.children) if part.children else part.content
    found = []
    for block in re.split(rb"\n[ \t]*\n", data.replace(b"\r\n", b"\n").strip())[: MAX_RECIPIENTS + 1]:
        block = block.strip(b"\n")
        found.append(headers.read(block, 0, len(block), set())[0])
    return found


def _recipient(block: Headers) -> Failed | None:
    address = _typed(block.get("original-recipient")) or _typed(block.get("final-recipient"))
    if not address:
        return None
    action = block.get("action").lower().partition(" ")[0] or "failed"
    diagnostic = charsets.one_line(block.get("diagnostic-code"), MAX_DIAGNOSTIC)
    status = _STATUS.search(block.get("status")[:200]) or _STATUS.search(diagnostic)
    return Failed(address, _ACTIONS.get(action, "bounced"), action, status[0] if status else "", diagnostic)


def _typed(value: str) -> str:
    """The address of ``rfc822; ann@example.org``, also in brackets."""
    _, semicolon, address = value.partition(";")
    return charsets.one_line(address if semicolon else value, 320).strip("<> ")


def _one_event(block: Headers, sort: str) -> tuple[Failed, ...]:
    """The one recipient of a complaint (RFC 5965) or of a read receipt (RFC 8098)."""
    address = _typed(block.get("original-rcpt-to")) or _typed(block.get("original-recipient"))
    address = address or _typed(block.get("final-recipient"))
    if sort == "complaint":
        return (Failed(address, "complained", block.get("feedback-type").lower()[:60] or "abuse"),) if address else ()
    mode, _, done = block.get("disposition").lower().rpartition(";")
    action = done.strip()[:60]
    if action.startswith("deleted") and mode.lstrip().startswith("automatic-action"):
        return (Failed(address, "bounced", action),) if address else ()  # a Sieve "reject" (RFC 5429) says so
    return (Failed(address, "read" if action.startswith("displayed") else "delivered", action),) if address else ()


def _original(root: Part, parts: list[Part], blocks: list[Headers] | None = None) -> str:
    """The Message-ID of what the report is about: stated, in the copy that came along, or somewhere in the text."""
    stated = [value for block in blocks or [] for value in block.all("original-message-id")]
    for part in parts:
        if part.is_message:
            stated += [value for child in part.children for value in child.headers.all("message-id")]
        elif part.media_type == "text/rfc822-headers":
            block = part.content
            stated += headers.read(block, 0, len(block), set())[0].all("message-id")
    for value in stated:
        found = message_ids.keys(value)
        if found:
            return found[0]
    return message_ids.find_ours(root.raw[:MAX_SCAN].decode("utf-8", "replace"))


def _second_opinion(root: Part) -> tuple[Failed, ...]:
    """What flufl.bounce reads out of it. Its detectors trust the mail, so whatever they throw is "nothing found"."""
    if "x-failed-recipients" in root.headers:
        listed = root.headers.get("x-failed-recipients")[: headers.MAX_VALUE].split(",")
        return _with_answer(root, [Failed(one.strip()) for one in listed if one.strip()][:MAX_RECIPIENTS])
    lines = [line[:2000] for line in root.data[:MAX_SCAN].split(b"\n")]
    try:
        mail = email.message_from_bytes(b"\n".join(lines), policy=compat32)
        if not mail["from"]:
            del mail["from"]
            mail["from"] = "mailer-daemon@localhost"  # without one, the detector for Yale stops all after it
        temporary, permanent = all_failures(mail)
    except Exception:  # seventeen detectors of a library over hostile text; the mail is recorded all the same
        return ()
    delayed = [Failed(_address(one), "delayed", "delayed") for one in sorted(temporary)]
    failed = [Failed(_address(one)) for one in sorted(permanent)]
    return _with_answer(root, [*failed, *delayed][:MAX_RECIPIENTS])


def _only_one_named(root: Part, parts: list[Part]) -> tuple[Failed, ...]:
    """The only foreign address that the words of a mail system name, above a copy of our mail; nobody if there are two."""
    said = next((part.text for part in parts if part.media_type == "text/plain" and not part.filename), "")
    words = _COPY.split(said[:MAX_WORDS], maxsplit=1)[0]
    ours = {
        one.lower() for field in ("from", "to", "cc") for one in _ADDRESS.findall(root.headers.get(field)[:MAX_WORDS])
    }
    named = {one.lower(): one for one in _ADDRESS.findall(words)}
    found = [one for lower, one in named.items() if lower not in ours and not is_daemon(Mailbox("", lower))]
    return _with_answer(root, [Failed(found[0])]) if len(found) == 1 else ()


def _with_answer(root: Part, failed: list[Failed]) -> tuple[Failed, ...]:
    """The status that the text quotes, where it can only be about the one recipient."""
    answer = _ANSWER.search(root.data[:MAX_SCAN]) if len(failed) == 1 else None
    if answer:
        return (msgspec.structs.replace(failed[0], status=answer[1].decode("ascii")),)
    return tuple(failed)


def _address(found: bytes | str) -> str:
    return charsets.one_line(charsets.guess(found) if isinstance(found, bytes) else found, 320).strip("<> ")
