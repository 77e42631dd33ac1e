"""THE STORY of recording: a batch of interactions, in one transaction, in one order of locks.

A single event is a batch of one. Rows are deduplicated and sorted by unique key before they are written, so
that two processes cannot deadlock. The caller commits; only then may anything be acknowledged.
"""

from collections.abc import Iterable, Sequence

import msgspec
from sqlmodel import Session

from kinline import blobs, clock
from kinline.identity.meeting import meet, remember_aliases
from kinline.identity.parties import Who, who
from kinline.jobs import queue
from kinline.messages import Applied, Deletion, Interaction, Profile, Receipt, Ticket
from kinline.record import echoes, mirrors, profiles, receipts, tickets
from kinline.record.chains import BY_TOKEN
from kinline.record.deletions import alone, bury_waiting, delete, settle
from kinline.record.interests import Interests
from kinline.record.own_side import marked
from kinline.record.prepare import PreparedRecording, keepable, participant_rows, prepare, row
from kinline.record.recording import Outcome, Recording
from kinline.record.reply_tokens import resolved
from kinline.record.versions import again, conflict
from kinline.scoring.judging import worth_judging
from kinline.store import sql
from kinline.store.models import Copy, FileRow, InteractionRow, Participant, metadata
from kinline.threads.place import place
from kinline.waiting import keep as waiting
from kinline.waiting import rules
from kinline.words import Direction, ItemState, Kind, Origin, Role

_COPY = metadata.tables[str(Copy.__tablename__)]
_INTERACTION = metadata.tables[str(InteractionRow.__tablename__)]
_PARTICIPANT = metadata.tables[str(Participant.__tablename__)]
_ATTACHMENT = metadata.tables[str(FileRow.__tablename__)]
PROOF_MARK = "kl1_"


def record_batch(session: Session, recordings: Sequence[Recording]) -> list[Outcome]:
    """Record these, and say for each what became of it, in their order."""
    kept, outcomes = echoes.known(session, resolved(session, [_kept(each) for each in marked(session, recordings)]))
    profiles.alone(session, kept)
    alone(session, kept)
    batch = {
        n: prepare(each) for n, each in enumerate(kept) if isinstance(each.what, Interaction) and n not in outcomes
    }
    outcomes |= _refused(session, batch)
    batch = {n: ready for n, ready in batch.items() if n not in outcomes}
    _meet(session, batch.values(), kept)
    joined = _place(session, list(batch.values()))
    outcomes |= _record(session, batch)
    fresh = [ready for n, ready in batch.items() if outcomes[n] == Outcome(ItemState.RECORDED, ready.id)]
    for number, recording in sorted(enumerate(kept), key=lambda entry: _order(entry[1])):
        if number not in outcomes:
            outcomes[number] = _other(session, recording)
    pending = waiting.keep(session, [_said(each) for each in fresh], joined, _changed(outcomes, kept))
    _tell_desks(session, pending, fresh)
    _wake(session, fresh, [ready for n, ready in batch.items() if outcomes[n].revised])
    return [outcomes[number] for number in range(len(kept))]


def _kept(recording: Recording) -> Recording:
    """What is no interaction as both databases can keep it; interactions are seen to when they are prepared."""
    what = recording.what
    return recording if isinstance(what, Interaction) else msgspec.structs.replace(recording, what=keepable(what))


def _refused(session: Session, batch: dict[int, PreparedRecording]) -> dict[int, Outcome]:
    """Those that must be the first of their id and are not: of them nothing is kept, not even who wrote."""
    exclusive = {n: ready for n, ready in batch.items() if ready.recording.exclusive}
    ids: Iterable[str] = sorted({ready.id for ready in exclusive.values()})
    known: dict[str, set[str]] = {}
    for statement in (
        "SELECT id, content_hash FROM interaction WHERE id {in}",
        "SELECT interaction_id, content_hash FROM revision WHERE interaction_id {in}",
    ):
        for interaction, digest in sql.select_in(session, statement, ids):
            known.setdefault(interaction, set()).add(digest)
        ids = sorted(known)  # no others have revisions
    refused = {}
    for number, ready in exclusive.items():
        if ready.content_hash not in known.setdefault(ready.id, {ready.content_hash}):
            refused[number] = conflict(ready)
    return refused


