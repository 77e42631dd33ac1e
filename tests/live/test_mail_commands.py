"""From nothing to connected, with the commands of the channel's README, at a real mailbox."""

from collections.abc import Callable, Iterator

import pytest
from tests.cli.conftest import Ended, cli  # noqa: F401 - a fixture

from kinline.testing.servers import Dovecot
from kinline.testing.servers.dovecot import PASSWORD

US = "help@shop.example"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    server = Dovecot()
    try:
        yield server.start()
    finally:
        server.stop()


def test_a_mailbox_is_connected_tried_and_its_past_brought_in(
    cli: Callable[..., Ended],  # noqa: F811
    dovecot: Dovecot,
) -> None:
    # Given a mailbox with a past of thirty mails and one that is broken
    user = f"{id(cli)}@shop.example"
    for number in range(30):
        head = f"From: Ann <ann@people.example>\r\nMessage-ID: <{number}@people.example>\r\n"
        date = f"Date: Fri, 20 Nov 2026 10:00:{number:02} +0000\r\n"
        dovecot.append(user, f"{head}{date}Subject: Mail {number}\r\n\r\nHello {number}\r\n".encode())
    dovecot.append(user, b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 2_000)

    # When it is connected and tried
    given = {
        "address": US, "imap_host": "127.0.0.1", "imap_port": dovecot.imap, "imap_security": "none",
        "imap_user": user, "imap_password": PASSWORD,
    }  # fmt: skip
    options = [word for name, value in given.items() for word in ("--set", f"{name}={value}")]
    connected = cli("account", "connect", "email", "help", *options)
    assert connected.code == 0, connected.err
    tried = cli("account", "test", "help")
    assert "INBOX (31)" in tried.out
    assert cli("account", "history", "help", "--estimate", "--json").json["items"] == 31

    # Then its past comes in, and the broken one is set aside
    assert cli("account", "history", "help").code == 0
    [told] = cli("account", "health", "help", "--json").json
    assert told["history"]["state"] == "done"
    assert cli("ledger", "--json").json[0]["recorded"] == 30
    [broken] = cli("quarantine", "list", "--json").json
    assert broken["code"] == "too_many_parts"

    # And a wrong password is said in words, with what helps
    cli("account", "set", "help", "--set", "imap_password=wrong")
    refused = cli("account", "test", "help")
    assert refused.code != 0
    assert "password" in refused.err
