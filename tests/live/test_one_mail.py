"""One mail that reaches us by three ways at once is one interaction, with a copy for each way."""

import hmac
import smtplib
from collections.abc import Iterator
from hashlib import sha256

import pytest
from litestar.testing import TestClient
from tests.live.test_mail_door import serving

from kinline import handlers, ids
from kinline.accounts import connected
from kinline.accounts.ready import ready
from kinline.hub import Hub
from kinline.live import state
from kinline.live.polling import look
from kinline.store import sql
from kinline.testing.servers import Dovecot
from kinline.testing.servers.dovecot import PASSWORD
from kinline_api.app import create_app

SECRET = "not a real one"
MAIL = (
    b"From: Ann <ann@people.example>\r\nTo: help@shop.example, sales@shop.example\r\nCc: info@shop.example\r\n"
    b"Subject: A wheel that wobbles\r\nMessage-ID: <1@people.example>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0000\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nMy wheel wobbles, caf\xc3\xa9 or not.\r\n"
)
OURS = ["help@shop.example", "sales@shop.example", "info@shop.example"]


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    server = Dovecot()
    try:
        yield server.start()
    finally:
        server.stop()


def test_a_mail_to_three_mailboxes_of_ours_is_one_interaction_with_three_copies(hub: Hub, dovecot: Dovecot) -> None:
    # Given a mailbox over IMAP, one behind our door for mail, and one that a server posts to
    user = f"{ids.new()}@shop.example"
    imap = {"imap_host": "127.0.0.1", "imap_port": dovecot.imap, "imap_security": "none", "imap_password": PASSWORD}
    with hub.store.write() as session:
        for name, more in (
            ("help", {**imap, "imap_user": user}), ("sales", {}), ("info", {"webhook_secret": SECRET}),
        ):  # fmt: skip
            others = [each for each in OURS if not each.startswith(name)] if name != "sales" else []
            given = {"address": f"{name}@shop.example", "own_addresses": others, **more}
            connected.connect(session, hub.secret, "email", name, given)
        account = connected.named(session, "help").id
        assert state.claim(session, account, "this-test", 60)
    found = ready(hub, account)
    with found.channel.connect(found.settings) as box:
        look(hub, found, box, "this-test")

        # When the same mail comes all three ways, each with the traces of its way
        dovecot.append(user, b"Delivered-To: help@shop.example\r\n" + MAIL)
        look(hub, found, box, "this-test")
    with serving(hub) as port, smtplib.SMTP("127.0.0.1", port, local_hostname="x.example") as talk:
        talk.sendmail("ann@people.example", ["sales@shop.example"], MAIL)
    pushed = MAIL.replace(b"\r\n", b"\n")
    signature = "sha256=" + hmac.new(SECRET.encode(), pushed, sha256).hexdigest()
    with TestClient(create_app(hub), base_url="http://127.0.0.1") as door:
        answer = door.post("/v1/channels/info/webhook", content=pushed, headers={"x-kinline-signature": signature})
        assert answer.status_code == 200
    handlers.drain(hub)

    # Then Ann wrote once, and three of ours got it
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM interaction") == [(1,)]
        copies = sql.run(session, "SELECT a.name FROM copy c JOIN account a ON a.id = c.account_id ORDER BY a.name")
        assert copies == [("help",), ("info",), ("sales",)]
        assert sql.run(session, "SELECT count(*) FROM conversation") == [(1,)]
