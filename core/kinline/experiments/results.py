"""What an experiment shows so far: per arm how many did the desired thing, against who got nothing, and how sure that is.

Whoever was assigned counts, whether or not a message reached them (intention to treat), once, with the first arm they
were given. Only who was assigned under the odds that hold now: counts under other odds cannot be put together.
"""

from collections.abc import Callable, Iterator

import msgspec
from sqlalchemy import ColumnElement, bindparam, exists, select
from sqlmodel import Session, col

from kinline import clock
from kinline.accounts.reader import EVERYTHING, AccessScope, accounts_of, seen_by, through_accounts
from kinline.catalogue import trigger_store
from kinline.errors import KinlineError, NotFound
from kinline.experiments import intervals
from kinline.experiments.intervals import ALPHA, HitRate
from kinline.history import load_history
from kinline.hub import Hub
from kinline.store.ask import Ask, among, columns
from kinline.store.models import Decision, IdentityLink, InteractionRow, Person, TriggerRow
from kinline.triggers.experiments import Experiment

PAGE = 500
#: Below this chance, counts are too far from their odds to be trusted (Fabijan et al., KDD 2019, on mismatched ratios).
MISMATCH = 0.001


class ArmPart(msgspec.Struct, frozen=True, kw_only=True):
    """Base."""


class Against(ArmPart, frozen=True):
    """An arm beside the one it is compared with. Intervals are [low, high], of the difference of the two rates.

    ``once`` is right for one look that was planned before, ``any_time`` however often one looks, for all arms together.
    ``verdict`` rests on ``any_time``: `more`, `fewer` or `not_enough_to_tell`.
    """

    arm: str
    difference: float
    once: tuple[float, float]
    any_time: tuple[float, float]
    likely_more: float
    verdict: str


class ArmShown(ArmPart, frozen=True):
    """One arm. ``assigned`` persons, of whom ``open`` still have time; of the ``counted`` others ``did`` it.

    ``early`` are those of the open ones who did it already: they count when their time is over.
    """

    name: str
    share: float
    assigned: int
    open: int
    early: int
    counted: int
    did: int
    rate: float | None
    interval: tuple[float, float]
    against: Against | None = None


class Effect(ArmPart, frozen=True):
    """An experiment as it stands. ``since_version``: from this version of the trigger on the odds are as they are now.

    ``by_chance`` is how likely the numbers of persons per arm are, given the odds; where that is below 0.001,
    ``mismatch`` is true and nothing else here should be believed. ``left_out`` were assigned under other odds;
    ``mixed`` were joined after they had been given different arms, and count with their first.
    """

    trigger: str
    experiment: str
    version: int
    since_version: int
    desired: str
    within: str
    at: str | None
    arms: list[ArmShown]
    by_chance: float
    mismatch: bool
    left_out: int
    mixed: int
    notes: list[str]


class ExperimentPerson(msgspec.Struct):
    """Somebody who was assigned, when, and whether they did it."""

    root: str
    arm: str
    version: int
    since: int
    mixed: bool = False
    did: bool = False


def effect(
    hub: Hub, name: str, *, reader: AccessScope = EVERYTHING, progress: Callable[[int], None] | None = None
) -> Effect:
    """The experiment of this trigger now, over what ``reader`` may see. Raises `NotFound`."""
    now = clock.now()
    with hub.store.read() as session:
        row = trigger_store.named(session, name)
        source = trigger_store.version(session, row.id, row.version).source
        experiment = trigger_store.compiled(row.id, source).experiment
        if experiment is None:
            raise NotFound(f"The trigger “{row.name}” has no experiment.", code="no_experiment")
        since, changed = _standing(session, row, experiment)
        people = _assigned(session, row.id, experiment, reader)
    counted = [one for one in people if one.version >= since and one.arm in experiment.odds]
    for at in range(0, len(counted), PAGE):
        with hub.store.read() as session:
            _look(session, counted[at : at + PAGE], experiment, reader)
        if progress:
            progress(PAGE)
    return _shown(row, experiment, since, changed, people, counted, now)


def _standing(session: Session, row: TriggerRow, now: Experiment) -> tuple[int, list[int]]:
    """The first version since which the odds are these, and the later ones that changed what an arm does."""
    since, changed, later = row.version, list[int](), None
    for version in trigger_store.versions(session, row.id):
        try:
            compiled = trigger_store.compiled(row.id, version.source)
        except KinlineError:
            break
        experiment = compiled.experiment
        if experiment is None or (experiment.id, experiment.odds) != (now.id, now.odds):
            break
        if later is not None and later != compiled.actions_by_arm():
            changed.append(since)
        since, later = version.version, compiled.actions_by_arm()
    return since, sorted(changed)


def _assigned(session: Session, trigger: str, experiment: Experiment, reader: AccessScope) -> list[ExperimentPerson]:
    """Everybody who was assigned, in the order in which they were."""
    found: dict[str, ExperimentPerson] = {}
    ask = _ASSIGNED[reader.accounts is not None]
    for row in ask.rows(session, trigger=trigger, experiment=experiment.name, **accounts_of(reader)):
        known = found.setdefault(row.root_id, ExperimentPerson(row.root_id, row.arm, row.version, row.decided_at))
        known.mixed = known.mixed or known.arm != row.arm
    return list(found.values())


class _AssignedRow(msgspec.Struct, frozen=True):
    root_id: str
    arm: str
    version: int
    decided_at: int


