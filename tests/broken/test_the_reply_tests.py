"""The hub is broken at whom an answer goes to, and the tests of replies must see it."""

from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from breaking import checks_of, fails
from kinline.accounts import connected, keys
from kinline.followups import addressee, copies, preparing
from kinline.followups.participants import Participants
from kinline.hub import Hub
from kinline.waiting import rules
from kinline_api.app import Application, create_app
from kinline_email import smtp
from wire import Wire, wire

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CHECKS = checks_of("api/test_replies_api.py")
Door = TestClient[Application]


@pytest.fixture
def door(hub: Hub) -> Iterator[Door]:
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "email", "inbox", {})
        token = keys.create(session, "a test", ("admin",), None)
    with TestClient(create_app(hub), base_url="http://127.0.0.1") as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


@pytest.fixture
def out(door: Door, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    with wire(hub, monkeypatch) as found:
        yield found


def test_an_answer_to_the_last_writer_is_seen(door: Door, hub: Hub, out: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def last_writer(here: Participants, asked: object) -> object:
        author = here.lines[0].author
        assert author is not None
        return addressee._theirs(here, author.person)

    monkeypatch.setattr(addressee, "_default", last_writer)

    fails(CHECKS.test_a_colleague_who_writes_to_us_alone_leaves_several_who_wait, door, hub, out)


def test_copies_that_are_lost_are_seen(door: Door, hub: Hub, out: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "_copied", lambda *given: ())

    fails(CHECKS.test_whoever_waits_alone_gets_the_answer_and_those_in_copy_a_copy, door, hub, out)


def test_a_reply_to_that_is_believed_is_seen(door: Door, hub: Hub, out: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addressee, "_of_one_house", lambda one, other: True)

    fails(CHECKS.test_a_forged_sender_with_another_address_to_answer_to_is_asked_about, door, hub, out)


def test_a_copy_that_an_unproved_word_added_is_seen(
    door: Door, hub: Hub, out: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Participants, "vouched", lambda here: set(here.members()))

    fails(CHECKS.test_an_unproved_word_in_the_middle_puts_nobody_in_copy, door, hub, out)


def test_a_complaint_that_comes_too_late_is_seen(
    door: Door, hub: Hub, out: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "is_welcome", lambda *given: True)

    fails(CHECKS.test_a_complaint_between_send_and_leaving_is_heard, door, hub, out)


def test_an_envelope_with_somebody_else_is_seen(
    door: Door, hub: Hub, out: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = smtp._recipients
    monkeypatch.setattr(smtp, "_recipients", lambda prepared: [*real(prepared), "eve@elsewhere.example"])

    fails(CHECKS.test_whoever_waits_alone_gets_the_answer_and_those_in_copy_a_copy, door, hub, out)


def test_an_answer_that_never_arrived_and_settles_is_seen(
    door: Door, hub: Hub, out: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "settles", lambda line, person, place: line.ours and line.place == place)

    fails(CHECKS.test_a_copy_that_the_server_refuses_leaves_whoever_asked_waiting, door, hub, out)
