"""The hub is broken at outside events, and their tests must see it."""

import pytest

import kinline_events.segment as calls
from breaking import checks_of, fails
from kinline.hub import Hub
from kinline.record import profiles
from kinline_events import fields

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
EVENTS, SHIPPED = checks_of("api/test_events_api.py"), checks_of("../plugins/events/test_events.py")


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
