"""One person's past with both clocks: when it happened, and when we knew. What a back-test plays again.

What was imported since counts as known when it happened, as if it had come live: a back-test asks what a trigger would
have done over that time. What was imported before the time that is tried out was history then, and is. What other triggers decided is not decided anew: their stored moves are played at the moment
they were made. Moves of the trigger that is tried out are left out; it makes its own.
"""

import msgspec
from sqlalchemy import ColumnElement, case, select
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col

from kinline.catalogue.trigger_store import Active
from kinline.experiments.assignment import Given, given
from kinline.history.load_history import START, Fact, asked_by, load
from kinline.identity.persons import members, spans
from kinline.store.ask import Ask, among, columns
from kinline.store.models import Attribute, Decision, StageRow, TagRow
from kinline.triggers import History
from kinline.triggers.history import Waited
from kinline.words import Origin


class Played(msgspec.Struct, frozen=True):
    """What another trigger decided about a moment, and moved, as it is stored."""

    known_at: int
    at: int
    facts: tuple[Fact, ...]


class AttributeChange(msgspec.Struct, frozen=True, order=True):
    """An attribute of theirs, as somebody told it."""

    known_at: int
    at: int
    id: str
    name: str
    value: str


class Past(msgspec.Struct, frozen=True):
    """Everything known of one person. ``by_hand`` are (known at, fact) of stages and tags that people decided."""

    root: str
    history: History
    known_at: dict[str, int]
    by_hand: tuple[tuple[int, Fact], ...] = ()
    played: tuple[Played, ...] = ()
    attributes: tuple[AttributeChange, ...] = ()
    imported: frozenset[str] = frozenset()  #: interactions that were imported
    arms: Given = {}  #: of the trigger's experiment, those that were given

    def seen_late(self, since: int, until: int, lateness: int) -> int:
        """How many interactions of that time reached us so late that what starts messages and tasks passes them over."""
        known = self.known_at
        return sum(1 for seen in self.history.seen if since <= seen.at <= until and known[seen.id] - seen.at > lateness)

    def heard_after(self, until: int) -> int:
        """How many interactions of the time up to ``until`` reached us only after it."""
        return sum(1 for seen in self.history.seen if seen.at <= until < self.known_at[seen.id])


def past(session: Session, root: str, trigger: Active, *, since: int = START) -> Past:
    """Read it as far as this trigger looks, without what it moved itself. Calendars and organisations are those of now."""
    people = members(session, root)
    now = load(session, root, since=since, **asked_by([trigger.compiled]))
    live = trigger.live_since
    imported = frozenset(seen.id for seen in now.seen if seen.origin is Origin.IMPORT and seen.recorded_at > live)
    seen = [msgspec.structs.replace(one, origin=Origin.LIVE) if one.id in imported else one for one in now.seen]
    known = {one.id: one.at if one.id in imported else one.recorded_at for one in seen}
    known |= {each.id: each.recorded_at for each in now.receipts}
    by_hand, played = _moved(session, people, trigger.id, known)
    history = msgspec.structs.replace(now, seen=tuple(seen), waited=_waited(now.waited, known))
    arms = given(session, root, [trigger])
    return Past(root, history, known, by_hand, played, _attributes(session, root), imported, arms)


def _waited(waited: tuple[Waited, ...] | None, known: dict[str, int]) -> tuple[Waited, ...] | None:
    """An answer of ours that the history has ends it when it was known, and not before."""
    return waited and tuple(
        msgspec.structs.replace(each, ended_at=None, answered_by="") if each.answered_by in known else each for each in waited
    )  # fmt: skip


class _Move(msgspec.Struct, frozen=True):
    at: int
    id: str
    word: str
    value: str
    person_id: str
    made_by: str
    step: int
    recorded_at: int
    trigger_id: str | None
    decision_id: str | None
    decision_at: int | None
    decided_at: int | None
    evidence: str | None


def _moves(table: type[StageRow | TagRow], word: ColumnElement[str] | Mapped[str], value: str) -> Ask[_Move]:
    return Ask(
        select(
            *columns(
                table, _Move, word=word, value=col(value), trigger_id=col(Decision.trigger_id), decision_id=col(Decision.id),
                decision_at=col(Decision.at), decided_at=col(Decision.decided_at), evidence=col(Decision.evidence),
            )
        )
        .outerjoin(Decision, col(Decision.id) == col(table.decision_id))
        .where(among(table.person_id, "persons")),
        _Move,
    )  # fmt: skip


_STAGES = _moves(StageRow, col(StageRow.track), StageRow.stage)
_TAGS = _moves(TagRow, case((col(TagRow.present) == 1, "+"), else_="-"), TagRow.tag)


def _moved(
    session: Session, people: list[str], own: str, known: dict[str, int]
) -> tuple[tuple[tuple[int, Fact], ...], tuple[Played, ...]]:
    by_hand, played = list[tuple[int, Fact]](), dict[str, Played]()
    for row in _STAGES.rows(session, persons=people) + _TAGS.rows(session, persons=people):
        fact = Fact(row.at, row.id, row.word, row.value, row.person_id, row.made_by, row.step)
        if row.decision_id is None:
            by_hand.append((row.recorded_at, fact))
        elif row.trigger_id != own:
            before = played.get(row.decision_id) or _played(row, known)
            played[row.decision_id] = msgspec.structs.replace(before, facts=(*before.facts, fact))
    by_hand.sort(key=lambda each: (each[0], each[1].place))
    return tuple(by_hand), tuple(sorted(played.values(), key=lambda each: (each.known_at, each.at)))


def _played(row: _Move, known: dict[str, int]) -> Played:
    """A decision that moved something. It was made when all was known that it rests on, and not before its time."""
    at, decided = row.decision_at or 0, row.decided_at or 0
    named = msgspec.json.decode(row.evidence or "{}").get("interactions", ())
    counted = [known[each] for each in named if each in known]
    return Played(max([at, *counted]) if counted else max(at, decided), at, ())


_ATTRIBUTES = Ask(
    select(*columns(Attribute, AttributeChange, known_at=col(Attribute.recorded_at))).where(
        among(Attribute.identity_id, "identities")
    ),
    AttributeChange,
)


def _attributes(session: Session, root: str) -> tuple[AttributeChange, ...]:
    return tuple(sorted(_ATTRIBUTES.rows(session, identities=[span.identity_id for span in spans(session, root)])))
