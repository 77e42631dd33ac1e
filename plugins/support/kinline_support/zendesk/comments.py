"""A comment of a ticket: who said what to whom."""

from collections.abc import Sequence

from kinline import Attachment, Deletion, Direction, Interaction, Kind, Normalised, Party, Thread, Unreadable
from kinline_support import files
from kinline_support import html as markup
from kinline_support import settings as desk
from kinline_support.decoding import SAFE_DIGITS
from kinline_support.fields import MAX_TEXT, Record, ident, moment, record, rows, text, word
from kinline_support.settings import SupportSettings
from kinline_support.zendesk.sides import SYSTEM, Side, Ticket, author, recipients, side, ticket

MAX_ATTACHMENTS = 200

#: Why a comment of this ``via.channel`` is no person's doing (developer.zendesk.com, “Via types”).
AUTOMATIC = {"rule": "system", "system": "system"}


def of_comment(item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """The interaction that one comment is, or its deletion where its ticket was deleted.

    Raises `Unreadable` (``no_id``) for a comment without an id: it could not be told from its copies.
    """
    said, of, people = record(item.get("comment")), ticket(record(item.get("ticket"))), record(item.get("people"))
    name = ident(said.get("id"))
    if not name:
        raise Unreadable("A comment without an id.", code="no_id")
    if of.deleted:
        return [Deletion(source_id=f"comment:{name}", reason="ticket deleted")]
    return [_interaction(f"comment:{name}", said, of, people, settings)]


def _interaction(name: str, said: Record, of: Ticket, people: Record, settings: SupportSettings) -> Interaction:
    who, private = ident(said.get("author_id")), said.get("public") is False
    found = side(who, of, people, settings, private=private)
    note = private and found.ours
    written, cut = _text(said)
    html, left_out = markup.cleaned(said.get("html_body"))
    at = moment(said.get("created_at"))
    return Interaction(
        source_id=name,
        kind=Kind.NOTE if note else Kind.MESSAGE,
        direction=Direction.OUTBOUND if found.ours else Direction.INBOUND,
        parties=_parties(who, found.ours, note, of, people, settings),
        occurred_at=at,
        changed_at=moment(said.get("updated_at")) or at,
        sequence=_sequence(ident(said.get("id"))),
        subject=of.subject,
        text=written,
        html=html,
        url=desk.page(of.id, settings),
        thread=Thread(key=name, parent=f"ticket:{of.id}", private=True) if of.id else None,
        automatic="system" if who == SYSTEM else AUTOMATIC.get(_via(said), ""),
        attachments=_attachments(said),
        facts=_facts(said, of, private),
        flags=_flags(bad_date=at is None, found=found, of=of, text_cut=cut, html_left_out=left_out),
    )


def _sequence(key: str) -> int:
    """A desk numbers its comments upwards, which orders those of one second."""
    return int(key) if len(key) <= SAFE_DIGITS and key.isascii() and key.isdigit() else 0


def _parties(
    who: str, ours: bool, note: bool, of: Ticket, people: Record, settings: SupportSettings
) -> tuple[Party, ...]:
    """A note has its author and nobody else, so that it never shows as said to the person."""
    first = author(who, ours, people, settings)
    return (first,) if note else (first, *recipients(who, ours, of, people, settings))


def _text(said: Record) -> tuple[str, bool]:
    """What was said, plain, and whether it had to be cut."""
    written = text(said.get("body")) or text(said.get("plain_body")) or markup.plain(said.get("html_body"))
    return written[:MAX_TEXT], len(written) > MAX_TEXT


def _via(said: Record) -> str:
    return word(record(said.get("via")).get("channel"))


def _facts(said: Record, of: Ticket, private: bool) -> dict[str, object]:
    """``ticket``, ``via`` (how it reached the desk) and, for what the requester cannot see, ``private``."""
    found = {"ticket": of.id, "via": _via(said), "private": private}
    return {name: value for name, value in found.items() if value}


def _flags(*, bad_date: bool, found: Side, of: Ticket, **more: bool) -> tuple[str, ...]:
    said = {"bad_date": bad_date, "side_guessed": found.guessed, "ticket_unknown": not of.id, **more}
    return tuple(flag for flag, is_so in said.items() if is_so)


def _attachments(said: Record) -> tuple[Attachment, ...]:
    """Names and sizes, and the files themselves where a connection brought them. Their addresses are keys, and are
    not stored here."""
    found = [file for file in map(record, rows(said.get("attachments"))[:MAX_ATTACHMENTS]) if file]
    return tuple(
        files.attachment(
            file, name=file.get("file_name"), media_type=file.get("content_type"),
            note="deleted" if file.get("deleted") is True else "remote",
        )
        for file in found
    )  # fmt: skip
