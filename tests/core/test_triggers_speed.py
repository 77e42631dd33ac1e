"""How many decisions a second, printed: ``pytest -m bench -s``."""

import time

import pytest

from kinline.clock import DAY, HOUR
from kinline.triggers import History, PersonState, Seen, Trigger, compile_trigger, evaluate, read_trigger, shipped
from kinline.words import Direction, Kind, Role, Standing

RESCUE = """
name: rescue
about: Somebody complained, and we have been silent for two hours.
when: {silence: {of: us, after: {kind: message, direction: inbound, where: "topic == 'complaint'"}, for: 2h}}
who: "business in ['customer', 'loyal']"
do: [{task: {team: support, title: Look}}]
"""


def _history(length: int) -> History:
    kinds = (Kind.MESSAGE, Kind.MESSAGE, Kind.ORDER, Kind.COMMENT)
    seen = (
        Seen(
            id=f"{at:05}",
            at=at * HOUR,
            recorded_at=at * HOUR,
            kind=kinds[at % 4],
            direction=Direction.OUTBOUND if at % 4 == 1 else Direction.INBOUND,
            role=Role.RECIPIENT if at % 4 == 1 else Role.AUTHOR,
            standing=Standing.VERIFIED,
            channel=("email", "twitter")[at % 2],
            topic=("complaint", "praise", "")[at % 3],
            text="My parcel has not arrived." * 4,
        )
        for at in range(length)
    )
    return History.of(seen, PersonState(business="customer"))


def _rate(triggers: list[Trigger], history: History) -> float:
    rounds, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < 0.5:
        for trigger in triggers:
            evaluate(trigger, history, 400 * DAY)
        rounds += len(triggers)
    return rounds / (time.perf_counter() - begun)


@pytest.mark.alone
@pytest.mark.bench
@pytest.mark.parametrize("length", [50, 1000])
def test_decisions_a_second(length: int) -> None:
    history = _history(length)
    rescue, cycle = read_trigger(RESCUE), [compile_trigger(one) for one in shipped()]

    rates = {"silence with CEL": _rate([rescue], history), "the life cycle": _rate(cycle, history)}

    print(f"\n{length} interactions:", ", ".join(f"{name} {rate:,.0f}/s" for name, rate in rates.items()))
    assert min(rates.values()) > 50_000 / length
