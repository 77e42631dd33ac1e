"""Public posts of triggers: approved first, to nobody in particular, over the same choke point as messages."""

import pytest

from acting import Square, live, rows, says
from kinline import handlers
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.catalogue import trigger_store
from kinline.clock import HOUR
from kinline.contract.plugins import channels
from kinline.desk import approvals
from kinline.followups import manage
from kinline.hub import Hub
from kinline.words import TriggerState
from settable import NINE, Time


@pytest.fixture
def square(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Square:
    """An account of ours on the square, and a hub that really speaks."""
    made = Square()
    monkeypatch.setitem(channels().loaded, "square", made)
    monkeypatch.setattr(hub.settings, "outbound", "live")
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "square", "market", {})
    return made


def test_a_public_post_waits_for_approval_and_then_goes_to_nobody_in_particular(
    hub: Hub, inbox: AccountRef, time: Time, square: Square
) -> None:
    live(hub, "tell", '[{publish: {account: market, text: "{{ person.first_name }} likes us"}}]')
    says(hub, inbox)
    assert square.said == []

    with hub.store.write() as session:
        [waiting] = approvals.listed(session)
        manage.approve(session, waiting.id, by="Dora")
    handlers.drain(hub)

    assert (waiting.sort, waiting.over) == ("post", "market")
    assert square.said == ["Ann likes us"]
    assert rows(hub, "SELECT state, send_class FROM followup") == [("sent", "public")]
    posts = rows(hub, "SELECT kind, direction FROM interaction WHERE channel = 'square'")
    assert posts == [("post", "outbound")]
    assert rows(
        hub,
        "SELECT count(*) FROM participant p JOIN interaction i ON i.id = p.interaction_id WHERE i.channel = 'square'",
    ) == [(0,)]


def test_a_post_without_approval_goes_at_once_and_counts_for_no_budget(
    hub: Hub, inbox: AccountRef, time: Time, square: Square
) -> None:
    hub.settings.contact_budget = 1
    live(hub, "tell", "[{publish: {account: market, text: Another happy customer, approval: false}}]")
    says(hub, inbox, "One")
    time.now = NINE + HOUR
    live(hub, "greet", "[{message: {text: Hi, class: service}}]")
    says(hub, inbox, "Two")

    assert square.said == ["Another happy customer"] * 2
    [(reason,)] = rows(hub, "SELECT reason FROM followup WHERE send_class = 'service'")
    assert not reason.startswith("budget")


def test_a_post_of_a_trigger_that_is_paused_meanwhile_is_not_made(
    hub: Hub, inbox: AccountRef, time: Time, square: Square
) -> None:
    live(hub, "tell", "[{publish: {account: market, text: News}}]")
    says(hub, inbox)
    with hub.store.write() as session:
        trigger_store.set_state(session, "tell", TriggerState.PAUSED)
        manage.approve(session, rows(hub, "SELECT id FROM followup")[0][0], by="Dora")
    handlers.drain(hub)

    assert square.said == []
    assert rows(hub, "SELECT state, reason FROM followup") == [
        ("cancelled", "trigger: its trigger is not live any more, it is paused")
    ]


def test_a_post_that_the_channel_refuses_has_failed(hub: Hub, inbox: AccountRef, time: Time, square: Square) -> None:
    live(hub, "tell", f"[{{publish: {{account: market, text: {'x' * 281}, approval: false}}}}]")
    says(hub, inbox)

    assert rows(hub, "SELECT state, reason FROM followup") == [("failed", "too_long: The post is too long.")]
