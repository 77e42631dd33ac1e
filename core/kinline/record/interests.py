"""The index of what triggers look at, so that an interaction that concerns none costs nothing."""

from functools import lru_cache
from typing import ClassVar

from sqlmodel import Session

from kinline import ids
from kinline.record.prepare import PreparedRecording
from kinline.store import sql
from kinline.triggers.reading import compiled

EPOCH = "trigger_epoch"
#: Under this name the hub remembers what its scorer is to judge as it comes: wanted, always, none.
SCORING = "scoring"
Interest = tuple[str, str, str]  #: kind, direction, channel; ``*`` is any


class Interests:
    """What the live and shadow triggers of one epoch look at. The epoch is read in the writing transaction.

    An epoch is named by a fresh id: one that was rolled back, or is of another database, never comes again.
    """

    _latest: ClassVar[tuple[str, "Interests"] | None] = None

    def __init__(self, wanted: frozenset[Interest], judged: frozenset[Interest], scoring: str) -> None:
        self.wanted, self.judged, self.scoring = wanted, judged, scoring
        self._memory = lru_cache(maxsize=4096)(self._matches)
        self._judged = lru_cache(maxsize=4096)(lambda *what: _any(self.judged, *what))

    @classmethod
    def current(cls, session: Session) -> "Interests":
        now, latest = epoch(session), cls._latest
        if latest is None or latest[0] != now:
            latest = cls._latest = now, cls(*_load(session), _scoring(session))
        return latest[1]

    def concern(self, ready: PreparedRecording) -> bool:
        return self._memory(ready.what.kind, ready.what.direction, ready.recording.account.channel)

    def look_at(self, kind: str, channel: str) -> bool:
        """Whether any looks at things of this kind, whoever did them."""
        return self._memory(kind, "*", channel)

    def judge_first(self, kind: str, direction: str, channel: str) -> bool:
        """Whether a trigger looks at how such a thing is judged, so that the scorer is asked before anybody decides."""
        return self.scoring != "none" and bool(self.judged) and self._judged(kind, direction, channel)

    def _matches(self, kind: str, direction: str, channel: str) -> bool:
        return _any(self.wanted, kind, direction, channel)


def _any(wanted: frozenset[Interest], kind: str, direction: str, channel: str) -> bool:
    return any(k in (kind, "*") and d in (direction, "*") and c in (channel, "*") for k, d, c in wanted)


def epoch(session: Session) -> str:
    """The epoch that this transaction sees; "" where nobody ever saved a trigger."""
    found = sql.run(session, "SELECT value FROM meta WHERE key = {p}", EPOCH)
    return str(found[0][0]) if found else ""


def changed(session: Session) -> None:
    """Triggers changed: every writer reads the index anew, from its next transaction on."""
    _remember(session, EPOCH, ids.new())


def remember_scoring(session: Session, scoring: str) -> None:
    """What the scorer is to judge as it comes; every writer knows it from its next transaction on."""
    if _scoring(session) != scoring:
        _remember(session, SCORING, scoring)
        changed(session)


def _scoring(session: Session) -> str:
    found = sql.run(session, "SELECT value FROM meta WHERE key = {p}", SCORING)
    return str(found[0][0]) if found else "wanted"


def _remember(session: Session, key: str, value: str) -> None:
    sql.run(
        session,
        "INSERT INTO meta (key, value) VALUES ({p}, {p}) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        key,
        value,
    )


def _load(session: Session) -> tuple[frozenset[Interest], frozenset[Interest]]:
    rows = sql.run(
        session,
        "SELECT r.id, v.source FROM trigger_rule r JOIN trigger_version v ON v.trigger_id = r.id AND v.version = r.version "
        "WHERE r.state IN ('live', 'shadow')",
    )
    triggers = [compiled(*row) for row in rows]
    wanted = frozenset().union(*(trigger.interests() for trigger in triggers))
    return wanted, frozenset().union(*(trigger.judged_interests for trigger in triggers))
