"""Deciding: a pure function of a trigger, a person's history and a moment.

Live, in shadow, in a back-test and in an explanation it is this one function, with another clock and another
use of what it says. It reads no clock and no database, and the same history gives the same answer whatever
order it arrived in. It does not know what was decided before: the caller keeps once-keys, lateness, budgets
and origins (imports) apart.
"""

from collections.abc import Iterable

import msgspec

from kinline.clock import EARLIEST
from kinline.triggers.compiled import Trigger, person_values
from kinline.triggers.conditions import Sight
from kinline.triggers.conditions.plugin import Unanswered
from kinline.triggers.filters import Filter, compile_filter
from kinline.triggers.history import History, PersonState
from kinline.triggers.outcomes import Evidence, Fire, Outcome, Settled, Wait, moment

_ANSWER = compile_filter(Filter(), side="us", own="", pointer="")
_REPLY = compile_filter(Filter(), side="them", own="", pointer="")
_RANK: dict[type, int] = {Fire: 0, Wait: 1, Settled: 2}


def evaluate(trigger: Trigger, history: History, now: int, *, since: int = EARLIEST) -> tuple[Outcome, ...]:
    """All episodes of this trigger in this history, as of ``now``, oldest first; one outcome per episode.

    ``since`` leaves out what fired or settled before it (before the trigger went live, say). What happens
    later than ``now`` is a `Wait` until then. Where a condition of a plugin fails, there is none.
    """
    try:
        return _evaluated(trigger, history, now, since)
    except Unanswered:
        return ()


def _evaluated(trigger: Trigger, history: History, now: int, since: int) -> tuple[Outcome, ...]:
    sight = Sight(history, now)
    found = (_at_present(outcome, now) for outcome in trigger.condition.outcomes(sight))
    recent = (outcome for outcome in found if moment(outcome) >= since)
    return _one_each(_addressed(trigger, history, outcome) for outcome in recent)


def answered(history: History, about: str, until: int) -> bool:
    """Whether one of us, not a machine, did something towards the person after interaction ``about``."""
    since = next((seen.at for seen in history.seen if seen.id == about), None)
    if since is None:
        return False
    return any(
        seen.answers == about or seen.at > since for seen in history.seen if seen.at <= until and _ANSWER.matches(seen)
    )


def replied(history: History, since: int, until: int) -> bool:
    """Whether the person, not a machine, did something after ``since``, on any channel."""
    return any(since < seen.at <= until and _REPLY.matches(seen) for seen in history.seen)


def once_of(trigger: Trigger, fire: Fire) -> str:
    """The once-key of a fire, by the trigger's ``once_per``."""
    return _once(trigger.definition.limits.once_per, fire)


def _at_present(outcome: Outcome, now: int) -> Outcome:
    if isinstance(outcome, Fire) and outcome.at > now:
        return Wait(episode=outcome.episode, due_at=outcome.at, evidence=outcome.evidence)
    return outcome


def _one_each(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """One outcome per episode: a fire before a wait before a settlement, and the earliest of them."""
    best: dict[str, Outcome] = {}
    for outcome in outcomes:
        known = best.get(outcome.episode)
        if known is None or _order(outcome) < _order(known):
            best[outcome.episode] = outcome
    return tuple(sorted(best.values(), key=lambda outcome: (moment(outcome), outcome.episode)))


def _order(outcome: Outcome) -> tuple[int, int]:
    return _RANK[type(outcome)], moment(outcome)


def _addressed(trigger: Trigger, history: History, outcome: Outcome) -> Outcome:
    """A fire for somebody whom ``who`` does not name at that step of that moment is settled; others get their once-key."""
    if not isinstance(outcome, Fire):
        return outcome
    evidence = outcome.evidence
    if trigger.who is not None:
        person = history.person_at(outcome.at, outcome.step)
        replied = "answered" in trigger.who.names and answered(history, evidence.about, outcome.at)
        if not trigger.addresses(person, answered=replied):
            return Settled(episode=outcome.episode, at=outcome.at, reason="not_addressed", evidence=evidence)
        evidence = _with_person(evidence, trigger, person)
    once = _once(trigger.definition.limits.once_per, outcome)
    return msgspec.structs.replace(outcome, evidence=evidence, once=once)


def _with_person(evidence: Evidence, trigger: Trigger, person: PersonState) -> Evidence:
    """The values of the person that ``who`` read. Attributes only by name: a map may hold anything."""
    if trigger.who is None:
        return evidence
    values = person_values(person, answered=False)
    names = sorted(trigger.who.names - {"attributes", "answered", "replied"})
    return evidence.joined(Evidence(read={f"person.{name}": values[name] for name in names}))


def _once(once_per: str, fire: Fire) -> str:
    if once_per == "person":
        return ""
    return (fire.evidence.conversation or fire.episode) if once_per == "conversation" else fire.episode
