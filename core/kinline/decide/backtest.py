"""Back-testing: what a trigger would have decided over the stored history, had it been live all that time.

It is played over each person step by step, with the code that decides live, and as of both clocks: at each step it
knows what had arrived by then. Nothing is decided and nothing is sent.
"""

from collections import Counter
from collections.abc import Callable, Iterator

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.accounts.reader import Reader, seen_by
from kinline.decide import beside, runs
from kinline.decide.beside import Compared
from kinline.decide.catalogue import Active, id_of
from kinline.decide.held import Limit, limits
from kinline.decide.histories import START
from kinline.decide.past import Past, past
from kinline.decide.replay import Decided, replay
from kinline.decide.runs import Run
from kinline.hub import Hub
from kinline.identity.persons import views
from kinline.store import sql
from kinline.timeline.seen import visible
from kinline.triggers import Absence, Trigger, compile_trigger
from kinline.words import TriggerState, Verdict

#: Persons looked at in one read.
PAGE = 200
UNKNOWN = (
    "consents, suppressions, limits and settings as they stood at the time; those of now are taken",
    "what an answer to this very message would have changed, and what other triggers would have done because of it",
    "who was joined with whom, and what an interaction said before it was edited or deleted: persons and words are those of now",
    "working calendars, memberships and judgements as they stood at the time; those of now are taken",
    "when imported history would have arrived: it is taken as if it had come when it happened",
    "how long a worker would have taken: each step is taken at once",
)


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One decision it would have made.

    ``held``: why a limit would have kept the message back, or ""; ``waits_until``: quiet hours would have kept it till
    then. ``imported``: it rests on history that was imported, which starts nothing when it arrives in a hub.
    """

    person: str
    name: str
    at: int
    decided_at: int
    episode: str
    once: str
    verdict: Verdict
    reason: str = ""
    interactions: tuple[str, ...] = ()
    absences: tuple[Absence, ...] = ()
    held: str = ""
    waits_until: int | None = None
    imported: bool = False

    @property
    def acts(self) -> bool:
        """It would have fired, and no limit stood in its way."""
        return self.verdict is Verdict.FIRED and not self.held


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """``hits`` in the order of time. ``overlap``: by trigger, how many hits are within a day of something it did."""

    trigger: str
    since: int
    until: int
    persons: int  #: looked at
    hits: list[Hit]
    overlap: dict[str, int] = {}
    compared: Compared | None = None
    unknown: tuple[str, ...] = UNKNOWN
    late: int = 0  #: interactions that it could only see late

    @property
    def fired(self) -> int:
        return sum(hit.verdict is Verdict.FIRED for hit in self.hits)

    @property
    def held(self) -> int:
        """Fired, and then held back by a limit."""
        return sum(bool(hit.held) for hit in self.hits)

    @property
    def skipped(self) -> int:
        return len(self.hits) - self.fired

    def days(self) -> dict[str, int]:
        """How often it fires on each day, in UTC."""
        return self._by_day(lambda hit: hit.verdict is Verdict.FIRED)

    def held_days(self) -> dict[str, int]:
        """How many of those a limit holds back."""
        return self._by_day(lambda hit: bool(hit.held))

    def _by_day(self, counts: Callable[[Hit], bool]) -> dict[str, int]:
        return dict(sorted(Counter(_day(hit.at) for hit in self.hits if counts(hit)).items()))


def backtest(
    hub: Hub, trigger: Trigger, *, since: int, until: int | None = None, progress: Callable[[int], None] | None = None
) -> Result:
    """Play the trigger over everybody, up to ``until`` (now), for what it would have decided since ``since``."""
    end = clock.now() if until is None else until
    own = id_of(trigger.name)
    compiled = trigger if trigger.id == own else compile_trigger(trigger.definition, own)
    tried = Active(own, 0, TriggerState.LIVE, since, compiled)
    hits, near, looked_at, later, late = list[Hit](), Counter[str](), 0, 0, 0
    for page in _pages(hub):
        with hub.store.read() as session:
            found = list[Hit]()
            for root in page:
                known, theirs = _person(hub, session, tried, root, since, end)
                found += theirs
                later += known.heard_after(end)
                late += known.seen_late(since, end, compiled.lateness)
            near += beside.overlap(session, found, own)
        hits += found
        looked_at += len(page)
        if progress:
            progress(len(page))
    with hub.store.read() as session:
        compared = beside.compare(session, hits, own, since, end)
    return Result(
        trigger=trigger.name, since=since, until=end, persons=looked_at, overlap=dict(sorted(near.items())),
        hits=sorted(hits, key=lambda hit: (hit.at, hit.person)), compared=compared, unknown=_unknown(later, late), late=late,
    )  # fmt: skip


def _unknown(later: int, late: int) -> tuple[str, ...]:
    said = []
    if later:
        said.append(f"interactions of that time that reached us only after its end ({later}): nobody knew of them then")
    if late:
        said.append(f"interactions that it could only see late ({late}): they reached us after its lateness was over")
    return (*said, *UNKNOWN)


def keep(session: Session, text: str, result: Result, *, made_by: str) -> Run:
    """Keep what a back-test of this text counted, so that it may go live, and say with what prospects."""
    counts = runs.Counts(
        days=result.days(), held_days=result.held_days(), overlap=result.overlap, compared=result.compared
    )
    run = runs.made(
        result.since, result.until, result.persons, result.fired, result.skipped, result.held, counts, made_by
    )
    return runs.keep(session, id_of(result.trigger), text, run)


def for_reader(session: Session, result: Result, reader: Reader) -> Result:
    """The result with those hits that rest on nothing hidden from this reader, and no counts over others."""
    if reader.accounts is None:
        return result
    told = {interaction for hit in result.hits for interaction in hit.interactions}
    seen = seen_by(session, told, reader)
    people = set(visible(session, {hit.person for hit in result.hits}, reader))
    hits = [hit for hit in result.hits if hit.person in people and seen.issuperset(hit.interactions)]
    return msgspec.structs.replace(result, hits=hits, overlap={}, compared=None, unknown=UNKNOWN)


def _pages(hub: Hub) -> Iterator[list[str]]:
    after = ""
    while True:
        with hub.store.read() as session:
            rows = sql.run(
                session, "SELECT id FROM person WHERE id = root_id AND id > {p} ORDER BY id LIMIT {p}", after, PAGE
            )
        if not rows:
            return
        after = rows[-1][0]
        yield [root for (root,) in rows]


def _person(hub: Hub, session: Session, trigger: Active, root: str, since: int, until: int) -> tuple[Past, list[Hit]]:
    """A person's past, and what it would have decided about them."""
    back = trigger.compiled.lookback
    start = START if back is None else since - back
    known = past(session, root, trigger, since=start)
    decided = [each for each in replay(trigger, known, until=until) if since <= each.fire.at]
    if not decided:
        return known, []
    name = views(session, [root])[0].name
    limited = limits(session, hub.settings, trigger.compiled, root, decided)
    return known, [_hit(known, name, each, limit) for each, limit in zip(decided, limited, strict=True)]


def _hit(known: Past, name: str, decided: Decided, limit: Limit) -> Hit:
    fire = decided.fire
    return Hit(
        person=known.root, name=name, at=fire.at, decided_at=decided.now, episode=fire.episode, once=fire.once,
        verdict=decided.verdict, reason=decided.reason, interactions=fire.evidence.interactions,
        absences=fire.evidence.absences, held=limit.held, waits_until=limit.until,
        imported=not known.imported.isdisjoint(fire.evidence.interactions),
    )  # fmt: skip


def _day(at: int) -> str:
    return clock.to_datetime(at).date().isoformat()
