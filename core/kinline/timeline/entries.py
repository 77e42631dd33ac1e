"""The lines of a timeline as they are shown: interactions, stage moves, follow-ups that were not sent, what waits.

What was recorded is spliced into the answer as the JSON it is stored as; nothing is decoded on the way.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock, reason_texts
from kinline.accounts.reader import AccessScope, seen_by
from kinline.reasons import fields
from kinline.scoring.showing import known
from kinline.store import sql

Place = tuple[int, int, str]  #: sort_at, sequence, id: where a line stands
#: What follows from an interaction stands after it, though it is of the same moment.
AFTER = 2**62
_encode = msgspec.json.Encoder().encode


class TimelineLine(msgspec.Struct, frozen=True):
    """A line's place in the timeline, and how that identity took part."""

    sort_at: int
    sequence: int
    id: str
    role: str
    standing: str

    @property
    def place(self) -> Place:
        return self.sort_at, self.sequence, self.id


class Entry(msgspec.Struct):
    """One line. ``shown`` is what all lines have, ``doc`` (JSON) what was said and by whom."""

    place: Place
    shown: dict[str, Any]
    doc: str

    def json(self) -> bytes:
        head = _encode(self.shown)
        return head if self.doc == "{}" else head[:-1] + b"," + self.doc[1:].encode()


#: What is shown of an interaction ``i``; and what else that takes.
COLUMNS = (
    "id", "channel", "kind", "direction", "occurred_at", "automatic", "moderation", "doc", "revised", "deleted_at",
    "followup_id", "conversation_id", "merged_into", "content_hash",
)  # fmt: skip
SHOWN = ", ".join({"conversation_id": "k.", "merged_into": "c."}.get(name, "i.") + name for name in COLUMNS)
CONVERSATION = "LEFT JOIN thread_key k ON k.id = i.thread_key_id LEFT JOIN conversation c ON c.id = k.conversation_id"


def interactions(session: Session, lines: Iterable[TimelineLine], reader: AccessScope) -> list[Entry]:
    """The interactions of these lines that the reader may see, in their order."""
    wanted = {line.id: line for line in lines}
    rows = sql.select_in(session, f"SELECT {SHOWN} FROM interaction i {CONVERSATION} WHERE i.id {{in}}", wanted)
    found = {row[0]: (wanted[row[0]], row) for row in rows}
    return shown(session, [found[each] for each in wanted if each in found], reader)


def shown(session: Session, rows: Sequence[tuple[TimelineLine, Sequence[Any]]], reader: AccessScope) -> list[Entry]:
    """What the reader may see of these lines and their interactions (`COLUMNS` of each), in their order."""
    visible = seen_by(session, [line.id for line, _ in rows], reader)
    followups = [row[10] for _, row in rows if row[10]]
    causes, reports = _causes(session, followups), _reports(session, followups)
    judged = known(session, {row[0]: row[13] for line, row in rows if line.id in visible and row[9] is None})
    return [_entry(row, line, causes, reports, judged) for line, row in rows if line.id in visible]


def _entry(
    row: Sequence[Any], line: TimelineLine, causes: dict[str, dict[str, Any]], reports: dict[str, list[dict[str, Any]]],
    judged: dict[str, dict[str, Any]],
) -> Entry:  # fmt: skip
    (interaction, channel, kind, direction, occurred, automatic, moderation, doc, revised, deleted, followup,
     conversation, merged_into, _) = row  # fmt: skip
    shown: dict[str, Any] = {
        "id": interaction, "type": "interaction", "at": clock.to_text(occurred), "channel": channel, "kind": kind,
        "direction": direction, "role": line.role, "standing": line.standing,
    }  # fmt: skip
    if conversation:
        shown["conversation"] = merged_into or conversation
    if automatic:
        shown["automatic"] = automatic
    if moderation:
        shown["moderation"] = moderation
    if interaction in judged:
        shown["judged"] = judged[interaction]
    if revised:
        shown["edited"] = True
    if deleted is not None:
        shown["deleted"] = clock.to_text(deleted)
    if followup:
        shown["because"] = causes.get(followup, {"followup": followup})
    if followup in reports:
        shown["receipts"] = reports[followup]
    return Entry((line.sort_at, line.sequence, interaction), shown, "{}" if deleted is not None else doc)


def _causes(session: Session, followups: list[str]) -> dict[str, dict[str, Any]]:
    """Why each message of ours was sent: its follow-up, the decision, the trigger."""
    rows = sql.select_in(
        session,
        "SELECT f.id, f.decision_id, t.name, f.made_by FROM followup f LEFT JOIN trigger_rule t ON t.id = f.trigger_id "
        "WHERE f.id {in}",
        followups,
    )
    found = {}
    for followup, decision, trigger, made_by in rows:
        words = {"followup": followup, "decision": decision, "trigger": trigger, "by": made_by}
        found[followup] = {name: value for name, value in words.items() if value}
    return found


