"""Versions of an interaction. All are kept; the row shows the current one, the greatest (changed_at, hash).

Whatever order they arrive in, the same one is shown, at the same place, with the same kind and direction.
Everybody whom any version names keeps their line on the timeline.
"""

from typing import Any

import msgspec
from sqlmodel import Session

from kinline.identity.parties import described
from kinline.record.prepare import PreparedRecording, participant_rows
from kinline.record.recording import Outcome
from kinline.store import sql
from kinline.store.documents import read_document
from kinline.store.models import Participant, Revision, metadata
from kinline.threads.chain import key_of
from kinline.words import ItemState, Standing

_REVISION = metadata.tables[str(Revision.__tablename__)]
_PARTICIPANT = metadata.tables[str(Participant.__tablename__)]
NEVER = -(2**62)
#: What a version decides about the interaction's row, in the order of `Revision` after its key.
SHOWN = (
    "changed_at, kind, direction, automatic, moderation, occurred_at, sort_at, sequence, thread_key_id, author_id, "
    "answers_id, doc, html"
)


def again(session: Session, ready: PreparedRecording) -> Outcome:
    """Something with a known source id came again: a duplicate if we know this version, else another one."""
    if not sql.on_sqlite(session):  # two versions that come at once would not see each other
        sql.run(session, "SELECT 1 FROM interaction WHERE id = {p} FOR UPDATE", ready.id)
    shown, ours = sql.run(session, "SELECT content_hash, followup_id FROM interaction WHERE id = {p}", ready.id)[0]
    if ours:
        # What we sent and stored is the truth; an echo of it (a sent folder, a webhook) adds nothing.
        return Outcome(ItemState.DUPLICATE, ready.id)
    known = _known(session, ready.id)
    new = ready.content_hash not in known
    if new and ready.recording.exclusive:
        return conflict(ready)
    if ready.recording.followup_id:
        statement = "UPDATE interaction SET followup_id = {p} WHERE id = {p}"
        sql.changed(session, statement, ready.recording.followup_id, ready.id)
    if new:
        _keep(session, ready)
    elif (known[ready.content_hash] or NEVER) < (ready.changed_at or NEVER):
        _said_again(session, ready)
    else:
        _vouch(session, ready)
        return Outcome(ItemState.DUPLICATE, ready.id)
    current = _show_current(session, ready) if new or len(known) > 1 else shown
    _vouch(session, ready)
    if new or current != shown:
        return Outcome(ItemState.RECORDED, ready.id, "another version", revised=True)
    return Outcome(ItemState.DUPLICATE, ready.id, revised=True)


def conflict(ready: PreparedRecording) -> Outcome:
    """What a sender is told who said that nothing of this id can have been recorded before."""
    detail = "This source id was recorded before with other content. Give another one, or changed_at for an edit."
    return Outcome(ItemState.REFUSED, ready.id, detail, "idempotency_conflict")


def newest(session: Session, interaction: str) -> int:
    """When the newest version was made, as far as its source says."""
    return max((NEVER if at is None else at for at in _known(session, interaction).values()), default=NEVER)


def _known(session: Session, interaction: str) -> dict[str, int | None]:
    """The versions we have, by hash, with the source's time of each."""
    rows = sql.run(
        session,
        "SELECT content_hash, changed_at FROM interaction WHERE id = {p} "
        "UNION SELECT content_hash, changed_at FROM revision WHERE interaction_id = {p}",
        interaction,
        interaction,
    )
    return dict(rows)


def _vouch(session: Session, ready: PreparedRecording) -> None:
    """Everybody whom any version names keeps their line; another copy may prove what the first only claimed."""
    statement = "SELECT sort_at, sequence, kind, direction FROM interaction WHERE id = {p}"
    place = sql.run(session, statement, ready.id)[0]
    sql.insert(session, _PARTICIPANT, sorted(participant_rows(ready, place)))
    if any(line.party.hidden for line in ready.lines):
        _show_hidden(session, ready)
    for better, worse in ((Standing.VERIFIED, "('claimed', 'inferred')"), (Standing.INFERRED, "('claimed')")):
        for line in ready.lines:
            if line.identity_id and line.party.standing is better:
                sql.changed(
                    session,
                    "UPDATE participant SET standing = {p} WHERE identity_id = {p} AND sort_at = {p} AND sequence = {p} "
                    f"AND interaction_id = {{p}} AND role = {{p}} AND standing IN {worse}",
                    better, line.identity_id, *place[:2], ready.id, line.party.role,
                )  # fmt: skip


