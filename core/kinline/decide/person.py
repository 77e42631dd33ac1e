"""THE STORY of deciding about persons, a set of them at once.

Read their histories in one state of the store, ask the pure function for every trigger, person by person; then, in one short
transaction under their locks, write down what is new: decisions with their evidence, stage moves and tags, tasks, follow-ups,
waits. What was decided once is never decided again: the once-key is checked over everybody who was joined.
A set of persons is decided about as each would be alone.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import msgspec
from sqlalchemy import select
from sqlmodel import Session, col

from kinline import clock
from kinline.decide import in_progress, late_scores, waits
from kinline.decide.evaluations import Evaluation, evaluations, read_histories, used_keys
from kinline.decide.relevant_triggers import Index
from kinline.decide.rounds import RoundsResult, decision_of, moves, rounds
from kinline.decide.ruling import ruled
from kinline.decide.waits import PersonOutcomes
from kinline.decide.writing import DecisionSet, DecisionWriter
from kinline.history.load_history import START
from kinline.hub import Hub
from kinline.identity.locking import lock_many
from kinline.jobs import queue
from kinline.store.ask import Ask, Id, among
from kinline.store.models import Job
from kinline.triggers import evaluate
from kinline.words import JobState

JOB = "person.decide"
_PLANNED = Ask(
    select(col(Job.key).label("id")).where(among(col(Job.key), "keys"), col(Job.state) == JobState.PENDING.value), Id
)


class DecisionMode(msgspec.Struct, frozen=True):
    """``only_housekeeping``: after a merge; nothing may start from old history. ``existing``: the id of the one trigger that
    is asked, about what was due since then, before it went live."""

    only_housekeeping: bool = False
    existing: str = ""


def decide(
    hub: Hub, about: str, since: int | None, *, only_housekeeping: bool = False, existing: str = ""
) -> list[str]:
    """Decide about the person ``about`` names (an identity or a person id), over what is new since ``since``.

    Returns the ids of new decisions. What the others mean: `DecisionMode`.
    """
    start = START if since is None else since
    mode, now, made = DecisionMode(only_housekeeping, existing), clock.now(), list[str]()
    index, found = _read(hub, [(about, start)], mode)
    for root, told in _evaluated(found, mode, now).items():
        with hub.store.write() as session:
            if joined := lock_many(session, [root])[root]:
                found[root].held.members = joined
                made = _write(DecisionSet(hub, session, now), index, found, {root: told}, mode)
            else:  # merged meanwhile: somebody has to look again
                queue.plan(session, JOB, [(about, start)])
    return made


def decide_together(
    hub: Hub, news: Iterable[tuple[str, int | None]], also: Callable[[Session, set[str]], None]
) -> set[str]:
    """Decide about several persons, named as in `decide`, in one transaction; ``also`` is done in it, with the names of those
    who are left, to be decided about alone: who was merged or had more news meanwhile, and whose histories are too long to be
    read with the others'. Returns these names. Whatever goes wrong for one of them is raised, and nothing is written.
    """
    mode, now = DecisionMode(), clock.now()
    index, found = _read(hub, [(name, START if since is None else since) for name, since in news], mode)
    told = _evaluated(found, mode, now)
    with hub.store.write() as session:
        left = {root for root in found if root not in told} | _changed(session, found)
        told = {root: each for root, each in told.items() if root not in left}
        _write(DecisionSet(hub, session, now, alone=len(told) == 1), index, found, told, mode)
        names = {name for root in left for name in found[root].names}
        also(session, names)
    return names


def _read(hub: Hub, news: list[tuple[str, int]], mode: DecisionMode) -> tuple[Index, dict[str, Evaluation]]:
    """Who is decided about, each with their history. Without one: their histories are too long for so many."""
    with hub.store.read() as session:
        index = Index.current(session)
        found = evaluations(session, index, news, existing=mode.existing)
        read_histories(session, found)
    unjudged = {
        root for root, each in found.items() if each.history is not None and each.wanted["judgements"]
        and late_scores.judge_missing(hub, each.triggers, each.history)
    }  # fmt: skip
    if unjudged:
        with hub.store.read() as session:
            read_histories(session, found, unjudged)
    return index, found


def _evaluated(found: Mapping[str, Evaluation], mode: DecisionMode, now: int) -> dict[str, RoundsResult]:
    """What becomes of each whose history was read."""
    return {root: _evaluate(each, mode, now) for root, each in found.items() if each.history is not None}


def _evaluate(each: Evaluation, mode: DecisionMode, now: int) -> RoundsResult:
    assert each.history is not None  # noqa: S101 - only those are evaluated
    seen = {one.id: one for one in each.history.seen}
    return rounds(
        lambda history: [
            (trigger, outcome)
            for trigger in each.triggers
            for outcome in evaluate(trigger.compiled, history, now, since=each.since)
        ],
        each.history,
        each.used,
        partial(
            ruled, root=each.root, arms=each.arms, seen=seen, now=now, only_housekeeping=mode.only_housekeeping,
            existing=each.since if mode.existing else None,
        ),
        lambda fire, history: moves(decision_of(fire.trigger.id, each.root, fire.fire), fire.trigger, fire.fire, history, now),
        each.facts,
    )  # fmt: skip


def _changed(session: Session, found: Mapping[str, Evaluation]) -> set[str]:
    """Hold these persons. Which of them are others now than when they were read, or are to be looked at again."""
    held = lock_many(session, found)
    keys = {
        f"{JOB}:{name}": root for root, each in found.items() for name in (*each.held.members, *each.held.identities)
    }
    planned = {keys[row.id] for row in _PLANNED.rows(session, keys=sorted(keys))}
    return planned | {root for root, each in found.items() if held[root] != sorted(each.held.members)}


def _write(
    together: DecisionSet, index: Index, found: Mapping[str, Evaluation], told: Mapping[str, RoundsResult],
    mode: DecisionMode,
) -> list[str]:  # fmt: skip
    """Write what is new about these persons, who are held. Returns the ids of the decisions."""
    session, made = together.session, list[str]()
    new = {root: found[root].held for root, each in told.items() if each.found}
    if new:
        used = used_keys(session, new)
        together.called_off.update(
            in_progress.called_off(session, [who for held in new.values() for who in held.members])
        )
    for root, held in new.items():
        seen = {one.id: one for one in told[root].history.seen}
        writer = DecisionWriter(together, root, held, used[root], told[root].history, seen)
        made += writer.write(told[root].found)
    together.rows.write(session)
    outcomes = [PersonOutcomes(root, found[root].held.members, each.outcomes) for root, each in told.items()]
    waits.keep(session, outcomes, index.ids, fires=not mode.only_housekeeping)
    return made
