"""What a mail says: its text, its HTML to show, and its attachments, chosen from the tree of parts."""

import re
from dataclasses import dataclass, field

from kinline import Attachment
from kinline_email import headers, reply
from kinline_email import html as markup
from kinline_email.mime import Part

MAX_TEXT = 1_000_000  #: characters of text that are kept
_READABLE = frozenset({"text/plain", "text/html", "text/enriched", "text/richtext"})
_ENRICHED = re.compile(r"<[^<>]{0,100}>")

#: What else a mail can carry, told in ``facts["carries"]``. None of it is ever executed or unpacked.
_CARRIES = {
    "application/ms-tnef": "tnef",
    "application/pkcs7-mime": "smime",
    "application/x-pkcs7-mime": "smime",
    "application/pkcs7-signature": "signature",
    "application/x-pkcs7-signature": "signature",
    "application/pgp-signature": "signature",
    "application/pgp-encrypted": "pgp",
    "text/calendar": "calendar",
    "text/x-amp-html": "amp",
    "message/delivery-status": "delivery-status",
    "message/feedback-report": "feedback-report",
    "message/disposition-notification": "read-receipt",
    "message/rfc822": "message",
}


@dataclass
class Body:
    """Text as written (``full``) and without quotations (``visible``), HTML to show, and files."""

    full: str = ""
    visible: str = ""
    unquoted: str = ""  #: without quotations, with the signature
    html: str = ""
    attachments: list[Attachment] = field(default_factory=list)
    carries: tuple[str, ...] = ()


@dataclass
class _Block:
    """One stretch of the mail: as plain text, as HTML, or, as alternatives, both."""

    plain: Part | None = None
    html: Part | None = None


@dataclass
class _Found:
    blocks: list[_Block] = field(default_factory=list)
    files: list[Part] = field(default_factory=list)


def read(root: Part, flags: set[str]) -> Body:
    found = _Found()
    _sort(root, found)
    if not found.blocks:
        found.blocks = [_Block(plain=one) for one in found.files if _is_shown(one)][:1]
    body = Body(
        carries=tuple(dict.fromkeys(_CARRIES[one.media_type] for one in root.walk() if one.media_type in _CARRIES))
    )
    texts = [_text(block, flags) for block in found.blocks]
    body.full = _joined([full for full, _ in texts], flags)
    visible, body.unquoted = reply.read(_joined([seen for _, seen in texts], flags))
    body.visible = visible or body.full
    body.html = _shown(found.blocks, flags)
    body.attachments = [_attachment(one) for one in found.files]
    return body


def _sort(part: Part, found: _Found) -> None:
    if part.media_type == "multipart/alternative":
        _alternatives(part, found)
    elif part.children and not part.is_message:
        for child in part.children:
            _sort(child, found)
    elif part.media_type in _READABLE and part.disposition[0] != "attachment" and not part.filename:
        is_html = part.media_type == "text/html"
        found.blocks.append(_Block(html=part) if is_html else _Block(plain=part))
    elif part.start < part.end or part.filename or part.disposition[0] == "attachment":
        found.files.append(part)


def _is_shown(part: Part) -> bool:
    """A file that mail programs show in place: the text, where the mail has no other."""
    return part.media_type == "text/plain" and part.disposition[0] in ("", "inline")


def _alternatives(part: Part, found: _Found) -> None:
    """One thing said several ways: the first plain text to read, the last HTML to show, the rest as files."""
    block = _Block()
    for child in part.children:
        inner = _Found()
        _sort(child, inner)
        for one in inner.blocks:
            block.plain = block.plain or one.plain
            block.html = one.html or block.html
        found.files += inner.files
    if block.plain or block.html:
        found.blocks.append(block)


def _text(block: _Block, flags: set[str]) -> tuple[str, str]:
    """The whole text of a stretch, and what its HTML does not mark as quoted."""
    plain = _plain(block.plain, flags) if block.plain else ""
    if plain.strip() or block.html is None:
        return plain, plain
    reading = markup.Reading(_bounded(block.html, flags))
    return reading.full, reading.visible or reading.full


def _plain(part: Part, flags: set[str]) -> str:
    text = part.text
    if len(text) > MAX_TEXT:
        flags.add("text_cut")
        text = text[:MAX_TEXT]
    if part.media_type != "text/plain":
        return _ENRICHED.sub("", text.replace("<<", "‹")).replace("‹", "<")
    return _unflowed(text, part) if part.parameters.get("format", "").lower() == "flowed" else text


def _unflowed(text: str, part: Part) -> str:
    """Join what was wrapped for the journey (RFC 3676): lines that end in a space, of the same quoting depth."""
    glue = "" if part.parameters.get("delsp", "").lower() == "yes" else " "
    lines: list[str] = []
    soft = False
    for line in text.split("\n"):
        line = line.removeprefix(" ") if not line.startswith(">") else line
        if soft and not line.startswith(">") and line != "-- ":
            lines[-1] += glue + line.rstrip(" ")
        else:
            lines.append(line if line == "-- " else line.rstrip(" "))
        soft = line.endswith(" ") and line != "-- " and not line.startswith(">")
    return "\n".join(lines)


def _joined(texts: list[str], flags: set[str]) -> str:
    text = "\n\n".join(one.strip("\n").rstrip() for one in texts if one.strip())
    if len(text) > MAX_TEXT:
        flags.add("text_cut")
    return text[:MAX_TEXT]


def _bounded(part: Part, flags: set[str]) -> str:
    if len(part.text) > markup.MAX_HTML:
        flags.add("html_cut")
    return part.text[: markup.MAX_HTML]


def _shown(blocks: list[_Block], flags: set[str]) -> str:
    """HTML to show, where the mail has any. What would hurt the cleaner is left out, and that is noted."""
    if not any(block.html for block in blocks):
        return ""
    out, budget = [], markup.MAX_HTML
    for block in blocks:
        piece = _bounded(block.html, flags) if block.html else block.plain.text[:MAX_TEXT] if block.plain else ""
        budget -= len(piece)
        if budget < 0 or (block.html and not markup.Reading(piece).cleanable):
            flags.add("html_dropped")
            continue
        out.append(markup.cleaned(piece) if block.html else markup.escaped(piece))
    return "\n".join(out)


def _attachment(part: Part) -> Attachment:
    if part.is_message:
        content = part.raw
        subject = headers.decoded(part.children[0].headers.get("subject"), part.flags, 100) if part.children else ""
        name = part.filename or f"{subject.replace('/', '-') or 'message'}.eml"
    else:
        content, name = part.content, part.filename
    media_type = part.media_type[:120]
    return Attachment(name=name, media_type=media_type, content=content, size=len(content))
