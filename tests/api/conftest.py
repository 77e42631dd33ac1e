"""A door to a hub of its own for each test, and Ann's message to post through it."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from kinline.accounts import connected, keys
from kinline.hub import Hub
from kinline_api.app import Application, create_app
from kinline_api.server import Server, server

ADDRESS = "http://127.0.0.1"
Key = Callable[..., dict[str, str]]


@pytest.fixture
def key(hub: Hub) -> Key:
    """Makes keys: ``key("read", teams=("north",))`` gives the header that carries it."""

    def make(*scopes: str, teams: tuple[str, ...] | None = None) -> dict[str, str]:
        with hub.store.write() as session:
            return {"Authorization": f"Bearer {keys.create(session, 'a test', scopes, teams)}"}

    return make


@pytest.fixture
def door(hub: Hub, key: Key) -> Iterator[TestClient[Application]]:
    """A client with a key to everything, and an account called inbox."""
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "email", "inbox", {})
    with TestClient(create_app(hub), base_url=ADDRESS) as client:
        client.headers.update(key("admin"))
        yield client


@pytest.fixture
def message() -> Callable[..., dict[str, Any]]:
    """Ann's message, with other values where a test needs them."""

    def make(**more: Any) -> dict[str, Any]:
        author = {"role": "author", "handle": "email:ann@example.org", "name": "Ann Archer", "standing": "verified"}
        return {
            "account": "inbox", "source_id": "message-1", "kind": "message", "direction": "inbound",
            "occurred_at": "2026-03-02T09:00:00Z", "text": "Where is my parcel?", "parties": [author],
        } | more  # fmt: skip

    return make


@pytest.fixture
def running(hub: Hub) -> Iterator[str]:
    """The address of a server of this hub."""
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "email", "inbox", {})
    ready = threading.Event()
    door: Server = server(hub, host="127.0.0.1", port=0, on_ready=lambda address: ready.set())
    thread = threading.Thread(target=door.run)
    thread.start()
    assert ready.wait(10)
    yield door.address
    door.should_exit = True
    thread.join(15)
    assert not thread.is_alive()
