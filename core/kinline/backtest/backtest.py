"""Back-testing: what a trigger would have decided over the stored history, had it been live all that time.

It is played over each person step by step, with the code that decides live, and as of both clocks: at each step it
knows what had arrived by then. Nothing is decided and nothing is sent.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import msgspec
from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline import clock
from kinline.accounts.reader import AccessScope, seen_by
from kinline.backtest import compare
from kinline.backtest.limits import Limit, limits
from kinline.backtest.replay import Decided, played_to
from kinline.backtest.replay_input import Past, past
from kinline.catalogue import backtest_runs, forecasts
from kinline.catalogue.backtest_runs import Compared, KeptRun
from kinline.catalogue.forecasts import Forecast
from kinline.catalogue.trigger_store import Active, id_of
from kinline.history.load_history import START
from kinline.hub import Hub
from kinline.identity.persons import views
from kinline.store.ask import Ask, Id
from kinline.store.models import Person
from kinline.timeline.seen import visible
from kinline.triggers import Absence, Trigger, compile_trigger
from kinline.words import TriggerState, Verdict

#: Persons looked at in one read.
PAGE = 200
_ROOTS = Ask(
    select(col(Person.id))
    .where(col(Person.id) == col(Person.root_id), col(Person.id) > bindparam("after"))
    .order_by(col(Person.id))
    .limit(PAGE),
    Id,
)
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


class BacktestTally(msgspec.Struct):
    """How often it fires, by day in UTC too, how many of those a limit holds back, and how many it would have skipped."""

    fired: int = 0
    held: int = 0
    skipped: int = 0
    days: dict[str, int] = {}
    held_days: dict[str, int] = {}

    def add(self, hits: Iterable[Hit]) -> "BacktestTally":
        for hit in hits:
            day, fired = _day(hit.at), hit.verdict is Verdict.FIRED
            self.fired, self.skipped, self.held = (
                self.fired + fired,
                self.skipped + (not fired),
                self.held + bool(hit.held),
            )
            if fired:
                self.days[day] = self.days.get(day, 0) + 1
            if hit.held:
                self.held_days[day] = self.held_days.get(day, 0) + 1
        return self


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """``hits`` in the order of time, the earliest where only so many are listed; all are in the ``tally``. ``overlap``: by
    trigger, how many hits are within a day of something it did."""

    trigger: str
    since: int
    until: int
    persons: int  #: looked at
    hits: list[Hit]
    overlap: dict[str, int] = {}
    compared: Compared | None = None
    unknown: tuple[str, ...] = UNKNOWN
    late: int = 0  #: interactions that it could only see late
    tally: BacktestTally = msgspec.field(default_factory=BacktestTally)
    forecast: Forecast | None = None  #: None where its time ended before now

    @property
    def fired(self) -> int:
        return self.tally.fired

    @property
    def held(self) -> int:
        """Fired, and then held back by a limit."""
        return self.tally.held

    @property
    def skipped(self) -> int:
        return self.tally.skipped

    def days(self) -> dict[str, int]:
        """How often it fires on each day, in UTC."""
        return dict(sorted(self.tally.days.items()))

    def held_days(self) -> dict[str, int]:
        """How many of those a limit holds back."""
        return dict(sorted(self.tally.held_days.items()))


def backtest(
    hub: Hub, trigger: Trigger, *, since: int, until: int | None = None, progress: Callable[[int], None] | None = None,
    most: int | None = None,
) -> Result:  # fmt: skip
    """Play the trigger over everybody, up to ``until`` (now), for what it would have decided since ``since``.

    Only the ``most`` earliest hits are kept, where that is given: so memory stays bounded whatever is there. ``progress`` is
    told of each page how many persons it had; what it raises ends it.
    """
    now = clock.now()
    end = now if until is None else until
    own = id_of(trigger.name)
    compiled = trigger if trigger.id == own else compile_trigger(trigger.definition, own)
    tried = Active(own, 0, TriggerState.LIVE, since, compiled)
    hits, near, looked_at, later, late = list[Hit](), Counter[str](), 0, 0, 0
    tally, both, compares, dues = BacktestTally(), 0, 0, forecasts.Dues(end, compiled)
    for page in _pages(hub):
        with hub.store.read() as session:
            found = list[Hit]()
            for root in page:
                known, theirs, due = _person(hub, session, tried, root, since, end)
                found += theirs
                dues.add(due)
                later += known.heard_after(end)
                late += known.seen_late(since, end, compiled.lateness)
            near += compare.overlap(session, found, own)
            alike, known_of = compare.alike(session, found, page, own, since, end)
            both, compares = both + alike, compares + known_of
        tally.add(found)
        dues.before(hit.at for hit in found if hit.verdict is Verdict.FIRED)
        hits = sorted([*hits, *found], key=_place)[:most]
        looked_at += len(page)
        if progress:
            progress(len(page))
    with hub.store.read() as session:
        compared = compare.compare(session, both, compares, own, since, end)
    return Result(
        trigger=trigger.name, since=since, until=end, persons=looked_at, overlap=dict(sorted(near.items())),
        hits=hits, compared=compared, tally=tally,
        forecast=dues.told(hub.settings.storm_limit) if end == now else None, unknown=_unknown(later, late), late=late,
    )  # fmt: skip


def _place(hit: Hit) -> tuple[int, str]:
    return hit.at, hit.person


def _unknown(later: int, late: int) -> tuple[str, ...]:
    said = []
    if later:
        said.append(f"interactions of that time that reached us only after its end ({later}): nobody knew of them then")
    if late:
        said.append(f"interactions that it could only see late ({late}): they reached us after its lateness was over")
    return (*said, *UNKNOWN)


def keep(session: Session, text: str, result: Result, *, made_by: str, run_id: str = "") -> KeptRun:
    """Keep what a back-test of this text counted, so that it may go live, and say with what prospects."""
    counts = backtest_runs.Counts(
        days=result.days(), held_days=result.held_days(), overlap=result.overlap, compared=result.compared,
        forecast=result.forecast,
    )  # fmt: skip
    run = backtest_runs.made(
        result.since, result.until, result.persons, result.fired, result.skipped, result.held, counts, made_by,
        run_id,
    )  # fmt: skip
    return backtest_runs.keep(session, id_of(result.trigger), text, run)


def for_reader(session: Session, result: Result, reader: AccessScope) -> Result:
    """The result with those hits that rest on nothing hidden from this reader, and no counts over others."""
    if reader.accounts is None:
        return result
    told = {interaction for hit in result.hits for interaction in hit.interactions}
    seen = seen_by(session, told, reader)
    people = set(visible(session, {hit.person for hit in result.hits}, reader))
    hits = [hit for hit in result.hits if hit.person in people and seen.issuperset(hit.interactions)]
    return msgspec.structs.replace(
        result,
        hits=hits,
        tally=BacktestTally().add(hits),
        overlap={},
        compared=None,
        unknown=UNKNOWN,
        forecast=None,
        late=0,
    )


def _pages(hub: Hub) -> Iterator[list[str]]:
    after = ""
    while True:
        with hub.store.read() as session:
            rows = _ROOTS.rows(session, after=after)
        if not rows:
            return
        after = rows[-1].id
        yield [row.id for row in rows]


def _person(
    hub: Hub, session: Session, trigger: Active, root: str, since: int, until: int
) -> tuple[Past, list[Hit], list[int]]:
    """A person's past, what it would have decided about them, and when what waits in the end would be due."""
    back = trigger.compiled.lookback
    start = START if back is None else since - back
    known = past(session, root, trigger, since=start)
    played = played_to(trigger, known, until)
    decided = [each for each in played.decided if since <= each.fire.at]
    due = sorted(played.waits.values()) if trigger.compiled.addresses(played.person_now(until)) else []
    if not decided:
        return known, [], due
    name = views(session, [root])[0].name
    limited = limits(session, hub.settings, trigger.compiled, root, decided)
    return known, [_hit(known, name, each, limit) for each, limit in zip(decided, limited, strict=True)], due


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
