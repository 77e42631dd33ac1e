"""A Dovecot for all tests of mail, and mailboxes in it that no other test has."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from kinline.testing.servers import Dovecot
from kinline.testing.servers.dovecot import PASSWORD
from kinline_email.settings import EmailSettings

_numbers = count(1)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    server = Dovecot()
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def address() -> str:
    """The address and user name of an empty mailbox."""
    return f"help{next(_numbers)}@shop.example"


@pytest.fixture
def mailbox(dovecot: Dovecot, address: str) -> Callable[..., EmailSettings]:
    """Settings of an account for that mailbox."""

    def made(**more: object) -> EmailSettings:
        base = {
            "address": address, "imap_host": "127.0.0.1", "imap_port": dovecot.imap, "imap_security": "none",
            "imap_password": PASSWORD,
        }  # fmt: skip
        return EmailSettings(**{**base, **more})  # type: ignore[arg-type]

    return made
