"""From an interaction as a channel saw it to rows, without looking at the database."""

from datetime import datetime
from hashlib import blake2b, sha256
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from kinline import clock, ids
from kinline.identity.parties import Who, author_of, described, who
from kinline.messages import Applied, Deletion, Interaction, Profile, Receipt, Ticket
from kinline.record.chains import chain_of
from kinline.record.recording import Recording
from kinline.threads.chain import Chain
from kinline.words import Direction, Kind, Role, Standing

#: Longer texts are cut in the store; the raw bytes are kept whole.
MAX_TEXT = 1_000_000
#: Bytes of a source id; PostgreSQL's indexes end at 2,700. Of a longer one the beginning and a hash are kept.
MAX_SOURCE_ID = 600
Given = TypeVar("Given", bound=Interaction | Deletion | Applied | Receipt | Ticket | Profile)
_encoder, _shown = msgspec.json.Encoder(order="sorted"), msgspec.json.Encoder()
_NUL, _also = b"\\u0000", attrgetter("also")


class PreparedRecording(msgspec.Struct):
    """The rows of one interaction, and its place in a conversation."""

    recording: Recording
    what: Interaction
    id: str
    sort_at: int
    occurred_at: int | None
    changed_at: int | None
    content_hash: str
    doc: str
    html: str
    lines: list[Who]
    chain: Chain | None

    @property
    def author_id(self) -> str | None:
        """The author's identity, where they have one."""
        author = author_of(self.lines)
        return author.identity_id if author else None

    @property
    def answers_id(self) -> str | None:
        account, answers = self.recording.account, self.what.answers
        return interaction_id(account.channel, account.instance, answers) if answers else None

    @property
    def thread_key(self) -> str | None:
        """The key under which it stands in its conversation."""
        return self.chain.own if self.chain else None

    @property
    def copy_key(self) -> tuple[str, str]:
        return self.what.source_id, self.recording.account.id


def interaction_id(channel: str, instance: str, source_id: str) -> str:
    return ids.derived("interaction", channel, instance, source_id)


def prepare(recording: Recording) -> PreparedRecording:
    """Everything about it that needs no database. Its ``what`` is an interaction."""
    what, digest = _kept(recording.what)
    account = recording.account
    occurred = _within(what.occurred_at)
    lines = _in_our_words(what)
    own = interaction_id(account.channel, account.instance, what.source_id)
    return PreparedRecording(
        recording=recording,
        what=what,
        id=own,
        sort_at=recording.arrived_at if occurred is None else occurred,
        occurred_at=occurred,
        changed_at=_within(what.changed_at),
        content_hash=digest,
        doc=_shown.encode(_doc(what, lines, occurred)).decode(),
        html=what.html[:MAX_TEXT],
        lines=lines,
        chain=chain_of(recording, what, lines, own),
    )


def _in_our_words(what: Interaction) -> list[Who]:
    """Who took part. A word that is none of ours raises `ValueError`: no type checks what a foreign channel gives."""
    if type(what.kind) is not Kind or type(what.direction) is not Direction:
        Kind(what.kind), Direction(what.direction)
    lines = who(what)
    for line in lines:
        party = line.party
        if type(party.role) is not Role or type(party.standing) is not Standing:
            Role(party.role), Standing(party.standing)
    return lines


def _kept(what: Any) -> tuple[Interaction, str]:
    """An interaction as both databases can keep it, and the hash of its content, encoded once where it may be."""
    try:
        said = _said(what)
    except UnicodeEncodeError:
        said = _NUL
    if _NUL in said or any(map(_also, what.parties)) or _too_long(what):
        what = keepable(what)
        said = _said(what)
    return what, blake2b(said, digest_size=16).hexdigest()


def _said(what: Interaction) -> bytes:
    """What was said and by whom: the same for every copy of one version.

    Aliases and standing are left out: they change without anything having been said anew; so are hidden recipients, who
    stand in the sender's copy alone, and who may read it. Of what happens once, its id says all.
    """
    if what.once:
        return _encoder.encode(what.source_id)
    parties = tuple(
        [msgspec.structs.replace(each, also=(), standing=Standing.CLAIMED) for each in what.parties if not each.hidden]
    )
    thread = what.thread
    if thread is not None and (thread.private or thread.claimed):
        thread = msgspec.structs.replace(thread, private=False, claimed=False)
    return _encoder.encode(msgspec.structs.replace(what, changed_at=None, parties=parties, thread=thread))


