"""From what the pure function says to what the hub does about it: the rules of when a fire may act."""

from collections.abc import Iterable

import msgspec

from kinline.catalogue.trigger_store import Active
from kinline.triggers import Fire, Seen
from kinline.words import Origin, TriggerState, Verdict


class Ruling(msgspec.Struct, frozen=True):
    """``None`` as verdict: not ours to decide now, and nothing is recorded."""

    verdict: Verdict | None
    reason: str = ""


IGNORED = Ruling(None)
HELD_OUT = Ruling(
    Verdict.SKIPPED, "hold-out: this person gets nothing, so that the others can be compared with somebody"
)


def would_act(ruling: Ruling) -> bool:
    """It fires, or would have, had chance not held them out: what is decided of the one is decided of the other."""
    return ruling.verdict is Verdict.FIRED or ruling is HELD_OUT


def rule(
    trigger: Active,
    fire: Fire,
    seen: dict[str, Seen],
    now: int,
    *,
    only_housekeeping: bool,
    existing: int | None = None,
) -> Ruling:
    """Whether this fire acts. Stage moves and tags follow history, imported and late; nothing else does.

    ``existing``: what was due since then, before it went live, acts all the same (`limits.existing`).
    """
    caught_up = existing is not None and fire.at >= existing
    compiled = trigger.compiled
    if trigger.state is TriggerState.SHADOW:
        return Ruling(Verdict.SHADOWED) if fire.at >= trigger.live_since else IGNORED
    if compiled.only_housekeeping:
        return Ruling(Verdict.FIRED)
    if only_housekeeping or (fire.at < trigger.live_since and not caught_up):
        return IGNORED
    about = seen.get(fire.evidence.about)
    if fire.evidence.imported or (about is not None and is_history(about, fire)):
        return Ruling(Verdict.SKIPPED, "history that was imported starts nothing")
    if now - fire.at > compiled.lateness and not caught_up:
        return Ruling(Verdict.SKIPPED, "late: it happened longer ago than this trigger's lateness")
    if about is not None and trigger.id in about.caused_by:
        return Ruling(Verdict.SKIPPED, "we caused it ourselves by this trigger")
    return Ruling(Verdict.FIRED)


def is_history(about: Seen, fire: Fire) -> bool:
    """Whether it fires about something that was imported, for a time before that came. What falls due later is no history:
    nobody is forgotten because they were imported."""
    return about.origin is Origin.IMPORT and fire.at <= about.recorded_at


#: Longer chains of triggers starting triggers stop here.
DEEPEST = 3


def chain(trigger: Active, fire: Fire, seen: dict[str, Seen]) -> list[str]:
    """The triggers that led here, this one last."""
    about = seen.get(fire.evidence.about)
    return [*sorted(about.caused_by - {trigger.id} if about else ()), trigger.id]


def too_deep(ruling: Ruling, led: list[str]) -> Ruling:
    """Cascades stop by depth."""
    if len(led) <= DEEPEST or not would_act(ruling):
        return ruling
    return Ruling(Verdict.SKIPPED, f"a chain of more than {DEEPEST} triggers stops")


def too_soon(ruling: Ruling, trigger: Active, fire: Fire, fired: Iterable[int]) -> Ruling:
    """``once_per: 7d``: a fire too soon after another, which ``fired`` tells the times of, is skipped, and says so."""
    window = trigger.compiled.once_within
    if window is None or not would_act(ruling):
        return ruling
    soon = any(abs(fire.at - at) < window for at in fired)  # what arrives late may have happened before what fired
    return Ruling(Verdict.SKIPPED, f"once per {trigger.compiled.definition.limits.once_per}") if soon else ruling
