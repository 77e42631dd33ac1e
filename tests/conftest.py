"""What tests of several parts work with."""

from collections.abc import Iterator

import pytest

from kinline import clock
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.hub import Hub
from settable import Time


@pytest.fixture
def time() -> Iterator[Time]:
    """The clock of this test: it stands until the test moves it."""
    made = Time()
    with clock.frozen(made):
        yield made


@pytest.fixture
def inbox(hub: Hub, time: Time) -> AccountRef:
    """A mailbox of ours."""
    with hub.store.write() as session:
        return connected.connect(session, hub.secret, "email", "inbox", {"address": "help@hub.example"})
