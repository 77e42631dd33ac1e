"""Reports about what we sent: who is not written to any more, for how long, and where the reports are seen."""

from collections.abc import Iterator
from typing import Any

import pytest

from kinline import clock, handlers, ids
from kinline.accounts import connected
from kinline.clock import DAY, HOUR
from kinline.followups import showing
from kinline.followups.plan import Draft, plan
from kinline.hub import Hub
from kinline.identity import consents, persons
from kinline.intake.receive import receive
from kinline.messages import Source
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, MORNING, InteractionFactory, RecordingFactory
from kinline.timeline.reading import everything
from kinline.words import SendClass

NINE = clock.from_datetime(MORNING)


class World:
    """Ann, to whom we write mails, and the mail system, which reports about them."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.now, self.number = hub, NINE, 0
        with hub.store.write() as session:
            self.inbox = connected.connect(session, hub.secret, "email", "inbox", {"address": "help@shop.example"})
            record_batch(session, [RecordingFactory.build(account=self.inbox, what=InteractionFactory.build())])
            self.ann = persons.find(session, str(ANN))

    def __call__(self) -> int:
        return self.now

    def sends(self) -> str:
        """We write to Ann; returns the follow-up."""
        with self.hub.store.write() as session:
            draft = Draft(id=ids.new(), person_id=self.ann, send_class=SendClass.HUMAN, text="Hi", made_by="Cleo")
            assert plan(self.hub, session, draft) == ""
        handlers.drain(self.hub)
        return draft.id

    def message_id(self, followup: str) -> str:
        [(prepared,)] = self.sql("SELECT prepared FROM followup WHERE id = {p}", followup)
        return str(prepared).partition('"message_id":"')[2].partition('"')[0]

    def comes(self, raw: str) -> None:
        with self.hub.store.write() as session:
            receive(session, self.inbox, raw.encode(), Source(name="mail.eml"))
        handlers.drain(self.hub)

    def dsn(
        self,
        followup: str,
        *,
        action: str = "failed",
        status: str = "5.1.1",
        about: str = "",
        to: str = "ann@example.org",
    ) -> None:
        """A delivery status notification (RFC 3464)."""
        self.number += 1
        self.comes(
            f"Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: help@shop.example\nSubject: Delivery report\n"
            f"Message-ID: <dsn{self.number}@mx.example>\nMIME-Version: 1.0\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
            "--b\nContent-Type: text/plain\n\nThis is what became of it.\n"
            f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; {to}\n"
            f"Action: {action}\nStatus: {status}\nDiagnostic-Code: smtp; {status} said the server\n\n"
            f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{about or self.message_id(followup)}>\n\n--b--\n"
        )

    def complaint(self, followup: str) -> None:
        """A feedback report (RFC 5965)."""
        self.comes(
            "From: fbl@provider.example\nTo: help@shop.example\nSubject: Complaint\nMessage-ID: <fbl@provider.example>\n"
            'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n'
            "--b\nContent-Type: text/plain\n\nThis is an abuse report.\n--b\nContent-Type: message/feedback-report\n\n"
            "Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\nOriginal-Rcpt-To: ann@example.org\n\n"
            f"--b\nContent-Type: message/rfc822\n\nMessage-ID: <{self.message_id(followup)}>\nSubject: x\n\nHi\n--b--\n"
        )

    def read_receipt(self, followup: str) -> None:
        """A message disposition notification (RFC 8098)."""
        self.comes(
            "From: ann@example.org\nTo: help@shop.example\nSubject: Read: Hi\nMessage-ID: <mdn@example.org>\nMIME-Version: 1.0\n"
            'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\n\n'
            "--b\nContent-Type: text/plain\n\nIt was displayed.\n--b\nContent-Type: message/disposition-notification\n\n"
            f"Final-Recipient: rfc822; ann@example.org\nOriginal-Message-ID: <{self.message_id(followup)}>\n"
            "Disposition: manual-action/MDN-sent-manually; displayed\n\n--b--\n"
        )

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self.hub.store.write() as session:
            return sql.run(session, statement, *values)

    def held(self) -> tuple[str, int | None] | None:
        """Why Ann is not written to, and for how many days."""
        with self.hub.store.read() as session:
            row = consents.suppression(session, self.hub.secret, ANN)
            if row is None:
                return None
            return row.reason.partition(":")[0], None if row.expires_at is None else (row.expires_at - self.now) // DAY


@pytest.fixture
def world(hub: Hub) -> Iterator[World]:
    with clock.frozen(NINE):
        made = World(hub)
    with clock.frozen(made):
        yield made


def test_a_hard_bounce_holds_for_half_a_year_and_then_no_more(world: World) -> None:
    world.dsn(world.sends())

    assert world.held() == ("bounced", 180)
    world.now += 180 * DAY
    assert world.held() is None


def test_a_complaint_holds_for_ever_and_no_bounce_shortens_that(world: World) -> None:
    first, second = world.sends(), world.sends()
    world.complaint(first)
    world.dsn(second)

    assert world.held() == ("complained", None)


@pytest.mark.parametrize("status", ["4.4.1", "5.2.2", "5.3.4", "5.7.1"])
def test_what_passes_holds_after_three_messages_only(world: World, status: str) -> None:
    world.now += HOUR
    for number in range(3):
        assert world.held() is None
        followup = world.sends()
        for _ in range(2):  # two reports about one message are one failure
            world.dsn(followup, status=status)
        world.now += (number + 1) * HOUR

    assert world.held() == ("3 messages did not arrive", 13)


@pytest.mark.parametrize("sign", ["delivered", "wrote"])
def test_a_sign_of_life_begins_the_count_anew(world: World, sign: str) -> None:
    for number in range(3):
        followup = world.sends()
        world.now += HOUR
        if number == 2:
            if sign == "delivered":
                world.dsn(followup, action="delivered", status="2.0.0")
            else:
                at = clock.to_datetime(world.now).strftime("%a, %d %b %Y %H:%M:%S +0000")
                world.comes(
                    f"From: ann@example.org\nTo: help@shop.example\nDate: {at}\nMessage-ID: <new@example.org>\n\nHello\n"
                )
            world.now += HOUR
        world.dsn(followup, status="4.4.1")

    assert world.held() is None


@pytest.mark.parametrize(
    "report",
    [
        {"action": "delayed", "status": "4.4.1"},
        {"action": "delivered", "status": "2.0.0"},
        {"about": "never@sent.example"},
        {"to": "eve@evil.example"},
    ],
)
def test_delays_backscatter_and_strangers_hold_nobody(world: World, report: dict[str, str]) -> None:
    for _ in range(4):
        world.dsn(world.sends(), **report)

    assert world.held() is None


def test_reports_come_back_to_the_message_they_are_about(world: World) -> None:
    # Given a message that arrives, and is read
    followup = world.sends()
    world.now += HOUR
    world.dsn(followup, action="delivered", status="2.0.0")
    world.read_receipt(followup)

    # Then the follow-up says so, and so does the timeline
    with world.hub.store.read() as session:
        shown = showing.detail(session, followup)
        lines = [entry.shown for entry in everything(session, world.ann)]
    assert sorted(each.report for each in shown.receipts) == ["delivered", "read"]
    [ours] = [line for line in lines if line.get("direction") == "outbound"]
    assert sorted(each["report"] for each in ours["receipts"]) == ["delivered", "read"]
    assert {line.get("automatic") for line in lines} >= {"read-receipt"}


def test_a_report_settles_what_nobody_knew(world: World) -> None:
    # Given a message of which nobody knows whether it went out
    followup = world.sends()
    world.sql("UPDATE followup SET state = 'unknown', sent_at = NULL, interaction_id = NULL WHERE id = {p}", followup)

    # When the mail system reports about it
    world.dsn(followup, action="delivered", status="2.0.0")

    # Then it went out
    assert world.sql("SELECT state, reason FROM followup") == [("sent", "a report says it was sent: delivered")]


def test_ten_reports_of_one_bounce_are_one(world: World) -> None:
    followup = world.sends()
    for _ in range(10):
        world.dsn(followup)

    assert world.sql("SELECT count(*) FROM receipt") == [(1,)]
    assert world.held() == ("bounced", 180)
