"""Sending on X, in every way in which the line can break: each ends in its documented state, and nothing goes twice."""

import itertools

import pytest

from kinline import clock, ids
from kinline.followups.plan import Draft, plan
from kinline.hub import Hub
from kinline.jobs import queue
from kinline.pretend import FakeAnswer, Fault
from kinline.words import SendClass
from kinline_twitter.channel import TwitterChannel
from kinline_twitter.pretend import PretendX

from .conftest import Company


@pytest.fixture(autouse=True)
def live(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that really sends, and waits a second for an answer."""
    monkeypatch.setattr(hub.settings, "outbound", "live")
    monkeypatch.setattr(TwitterChannel, "deadline", 1.0)


class Answering:
    """An agent who answers Ann's mention or Ben's message, and what became of that."""

    def __init__(self, company: Company, x: PretendX, sort: str) -> None:
        self.company, self.x, self.sort = company, x, sort
        if sort == "post":
            x.world.post(x.ann, "Which grind, @exampleroasters?")
        else:
            x.world.message(x.ben, x.us, "Where is my parcel?")
        company.looks()
        x.calls.clear()

    def answers(self, text: str = "Rather coarse & slow: https://shop.example.com/moka") -> str:
        [(about, author)] = self.company.sql(
            "SELECT i.id, l.person_id FROM interaction i JOIN identity_link l ON l.identity_id = i.author_id "
            "WHERE i.direction = 'inbound'"
        )
        draft = Draft(
            id=ids.new(), person_id=author, send_class=SendClass.HUMAN, text=text, made_by="Cleo", about=about
        )
        with self.company.hub.store.write() as session:
            assert plan(self.company.hub, session, draft) == ""
        self.company.works()
        return draft.id

    def state(self, followup: str) -> str:
        [(found,)] = self.company.sql("SELECT state FROM followup WHERE id = {p}", followup)
        return str(found)

    def asked_later(self) -> None:
        """A minute and more goes by, and what is unknown is asked for."""
        self.company.sql("UPDATE job SET run_at = run_at - {p} WHERE state = 'pending'", 3 * clock.MINUTE)
        self.company.works()

    def arrived(self) -> int:
        """How often it is at X."""
        if self.sort == "post":
            return sum(one["author_id"] == self.x.us for one in self.x.world.posts.values())
        return sum(one["sender_id"] == self.x.us for one in self.x.world.messages)


DUPLICATE = FakeAnswer({"detail": "You are not allowed to create a Tweet with duplicate content.", "status": 403}, 403)
#: How the line breaks, and what the follow-up is called: at once, and after X was asked. ``arrived``: how often it is there.
MATRIX = {
    "answered": (None, "sent", "sent", 1),
    "dropped before it arrived": (Fault(how="drop"), "unknown", "failed", 0),
    "dropped after it arrived": (Fault(how="drop", after=True), "unknown", "sent", 1),
    "half an answer": (Fault(how="half"), "unknown", "sent", 1),
    "silence before": (Fault(how="hang"), "unknown", "failed", 0),
    "silence after": (Fault(how="hang", after=True), "unknown", "sent", 1),
    "500": (Fault(told=FakeAnswer(b"", 500)), "unknown", "failed", 0),
    "503 after it arrived": (Fault(told=FakeAnswer(b"over capacity", 503), after=True), "unknown", "sent", 1),
    "200 with garbage": (Fault(told=FakeAnswer(b"<html>", 200), after=True), "unknown", "sent", 1),
    "200 without an id": (Fault(told=FakeAnswer({"data": {}}, 200), after=True), "unknown", "sent", 1),
    "429": (Fault(told=FakeAnswer({"title": "Too Many Requests"}, 429, {"retry-after": "60"})), "pending", "sent", 1),
    "401": (Fault(told=FakeAnswer({"title": "Unauthorized"}, 401)), "failed", "failed", 0),
    "402": (Fault(told=FakeAnswer({"title": "CreditsDepleted"}, 402)), "failed", "failed", 0),
    "403": (Fault(told=FakeAnswer({"detail": "You may not."}, 403)), "failed", "failed", 0),
    "403 duplicate, and there": (Fault(told=DUPLICATE, after=True), "unknown", "sent", 1),
    "403 duplicate, and not there": (Fault(told=DUPLICATE), "unknown", "failed", 0),
    "301": (Fault(told=FakeAnswer(b"", 301, {"location": "/elsewhere"})), "failed", "failed", 0),
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the states are the core's, proved on both
@pytest.mark.parametrize(("case", "sort"), list(itertools.product(MATRIX, ("post", "message"))))
def test_each_broken_line_ends_in_its_state_and_nothing_goes_twice(
    company: Company, x: PretendX, case: str, sort: str
) -> None:
    fault, at_once, after, arrived = MATRIX[case]
    agent = Answering(company, x, sort)
    x.faults.extend([fault] if fault else [])

    followup = agent.answers()
    assert agent.state(followup) == at_once

    agent.company.sql("UPDATE followup SET due_at = due_at - {p} WHERE state = 'pending'", 3 * clock.MINUTE)
    agent.asked_later()
    assert (agent.state(followup), agent.arrived()) == (after, arrived)

    # And once our own posts come back over the timeline, it is here once
    company.wants_now()
    company.looks()
    outbound = company.sql("SELECT followup_id FROM interaction WHERE direction = 'outbound'")
    assert outbound == [(followup,)] * arrived


@pytest.mark.parametrize("sort", ["post", "message"])
def test_a_sender_that_was_killed_is_followed_up_at_x(company: Company, x: PretendX, sort: str) -> None:
    # Given an answer that arrived, and whose sender died before it could write that down
    agent = Answering(company, x, sort)
    x.faults.append(Fault(how="half"))
    followup = agent.answers()
    company.sql("UPDATE followup SET state = 'sending', owner = 'the dead', lease_until = 0 WHERE id = {p}", followup)
    company.sql("UPDATE attempt SET outcome = 'started'")

    # When others clean up behind it
    with company.hub.store.write() as session:
        queue.plan(session, "followup.send", [followup])
    company.works()
    assert agent.state(followup) == "unknown"
    agent.asked_later()

    # Then it was found at X, and sent once
    assert (agent.state(followup), agent.arrived()) == ("sent", 1)


def test_the_same_words_of_last_week_are_not_taken_for_it(company: Company, x: PretendX) -> None:
    # Given that we wrote "On its way" to Ben last week
    x.world.message(x.us, x.ben, "On its way", ago=7 * 86_400)
    agent = Answering(company, x, "message")
    x.faults.append(Fault(how="drop"))

    followup = agent.answers("On its way")
    agent.asked_later()

    assert agent.state(followup) == "failed"


def test_what_a_write_costs_counts_against_the_cap(hub: Hub, x: PretendX) -> None:
    # Given an answer with a link, which X charges dearly
    company = Company(hub, x, monthly_cap=0.24)
    agent = Answering(company, x, "post")
    before = company.health().spent
    assert before is not None

    followup = agent.answers()

    # Then it is counted, and the next message waits for the next month
    found = company.health().spent
    assert found is not None
    assert (agent.state(followup), found["cost"] - before["cost"], found["writes"]) == ("sent", 200_000, 1)
    x.world.post(x.ann, "And for a French press, @exampleroasters?")
    company.wants_now()
    company.looks()
    assert company.health().verdict == "over_cap"


def test_what_x_would_refuse_is_not_sent(company: Company, x: PretendX) -> None:
    agent = Answering(company, x, "post")

    followup = agent.answers("x" * 281)

    assert (agent.state(followup), x.calls) == ("failed", [])