def _meet(session: Session, batch: Iterable[PreparedRecording], recordings: Iterable[Recording]) -> None:
    """Make everybody's identities at once, in one order, with the aliases seen beside them."""
    lines = [(line, ready.sort_at) for ready in batch for line in ready.lines]
    for recording in recordings:
        lines += [(line, recording.arrived_at) for line in _named(recording)]
    aliases = [(line.party, at) for line, at in lines if line.party.also]
    meet(session, lines)
    if aliases:
        remember_aliases(session, aliases)


def _named(recording: Recording) -> list[Who]:
    """Whom something names that is no interaction."""
    match recording.what:
        case Receipt():
            return receipts.recipient(recording.what)
        case Profile():
            return profiles.lines(recording.what)
        case Applied(names=names) | Ticket(names=names):
            return who(Interaction(source_id="-", kind=Kind.UNKNOWN, direction=Direction.AMONG, parties=names))
    return []


def _place(session: Session, batch: list[PreparedRecording]) -> list[tuple[str, str]]:
    """Put them into conversations; what was known under another key stays under it. Returns what was joined."""
    placed = place(session, [ready.chain for ready in batch if ready.chain])
    for ready in batch:
        if ready.chain and ready.id in placed.keys:
            keys = (placed.keys[ready.id], *ready.chain.keys[1:])
            ready.chain = msgspec.structs.replace(ready.chain, keys=keys)
    return placed.joined


def _record(session: Session, batch: dict[int, PreparedRecording]) -> dict[int, Outcome]:
    everything = list(batch.values())
    first = _first_copies(session, everything)
    brought = [ready for ready in everything if id(ready) in first]
    new = _write(session, brought)
    outcomes = {n: Outcome(ItemState.RECORDED, ready.id) for n, ready in batch.items() if id(ready) in new}
    for number, ready in sorted(batch.items(), key=lambda entry: (entry[1].id, entry[0])):
        if number not in outcomes:
            outcomes[number] = again(session, ready)
    revised = [ready for n, ready in batch.items() if outcomes[n].revised]
    _keep_files(session, [ready for ready in everything if id(ready) in new] + revised)
    bury_waiting(session, [(ready.recording.account.id, ready.what.source_id, ready.id) for ready in brought])
    settle(session, [ready.id for ready in brought if id(ready) not in new] + [ready.id for ready in revised])
    return outcomes


def _first_copies(session: Session, batch: list[PreparedRecording]) -> set[int]:
    """Write the copies; tell which of the batch brought a copy that was not there."""
    unique: dict[tuple[str, str], PreparedRecording] = {}
    for ready in batch:
        unique.setdefault(ready.copy_key, ready)
    now = clock.now()
    rows = [(*key, unique[key].id, now, None) for key in sorted(unique)]
    new = sql.insert_new(session, _COPY, rows, 2)
    return {id(ready) for key, ready in unique.items() if key in new}


def _write(session: Session, batch: list[PreparedRecording]) -> set[int]:
    """Write the interactions with their participants; tell which were new (not just a new copy)."""
    by_id: dict[str, PreparedRecording] = {}
    for ready in sorted(batch, key=lambda ready: ready.id):
        by_id.setdefault(ready.id, ready)
    now = clock.now()
    rows = [row(each, now) for each in by_id.values()]
    new = {interaction for (interaction,) in sql.insert_new(session, _INTERACTION, rows, 1)}
    lines = (line for ready in by_id.values() if ready.id in new for line in participant_rows(ready))
    sql.insert(session, _PARTICIPANT, sorted(lines))
    return {id(ready) for ready in by_id.values() if ready.id in new}


def _keep_files(session: Session, batch: list[PreparedRecording]) -> None:
    files = [
        (ready.id, number, file)
        for ready in batch
        for number, file in enumerate(ready.what.attachments)
        if file.content
    ]
    hashes = blobs.put_all(session, [(file.content, file.media_type) for _, _, file in files])
    rows = [
        (interaction, number, digest, file.name[:255], file.media_type)
        for (interaction, number, file), digest in zip(files, hashes, strict=True)
    ]
    sql.insert(session, _ATTACHMENT, sorted(rows))


