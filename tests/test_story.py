"""The whole story, once: four channels in, one person, one timeline, a silence, a follow-up, and the why.

It enters by the live path: raw bodies as providers send them, understood, recorded, decided and sent by the very
code that serves every day, only under a clock that the story sets.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import msgspec
import pytest
from sqlmodel import Session

from kinline import clock, handlers
from kinline.handles import Handle
from kinline.history import load_history
from kinline.hub import Hub
from kinline.identity import merges, persons, proofs
from kinline.intake.ledger import ledger
from kinline.store import sql
from kinline.story import StoryTold, cast, plot, tell
from kinline.timeline.entries import Entry
from kinline.timeline.reading import everything
from kinline.why.explain import why
from kinline.words import Track

BEGAN = clock.from_datetime(datetime(2026, 3, 2, tzinfo=UTC))
#: Ann's life with the company, oldest first: day of March and time, channel, kind, direction, how sure we are.
ANNS_TIMELINE = [
    "02 09:12 blog comment inbound verified",
    "02 09:12 business is prospect",
    "04 11:30 twitter mention inbound verified",
    "04 11:30 business is prospect",
    "04 15:03 blog comment inbound claimed",
    "05 09:30 email message inbound verified",
    "05 10:10 email message outbound verified",
    "05 10:55 twitter message inbound verified",
    "06 17:05 support order inbound verified",
    "06 17:05 business is customer",
    "10 14:15 support message inbound verified",
    "10 14:58 support message outbound verified",
    "13 10:05 email message inbound verified",
    "13 12:05 email message outbound verified",
]


@pytest.fixture
def told(hub: Hub) -> StoryTold:
    return tell(hub, began=BEGAN)


@pytest.fixture
def session(hub: Hub, told: StoryTold) -> Iterator[Session]:
    with hub.store.read() as opened:
        yield opened


def lines(session: Session, person: str) -> list[str]:
    return [line(entry) for entry in reversed(list(everything(session, person)))]


def line(entry: Entry) -> str:
    shown = entry.shown
    at = f"{shown['at'][8:10]} {shown['at'][11:16]}"
    if shown["type"] == "stage":
        return f"{at} {shown['track']} is {shown['stage']}"
    return f"{at} {shown['channel']} {shown['kind']} {shown['direction']} {shown['standing']}"


def said(entry: Entry) -> str:
    return str(msgspec.json.decode(entry.doc).get("text", ""))


def newest(session: Session, person: str) -> Entry:
    return next(everything(session, person))


def test_four_channels_make_one_person_with_one_timeline(session: Session, told: StoryTold) -> None:
    # Given what the blog, X, the mailbox, the desk and the shop brought
    # When somebody opens Ann
    found = lines(session, told.ann)

    # Then everything she did stands in one row, whatever channel it came from
    assert found == ANNS_TIMELINE
    assert [identity.handle for identity in persons.view(session, told.ann).identities] == [
        "email:ann@example.org",
        "external:shop:harbour-bikes.example/5012",
        "external:wordpress:blog.harbour-bikes.example/12",
        "external:zendesk:desk.harbour-bikes.example/70012",
        "x_id:3300100200301",
    ]
    assert persons.view(session, told.ann).name == "Ann Archer"


def test_every_handle_of_anns_finds_the_same_person(session: Session, told: StoryTold) -> None:
    every: list[Handle] = [
        cast.ANN, cast.ANN_ON_X, cast.ANN_ON_THE_BLOG, cast.ANN_AT_THE_SHOP, cast.ANN_AT_THE_DESK
    ]  # fmt: skip

    assert {persons.find(session, str(handle)) for handle in every} == {told.ann}
    assert len({told.ann, told.ben, told.cleo}) == 3


def test_she_was_joined_by_proofs_and_by_nothing_else(session: Session, told: StoryTold) -> None:
    # Given the merges behind Ann
    history = merges.history(session, told.ann)

    # Then each says which proof it was
    code = next(
        entry
        for entry in everything(session, told.ann)
        if "kl1_" in said(entry) and entry.shown["channel"] == "twitter"
    )
    assert [(line["made_by"], line["evidence"]["proof"], clock.to_text(line["made_at"])) for line in history] == [
        ("source:Harbour Bikes login", "signed assertion", "2026-03-02T09:14:00Z"),
        ("proof", "one-time link", "2026-03-05T10:55:00Z"),
        ("source:Harbour Bikes login", "signed assertion", "2026-03-06T17:04:00Z"),
        ("source:Harbour Bikes login", "signed assertion", "2026-03-10T14:12:00Z"),
    ]
    assert history[1]["evidence"] == {
        "proof": "one-time link", "given_to": cast.ANN.id, "came_back_in": code.shown["id"]
    }  # fmt: skip


def test_the_code_went_to_her_mailbox_and_came_back_once(hub: Hub, session: Session, told: StoryTold) -> None:
    # Given the answer that Dana wrote, in the outbox
    mail = message_from_bytes(
        (hub.settings.home / f"outbox/email/{plot.ANSWER}.eml").read_bytes(), policy=policy.default
    )
    [code] = proofs.TOKEN.findall(mail.get_content())

    # Then it went to her address, in her thread, by a human, with a code that is used up
    assert mail["To"] == "Ann Archer <ann@example.org>"
    assert mail["In-Reply-To"] == "<commuter.1772703000000@mail.example.org>"
    assert mail["Auto-Submitted"] is None
    [(used_by, used_at)] = sql.run(session, "SELECT used_by, used_at FROM proof WHERE id = {p}", code[0])
    assert (used_by, clock.to_text(used_at)) == (cast.ANN_ON_X.id, "2026-03-05T10:55:00Z")


def test_an_address_that_somebody_typed_joins_nobody(session: Session, told: StoryTold) -> None:
    # Given a guest called Cleo, who typed Ann's address under an article
    [typed] = [entry for entry in everything(session, told.ann) if entry.shown.get("standing") == "claimed"]

    # Then the line stands marked on Ann's timeline, and neither joins Cleo nor moves anybody
    assert said(typed) == "It does. A friend of mine has one on hers."
    assert told.cleo != told.ann
    assert [identity.handle for identity in persons.view(session, told.cleo).identities] == ["x_id:3300100200303"]
    assert merges.history(session, told.cleo) == []
    moves = sql.run(session, "SELECT d.cause_id FROM stage s JOIN decision d ON d.id = s.decision_id")
    assert typed.shown["id"] not in {cause for (cause,) in moves}


def test_each_move_in_the_life_cycle_has_its_day_and_its_cause(session: Session, told: StoryTold) -> None:
    assert load_history.stages(session, told.ann) == {Track.RELATIONSHIP: "stranger", Track.BUSINESS: "customer"}
    assert load_history.stages(session, told.ben) == {Track.RELATIONSHIP: "fan", Track.BUSINESS: "none"}
    assert load_history.stages(session, told.cleo) == {Track.RELATIONSHIP: "stranger", Track.BUSINESS: "prospect"}

    [customer] = [
        entry for entry in everything(session, told.ann)
        if entry.shown["type"] == "stage" and entry.shown["stage"] == "customer"
    ]  # fmt: skip
    because = why(session, customer.shown["id"])
    assert customer.shown["by"] == "trigger:order-makes-customer"
    assert [(one.kind, one.at) for one in because.interactions] == [("order", "2026-03-06T17:05:00Z")]


def test_a_fan_who_answers_a_question_is_on_both_timelines(session: Session, told: StoryTold) -> None:
    assert lines(session, told.ben) == [
        "03 10:05 twitter follow inbound verified",
        "03 10:05 relationship is fan",
        "03 16:41 twitter comment among verified",
        "07 11:20 twitter share inbound verified",
        "07 11:21 twitter reaction inbound verified",
    ]
    assert lines(session, told.cleo) == [
        "03 16:20 twitter mention inbound verified",
        "03 16:20 business is prospect",
        "03 16:41 twitter comment among verified",
    ]
    question, answer = (
        next(entry for entry in everything(session, told.cleo) if entry.shown.get("kind") == kind)
        for kind in ("mention", "comment")
    )
    assert answer.shown["conversation"] == question.shown["conversation"]


def test_a_silence_of_ours_was_noticed_after_two_hours(session: Session, told: StoryTold) -> None:
    # Given Ann's complaint at five past ten, and nobody who answered
    # When somebody asks why she got a message
    because = why(session, told.followup)

    # Then it names the complaint, the silence, and the stage it read
    assert because.trigger is not None
    assert (because.trigger.name, because.verdict, because.at) == (plot.TRIGGER, "fired", "2026-03-13T12:05:00Z")
    [complaint] = because.interactions
    assert (complaint.at, complaint.channel, complaint.by) == ("2026-03-13T10:05:00Z", "email", "Ann Archer")
    assert "I am disappointed" in complaint.text
    [missed] = because.absences
    assert (missed.of, missed.since, missed.until) == ("us", "2026-03-13T10:05:00Z", "2026-03-13T12:05:00Z")
    assert because.read == {"person.business": "customer"}
    assert [merge.evidence["proof"] for merge in because.merges] == [
        "signed assertion", "one-time link", "signed assertion", "signed assertion"
    ]  # fmt: skip


def test_a_task_was_made_for_the_team(session: Session, told: StoryTold) -> None:
    [task] = why(session, told.decision).tasks

    assert (task.team, task.title, task.state) == ("support", "Ann Archer waits for an answer", "open")


def test_the_message_went_out_in_her_own_thread(hub: Hub, session: Session, told: StoryTold) -> None:
    # Given the file that stands for what was sent
    raw = (hub.settings.home / told.outbox).read_bytes()
    mail = message_from_bytes(raw, policy=policy.default)

    # Then it goes to her alone, answers her complaint, and says that a machine wrote it
    assert [address.addr_spec for address in mail["To"].addresses] == ["ann@example.org"]
    assert mail["Cc"] is None
    assert mail["From"] == "Harbour Bikes <help@harbour-bikes.example>"
    assert mail["Subject"] == "Re: Before the holidays?"
    assert mail["In-Reply-To"] == "<complaint.1773396300000@mail.example.org>"
    assert mail["References"].split()[0] == "<commuter.1772703000000@mail.example.org>"
    assert mail["References"].split()[-1] == "<complaint.1773396300000@mail.example.org>"
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["Date"] == "Fri, 13 Mar 2026 12:05:00 +0000"
    assert mail.get_content().startswith("Dear Ann,")


def test_what_went_out_is_the_newest_line_with_its_cause(session: Session, told: StoryTold) -> None:
    sent = newest(session, told.ann)
    complaint = next(entry for entry in everything(session, told.ann) if "disappointed" in said(entry))

    assert sent.shown["because"] == {
        "followup": told.followup, "decision": told.decision, "trigger": plot.TRIGGER, "by": f"trigger:{plot.TRIGGER}"
    }  # fmt: skip
    assert sent.shown["conversation"] == complaint.shown["conversation"]
    assert msgspec.json.decode(sent.doc)["answers"]
    assert msgspec.json.decode(sent.doc)["subject"] == "Re: Before the holidays?"
    assert why(session, sent.shown["id"]).decision == told.decision


def test_the_why_can_be_read_aloud(session: Session, told: StoryTold) -> None:
    summary = why(session, told.followup).summary

    assert "On 13 March 2026 at 12:05 UTC, the trigger “rescue-quiet-complaint” fired for Ann Archer" in summary
    assert "From 13 March 2026 at 10:05 UTC to 13 March 2026 at 12:05 UTC we looked for anything" in summary
    assert "a one-time code that went to ann@example.org came back from X 3300100200301" in summary
    assert "a task for support, “Ann Archer waits for an answer” (open)" in summary


def test_nothing_was_lost_on_the_way_in(session: Session, told: StoryTold) -> None:
    # Given the ledger of the four accounts
    found = {each.account: each for each in ledger(session)}

    # Then all that was received is in one place, and nothing was set aside
    assert sorted(found) == ["harbour-blog", "harbour-desk", "harbour-mail", "harbour-x"]
    assert all(each.holds for each in found.values())
    assert {name: each.recorded for name, each in found.items()} == {
        "harbour-blog": 2, "harbour-desk": 3, "harbour-mail": 2, "harbour-x": 8
    }  # fmt: skip
    assert [each.quarantined + each.refused + each.in_flight for each in found.values()] == [0, 0, 0, 0]


def test_telling_it_twice_changes_nothing(hub: Hub, told: StoryTold) -> None:
    before = counted(hub)

    again = tell(hub, began=BEGAN + clock.DAY)

    assert msgspec.structs.replace(again, new=True) == told
    assert again.new is False
    assert counted(hub) == before


@pytest.mark.parametrize("stops_at", [1, 10, 20])
def test_a_telling_that_was_killed_goes_on_where_it_stopped(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, stops_at: int
) -> None:
    # Given a teller that dies after a step, before anything followed from it
    drain, drained = handlers.drain, iter(range(100))

    def dies(of: Hub) -> int:
        if next(drained) == stops_at:
            raise KeyboardInterrupt
        return drain(of)

    monkeypatch.setattr(handlers, "drain", dies)
    with pytest.raises(KeyboardInterrupt):
        tell(hub, began=BEGAN)
    monkeypatch.setattr(handlers, "drain", drain)

    # When the hub starts again, on another day
    told = tell(hub, began=BEGAN + 3 * clock.DAY)

    # Then the story is whole, and nothing is there twice
    with hub.store.read() as session:
        assert lines(session, told.ann) == ANNS_TIMELINE
        assert [each.received for each in ledger(session)] == [2, 9, 2, 10]
        assert [each.holds for each in ledger(session)] == [True] * 4
        assert sql.run(session, "SELECT state FROM followup") == [("sent",), ("sent",)]
    assert len(list((hub.settings.home / "outbox/email").iterdir())) == 2


def test_the_story_never_leaves_the_machine(hub: Hub) -> None:
    # Given a hub that is set to send for real
    hub.settings.outbound = "live"

    # When the story is told
    told = tell(hub, began=BEGAN)

    # Then what it sends are files all the same, and the hub's own setting stands
    assert (hub.settings.home / told.outbox).is_file()
    assert hub.settings.outbound == "live"


def test_without_a_day_given_it_ended_lately_and_by_day(hub: Hub) -> None:
    # Given a company in Auckland, on an afternoon
    hub.settings.time_zone = "Pacific/Auckland"
    with clock.frozen(clock.from_datetime(datetime(2026, 6, 20, 2, 0, tzinfo=UTC))):
        told = tell(hub)

    # Then the message went out yesterday at five past twelve, their time
    with hub.store.read() as session:
        [message] = why(session, told.followup).followups
    assert message.sent_at == "2026-06-19T00:05:00Z"


def test_the_samples_name_nobody_who_exists() -> None:
    # Given every payload of the story
    folder = Path(plot.__file__).parent / "payloads"
    text = "".join(path.read_text() for path in sorted(folder.iterdir()))

    # Then every address and host is one that is reserved for examples (RFC 2606, RFC 6761), or X's own
    hosts = re.findall(r"(?:@|//)([\w-]+(?:\.[\w-]+)+)", text)
    assert {host for host in hosts if not host.endswith((".example", "example.org"))} == set()
    assert len(list(folder.iterdir())) == 14


def counted(hub: Hub) -> list[int]:
    tables = "interaction participant copy intake item person merge_log decision followup attempt task stage wait job"
    with hub.store.read() as session:
        return [sql.run(session, f"SELECT count(*) FROM {table}")[0][0] for table in tables.split()]
