"""THE STORY of going live on an existing base, a page of persons at a time.

Those who have nothing that the trigger looks at are left out by one statement. The others' histories are read together, and
the pure function says what becomes of each: what is due later is armed; what was due since it went live is decided; what was
due before is counted, and decided too where `limits.existing` says so. The page and the place to go on are one transaction.
What a page saw may have changed when it is written: what waits is asked again when it is due, so nothing fires of that.
"""

from collections.abc import Iterable

import msgspec
from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline import clock
from kinline.catalogue import backfills, trigger_store
from kinline.catalogue.backfills import Backfill
from kinline.catalogue.trigger_store import Active
from kinline.clock import HOUR, SECOND
from kinline.decide.waits import row_of, waiting_for, write_new
from kinline.history import load_many, relevant
from kinline.history.load_history import START, asked_by
from kinline.hub import Hub
from kinline.identity.persons import roots
from kinline.jobs import queue
from kinline.store.ask import Ask, Id, among
from kinline.store.models import Decision, Job
from kinline.triggers import Fire, History, Wait, evaluate
from kinline.triggers.conditions import Sight
from kinline.words import JobState

CATCH_UP = "trigger.catch_up"
#: Persons in a page.
AT_ONCE = 500
#: Other work that has been due for so long (µs) goes first.
PATIENCE = 2 * SECOND
#: The share of what a trigger may do in an hour that those get who were there; news need the rest.
SHARE = 0.8


class _DecidedKey(msgspec.Struct, frozen=True):
    person_id: str
    once_key: str


_DECIDED = Ask(
    select(col(Decision.person_id), col(Decision.once_key)).where(
        among(col(Decision.person_id), "people"), col(Decision.trigger_id) == bindparam("trigger")
    ),
    _DecidedKey,
)
_OTHER_WORK = Ask(
    select(col(Job.id))
    .where(
        col(Job.state) == JobState.PENDING.value,
        col(Job.run_at) <= bindparam("until"),
        col(Job.actor).not_in([backfills.JOB, CATCH_UP]),
    )
    .limit(1),
    Id,
)


class BackfillPage(msgspec.Struct):
    """What was found about a page of persons. ``due``: (root, since when) of those for whom something is due now."""

    to: str
    looked: int
    is_last: bool
    waits: list[tuple[object, ...]] = []
    due: list[tuple[str, int]] = []
    overdue: int = 0
    late: list[tuple[str, int]] = []  #: (root, since when) of those who are acted for, though it was due before


def take(hub: Hub, trigger_id: str) -> int | None:
    """Look at the next page, unless other work waits. Returns how many persons; None when there is nothing more to do."""
    with hub.store.read() as session:
        trigger = trigger_store.looking(session, trigger_id)
        row = backfills.found(session, trigger_id, trigger.compiled.condition_id) if trigger else None
        if trigger is None or row is None or row.state != backfills.RUNNING:
            return None
        waits = bool(_OTHER_WORK.first(session, until=clock.now() - PATIENCE))
        page = None if waits else _page(session, trigger, row)
    with hub.store.write() as session:
        if page is None:
            queue.plan(session, backfills.JOB, [trigger_id], run_at=clock.now() + SECOND)
            return 0
        return page.looked if _write(hub, session, trigger, row, page) else None


def run(hub: Hub, trigger_id: str) -> Iterable[int]:
    """Look at everybody who is left, now; says how many persons each page had."""
    while (looked := take(hub, trigger_id)) is not None:
        yield looked


def _page(session: Session, trigger: Active, row: Backfill) -> BackfillPage:
    found = roots(session, after=row.cursor, limit=AT_ONCE)
    page = BackfillPage(found[-1] if found else row.cursor, len(found), len(found) < AT_ONCE)
    people = load_many.held_by(session, found)
    concerned = relevant.concerned(session, trigger.compiled, people)
    if trigger.compiled.of_organisations:  # what others did is read for each of them alone
        page.due = [(root, row.live_at) for root in concerned]
        return page
    members = {member: root for root, held in concerned.items() for member in held.members}
    armed = {(members[who], episode) for who, episode in waiting_for(session, sorted(members), trigger.id)}
    decided = {
        (members[key.person_id], key.once_key)
        for key in _DECIDED.rows(session, people=sorted(members), trigger=trigger.id)
    }
    since, wanted = dict.fromkeys(concerned, START), dict.fromkeys(concerned, asked_by([trigger.compiled]))
    for root, history in load_many.load_many(session, concerned, since=since, wanted=wanted):
        _look(page, trigger, row, root, history, armed, decided)
    return page


def _look(
    page: BackfillPage, trigger: Active, row: Backfill, root: str, history: History, armed: set[tuple[str, str]],
    decided: set[tuple[str, str]],
) -> None:  # fmt: skip
    now, before = clock.now(), list[int]()
    if trigger.compiled.definition.limits.once_per == "person" and (root, "") in decided:
        return
    for outcome in evaluate(trigger.compiled, history, now):
        if isinstance(outcome, Wait) and (root, outcome.episode) not in armed:
            page.waits.append(row_of(trigger, root, outcome))
        elif isinstance(outcome, Fire) and (root, outcome.once) not in decided:
            if outcome.at >= row.live_at:
                page.due.append((root, outcome.at))
            else:
                before.append(outcome.at)
    if before and trigger.compiled.condition.holds(Sight(history, now), now):
        page.overdue += 1
        existing = trigger.compiled.definition.limits.existing
        if existing and before[-1] >= row.live_at - existing.fire_within.micros:
            page.late.append((root, before[-1]))


def _write(hub: Hub, session: Session, trigger: Active, row: Backfill, page: BackfillPage) -> bool:
    ended = clock.now() if page.is_last else None
    moved = backfills.move(
        session, row, to=page.to, looked=page.looked, armed=len(page.waits), overdue=page.overdue,
        caught_up=len(page.late), ended=ended,
    )  # fmt: skip
    if not moved:
        return False
    write_new(session, page.waits)
    queue.plan(session, "person.decide", page.due)
    limit = max(1, int(SHARE * (trigger.compiled.definition.limits.per_hour or hub.settings.storm_limit)))
    for number, (root, since) in enumerate(page.late, row.caught_up):
        at = row.live_at + number * HOUR // limit
        queue.plan(session, CATCH_UP, [(f"{trigger.id}:{root}", since)], run_at=at)
    if ended is None:
        queue.plan(session, backfills.JOB, [trigger.id])
    return True