def _show_hidden(session: Session, ready: PreparedRecording) -> None:
    """Who got it hidden stands in the sender's own copy alone: every version shows them, whichever copy came first."""
    hidden = [described(line) for line in ready.lines if line.party.hidden]
    for table, key in (("interaction", "id"), ("revision", "interaction_id")):
        for digest, doc in sql.run(session, f"SELECT content_hash, doc FROM {table} WHERE {key} = {{p}}", ready.id):
            said = msgspec.json.decode(doc)
            known = [party for party in said["parties"] if party.get("hidden")]
            more = [party for party in hidden if party not in known]
            if more:
                others = [party for party in said["parties"] if not party.get("hidden")]
                said["parties"] = others + sorted(known + more, key=lambda party: str(party.get("handle", "")))
                text = msgspec.json.encode(said).decode()
                statement = f"UPDATE {table} SET doc = {{p}} WHERE {key} = {{p}} AND content_hash = {{p}}"
                sql.changed(session, statement, text, ready.id, digest)


def _keep(session: Session, ready: PreparedRecording) -> None:
    """Keep this version beside the others; the first time, put the one shown so far beside it too."""
    sql.run(
        session,
        "INSERT INTO revision (interaction_id, content_hash, recorded_at, intake_id, position, "
        f"{SHOWN}) SELECT id, content_hash, recorded_at, intake_id, position, {SHOWN} FROM interaction "
        "WHERE id = {p} AND revised = 0 ON CONFLICT DO NOTHING",
        ready.id,
    )
    sql.insert(session, _REVISION, [_row(ready)])


def _said_again(session: Session, ready: PreparedRecording) -> None:
    """The source went back to a version it had before (approved, spam, approved): that version is newer now."""
    for statement in (
        "UPDATE revision SET changed_at = {p} WHERE interaction_id = {p} AND content_hash = {p}",
        "UPDATE interaction SET changed_at = {p} WHERE id = {p} AND content_hash = {p}",
    ):
        sql.changed(session, statement, ready.changed_at, ready.id, ready.content_hash)


def _show_current(session: Session, ready: PreparedRecording) -> str:
    """Show the current version; returns its hash. What we sent ourselves is current, whatever came back before."""
    rows = sql.run(
        session,
        f"SELECT content_hash, {SHOWN} FROM revision WHERE interaction_id = {{p}} "
        "ORDER BY CASE WHEN content_hash = {p} THEN 1 ELSE 0 END DESC, coalesce(changed_at, {p}) DESC, content_hash DESC LIMIT 1",
        ready.id, ready.content_hash if ready.recording.followup_id else "", NEVER,
    )  # fmt: skip
    current = dict(zip(["content_hash", *SHOWN.split(", ")], rows[0], strict=True))
    *before, stood_under = sql.run(
        session, "SELECT sort_at, sequence, thread_key_id FROM interaction WHERE id = {p}", ready.id
    )[0]
    if stood_under == key_of(ready.id):  # somebody parted it from its thread
        current["thread_key_id"] = stood_under
    changes = ", ".join(f"{name} = {{p}}" for name in current)
    sql.run(session, f"UPDATE interaction SET revised = 1, {changes} WHERE id = {{p}}", *current.values(), ready.id)
    sql.update_in(
        session,
        "UPDATE participant SET sort_at = {p}, sequence = {p}, kind = {p}, direction = {p} "
        "WHERE sort_at = {p} AND sequence = {p} AND interaction_id = {p} AND identity_id {in}",
        sorted({identity for _, identity in named(session, ready.id)}),
        *(current[name] for name in ("sort_at", "sequence", "kind", "direction")), *before, ready.id,
    )  # fmt: skip
    return str(rows[0][0])


def named(session: Session, interaction: str) -> list[tuple[str, str]]:
    """Roles and identities of everybody whom any version names: those who have a line on a timeline."""
    rows = sql.run(
        session,
        "SELECT doc FROM interaction WHERE id = {p} UNION ALL SELECT doc FROM revision WHERE interaction_id = {p}",
        interaction,
        interaction,
    )
    parties = [party for (doc,) in rows for party in read_document(doc).parties]
    return sorted({(party.role, party.identity) for party in parties if party.identity})


def _row(ready: PreparedRecording) -> tuple[Any, ...]:
    recording, what = ready.recording, ready.what
    return (
        ready.id, ready.content_hash, recording.arrived_at, recording.intake_id, recording.position, ready.changed_at,
        what.kind, what.direction, what.automatic, what.moderation, ready.occurred_at, ready.sort_at, what.sequence,
        ready.thread_key, ready.author_id, ready.answers_id, ready.doc, ready.html,
    )  # fmt: skip
