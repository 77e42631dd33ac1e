"""The life cycle that ships: both tracks, as a person's life moves through them."""

from typing import Any

import pytest

from kinline.clock import DAY
from kinline.triggers import Fire, History, PersonState, Seen, Trigger, Wait, compile_trigger, evaluate, shipped
from kinline.triggers.actions import StageAction
from kinline.words import STAGES, Direction, Kind, Standing, Track

TRIGGERS = [compile_trigger(one) for one in shipped()]
ORDERS_OF_ASKING = pytest.mark.parametrize("asked", [TRIGGERS, TRIGGERS[::-1]], ids=["by name", "backwards"])


def seen(id: str, day: int, kind: Kind, **more: Any) -> Seen:
    plain: dict[str, Any] = {"direction": Direction.INBOUND, "channel": "email", "standing": Standing.VERIFIED}
    return Seen(id=id, at=day * DAY, recorded_at=day * DAY, kind=kind, **{**plain, **more})


def life(asked: list[Trigger], *history: Seen, until: int = 2000) -> list[tuple[int, str]]:
    """Live through a history day by day, as a hub would: at each arrival and each due time, moves applied at once."""
    dated: list[tuple[int, PersonState]] = []
    done: set[tuple[str, str]] = set()
    moves: list[tuple[int, str]] = []
    moments = sorted({one.at for one in history})
    while moments and moments[0] <= until * DAY:
        now = moments.pop(0)
        known = [one for one in history if one.at <= now]
        for trigger in asked:
            for outcome in evaluate(trigger, History.of(known, dated), now):
                if isinstance(outcome, Wait) and outcome.due_at > now:
                    moments = sorted({*moments, outcome.due_at})
                if isinstance(outcome, Fire) and outcome.proved and (trigger.id, outcome.once) not in done:
                    done.add((trigger.id, outcome.once))
                    moves += _move(trigger, dated, outcome.at)
    return moves


def _move(trigger: Trigger, dated: list[tuple[int, PersonState]], at: int) -> list[tuple[int, str]]:
    (action,) = trigger.actions
    stage = action.doing
    assert isinstance(stage, StageAction)
    before = dated[-1][1] if dated else PersonState()
    both: dict[str, Any] = {
        "relationship": before.relationship,
        "business": before.business,
        stage.track.value: stage.to,
    }
    dated.append((at, PersonState(**both)))
    return [(at // DAY, stage.to)]


def test_every_shipped_trigger_is_housekeeping_with_a_sentence_for_a_support_lead() -> None:
    for trigger in TRIGGERS:
        assert trigger.only_housekeeping
        assert trigger.warnings == ()
        assert trigger.definition.about.endswith(".")


def test_every_stage_but_the_first_is_reached_by_some_trigger() -> None:
    reached = {action.doing.to for one in TRIGGERS for action in one.actions if isinstance(action.doing, StageAction)}

    assert reached == {stage for track in Track for stage in STAGES[track][1:]}


@ORDERS_OF_ASKING
def test_a_first_message_makes_a_prospect_and_three_a_lead(asked: list[Trigger]) -> None:
    messages = [seen(f"m{day}", day, Kind.MESSAGE) for day in (0, 3, 9)]

    assert life(asked, *messages) == [(0, "prospect"), (9, "lead")]


@ORDERS_OF_ASKING
def test_a_customer_becomes_loyal_then_quiet_then_lapses(asked: list[Trigger]) -> None:
    orders = [seen(f"o{day}", day, Kind.ORDER) for day in (0, 100 - 20, 120)]

    found = life(asked, *orders)

    assert found == [(0, "customer"), (120, "loyal"), (210, "lapsing"), (485, "lapsed")]


@ORDERS_OF_ASKING
def test_a_lapsed_customer_comes_back_by_an_order_and_not_by_a_word(asked: list[Trigger]) -> None:
    history = [seen("o", 0, Kind.ORDER), seen("m", 400, Kind.MESSAGE), seen("p", 410, Kind.ORDER)]

    assert life(asked, *history, until=450) == [(0, "customer"), (90, "lapsing"), (365, "lapsed"), (410, "customer")]


@ORDERS_OF_ASKING
def test_a_lapsing_customer_is_held_by_a_word(asked: list[Trigger]) -> None:
    history = [seen("o", 0, Kind.ORDER), seen("m", 100, Kind.MESSAGE)]

    assert life(asked, *history, until=150) == [(0, "customer"), (90, "lapsing"), (100, "customer")]


@ORDERS_OF_ASKING
def test_a_customer_who_was_loyal_is_loyal_again_at_the_order_that_brings_them_back(asked: list[Trigger]) -> None:
    orders = [seen(f"o{day}", day, Kind.ORDER) for day in (0, 10, 20, 150)]

    found = life(asked, *orders, until=160)

    assert found[:3] == [(0, "customer"), (20, "loyal"), (110, "lapsing")]
    assert found[-1] == (150, "loyal")


@ORDERS_OF_ASKING
def test_a_customer_who_comments_is_not_lapsing(asked: list[Trigger]) -> None:
    comments = [seen(f"c{day}", day, Kind.COMMENT, channel="blog") for day in range(60, 400, 60)]

    assert "lapsing" not in [stage for _, stage in life(asked, seen("o", 0, Kind.ORDER), *comments, until=400)]


@ORDERS_OF_ASKING
def test_a_share_makes_a_fan_and_three_make_an_advocate_who_need_not_be_a_customer(asked: list[Trigger]) -> None:
    shares = [seen(f"s{day}", day, Kind.SHARE, channel="twitter", direction=Direction.AMONG) for day in (0, 30, 60)]

    assert life(asked, *shares) == [(0, "fan"), (60, "advocate")]


@ORDERS_OF_ASKING
def test_one_like_is_no_statement_and_three_are(asked: list[Trigger]) -> None:
    likes = [seen(f"l{day}", day, Kind.REACTION, channel="twitter") for day in (0, 5, 10)]

    assert life(asked, likes[0]) == []
    assert life(asked, *likes) == [(10, "fan")]


@ORDERS_OF_ASKING
def test_a_bad_review_makes_no_fan_and_an_unrated_one_neither(asked: list[Trigger]) -> None:
    assert life(asked, seen("r", 0, Kind.REVIEW, facts={"rating": 1})) == []
    assert life(asked, seen("r", 0, Kind.REVIEW)) == []
    assert life(asked, seen("r", 0, Kind.REVIEW, facts={"rating": 5})) == [(0, "fan")]


@ORDERS_OF_ASKING
def test_somebody_who_only_says_who_they_are_moves_nowhere(asked: list[Trigger]) -> None:
    claims = [seen(f"x{day}", day, kind, standing=Standing.CLAIMED) for day, kind in enumerate(Kind)]

    assert life(asked, *claims) == []


@ORDERS_OF_ASKING
def test_a_machine_moves_nowhere(asked: list[Trigger]) -> None:
    assert life(asked, seen("m", 0, Kind.MESSAGE, automatic=True)) == []