def _said(ready: PreparedRecording) -> waiting.Said:
    what = ready.what
    bears = not what.automatic and what.kind in (*rules.ANSWERING, Kind.REACTION)
    key = None if what.kind is Kind.NOTE else ready.thread_key
    return waiting.Said(ready.id, key, ready.sort_at, bears)


def _tell_desks(session: Session, pending: Iterable[str], fresh: Iterable[PreparedRecording]) -> None:
    """Where one of us answered here, in a conversation that lives at a desk elsewhere, it is their turn there too."""
    ours = {ready.thread_key for ready in fresh if ready.recording.origin is Origin.OURS and ready.thread_key}
    if not ours:
        return
    rows = sql.select_in(
        session,
        "SELECT DISTINCT c.id, c.channel FROM thread_key k JOIN conversation c ON c.id = k.conversation_id WHERE k.id {in}",
        sorted(ours),
    )
    here = dict(rows)
    for conversation in pending:
        if mirrors.is_desk(here.get(conversation, "")):
            mirrors.plan_state(session, conversation, by="")


def _changed(outcomes: dict[int, Outcome], kept: Sequence[Recording]) -> Iterable[str]:
    """What was edited or deleted."""
    for number, outcome in outcomes.items():
        deleted = isinstance(kept[number].what, Deletion) and outcome.state is ItemState.RECORDED
        if outcome.interaction_id and (outcome.revised or deleted):
            yield outcome.interaction_id


def _order(recording: Recording) -> tuple[str, ...]:
    """What is no interaction is written after them, in this order."""
    what = recording.what
    if isinstance(what, Deletion | Receipt | Profile):
        return type(what).__name__, recording.account.id, what.source_id
    return (type(what).__name__,)


def _other(session: Session, recording: Recording) -> Outcome:
    """What becomes of a recording that is no interaction."""
    match recording.what:
        case Deletion():
            return delete(session, recording)
        case Receipt():
            return receipts.record(session, recording)
        case Applied(reason=reason):
            return Outcome(ItemState.APPLIED, None, reason)
        case Ticket():
            return tickets.tell(session, recording)
        case Profile():
            return profiles.tell(session, recording)
    raise TypeError(f"{type(recording.what).__name__} is nothing to record")


def _wake(session: Session, new: list[PreparedRecording], revised: list[PreparedRecording]) -> None:
    """Plan a look at the people whom a trigger may concern; an interaction that concerns none plans nothing.

    Where a trigger looks at how words are judged, the scorer is asked first, and who is concerned is looked at then.
    """
    if not new and not revised:
        return
    interests = Interests.current(session)
    first = {ready.id: ready for ready in [*new, *revised] if _judged_first(interests, ready)}
    concerned = [ready for ready in new if ready.id not in first and interests.concern(ready)]
    queue.plan(session, "person.decide", [news for ready in concerned for news in _people(ready)])
    awaited = [(ready.id, ready.sort_at) for ready in first.values() if interests.concern(ready)]
    queue.plan(session, "interaction.score", awaited)
    always = [*new, *revised] if interests.scoring == "always" else []
    others = [*first, *(ready.id for ready in always if _says_something(ready))]
    queue.plan(session, "interaction.score", sorted(set(others) - {interaction for interaction, _ in awaited}))
    proofs = [ready.id for ready in new if _may_prove(ready)]
    queue.plan(session, "proof.check", proofs)


def _judged_first(interests: Interests, ready: PreparedRecording) -> bool:
    what = ready.what
    return bool(what.text or what.subject) and interests.judge_first(
        what.kind, what.direction, ready.recording.account.channel
    )


def _says_something(ready: PreparedRecording) -> bool:
    what = ready.what
    return worth_judging(what.text, what.subject, what.kind, what.direction)


def _may_prove(ready: PreparedRecording) -> bool:
    """Whether it brings back something that was given to somebody: a one-time link, a reply token."""
    back = PROOF_MARK in ready.what.text or BY_TOKEN in ready.what.facts
    return back and ready.recording.origin is Origin.LIVE


def _people(ready: PreparedRecording) -> Iterable[tuple[str, int]]:
    """Whom to look at, and from when on."""
    lines = (line for line in ready.lines if line.identity_id and line.party.role is not Role.READER)
    return ((str(line.identity_id), ready.sort_at) for line in lines)
