"""A mail network in memory with a clock of its own: hubs, and machines that answer whatever they get.

Time jumps from event to event: to the next delivery, to the next job of a hub. What passes the network may lose any
header on its way.
"""

import email
import email.policy
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

import pytest

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.catalogue import trigger_store
from kinline.clock import HOUR, SECOND
from kinline.hub import Hub
from kinline.intake.receive import receive
from kinline.messages import Prepared, Sent, Source
from kinline.store import sql
from kinline.testing.factories import MORNING
from kinline.words import TriggerState
from kinline_email import EmailChannel

#: More automatic mails than this are a loop; nobody waits for its end.
ENOUGH = 12
NINE = clock.from_datetime(MORNING)
Mail = EmailMessage
#: What a network does to a mail on its way.
Way = Callable[[Mail], None]

#: Answers everything that somebody writes, as often as it may.
ANSWERING = """
name: answer
about: Tell everybody who writes that we got it.
when: {{did: {{kind: message, automatic: any}}}}
limits: {{once_per: interaction}}
do: [{{message: {{text: "We got it, and a human will look at it.", class: {send_class}}}}}]
"""


class Net:
    """Who gets mail at which address, and what is under way."""

    def __init__(self, way: Way) -> None:
        self.now, self.way = NINE, way
        self.boxes: dict[str, Callable[[Mail], None]] = {}
        self.hubs: list[Hub] = []
        self.under_way: list[tuple[int, int, str, Mail]] = []
        self.automatic: Counter[str] = Counter()  #: automatic mails of hubs, by their sender
        self._number = 0

    def __call__(self) -> int:
        return self.now

    def post(self, mail: Mail, to: str, sender: str | None = None) -> None:
        """Hand a mail to the network; it arrives half a minute later. ``sender`` is that of the envelope."""
        self.way(mail)
        if sender == "" and "Return-Path" in KEPT.get(self.way, ALL):
            mail["Return-Path"] = "<>"
        self._number += 1
        self.under_way.append((self.now + 30 * SECOND, self._number, to, mail))

    def run(self, hours: int = 24) -> None:
        ends = self.now + hours * HOUR
        while True:
            for hub in self.hubs:
                handlers.drain(hub)
            upcoming = [at for at, *_ in self.under_way] + [at for hub in self.hubs for at in _jobs(hub)]
            if not upcoming or min(upcoming) >= ends or self.automatic.total() > ENOUGH:
                break
            self.now = max(self.now, min(upcoming))
            arrived = sorted(each for each in self.under_way if each[0] <= self.now)
            self.under_way = [each for each in self.under_way if each[0] > self.now]
            for _, _, to, mail in arrived:
                self._deliver(to, mail)
        self.now = ends

    def _deliver(self, to: str, mail: Mail) -> None:
        local, _, domain = to.lower().rpartition("@")
        box = self.boxes.get(f"{local.partition('+')[0]}@{domain}") or self.boxes.get(f"*@{domain}")
        if box:
            box(mail)

    def hub(self, hub: Hub, address: str, send_class: str, **settings: Any) -> None:
        """A hub that answers everything at this address, by a live trigger."""
        with hub.store.write() as session:
            inbox = connected.connect(
                session, hub.secret, "email", "inbox", {"address": address, "smtp_host": "net", **settings}
            )
            trigger_store.save(session, ANSWERING.format(send_class=send_class), made_by="Cleo")
            trigger_store.set_state(session, "answer", TriggerState.LIVE, override="a test")

        def box(mail: Mail) -> None:
            with hub.store.write() as session:
                receive(session, inbox, mail.as_bytes(), Source(name="mail.eml"))

        self.boxes[address] = box
        self.hubs.append(hub)

    def responder(self, domain: str, *, senders: str = "same", answers_to: str = "From", seed: int = 1) -> None:
        """A machine that answers every mail at once, with no header that tells, and a subject of its own."""
        dice = random.Random(seed)

        def box(mail: Mail) -> None:
            local = f"jo{dice.randrange(10**9)}" if senders == "random" else "jo"
            answer = EmailMessage()
            answer["From"] = f"{local}@{domain}"
            answer["To"] = to = str(mail.get(answers_to) or mail["From"]).rpartition("<")[2].strip(">")
            answer["Subject"] = f"Request {dice.randrange(10**9)}"
            answer["Message-ID"] = f"<{dice.randrange(10**15)}@{domain}>"
            answer.set_content(f"We have received your request number {dice.randrange(10**9)}.")
            self.post(answer, to)

        self.boxes[f"*@{domain}"] = box

    def send(self, prepared: Prepared, settings: Any) -> Sent:
        """What the email channel does with a mail here."""
        mail = email.message_from_bytes(prepared.body, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        if mail["Auto-Submitted"]:
            self.automatic[settings.address] += 1
        for to in prepared.facts["envelope_to"]:
            self.post(mail, to, prepared.facts["envelope_from"])
        return Sent(source_id=prepared.source_id, detail="taken")


@contextmanager
def net(monkeypatch: pytest.MonkeyPatch, way: Way, *hubs: Hub) -> Iterator[Net]:
    made = Net(way)
    monkeypatch.setattr(EmailChannel, "send", lambda channel, prepared, settings: made.send(prepared, settings))
    for hub in hubs:
        monkeypatch.setattr(hub.settings, "outbound", "live")
        monkeypatch.setattr(hub.settings, "quiet_from", 0)
        monkeypatch.setattr(hub.settings, "quiet_until", 0)
    with clock.frozen(made):
        yield made


def _jobs(hub: Hub) -> list[int]:
    with hub.store.read() as session:
        return [
            at for (at,) in sql.run(session, "SELECT min(run_at) FROM job WHERE state = 'pending'") if at is not None
        ]


ALL = (
    "Auto-Submitted", "Precedence", "X-Loop", "X-Auto-Response-Suppress", "In-Reply-To", "References", "Message-ID",
    "Reply-To", "Return-Path",
)  # fmt: skip
#: What each way lets through of those.
KEPT: dict[Way, tuple[str, ...]] = {}


def stripping(kept: tuple[str, ...], *, subject: str = "keep") -> Way:
    """A way on which only these headers survive; the subject is kept, made new, dropped or prefixed."""
    dice = random.Random(1)

    def way(mail: Mail) -> None:
        for name in ALL:
            if name not in kept:
                del mail[name]
        if subject != "keep":
            old = str(mail["Subject"] or "")
            del mail["Subject"]
            if subject != "drop":
                mail["Subject"] = f"Request {dice.randrange(10**9)}" if subject == "new" else f"Re: {old}"

    KEPT[way] = kept
    return way


MARKS = ("Auto-Submitted", "Precedence", "X-Loop", "X-Auto-Response-Suppress", "Return-Path")
#: Thirty ways, from all headers to none.
WAYS: dict[str, Way] = {
    "all": stripping(ALL),
    "none": stripping(()),
    **{f"only {name}": stripping((name,)) for name in ALL},
    **{f"without {name}": stripping(tuple(one for one in ALL if one != name)) for name in ALL},
    "only marks": stripping(MARKS),
    "only threads": stripping(("In-Reply-To", "References", "Message-ID")),
    "none, new subject": stripping((), subject="new"),
    "none, no subject": stripping((), subject="drop"),
    "none, Re: grows": stripping((), subject="prefix"),
    "threads, new subject": stripping(("In-Reply-To", "References", "Message-ID"), subject="new"),
    "id only, Re: grows": stripping(("Message-ID",), subject="prefix"),
    "reply address, new subject": stripping(("Reply-To",), subject="new"),
    "threads, no subject": stripping(("In-Reply-To", "References", "Message-ID"), subject="drop"),
    "all but marks, new subject": stripping(tuple(one for one in ALL if one not in MARKS), subject="new"),
}
