"""How a mail is kept that was not read from a file: its bytes, and beside them how it came to us.

What came over an authenticated connection out of our own folder of sent mail is ours for sure; a mail that was too
large is there with its header fields only; one that a server would not give is set aside with the server's words.
"""

import io
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import msgspec

from kinline import Broken, Interaction, Item, Source, Unreadable
from kinline_email import inbound, split
from kinline_email.settings import EmailSettings

RFC822 = "message/rfc822"
#: Names in `Source.headers`.
SENT, LEFT_OUT, LOST, PAST = "kinline-sent", "kinline-left-out", "kinline-lost", "kinline-past"


class Piece(NamedTuple):
    """A body, and how it came."""

    body: bytes
    source: Source


def mail(raw: bytes, *, sent: bool = False) -> Piece:
    return Piece(raw, Source(name="mailbox", media_type=RFC822, headers={SENT: "yes"} if sent else {}))


def header_only(raw: object, size: int, *, sent: bool = False) -> Piece:
    """A mail over the limit. Where even its fields are not to be had it is lost."""
    if not isinstance(raw, bytes) or not raw:
        return lost(f"A mail of {size} bytes", str(raw) or "it has gone")
    headers = {LEFT_OUT: str(size), **({SENT: "yes"} if sent else {})}
    return Piece(raw, Source(name="mailbox", media_type=RFC822, headers=headers))


def lost(where: str, why: str) -> Piece:
    """Nobody can read it now; the quarantine shows where it is and why."""
    told = f"{where}: {why}"[:500]
    return Piece(told.encode("utf-8", "replace"), Source(name="mailbox", media_type="text/plain", headers={LOST: told}))


def past(piece: Piece) -> Source:
    """The source of a piece that is history: its signatures are not checked, for keys change."""
    return msgspec.structs.replace(piece.source, headers={**piece.source.headers, PAST: "yes"})


def parse(raw: BinaryIO, source: Source) -> Iterator[Item | Broken]:
    """Cut a body into mails, each with the form that its way gives it."""
    if source.name == "mailbox" and LOST in source.headers:
        yield Broken(code="not_given", detail=source.headers[LOST])
        return
    for piece in split.split(raw):
        yield _formed(piece, source) if isinstance(piece, Item) and source.name in LIVE else piece


#: Names of sources that came over the network, and not out of a file of history.
LIVE = frozenset({"mailbox", "mail", "webhook"})


def _formed(item: Item, source: Source) -> Item:
    """``live``: its signatures may still be checked. ``sent``, ``header``: see above; only of a mailbox of ours."""
    words = [item.form]
    if PAST not in source.headers or source.name != "mailbox":
        words.append("live")
    if source.name == "mailbox":
        words += [word for word, name in (("sent", SENT), ("header", LEFT_OUT)) if name in source.headers]
    return msgspec.structs.replace(item, form=" ".join(words))


def source_id(piece: Piece, settings: EmailSettings) -> str:
    """As `normalise` would name it; "" for what cannot be read."""
    for item in parse(io.BytesIO(piece.body), piece.source):
        try:
            found = inbound.normalise(item, settings) if isinstance(item, Item) else []
        except Unreadable:
            return ""
        for each in found:
            if isinstance(each, Interaction):
                return each.source_id
    return ""
