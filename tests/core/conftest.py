"""What several tests of the core work with."""

from collections.abc import Iterator

import pytest

from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.contract.plugins import channels
from kinline.hub import Hub
from saboteur import Saboteur


@pytest.fixture
def saboteur() -> Iterator[Saboteur]:
    found = Saboteur()
    channels().loaded["saboteur"] = found
    yield found
    del channels().loaded["saboteur"]


@pytest.fixture
def account(hub: Hub, saboteur: Saboteur) -> AccountRef:
    """An account of the saboteur's."""
    with hub.store.write() as session:
        return connected.connect(session, hub.secret, "saboteur", "sabotaged", {})
