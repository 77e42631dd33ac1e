"""Which triggers a look at a person must ask: those that the news concern, and those that wait for this person.

Asking the others changes nothing, so a look costs what its triggers cost and not what all there are cost. A trigger
is asked when

- something the person took part in since the news is of a kind, direction and channel that it looks at, or a report
  about a message of ours is; of a silence, since as long before the news as it lasts, for it may be due since then;
- it has an open wait for anybody who is this person now;
- it looks at what no interaction brings about: stages, dates, and whatever is not named in `INDEXED`.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from sqlmodel import Session

from kinline.catalogue.trigger_store import Active, active
from kinline.decide.due import open_triggers
from kinline.history.load_history import START
from kinline.identity.persons import members, spans
from kinline.record import interests
from kinline.record.interests import Interest
from kinline.store import sql
from kinline.triggers import Trigger
from kinline.triggers.conditions import conditions
from kinline.triggers.conditions.receipt import KIND
from kinline.triggers.conditions.silence import Silence

#: Conditions that come about at an interaction that their interests name, or at a wait that one of those armed.
INDEXED = frozenset({"did", "sequence", "answered_by_peer", "receipt", "silence", "all", "any", "not"})


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


def concerned(session: Session, index: Index, root: str, since: int) -> list[Active]:
    """The triggers to ask about this person, after what is new since then."""
    people = members(session, root)
    news = _news(session, index, root, people, max(START, since - index.reach))
    return index.concerned(news, open_triggers(session, people), since)


def _news(session: Session, index: Index, root: str, people: list[str], since: int) -> dict[Interest, int]:
    """The latest of each sort that the person took part in. What was deleted, or moved away, is asked in vain."""
    held = [span.identity_id for span in spans(session, root)]
    statement = (
        "SELECT kind, direction, channel, max(sort_at) FROM participant WHERE identity_id {in} AND sort_at >= {p} "
        "GROUP BY kind, direction, channel"
    )
    found = {
        (kind, direction, where): at for kind, direction, where, at in sql.select_in(session, statement, held, since)
    }
    if index.reports:
        statement = (
            "SELECT r.channel, max(r.at) FROM followup f JOIN receipt r ON r.followup_id = f.id "
            "WHERE f.person_id {in} AND r.at >= {p} GROUP BY r.channel"
        )
        found |= {(KIND, "*", channel): at for channel, at in sql.select_in(session, statement, people, since)}
    return found


def _indexed(trigger: Trigger) -> bool:
    parts = list(conditions(trigger.definition.when))
    clocks = {part.written.clock for part in parts if isinstance(part.written, Silence)}
    return INDEXED.issuperset(part.word for part in parts) and clocks <= {"always"}


def _reach(trigger: Trigger) -> int:
    """How long before a moment something may have happened that brings it about then: its longest silence."""
    parts = (part.written for part in conditions(trigger.definition.when))
    return max((part.for_.micros for part in parts if isinstance(part, Silence)), default=0)