class _HeldRow(msgspec.Struct, frozen=True):
    identity_id: str
    root_id: str
    valid_from: int | None
    valid_to: int | None


def _assignments(*seen: ColumnElement[bool]) -> Ask[_AssignedRow]:
    return Ask(
        select(*columns(Decision, _AssignedRow, root_id=col(Person.root_id)))
        .join(Person, col(Person.id) == col(Decision.person_id))
        .where(
            *seen,
            col(Decision.trigger_id) == bindparam("trigger"),
            col(Decision.experiment) == bindparam("experiment"),
            col(Decision.arm).is_not(None),
        )
        .order_by(col(Decision.decided_at), col(Decision.id)),
        _AssignedRow,
    )


_ASSIGNED = {
    False: _assignments(),
    True: _assignments(
        exists().where(col(InteractionRow.id) == col(Decision.cause_id), through_accounts(InteractionRow))
    ),
}
_HELD = Ask(
    select(*columns(IdentityLink, _HeldRow, root_id=col(Person.root_id)))
    .join(Person, col(Person.id) == col(IdentityLink.person_id))
    .where(among(Person.root_id, "roots"), col(IdentityLink.withdrawn_at).is_(None)),
    _HeldRow,
)


def _look(session: Session, people: list[ExperimentPerson], experiment: Experiment, reader: AccessScope) -> None:
    """Find out who of these did it in time, by what they took part in since."""
    spans = _spans(session, people)
    until = max(one.since for one in people) + experiment.within
    kinds = experiment.desired.kinds or ()
    did: list[tuple[ExperimentPerson, str]] = []
    for identity, seen in load_history.among(session, spans, min(one.since for one in people), until, kinds):
        for person, valid, ended in spans[identity]:
            in_time = person.since < seen.at <= person.since + experiment.within
            if in_time and valid <= seen.at < ended and experiment.desired.matches(seen):
                did.append((person, seen.id))
    visible = seen_by(session, {interaction for _, interaction in did}, reader)
    for person, interaction in did:
        person.did = person.did or interaction in visible


def _spans(session: Session, people: list[ExperimentPerson]) -> dict[str, list[tuple[ExperimentPerson, int, int]]]:
    """The identities of these people, each with whose it was, and from when to when."""
    by_root = {one.root: one for one in people}
    found: dict[str, list[tuple[ExperimentPerson, int, int]]] = {}
    for row in _HELD.rows(session, roots=by_root):
        span = (
            by_root[row.root_id],
            load_history.START if row.valid_from is None else row.valid_from,
            load_history.AS_ALWAYS if row.valid_to is None else row.valid_to,
        )
        found.setdefault(row.identity_id, []).append(span)
    return found


def _shown(
    row: TriggerRow, experiment: Experiment, since: int, changed: list[int], people: list[ExperimentPerson], counted: list[ExperimentPerson],
    now: int,
) -> Effect:  # fmt: skip
    odds = experiment.odds
    arms = {name: _arm(name, share, _of(counted, name), experiment, now) for name, share in odds.items()}
    first, *others = arms.values()
    compared = [msgspec.structs.replace(arm, against=_against(arm, first, len(others))) for arm in others]
    chance = intervals.by_chance([arm.assigned for arm in arms.values()], list(odds.values()))
    return Effect(
        trigger=row.name, experiment=experiment.name, version=row.version, since_version=since,
        desired=experiment.desired.filter.said(), within=experiment.time, at=clock.to_text(now), arms=[first, *compared],
        by_chance=chance, mismatch=chance < MISMATCH, left_out=len(people) - len(counted),
        mixed=sum(one.mixed for one in counted), notes=list(_notes(experiment, changed, chance)),
    )  # fmt: skip


def _of(people: list[ExperimentPerson], arm: str) -> list[ExperimentPerson]:
    return [one for one in people if one.arm == arm]


def _arm(name: str, share: float, people: list[ExperimentPerson], experiment: Experiment, now: int) -> ArmShown:
    over = [one for one in people if one.since + experiment.within <= now]
    counted = HitRate(sum(one.did for one in over), len(over))
    return ArmShown(
        name=name, share=share, assigned=len(people), open=len(people) - len(over),
        early=sum(one.did for one in people) - counted.hits, counted=counted.of, did=counted.hits,
        rate=counted.rate if counted.of else None, interval=intervals.wilson(counted),
    )  # fmt: skip


def _against(arm: ArmShown, first: ArmShown, comparisons: int) -> Against:
    """Compared with the first arm; with several of them, so that all hold together (Bonferroni)."""
    one, other, alpha = HitRate(arm.did, arm.counted), HitRate(first.did, first.counted), ALPHA / comparisons
    difference = one.rate - other.rate
    verdict = "not_enough_to_tell"
    if intervals.settled(one, other, alpha):
        verdict = "more" if difference > 0 else "fewer"
    return Against(
        arm=first.name, difference=difference, once=intervals.newcombe(one, other),
        any_time=intervals.any_time(one, other, alpha), likely_more=intervals.likely_more(one, other), verdict=verdict,
    )  # fmt: skip


def _notes(experiment: Experiment, changed: list[int], chance: float) -> Iterator[str]:
    """What a reader should know, in sentences."""
    if chance < MISMATCH:
        yield "The numbers of persons are too far from their odds for chance: look for what goes wrong before believing this."
    if changed:
        yield f"What an arm does was changed in version {', '.join(map(str, changed))}; the counts hold both."
    if not experiment.held_out:
        yield "Nobody is held out: the variants are compared with each other, and never with doing nothing."