def keepable(what: Given) -> Given:
    """What was given as both databases can keep it: no U+0000, no lone surrogate, no endless source id."""
    try:
        whole = _NUL not in _encoder.encode(what)
    except UnicodeEncodeError:
        whole = False
    if not whole:
        what = msgspec.convert(_mended(msgspec.to_builtins(what, builtin_types=(bytes, datetime))), type(what))
    if isinstance(what, Interaction):
        return msgspec.structs.replace(what, source_id=short_id(what.source_id), answers=short_id(what.answers))
    return (
        what
        if isinstance(what, Applied | Ticket)
        else msgspec.structs.replace(what, source_id=short_id(what.source_id))
    )


def _too_long(what: Interaction) -> bool:
    """Whether an id may be. A character takes four bytes at most."""
    return max(len(what.source_id), len(what.answers)) > MAX_SOURCE_ID // 4


def short_id(source_id: str) -> str:
    """An id that fits into every index; two that differ anywhere stay two."""
    raw = source_id.encode()
    return source_id if len(raw) <= MAX_SOURCE_ID else f"{source_id[:100]}…{sha256(raw).hexdigest()}"


def _mended(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
        case dict():
            return {_mended(name): _mended(each) for name, each in value.items()}
        case list() | tuple():
            return [_mended(each) for each in value]
    return value


def row(ready: PreparedRecording, recorded_at: int) -> tuple[Any, ...]:
    """The interaction's row, in the order of its table."""
    what, recording, account = ready.what, ready.recording, ready.recording.account
    return (
        ready.id, account.channel, account.instance, what.source_id, what.kind, what.direction,
        recording.origin, ready.occurred_at, ready.sort_at, what.sequence, recorded_at, ready.changed_at,
        ready.content_hash, ready.thread_key,
        ready.answers_id, ready.author_id, what.automatic, what.moderation, ready.doc, ready.html,
        0, None, recording.followup_id, recording.intake_id, recording.position,
    )  # fmt: skip


def participant_rows(ready: PreparedRecording, place: tuple[Any, ...] | None = None) -> list[tuple[Any, ...]]:
    """The timeline's lines. ``place``: sort_at, sequence, kind and direction of the version that is shown."""
    what = ready.what
    sort_at, sequence, kind, direction = place or (ready.sort_at, what.sequence, what.kind, what.direction)
    channel = ready.recording.account.channel
    return [
        (line.identity_id, sort_at, sequence, ready.id, line.party.role, channel, kind, direction, line.party.standing)
        for line in ready.lines
        if line.identity_id
    ]


def _doc(what: Interaction, lines: list[Who], occurred: int | None) -> dict[str, Any]:
    """What the timeline shows of it, empty words left out."""
    open_ones = [line for line in lines if not line.party.hidden]
    hidden = sorted((line for line in lines if line.party.hidden), key=lambda line: str(line.party.handle))
    shown: dict[str, Any] = {"parties": [described(line) for line in (*open_ones, *hidden)]}
    flags = list(what.flags)
    if occurred is None:
        flags.append("time_unknown")
    words = {"subject": what.subject, "text": what.text[:MAX_TEXT], "language": what.language, "url": what.url,
             "about": what.about, "answers": what.answers, "flags": flags, "facts": what.facts}  # fmt: skip
    shown |= {name: value for name, value in words.items() if value}
    if what.attachments:
        shown["attachments"] = [_file(each) for each in what.attachments]
    return shown


def _file(file: Any) -> dict[str, Any]:
    shown = {"name": file.name, "media_type": file.media_type, "size": file.size or len(file.content)}
    if file.content:
        shown["sha256"] = sha256(file.content).hexdigest()
    return shown | ({"note": file.note} if file.note else {})


def _within(moment: Any) -> int | None:
    """Microseconds, or None for a time that no interaction can have."""
    if moment is None:
        return None
    at = clock.from_datetime(moment)
    return at if clock.EARLIEST <= at <= clock.LATEST else None
