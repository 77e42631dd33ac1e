"""Which triggers a look at a person must ask: those that the news concern, and those that wait for this person.

Asking the others changes nothing, so a look costs what its triggers cost and not what all there are cost. A trigger
is asked when

- something the person took part in since the news is of a kind, direction and channel that it looks at, or a report
  about a message of ours is; of a silence, since as long before the news as it lasts, for it may be due since then;
- it has an open wait for anybody who is this person now;
- it looks at what no interaction brings about: stages, dates, and whatever is not named in `INDEXED`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

import msgspec
from sqlalchemy import bindparam, func, select
from sqlmodel import Session, col

from kinline.catalogue.trigger_store import Active, active
from kinline.decide.due import open_triggers
from kinline.history.load_history import START
from kinline.history.load_many import HeldIdentities
from kinline.record import interests
from kinline.record.interests import Interest
from kinline.store.ask import Ask, among
from kinline.store.models import FollowUp, Participant, ReceiptRow
from kinline.triggers import Trigger
from kinline.triggers.conditions.receipt import KIND
from kinline.triggers.definition import Silence
from kinline.triggers.lint import conditions

#: Conditions that come about at an interaction that their interests name, or at a wait that one of those armed.
INDEXED = frozenset({"did", "sequence", "answered_by_peer", "receipt", "silence", "all", "any", "not_"})


class _LatestOfSort(msgspec.Struct, frozen=True):
    identity_id: str
    kind: str
    direction: str
    channel: str
    at: int


class _LatestReport(msgspec.Struct, frozen=True):
    person_id: str
    channel: str
    at: int


_SORT = (col(Participant.identity_id), col(Participant.kind), col(Participant.direction), col(Participant.channel))
_LATEST = Ask(
    select(*_SORT, func.max(col(Participant.sort_at)).label("at"))
    .where(among(col(Participant.identity_id), "identities"), col(Participant.sort_at) >= bindparam("since"))
    .group_by(*_SORT),
    _LatestOfSort,
)
_REPORTED = Ask(
    select(col(FollowUp.person_id), col(ReceiptRow.channel), func.max(col(ReceiptRow.at)).label("at"))
    .join(ReceiptRow, col(ReceiptRow.followup_id) == col(FollowUp.id))
    .where(among(col(FollowUp.person_id), "people"), col(ReceiptRow.at) >= bindparam("since"))
    .group_by(col(FollowUp.person_id), col(ReceiptRow.channel)),
    _LatestReport,
)


class Index:
    """The triggers that look, in one epoch, by what they look at. Kept in this process until the epoch ends."""

    _latest: ClassVar[tuple[str, "Index"] | None] = None

    def __init__(self, triggers: list[Active]) -> None:
        self.triggers = triggers
        self.ids = {each.id: place for place, each in enumerate(triggers)}
        self._always = {place for place, each in enumerate(triggers) if not _indexed(each.compiled)}
        self._reach = [_reach(each.compiled) for each in triggers]
        self.reach = max(self._reach, default=0)  #: the longest silence of any
        self._by: dict[Interest, set[int]] = {}
        for place, each in enumerate(triggers):
            for interest in each.compiled.interests():
                self._by.setdefault(interest, set()).add(place)
        self.reports = any(kind == KIND for kind, _, _ in self._by)

    @classmethod
    def current(cls, session: Session) -> "Index":
        now, latest = interests.epoch(session), cls._latest
        if latest is None or latest[0] != now or not now:
            latest = cls._latest = now, cls(active(session))
        return latest[1]

    def concerned(self, news: Mapping[Interest, int], waiting: Iterable[str], since: int) -> list[Active]:
        """The triggers to ask, in their order. ``news`` says when the latest of each sort was."""
        found = set(self._always)
        for (kind, direction, channel), at in news.items():
            for key in ((k, d, c) for k in (kind, "*") for d in (direction, "*") for c in (channel, "*")):
                found.update(place for place in self._by.get(key, ()) if at >= since - self._reach[place])
        found.update(self.ids[trigger] for trigger in waiting if trigger in self.ids)
        return [self.triggers[place] for place in sorted(found)]


def concerned(
    session: Session, index: Index, people: Mapping[str, tuple[HeldIdentities, int]]
) -> dict[str, list[Active]]:
    """The triggers to ask about each of these persons, by root, after what is new since then."""
    if not people:
        return {}
    news, waiting = _news(session, index, people), _waiting(session, people)
    return {root: index.concerned(news[root], waiting[root], since) for root, (_, since) in people.items()}


def _waiting(session: Session, people: Mapping[str, tuple[HeldIdentities, int]]) -> dict[str, set[str]]:
    of = {member: root for root, (held, _) in people.items() for member in held.members}
    found: dict[str, set[str]] = {root: set() for root in people}
    for person, trigger in open_triggers(session, of):
        found[of[person]].add(trigger)
    return found


def _news(
    session: Session, index: Index, people: Mapping[str, tuple[HeldIdentities, int]]
) -> dict[str, dict[Interest, int]]:
    """The latest of each sort that each took part in. What was deleted, or moved away, is asked in vain."""
    since = max(START, min(since for _, since in people.values()) - index.reach)
    found: dict[str, dict[Interest, int]] = {root: {} for root in people}
    holders = _by(people, lambda held: held.identities)
    for row in _LATEST.rows(session, identities=sorted(holders), since=since):
        for root in holders[row.identity_id]:
            key = (row.kind, row.direction, row.channel)
            found[root][key] = max(row.at, found[root].get(key, row.at))
    if index.reports:
        members = _by(people, lambda held: held.members)
        for report in _REPORTED.rows(session, people=sorted(members), since=since):
            for root in members[report.person_id]:
                key = (KIND, "*", report.channel)
                found[root][key] = max(report.at, found[root].get(key, report.at))
    return found


def _by(
    people: Mapping[str, tuple[HeldIdentities, int]], ids: Callable[[HeldIdentities], list[str]]
) -> dict[str, list[str]]:
    """The roots that have each of these ids."""
    found: dict[str, list[str]] = {}
    for root, (held, _) in people.items():
        for each in ids(held):
            found.setdefault(each, []).append(root)
    return found


def _indexed(trigger: Trigger) -> bool:
    parts = list(conditions(trigger.definition.when))
    clocks = {part.silence.clock for part in parts if isinstance(part.silence, Silence)}
    return INDEXED.issuperset(part.word for part in parts) and clocks <= {"always"}


def _reach(trigger: Trigger) -> int:
    """How long before a moment something may have happened that brings it about then: its longest silence."""
    parts = conditions(trigger.definition.when)
    return max((part.silence.for_.micros for part in parts if isinstance(part.silence, Silence)), default=0)
