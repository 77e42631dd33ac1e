"""What one new interaction costs to evaluate: however many people there are, and however many triggers look at other things;
and how many persons one worker evaluates a second."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from unittest.mock import patch

from sqlmodel import Session

from hubs import Bench, fresh
from kinline import clock, handlers
from kinline.catalogue import trigger_store
from kinline.decide.person import decide
from kinline.handles import Handle
from kinline.identity.meeting import meet
from kinline.identity.parties import Who
from kinline.messages import Interaction, Party
from kinline.record.batch import record_batch
from kinline.record.recording import Recording
from kinline.store import sql
from kinline.testing.bulk import many_people
from kinline.triggers import History
from kinline.words import Direction, HandleType, Kind, Role, Standing, TriggerState
from measure import Figure, interleaved, middle

#: The target for persons (RESULTS.md), and as much for triggers that look at other things; for those that look: in proportion.
PERSONS, OTHERS, OWN = 1.5, 1.5, 100.0
FEW, MANY = 10, 1000
ACTING = 40
#: Persons that are evaluated in one round, half of them for the first time, and what one worker has to reach, in a second.
CROWD, RATES = 1000, {"sqlite": 1000.0, "postgresql": 500.0}
#: Kinds of things that nobody does here.
OTHER_KINDS = ("order", "review", "visit", "call", "follow", "share", "quote", "check_in", "letter", "event")


def measure(database: str, *, persons: int, rounds: int) -> Iterator[Figure]:
    with ExitStack() as stack:
        hubs = {
            "few": stack.enter_context(fresh(database, triggers=False)),
            "many": stack.enter_context(fresh(database, triggers=False)),
        }
        for bench, count in zip(hubs.values(), (1000, persons), strict=True):
            many_people(bench.hub.store, count)
            _look(bench, [_other(number) for number in range(MANY)])
        yield _compared(
            f"evaluating one interaction: {persons:,} persons, of 1,000", database, hubs, rounds, PERSONS,
            note=f"{MANY:,} live triggers",
        )  # fmt: skip
    others, own = (partial(_triggers, database, rounds, each) for each in (_other, _own))
    yield others("naming other kinds", OTHERS)
    yield own("naming its kind", OWN)
    with fresh(database) as bench:
        crowd = Crowd(bench)
        crowd.evaluated()  # the first round prepares statements
        found = [crowd.evaluated() for _ in range(rounds)]
    yield Figure(
        "persons evaluated a second, one worker", database, middle(found), "/s", target=RATES[database],
        checked=f"{CROWD * rounds:,} persons, the first evaluation of half of them moved a stage", note=crowd.told(),
        rounds=found,
    )  # fmt: skip


def _triggers(database: str, rounds: int, text: object, what: str, target: float) -> Figure:
    with ExitStack() as stack:
        hubs = {name: stack.enter_context(fresh(database, triggers=False)) for name in ("few", "many")}
        for bench, count in zip(hubs.values(), (FEW, MANY), strict=True):
            _look(bench, [text(number) for number in range(count)])  # type: ignore[operator]
        return _compared(f"– {MANY:,} triggers {what}, of {FEW}", database, hubs, rounds, target)


def _compared(
    name: str, database: str, hubs: dict[str, Bench], rounds: int, target: float, *, note: str = ""
) -> Figure:
    posts = {each: Post(bench) for each, bench in hubs.items()}
    found = interleaved(rounds, {each: post.evaluated for each, post in posts.items()})
    few, many = (middle(found[each]) for each in hubs)
    looked = [bench.count("SELECT count(*) FROM job") for bench in hubs.values()]
    if looked != [0, 0]:
        raise AssertionError(f"{looked} looks were not taken")
    return Figure(
        name, database, many, "ms", many / few, f"{few:.3g} ms", target, more_is_better=False,
        checked=f"{posts['many'].written} each recorded and looked at", note=note, rounds=found["many"],
    )  # fmt: skip


class Post:
    """People who write to us, one after the other, and are looked at."""

    def __init__(self, bench: Bench) -> None:
        self._bench, self.written = bench, 0
        self._people = [Handle(HandleType.EMAIL, f"acting{n}@customers.example") for n in range(ACTING)]
        with bench.hub.store.write() as session:
            party = [Party(role=Role.AUTHOR, handle=handle, standing=Standing.VERIFIED) for handle in self._people]
            meet(session, [(Who(one, handle, handle.id), 0) for one, handle in zip(party, self._people, strict=True)])

    def evaluated(self) -> float:
        """The middle of what a look at a person costs after a message of theirs, in milliseconds."""
        spent = []
        for number, handle in enumerate(self._people):
            since = self._writes(handle)
            began = time.perf_counter()
            decide(self._bench.hub, handle.id, since)
            if number > 2:  # the first ones find the triggers of another hub in memory, and statements to prepare
                spent.append(time.perf_counter() - began)
        handlers.drain(self._bench.hub)
        return 1000 * middle(spent)

    def _writes(self, handle: Handle) -> int:
        self.written += 1
        what = _letter(handle, self.written)
        with self._bench.hub.store.write() as session:
            record_batch(session, [Recording(account=self._bench.account, what=what, arrived_at=clock.now())])
        return clock.from_datetime(what.occurred_at or clock.EPOCH)


class Crowd:
    """People who write to us: in each round half of them are new, and the others wrote in the round before."""

    def __init__(self, bench: Bench) -> None:
        self._bench, self._rounds, self._loaded, self._statements = bench, 0, 0, 0

    def evaluated(self) -> float:
        """How many persons of the round one worker evaluates a second."""
        known = [] if self._rounds == 0 else self._people(self._rounds - 1)
        people = [*self._people(self._rounds), *known]
        self._rounds += 1
        with self._bench.hub.store.write() as session:
            record_batch(
                session,
                [Recording(account=self._bench.account, what=_letter(each, self._rounds), arrived_at=clock.now()) for each in people],
            )  # fmt: skip
        with self._bench.hub.store.read() as session:
            jobs = [
                job for (job,) in sql.run(session, "SELECT id FROM job WHERE actor = 'person.decide' ORDER BY run_at")
            ]
        began, done = time.perf_counter(), set[str]()
        with self._counted():
            for job in jobs:
                done |= handlers.work(self._bench.hub, job) if job not in done else set()
        spent = time.perf_counter() - began
        moved = self._bench.count("SELECT count(*) FROM stage")
        if (
            self._bench.count("SELECT count(*) FROM job WHERE actor = 'person.decide'")
            or moved != self._rounds * CROWD // 2
        ):
            raise AssertionError(f"{moved} stages were moved in {self._rounds} rounds")
        return len(people) / spent

    def told(self) -> str:
        """What a person cost besides."""
        persons = self._rounds * CROWD - CROWD // 2
        return f"{self._loaded / persons:.0%} of them loaded, {self._statements / persons:.2g} statements each"

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Count the statements that are run, and the persons whose histories are put together."""
        driver, made = sql.driver, History.of

        def counted(session: Session) -> tuple[object, bool]:
            self._statements += 1
            return driver(session)

        def loaded(*given: object, **more: object) -> History:
            self._loaded += 1
            return made(*given, **more)  # type: ignore[arg-type]

        with patch.object(sql, "driver", counted), patch.object(History, "of", loaded):
            yield

    @staticmethod
    def _people(number: int) -> list[Handle]:
        return [Handle(HandleType.EMAIL, f"crowd{number}-{n}@customers.example") for n in range(CROWD // 2)]


def _letter(handle: Handle, number: int) -> Interaction:
    return Interaction(
        source_id=f"letter-{number}-{handle.value}", kind=Kind.MESSAGE, direction=Direction.INBOUND,
        occurred_at=clock.to_datetime(clock.now()), text="Where is my parcel?",
        parties=(Party(role=Role.AUTHOR, handle=handle, standing=Standing.VERIFIED),),
    )  # fmt: skip


def _look(bench: Bench, texts: Sequence[str]) -> None:
    """Put these triggers live; and one that looks at messages, so that somebody looks at all."""
    with bench.hub.store.write() as session:
        for text in [*texts, _own(MANY)]:
            row, _ = trigger_store.save(session, text, made_by="bench")
            trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")


def _other(number: int) -> str:
    kind = OTHER_KINDS[number % len(OTHER_KINDS)]
    when = (
        f"{{silence: {{of: us, after: {{kind: {kind}}}, for: 2h}}}}"
        if number % 2
        else f"{{did: {{kind: {kind}, where: \"text.contains('word{number}')\"}}}}"
    )
    return f"name: other-{number}\nabout: x\nwhen: {when}\ndo: [{{task: {{team: t, title: x}}}}]"


def _own(number: int) -> str:
    when = f"{{did: {{kind: message, where: \"text.contains('word{number}')\"}}}}"
    return f"name: own-{number}\nabout: x\nwhen: {when}\ndo: [{{task: {{team: t, title: x}}}}]"
