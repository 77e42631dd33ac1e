"""No loops and no storms: hub against hub, against machines that strip everything, under bounces."""

import email
import email.policy
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.clock import DAY
from kinline.hub import Hub
from kinline.settings import Settings
from kinline.store import sql
from mail_net import NINE, WAYS, Mail, Net, net

#: The hubs' own database makes no difference here; the guards' statements are tested on both in test_guards.py.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CLASSES = ["service", "transactional"]
#: Transactional messages have no budget: for them the ladder is all there is.
PAIRS = [(way, "transactional") for way in WAYS] + [(way, "service") for way in ("all", "none", "threads, new subject")]
ROUNDS = int(os.environ.get("KINLINE_TEST_ROUNDS", "4"))


@pytest.fixture
def other(sqlite_template: Path, tmp_path: Path) -> Iterator[Hub]:
    """Another hub, of somebody else."""
    shutil.copy(sqlite_template, tmp_path / "other.db")
    settings = Settings(
        home=tmp_path / "other", database_url=f"sqlite:///{tmp_path / 'other.db'}",
        secret=SecretStr("the secret of the other hub"),
    )  # fmt: skip
    opened = Hub.open(settings)
    yield opened
    opened.close()


def letter(sender: str, to: str) -> Mail:
    """What a person writes to a hub."""
    mail = Mail()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = sender, to, "Lamp", "<letter@example.org>"
    mail.set_content("Where is my lamp?")
    return mail


def two_hubs(monkeypatch: pytest.MonkeyPatch, hub: Hub, other: Hub, way: str, send_class: str) -> Net:
    """A day of two hubs, after a mail that seems to come from the one came to the other."""
    with net(monkeypatch, WAYS[way], hub, other) as made:
        made.hub(hub, "help@one.example", send_class, plus_addressing=True)
        made.hub(other, "desk@two.example", send_class, plus_addressing=True)
        made.post(letter("desk@two.example", "help@one.example"), "help@one.example")
        made.run(24)
    return made


@pytest.mark.parametrize(("way", "send_class"), PAIRS)
def test_two_hubs_write_to_each_other_once(
    hub: Hub, other: Hub, monkeypatch: pytest.MonkeyPatch, way: str, send_class: str
) -> None:
    made = two_hubs(monkeypatch, hub, other, way, send_class)

    assert made.automatic["help@one.example"] == 1
    assert made.automatic["desk@two.example"] <= 1


def with_responder(
    monkeypatch: pytest.MonkeyPatch, hub: Hub, send_class: str, senders: str, answers_to: str, hours: int = 24
) -> int:
    """How many mails a hub sends to a machine that strips all headers and makes every subject anew."""
    with net(monkeypatch, WAYS["all"], hub) as made:
        made.hub(hub, "help@one.example", send_class, plus_addressing=True)
        made.responder("machine.example", senders=senders, answers_to=answers_to)
        made.post(letter("jo@machine.example", "help@one.example"), "help@one.example")
        made.run(hours)
    return made.automatic["help@one.example"]


@pytest.mark.parametrize("send_class", CLASSES)
@pytest.mark.parametrize(
    ("senders", "answers_to", "most"),
    [("same", "From", 1), ("same", "Reply-To", 1), ("random", "Reply-To", 1), ("random", "From", 3)],
)
def test_a_machine_that_strips_everything_gets_no_more_than_it_must(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, send_class: str, senders: str, answers_to: str, most: int
) -> None:
    assert 1 <= with_responder(monkeypatch, hub, send_class, senders, answers_to) <= most


def test_our_own_other_mailbox_is_never_answered(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given two mailboxes of one hub, and a network that strips everything
    with net(monkeypatch, WAYS["none"], hub) as made:
        made.hub(hub, "help@one.example", "transactional")
        with hub.store.write() as session:
            connected.connect(session, hub.secret, "email", "sales", {"address": "sales@one.example"})

        # When something comes from the other one
        made.post(letter("sales@one.example", "help@one.example"), "help@one.example")
        made.run(24)

    # Then nobody answers
    assert not made.automatic


def bounces(hub: Hub, monkeypatch: pytest.MonkeyPatch, number: int) -> tuple[int, int]:
    """What goes out, and what is suppressed, when every mail of ours comes back so often, in every form."""
    with net(monkeypatch, WAYS["all"], hub) as made:
        made.hub(hub, "help@one.example", "transactional")
        made.post(letter("ann@example.org", "help@one.example"), "help@one.example")
        made.run(1)
        with hub.store.read() as session:
            [(message_id,)] = sql.run(session, "SELECT prepared FROM followup")
        message_id = message_id.partition('"message_id":"')[2].partition('"')[0]
        for count in range(number):
            made.boxes["help@one.example"](bounce(count, message_id))
        handlers.drain(hub)
        made.run(23)
    with hub.store.read() as session:
        [(recorded,)] = sql.run(session, "SELECT count(*) FROM interaction WHERE direction = 'inbound'")
        [(planned,)] = sql.run(session, "SELECT count(*) FROM followup WHERE state <> 'cancelled'")
        [(suppressed,)] = sql.run(session, "SELECT count(*) FROM suppression")
    assert recorded == number + 1
    assert planned == 1
    return made.automatic["help@one.example"], suppressed


def bounce(count: int, message_id: str) -> Mail:
    """One of many, each from another daemon; every third is of an old kind, every seventh about a mail of a stranger."""
    about = message_id if count % 7 else f"{count}@stranger.example"
    report = (
        f"From: MAILER-DAEMON@mx{count}.example\nTo: help@one.example\nSubject: Undelivered Mail Returned to Sender\n"
        f"Message-ID: <bounce{count}@mx{count}.example>\nMIME-Version: 1.0\n"
    )
    if count % 3:
        report += (
            'Auto-Submitted: auto-replied\nReturn-Path: <>\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
            "--b\nContent-Type: text/plain\n\nNo such mailbox.\n--b\nContent-Type: message/delivery-status\n\n"
            "Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; ann@example.org\nAction: failed\nStatus: 5.1.1\n\n"
            f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{about}>\n\n--b--\n"
        )
    else:
        report += (
            f"Content-Type: text/plain\n\nThe following address failed:\n\n  ann@example.org\n\nMessage-ID: <{about}>\n"
        )
    found = email.message_from_string(report, policy=email.policy.default)
    assert isinstance(found, Mail)
    return found


@pytest.mark.chaos
def test_bounces_cause_no_mail(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred in make test; ten thousand in make chaos, with its 40 rounds."""
    assert bounces(hub, monkeypatch, 200 if ROUNDS < 40 else 250 * ROUNDS) == (1, 1)


def test_after_a_day_somebody_who_writes_again_is_answered_again(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with net(monkeypatch, WAYS["all"], hub) as made:
        made.hub(hub, "help@one.example", "service")
        for day in range(2):
            made.now = NINE + day * DAY
            mail = letter("ann@example.org", "help@one.example")
            mail.replace_header("Message-ID", f"<{day}@example.org>")
            made.post(mail, "help@one.example")
            made.run(23)

    assert made.automatic["help@one.example"] == 2
    assert clock.now() != made.now
