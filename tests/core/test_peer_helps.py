"""A reply in a brand's thread on X names the brand too, and is all the same an answer of a peer."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.desk import worklist
from kinline.desk.worklist import WaitingShown, WorklistFilter
from kinline.hub import Hub
from kinline.intake.receive import receive
from kinline.messages import Source
from kinline.waiting.listing import List

CASE = Path(__file__).parents[1] / "cases" / "x-peer-helps.jsonl"


def waiting(hub: Hub, which: List) -> list[WaitingShown]:
    with hub.store.read() as session:
        return [each for _, each in worklist.listed(session, WorklistFilter(list=which))]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_whoever_was_helped_rests_and_is_counted_whatever_came_first(hub: Hub, order: tuple[int, int]) -> None:
    # Given Ann, who asks us on X, and Bea, who answers her and so names us too
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "twitter", "x", {"user_id": "910009"})
    said = CASE.read_bytes().splitlines()
    with clock.frozen(clock.from_datetime(datetime(2022, 12, 6, 12, 20, tzinfo=UTC))):
        for number in order:
            with hub.store.write() as session:
                receive(session, connected.ref(connected.named(session, "x")), said[number], Source())
            handlers.drain(hub)

    # Then nobody waits, and Ann rests since Bea answered
    assert waiting(hub, List.WAITING) == []
    [ann] = waiting(hub, List.PAUSED)
    assert (ann.name, ann.paused, ann.answered_at) == ("Ann", "peer", "2022-12-06T12:10:00Z")
    assert ann.due_at is None
    with hub.store.read() as session:
        assert worklist.counted(session)["paused"] == 1