def _reports(session: Session, followups: list[str]) -> dict[str, list[dict[str, Any]]]:
    """What was reported of each message of ours: delivered, read, bounced, complained; in their order."""
    if not followups:
        return {}
    rows = sql.select_in(
        session,
        "SELECT followup_id, report, at, permanent FROM receipt WHERE followup_id {in} ORDER BY at, id",
        sorted(set(followups)),
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for followup, report, at, permanent in rows:
        told = {"report": report, "at": clock.to_text(at)} | ({"permanent": True} if permanent else {})
        found.setdefault(followup, []).append(told)
    return found


def moves(session: Session, root: str, since: int, until: int, reader: AccessScope) -> list[Entry]:
    """Stage moves of a person, and their unsent follow-ups over accounts that the reader may see, of that time."""
    rows = sql.run(
        session,
        "SELECT NULL, s.id, s.at, s.track, s.stage, s.decision_id, s.made_by, 'stage' FROM stage s "
        "JOIN person p ON p.id = s.person_id WHERE p.root_id = {p} AND s.at >= {p} AND s.at < {p} "
        "UNION ALL SELECT f.account_id, f.id, f.created_at, f.state, f.reason, f.decision_id, t.name, f.channel "
        "FROM followup f JOIN person p ON p.id = f.person_id LEFT JOIN trigger_rule t ON t.id = f.trigger_id "
        "WHERE p.root_id = {p} AND f.interaction_id IS NULL AND f.created_at >= {p} AND f.created_at < {p}",
        root, since, until, root, since, until,
    )  # fmt: skip
    stages = [_stage(*row) for account, *row, _ in rows if account is None]
    accounts = reader.accounts
    unsent = [row for account, *row in rows if account is not None and (accounts is None or account in accounts)]
    return stages + [_followup(*row) for row in unsent]


def _stage(move: str, at: int, track: str, stage: str, decision: str | None, made_by: str) -> Entry:
    shown = {"id": move, "type": "stage", "at": clock.to_text(at), "track": track, "stage": stage, "by": made_by}
    return Entry((at, AFTER, move), shown | ({"decision": decision} if decision else {}), "{}")


def _followup(
    followup: str, at: int, state: str, reason: str, decision: str | None, trigger: str | None, channel: str
) -> Entry:
    shown = {"id": followup, "type": "followup", "at": clock.to_text(at), "state": state, "channel": channel}
    words = fields(reason_texts.read(reason)) | {"decision": decision, "trigger": trigger}
    return Entry((at, AFTER, followup), shown | {name: value for name, value in words.items() if value}, "{}")


def planned(session: Session, root: str, since: int, until: int, reader: AccessScope) -> list[Entry]:
    """Waits between actions, and calls to endpoints, about what the reader may see, decided in that time."""
    rows = sql.run(
        session,
        "SELECT 'step', s.id, s.created_at, s.state, s.reason, s.due_at, s.decision_id, t.name, '', d.cause_id FROM step s "
        "JOIN person p ON p.id = s.person_id LEFT JOIN trigger_rule t ON t.id = s.trigger_id "
        "LEFT JOIN decision d ON d.id = s.decision_id WHERE p.root_id = {p} AND s.created_at >= {p} AND s.created_at < {p} "
        "UNION ALL SELECT 'call', s.id, s.created_at, s.state, s.reason, s.due_at, s.decision_id, t.name, e.name, d.cause_id "
        "FROM delivery s JOIN person p ON p.id = s.person_id JOIN endpoint e ON e.id = s.endpoint_id "
        "LEFT JOIN trigger_rule t ON t.id = s.trigger_id LEFT JOIN decision d ON d.id = s.decision_id "
        "WHERE p.root_id = {p} AND s.created_at >= {p} AND s.created_at < {p}",
        root, since, until, root, since, until,
    )  # fmt: skip
    if reader.accounts is not None:
        visible = seen_by(session, [cause for *_, cause in rows if cause], reader)
        rows = [row for row in rows if row[-1] in visible]
    return [_planned(*row[:-1]) for row in rows]


def _planned(
    sort: str, each: str, at: int, state: str, reason: str, due: int, decision: str, trigger: str | None, endpoint: str
) -> Entry:  # fmt: skip
    shown = {"id": each, "type": sort, "at": clock.to_text(at), "state": state, "due_at": clock.to_text(due)}
    told = {"decision": decision, "trigger": trigger, "endpoint": endpoint}
    words = fields(reason_texts.read(reason)) | told
    return Entry((at, AFTER, each), shown | {name: value for name, value in words.items() if value}, "{}")
