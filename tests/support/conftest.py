"""A hub that is tied to a stand-in for a desk, for tests of every make."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.desk import conversation_list, conversations, replies
from kinline.desk.conversation_list import ConversationFilter
from kinline.desk.conversations import View
from kinline.desk.replies import ReplyText
from kinline.hub import Hub
from kinline.intake.ledger import ledger
from kinline.intake.receive import receive
from kinline.live.health import Health, health
from kinline.live.keeping import Keeper
from kinline.messages import Source
from kinline.store import sql
from kinline.store.models import AccountLive
from kinline_support.pretend_chatwoot import PretendChatwoot
from kinline_support.pretend_zammad import PretendZammad
from kinline_support.pretend_zendesk import PretendZendesk
from kinline_support.pretending import PretendDesk
from kinline_support.zendesk import connection as zendesk


class Bridge:
    """One desk, as an account of a hub."""

    def __init__(self, hub: Hub, desk: PretendDesk, settings: dict[str, Any], name: str) -> None:
        self.hub, self.desk, self.name = hub, desk, name
        with hub.store.write() as session:
            self.account = connected.connect(session, hub.secret, "support", name, settings).id

    def row(self) -> AccountLive:
        with self.hub.store.read() as session:
            return session.get(AccountLive, self.account) or AccountLive(account_id=self.account)

    def keep(self, until: Callable[[], Any]) -> None:
        """Have a real keeper look after the account until something is so, or it gave up."""
        keeper = Keeper(self.hub, self.account, "this-test", news=lambda: None)
        thread = threading.Thread(target=keeper.keep)
        thread.start()
        for _ in range(1000):
            if until() or not thread.is_alive():
                break
            thread.join(0.01)
        keeper.stop.set()
        keeper.woken.set()
        thread.join(20)
        assert not thread.is_alive()

    def look(self) -> None:
        """One look at the desk, and everything that follows from it."""
        before = self.row().polled_at
        self.keep(lambda: self.row().polled_at != before)
        handlers.drain(self.hub)

    def hears(self, event: dict[str, Any]) -> None:
        """A webhook call that was proved already."""
        with self.hub.store.write() as session:
            receive(session, connected.ref(connected.named(session, self.name)), json.dumps(event).encode(), Source())
        handlers.drain(self.hub)

    def health(self) -> Health:
        with self.hub.store.read() as session:
            return health(session, self.hub.secret, connected.named(session, self.name))

    def conversation(self, key: str) -> View:
        """The conversation of a ticket, found by the number that it has there."""
        with self.hub.store.read() as session:
            instance = connected.named(session, self.name).instance
            statement = "SELECT id FROM conversation WHERE number = {p} AND instance = {p}"
            [(mine,)] = sql.run(session, statement, self.number(key), instance)
            shown = conversation_list.listed(session, ConversationFilter(number=self.number(key)))
            [found] = [each for _, each in shown if each.id == mine]
        return found

    def number(self, key: str) -> str:
        return str(getattr(self.desk, "numbers", {}).get(key, key))

    def said(self, key: str) -> list[tuple[str, str, str]]:
        """Kind, direction and text of everything in the conversation of a ticket that is no mere change of ours."""
        with self.hub.store.read() as session:
            row = conversations.find(session, self.conversation(key).id)
            shown = [json.loads(entry.json()) for entry in conversations.said(session, row)]
        docs = [(each["kind"], each["direction"], each.get("text", "")) for each in shown if not each.get("deleted")]
        return [each for each in docs if each[2]]

    def does(self, what: Callable[..., Any], key: str, *more: Any, **named: Any) -> Any:
        """One of ours does something at the hub's desk, and all that follows is done."""
        with self.hub.store.write() as session:
            made = what(self.hub, session, self.conversation(key).id, *more, agent="Cleo", **named)
        handlers.drain(self.hub)
        return made

    def replies(self, key: str, text: str) -> str:
        return str(self.does(replies.reply, key, ReplyText(text=text)))

    def followup(self, name: str) -> tuple[str, str]:
        with self.hub.store.read() as session:
            [found] = sql.run(session, "SELECT state, reason FROM followup WHERE id = {p}", name)
        return str(found[0]), str(found[1])

    def count(self, what: str) -> int:
        with self.hub.store.read() as session:
            return int(sql.run(session, f"SELECT count(*) FROM {what}")[0][0])

    def holds(self) -> None:
        """Everything received is in exactly one place."""
        with self.hub.store.read() as session:
            assert all(line.holds for line in ledger(session))


Tie = Callable[..., Bridge]


@pytest.fixture
def live(hub: Hub) -> Hub:
    """A hub that really sends."""
    hub.settings.outbound = "live"
    return hub


@pytest.fixture
def tie(live: Hub) -> Iterator[Callable[[PretendDesk, str], Bridge]]:
    """Starts a stand-in and connects an account to it."""
    started: list[PretendDesk] = []

    def make(desk: PretendDesk, name: str = "the desk") -> Bridge:
        started.append(desk)
        return Bridge(live, desk, desk.start(), name)

    yield make
    for desk in started:
        desk.stop()


def later(seconds: float) -> int:
    return clock.now() + int(seconds * clock.SECOND)


#: Each make, and its words for: waits for them, waits for somebody else, thought to be done.
MAKES: dict[str, tuple[Callable[[], PretendDesk], dict[str, str]]] = {
    "zendesk": (
        lambda: PretendZendesk(settles=0, exports=None, page=2),
        {"pending": "pending", "on_hold": "hold", "solved": "solved"},
    ),
    "zammad": (
        lambda: PretendZammad(page=2),
        {"pending": "pending reminder", "on_hold": "pending reminder", "solved": "closed"},
    ),
    "chatwoot": (lambda: PretendChatwoot(page=2), {"pending": "snoozed", "on_hold": "snoozed", "solved": "resolved"}),
}
STATES: dict[str, dict[str, str]] = {make: words for make, (_, words) in MAKES.items()}


@pytest.fixture(params=sorted(MAKES))
def make(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bridge(make: str, tie: Tie, monkeypatch: pytest.MonkeyPatch) -> Bridge:
    monkeypatch.setattr(zendesk, "BETWEEN", 0.0)
    return tie(MAKES[make][0]())


@pytest.fixture
def ticket(bridge: Bridge) -> str:
    """Ann opened a ticket there, and it is here."""
    key: str = bridge.desk.person_asks("Parcel", "Where is my parcel?")
    bridge.look()
    return key
