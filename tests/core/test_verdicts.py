"""When a fire may act: the rules alone, without a store."""

import pytest

from kinline.catalogue.trigger_store import Active
from kinline.clock import HOUR
from kinline.decide.verdicts import IGNORED, Ruling, chain, rule
from kinline.triggers import Evidence, Fire, Seen, read_trigger
from kinline.words import Direction, Kind, Origin, TriggerState, Verdict
from settable import NINE

TEXT = "name: watch\nabout: Somebody wrote.\nwhen: {did: {kind: message}}\ndo: [{task: {team: t, title: Look}}]"


def watch(state: TriggerState = TriggerState.LIVE, live_since: int = 0) -> Active:
    return Active("watch", 1, state, live_since, read_trigger(TEXT, "watch"))


def seen(*caused_by: str, origin: Origin = Origin.LIVE) -> dict[str, Seen]:
    one = Seen(
        id="mail", at=NINE, recorded_at=NINE, kind=Kind.MESSAGE, direction=Direction.INBOUND, channel="email",
        caused_by=frozenset(caused_by), origin=origin,
    )  # fmt: skip
    return {"mail": one}


FIRE = Fire(episode="mail", at=NINE, evidence=Evidence(interactions=("mail",), about="mail"), once="mail")
SKIPPED = Verdict.SKIPPED
RULED = {
    "it acts": (watch(), seen(), NINE, Ruling(Verdict.FIRED)),
    "what it caused itself": (watch(), seen("watch"), NINE, Ruling(SKIPPED, "we caused it ourselves by this trigger")),
    "what another caused": (watch(), seen("other"), NINE, Ruling(Verdict.FIRED)),
    "what was imported": (watch(), seen(origin=Origin.IMPORT), NINE, Ruling(SKIPPED, "history that was imported starts nothing")),
    "just in time": (watch(), seen(), NINE + 4 * HOUR, Ruling(Verdict.FIRED)),
    "too late": (watch(), seen(), NINE + 4 * HOUR + 1, Ruling(SKIPPED, "late: it happened longer ago than this trigger's lateness")),
    "before it was live": (watch(live_since=NINE + 1), seen(), NINE, IGNORED),
    "in shadow": (watch(TriggerState.SHADOW), seen("watch"), NINE, Ruling(Verdict.SHADOWED)),
}  # fmt: skip


@pytest.mark.parametrize("case", RULED)
def test_a_fire_is_ruled_on(case: str) -> None:
    trigger, about, now, expected = RULED[case]

    assert rule(trigger, FIRE, about, now, only_housekeeping=False) == expected


def test_after_a_merge_nothing_starts() -> None:
    assert rule(watch(), FIRE, seen(), NINE, only_housekeeping=True) is IGNORED


def test_the_chain_names_who_led_here_and_this_one_last() -> None:
    assert chain(watch(), FIRE, seen("b", "a", "watch")) == ["a", "b", "watch"]
    assert chain(watch(), FIRE, {}) == ["watch"]
