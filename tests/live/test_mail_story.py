"""A mail comes in over a real mail server, its answer goes out, and the answer to that comes back. The worker is real."""

import email
import email.policy
import time
from collections.abc import Iterator
from email.utils import formatdate

import pytest

from kinline.accounts import connected
from kinline.desk import conversation_list, conversations, replies
from kinline.desk.replies import ReplyText
from kinline.hub import Hub
from kinline.settings import Settings
from kinline.store import sql
from kinline.testing.servers import Dovecot, Postfix, swaks, until
from kinline.testing.servers.dovecot import PASSWORD
from kinline_workers.running import Running

US, ANN = "help@shop.example", "ann@people.example"
#: Seconds from the client's last word to the interaction. Measured on two busy cores: 0.6 to 0.8.
SOON = 2.0
#: A machine that does much else at the same time gets more; what it took is printed.
BEARABLE = 10.0


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    server = Dovecot()
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="module")
def postfix(dovecot: Dovecot) -> Iterator[Postfix]:
    server = Postfix({"shop.example": dovecot.lmtp, "people.example": dovecot.lmtp})
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"outbound": "live", "sweep": 0.5, "quiet_from": 0, "quiet_until": 0})


@pytest.fixture
def account(hub: Hub, dovecot: Dovecot, postfix: Postfix) -> Iterator[str]:
    """Our mailbox, looked after by a worker that runs."""
    given = {
        "address": US, "imap_host": "127.0.0.1", "imap_port": dovecot.imap, "imap_security": "none",
        "imap_password": PASSWORD, "smtp_host": "127.0.0.1", "smtp_port": postfix.port, "smtp_security": "none",
    }  # fmt: skip
    with hub.store.write() as session:
        found = connected.connect(session, hub.secret, "email", "inbox", given).id
    running = Running(hub).start()
    try:
        assert until(lambda: count(hub, "account_live", "ok_at IS NOT NULL"))
        yield found
    finally:
        running.stop()
        for user in (US, ANN):  # for the next database
            dovecot.admin("expunge", "-u", user, "mailbox", "*", "all")


def count(hub: Hub, table: str, where: str = "1 = 1") -> int:
    with hub.store.read() as session:
        return int(sql.run(session, f"SELECT count(*) FROM {table} WHERE {where}")[0][0])


def date(number: int) -> str:
    """One mail after the other, to the second, as clocks of mail programs have it; the first before now."""
    return formatdate(time.time() + 3 * number - 5)


def mail(number: int, text: str, *fields: str) -> bytes:
    lines = [
        f"From: Ann <{ANN}>", f"To: {US}", "Subject: A wheel that wobbles", f"Message-ID: <{number}@people.example>",
        f"Date: {date(number)}", *fields, "", text, "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


@pytest.mark.alone
def test_a_mail_its_answer_and_the_answer_to_that_are_one_conversation(
    hub: Hub, account: str, dovecot: Dovecot, postfix: Postfix, capsys: pytest.CaptureFixture[str]
) -> None:
    # When Ann writes with an ordinary client
    assert swaks(postfix.port, mail(1, "My wheel wobbles."), ANN, [US]).returncode == 0
    began = time.monotonic()

    # Then it is an interaction soon
    assert until(lambda: count(hub, "interaction"), BEARABLE)
    took = time.monotonic() - began
    with capsys.disabled():
        print(f"\nmail to interaction: {took:.2f} s (aim: {SOON:g} s)")
    assert dovecot.unseen(US) == 1

    # When Cleo of our desk answers, her mail reaches Ann's mailbox, as an answer to Ann's
    with hub.store.write() as session:
        [(_, conversation)] = conversation_list.listed(session, conversation_list.ConversationFilter(state="open"))
        replies.reply(hub, session, conversation.id, ReplyText(text="Bring it in, we look at it."), agent="Cleo")
    assert until(lambda: dovecot.mails(ANN), 20)
    [raw] = dovecot.mails(ANN)
    answer = email.message_from_bytes(raw, policy=email.policy.default)
    assert answer["In-Reply-To"] == "<1@people.example>"
    assert answer["References"] == "<1@people.example>"
    assert answer["Subject"] == "Re: A wheel that wobbles"
    assert answer.get_content().strip() == "Bring it in, we look at it."

    # When Ann answers that
    fields = (f"In-Reply-To: {answer['Message-ID']}", f"References: <1@people.example> {answer['Message-ID']}")
    assert swaks(postfix.port, mail(2, "Tomorrow at ten?", *fields), ANN, [US]).returncode == 0

    # Then all three are one conversation, and it is our turn again
    assert until(lambda: count(hub, "interaction", "channel = 'email'") == 3, 20)
    with hub.store.read() as session:
        [(_, same)] = conversation_list.listed(session)
        said = [each.shown["direction"] for each in conversations.said(session, conversations.find(session, same.id))]
    assert same.id == conversation.id
    assert (same.state, sorted(said)) == ("open", ["inbound", "inbound", "outbound"])


def test_an_answer_from_another_mail_program_is_on_the_timeline_too(
    hub: Hub, account: str, dovecot: Dovecot, postfix: Postfix
) -> None:
    # Given Ann's mail
    assert swaks(postfix.port, mail(1, "My wheel wobbles."), ANN, [US]).returncode == 0
    assert until(lambda: count(hub, "interaction"), BEARABLE)

    # When somebody of ours answers from their own program, which keeps what it sent
    ours = (
        f"From: {US}\r\nTo: {ANN}\r\nSubject: Re: A wheel that wobbles\r\nMessage-ID: <3@shop.example>\r\n"
        f"Date: {date(2)}\r\nIn-Reply-To: <1@people.example>\r\n\r\nBring it in.\r\n"
    ).encode()
    dovecot.append(US, ours, "Sent Things", flags="(\\Seen)")
    with hub.store.write() as session:
        sql.changed(session, "UPDATE account_live SET wake = 1, next_at = 0")  # as `kinline account poll` does

    # Then it stands in the conversation as ours, and Ann waits no more
    assert until(lambda: count(hub, "interaction") == 2, 40)
    with hub.store.read() as session:
        [(_, conversation)] = conversation_list.listed(session)
    assert conversation.state == "pending"
