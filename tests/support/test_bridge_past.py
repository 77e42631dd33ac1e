"""The past of a desk, moved in: over its API and from files, with what hangs on it, resumable, starting nothing."""

import json
from functools import partial
from typing import Any

import pytest

from kinline import handlers
from kinline.accounts import connected
from kinline.accounts.ready import ready
from kinline.desk import replies, work
from kinline.desk.replies import ReplyText
from kinline.errors import Conflict
from kinline.hub import Hub
from kinline.intake.receive import receive
from kinline.live import history
from kinline.messages import Source
from kinline.store import sql
from kinline.words import ConversationState

from .conftest import STATES, Bridge, later


def test_the_past_comes_with_files_notes_agents_and_numbers_and_starts_nothing(bridge: Bridge, make: str) -> None:
    # Given three tickets of last week
    week = 7 * 86_400
    keys = [
        bridge.desk.person_asks(f"Matter {n}", f"Question {n}", ago=week, files={"list.txt": b"one, two"})
        for n in range(3)
    ]
    for key in keys:
        bridge.desk.agent_says(key, f"Answer to {key}", ago=week - 60)
        bridge.desk.agent_says(key, f"Note on {key}", public=False, ago=week - 60)
        bridge.desk.agent_puts(key, STATES[make]["solved"])
    found = ready(bridge.hub, bridge.account)
    told = history.estimate(found)
    assert told.items is None or told.items >= 3

    # When they are brought in
    history.start(bridge.hub, found, told)
    bridge.keep(lambda: bridge.row().history_state == "done")
    handlers.drain(bridge.hub)

    # Then all is here under its old number, and nothing was started
    for key in keys:
        kinds = [kind for kind, _, _ in bridge.said(key)]
        assert sorted(kinds) == ["message", "message", "note"]
        assert bridge.conversation(key).state == "solved"
        assert bridge.conversation(key).clock is None
    assert bridge.count("attachment") >= 3
    assert bridge.count("followup") == bridge.count("mirror") == 0
    with bridge.hub.store.read() as session:
        origins = sql.run(session, "SELECT DISTINCT origin FROM interaction i WHERE i.sort_at < {p}", later(-86_400))
    assert origins == [("import",)]
    bridge.holds()


def test_the_past_goes_on_where_it_was_killed(bridge: Bridge) -> None:
    keys = [bridge.desk.person_asks(f"Matter {n}", f"Question {n}", ago=7 * 86_400) for n in range(5)]
    history.start(bridge.hub, ready(bridge.hub, bridge.account), history.estimate(ready(bridge.hub, bridge.account)))

    # Given a desk that breaks in the middle, again and again
    for _ in range(20):
        if bridge.row().history_state == "done":
            break
        enough = len(bridge.desk.calls) + 3
        bridge.keep(partial(_is_through, bridge, enough))
    handlers.drain(bridge.hub)

    assert bridge.row().history_state == "done"
    assert [len(bridge.said(key)) for key in keys] == [1] * 5
    bridge.holds()


def _is_through(bridge: Bridge, calls: int) -> bool:
    return len(bridge.desk.calls) >= calls or bridge.row().history_state == "done"


def test_a_file_that_is_gone_keeps_nobodys_words_back(bridge: Bridge) -> None:
    key = bridge.desk.person_asks("Parcel", "See the list.", files={"list.txt": b"one, two", "gone.txt": b"three"})
    attached: dict[Any, bytes] = bridge.desk.attached  # type: ignore[attr-defined]
    for name in [name for name, content in attached.items() if content == b"three"]:
        del attached[name]
    bridge.look()

    assert bridge.said(key) == [("message", "inbound", "See the list.")]
    with bridge.hub.store.read() as session:
        [(doc,)] = sql.run(session, "SELECT doc FROM interaction WHERE doc LIKE {p}", "%See the list.%")
        assert sql.run(session, "SELECT name FROM attachment") == [("list.txt",)]
    notes = [each.get("note", "") for each in json.loads(doc)["attachments"]]
    assert notes == ["", "remote"]


def test_an_account_of_files_alone_is_not_asked_and_sends_nothing(live: Hub) -> None:
    # Given an export, and no token
    with live.store.write() as session:
        connected.connect(session, live.secret, "support", "old desk", {"desk": "desk.example.org", "agents": ["2"]})
        account = connected.ref(connected.named(session, "old desk"))
        said = b'{"id": 1, "ticket_id": 10, "author_id": 7, "body": "Hello?", "created_at": "2024-11-02T08:15:00Z", "public": true}'
        ticket = b'{"id": 10, "subject": "Old", "requester_id": 7, "status": "open"}'
        receive(session, account, b'{"tickets": [%b], "comments": [%b]}' % (ticket, said), Source())
    handlers.drain(live)

    found = ready(live, account.id)
    with live.store.write() as session:
        [(conversation,)] = sql.run(session, "SELECT id FROM conversation")
        with pytest.raises(Conflict, match="no connected channel"):
            replies.reply(live, session, conversation, ReplyText(text="Hello!"), agent="Cleo")
        work.note(live, session, conversation, agent="Cleo", text="An old one.")
        work.to_state(live, session, conversation, ConversationState.SOLVED, agent="Cleo")

    assert not found.channel.is_live(found.settings)
    with live.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM mirror") == [(0,)]


def test_the_newest_there_are_here(bridge: Bridge, ticket: str) -> None:
    with ready(bridge.hub, bridge.account).channel.connect(ready(bridge.hub, bridge.account).settings) as connection:
        said = connection.about()
        connection.recent(20)

    assert said.endswith(".")
    assert bridge.row().error_kind == ""


def test_settings_for_a_desk_that_is_not_ours_are_refused() -> None:
    from kinline import ChannelError
    from kinline_support.settings import SupportSettings, base

    for desk, code in (("http://desk.example.org", "not_https"), ("", "not_authorised")):
        with pytest.raises(ChannelError) as refused:
            base(SupportSettings(desk=desk, token="t"))
        assert refused.value.code == code
