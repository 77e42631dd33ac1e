"""The hub is broken at what it owes and at outside events, and the tests of both must see it."""

import pytest

import kinline_events.segment as calls
from breaking import checks_of, fails
from kinline.hub import Hub
from kinline.record import owed, owing, profiles
from kinline_events import fields

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OWED, EVENTS = checks_of("core/test_owed.py"), checks_of("api/test_events_api.py")
SHIPPED = checks_of("../plugins/events/test_events.py")


@pytest.fixture
def desk(hub: Hub) -> Hub:
    """The desk of those tests."""
    from kinline.accounts import connected

    with hub.store.write() as session:
        for name, (channel, given) in OWED.ACCOUNTS.items():
            connected.connect(session, hub.secret, channel, name, given)
    return hub


@on_sqlite
def test_an_answer_that_counts_on_its_own_channel_only_is_seen(desk: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owing, "waiting_of", lambda session, identities: [])

    fails(OWED.test_what_is_in_no_conversation_waits_too, desk)


@on_sqlite
def test_a_late_word_that_is_taken_for_the_first_is_seen(desk: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owing, "last_spoken", lambda session, identities, since: {})

    fails(OWED.test_imported_history_counts_and_a_late_one_too, desk)


@on_sqlite
def test_a_merge_that_forgets_what_is_owed_is_seen(desk: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owed, "settle_person", lambda session, identity: None)

    fails(OWED.test_an_answer_on_any_channel_ends_it_for_the_whole_person, desk)


@on_sqlite
def test_help_that_nobody_notices_is_seen(desk: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owed, "_answered_before", lambda session, fresh, known: [])

    fails(OWED.test_somebody_elses_answer_ends_it_and_says_so, desk)


@on_sqlite
def test_spam_that_waits_for_an_answer_is_seen(desk: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owed, "MODERATED_AWAY", frozenset())

    fails(OWED.test_what_asks_nothing_opens_nothing, desk, {"moderation": "spam"})


def test_a_clock_that_is_believed_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "happened", lambda call: fields.moment(call.told.get("timestamp")))

    fails(SHIPPED.test_nothing_happens_after_it_was_received)


def test_a_source_that_is_believed_in_everything_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = calls._party
    everything = SHIPPED.EventsSettings(issuer="shop", trusted=("external", "email"))
    monkeypatch.setattr(calls, "_party", lambda handle, settings: real(handle, everything))

    fails(SHIPPED.test_only_the_types_that_the_operator_trusts_are_believed)


@on_sqlite
def test_two_users_who_are_joined_by_a_shared_device_are_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from litestar.testing import TestClient

    from kinline.accounts import connected, keys
    from kinline_api.app import create_app

    monkeypatch.setattr(profiles, "_another_user", lambda session, about, other: False)
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "events", "shop", {"issuer": "shop", "trusted": ["external"]})
        key = keys.create(session, "a test", ("admin",))
    with TestClient(create_app(hub), base_url="http://127.0.0.1") as client:
        client.headers["Authorization"] = f"Bearer {key}"
        fails(EVENTS.test_two_users_on_one_device_stay_two, client, hub)
