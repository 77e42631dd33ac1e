"""A loop through three channels: we call a company's system, that opens a ticket, we answer it by mail, and our
mail has us call the system. No header passes from one to the other: what stops it is what the person had already."""

from collections.abc import Iterator
from typing import Any

import pytest

from acting import live, record, rows
from kinline import addresses, clock, handlers
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.hub import Hub
from kinline.messages import Party, Thread
from kinline.pretend import FakeAnswer, PretendServer
from kinline.testing.factories import ANN, PartyFactory
from kinline.webhooks import endpoints
from mail_net import WAYS, Net, net

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
THANK = "[{message: {channel: email, text: 'We got it.', class: transactional}}]"
CALL = "[{webhook: {endpoint: flows}}]"
A_TICKET = "about: A ticket.\nwhen: {did: {kind: message, channel: support, direction: inbound}}\n"
A_MAIL = "about: We wrote.\nwhen: {did: {kind: message, channel: email, direction: outbound, automatic: any}}\n"


class Flows(PretendServer):
    """The company's own automation: whatever it is told, it opens a new ticket for Ann, as if she had."""

    def __init__(self, hub: Hub, desk: AccountRef) -> None:
        super().__init__()
        self.hub, self.desk, self.answered = hub, desk, 0

    def settings_for(self, url: str) -> dict[str, Any]:
        return {}

    def routes(self) -> list[Any]:
        return [("POST", "/hook", lambda asked: FakeAnswer(status=204))]

    def opens(self) -> None:
        """A ticket for each call that was not answered with one yet."""
        for number in range(self.answered, len(self.calls)):
            self.ticket(f"Case {number}")
        self.answered = len(self.calls)

    def ticket(self, text: str) -> None:
        ann: tuple[Party, ...] = (PartyFactory.build(handle=ANN),)
        record(
            self.hub, self.desk, source_id=text, text=text, parties=ann, occurred_at=clock.to_datetime(clock.now()),
            thread=Thread(key=text),
        )  # fmt: skip


@pytest.fixture
def flows(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flows]:
    monkeypatch.setattr(addresses, "is_public", lambda address: True)
    with hub.store.write() as session:
        desk = connected.connect(session, hub.secret, "support", "desk", {})
        connected.connect(session, hub.secret, "email", "inbox", {"address": "help@hub.example", "smtp_host": "net"})
    made = Flows(hub, desk)
    made.start()
    with hub.store.write() as session:
        endpoints.add(session, hub.secret, "flows", f"{made.url}/hook")
    yield made
    made.stop()


def a_day(made: Net, flows: Flows) -> None:
    """Twenty-three hours; the system does its part every ten minutes."""
    for _ in range(23 * 6):
        made.now += 10 * clock.MINUTE
        handlers.drain(flows.hub)
        flows.opens()


def test_a_loop_over_three_channels_ends_after_one_turn(
    hub: Hub, flows: Flows, monkeypatch: pytest.MonkeyPatch
) -> None:
    with net(monkeypatch, WAYS["none"], hub) as made:
        # Given tickets that we answer by mail, and mails of ours that we tell the company's system of
        live(hub, "thank", THANK, when=A_TICKET)
        live(hub, "tell", CALL, when=A_MAIL)

        # When Ann opens one ticket, and the system one for each thing it is told
        flows.ticket("Where is my lamp?")
        a_day(made, flows)

    # Then she had one mail, the system one call, and why there was no second is told
    assert (made.automatic["help@hub.example"], len(flows.calls)) == (1, 1)
    held = rows(hub, "SELECT reason FROM followup WHERE state = 'cancelled'")
    assert held == [("loop: this trigger answered them within 24 hours",)]
