"""Who waits for us since when: on any channel, in any order of arrival, through merges, edits and deletions."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from kinline import clock
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.desk import owed, work
from kinline.desk.owed import OwedShown, Wanted
from kinline.handlers import drain
from kinline.hub import Hub
from kinline.identity import merges, persons
from kinline.messages import Deletion, Interaction, Party, Thread
from kinline.record.batch import record_batch
from kinline.record.owing import BEHIND
from kinline.store import sql
from kinline.testing.factories import ANN, BEN, CLEO, MORNING, InteractionFactory, RecordingFactory
from kinline.words import ConversationState, Direction, Kind, Origin, Role, Standing

ACCOUNTS = {"inbox": ("email", {"address": "help@hub.example"}), "x": ("twitter", {"user_id": "900"})}
pytestmark = pytest.mark.usefixtures("desk")


@pytest.fixture
def desk(hub: Hub) -> Hub:
    """A mailbox and an account on X."""
    with hub.store.write() as session:
        for name, (channel, given) in ACCOUNTS.items():
            connected.connect(session, hub.secret, channel, name, given)
    return hub


def account_of(session: Session, name: str) -> AccountRef:
    return connected.ref(connected.named(session, name))


def says(hub: Hub, source: str, hours: float, *, on: str = "inbox", origin: Origin = Origin.LIVE, **more: Any) -> None:
    """Somebody says something so many hours after nine."""
    what = InteractionFactory.build(
        source_id=source, occurred_at=MORNING + timedelta(hours=hours), **{"thread": Thread(key=source), **more}
    )
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=account_of(session, on), what=what, origin=origin)])


def under(parent: str, **more: Any) -> dict[str, Any]:
    return {"thread": Thread(key=f"{parent}-{sorted(more)}", parent=parent), **more}


def owes(hub: Hub, **wanted: Any) -> list[OwedShown]:
    with hub.store.read() as session:
        return [each for _, each in owed.listed(session, Wanted(**wanted))]


def since(hub: Hub) -> list[str | None]:
    return [each.since for each in owes(hub)]


def test_who_wrote_waits_since_their_first_unanswered_word(hub: Hub) -> None:
    says(hub, "mail", 1)
    says(hub, "more", 2, **under("mail"))
    assert since(hub) == ["2026-03-02T10:00:00Z"]

    # When a word from before arrives late
    says(hub, "late", 0.5, **under("mail", text="late"))
    assert since(hub) == ["2026-03-02T09:30:00Z"]

    # And when we answer between the two, late too
    says(hub, "ours", 1.5, **under("mail", ours=True))
    assert since(hub) == ["2026-03-02T11:00:00Z"]


def test_an_answer_on_any_channel_ends_it_for_the_whole_person(hub: Hub) -> None:
    # Given Ann, who wrote a mail and two posts under another name, and is one person
    says(hub, "mail", 1)
    says(hub, "post", 2, on="x", author=CLEO)
    with hub.store.write() as session:
        ann, cleo = persons.find(session, str(ANN)), persons.find(session, str(CLEO))
        merged = merges.merge(session, ann, cleo, evidence={}, made_by="Ben")
    drain(hub)

    # When we answer on X
    says(hub, "ours", 3, on="x", author=CLEO, ours=True)

    # Then nothing is owed, and after the merge is undone the mail is
    assert since(hub) == []
    with hub.store.write() as session:
        merges.undo(session, merged.id, made_by="Ben")
    drain(hub)
    assert [(each.channel, each.since) for each in owes(hub)] == [("email", "2026-03-02T10:00:00Z")]


def test_somebody_elses_answer_ends_it_and_says_so(hub: Hub) -> None:
    answer: dict[str, Any] = {
        "direction": Direction.AMONG, "kind": Kind.COMMENT, "answers": "mail", "author": BEN,
        "parties": (Party(role=Role.AUTHOR, handle=BEN), Party(role=Role.MENTIONED, handle=ANN)),
    }  # fmt: skip
    # Given Ben's answer, which comes before the question that it answers
    says(hub, "helped", 2, thread=Thread(key="helped", parent="mail"), **answer)
    says(hub, "mail", 1)

    # Then nobody waits, and it shows who helped
    assert since(hub) == []
    with hub.store.read() as session:
        [(_, told)] = owed.helped(session)
        assert told.answered_by == persons.find(session, str(BEN))
    assert told.answered_at == "2026-03-02T11:00:00Z"

    # And who asks again waits again
    says(hub, "again", 3, **under("mail"))
    assert since(hub) == ["2026-03-02T12:00:00Z"]


@pytest.mark.parametrize(
    "more",
    [
        {"automatic": "auto-reply"},
        {"moderation": "spam"},
        {"kind": Kind.ORDER},
        {"kind": Kind.PAGE_VIEW},
        {"kind": Kind.NOTE},
        {"direction": Direction.AMONG},
        {"parties": (Party(role=Role.AUTHOR, name="Nobody we know"),)},
    ],
)
def test_what_asks_nothing_opens_nothing(hub: Hub, more: dict[str, Any]) -> None:
    says(hub, "mail", 1, **more)

    assert since(hub) == []


def test_imported_history_counts_and_a_late_one_too(hub: Hub) -> None:
    says(hub, "ours", 0, origin=Origin.IMPORT, ours=True, thread=Thread(key="another"))
    says(hub, "mail", 1, origin=Origin.IMPORT)
    says(hub, "long ago", -1, origin=Origin.IMPORT)

    assert since(hub) == ["2026-03-02T10:00:00Z"]


def test_a_clock_that_is_behind_does_not_hide_who_answers_us(hub: Hub) -> None:
    says(hub, "mail", 1)
    says(hub, "ours", 3, **under("mail", ours=True))

    # When they answer that, by a clock that is two hours behind
    says(hub, "back", 2, **under("mail", answers="ours"))

    assert since(hub) == ["2026-03-02T12:00:00.000001Z"]
    assert BEHIND == clock.DAY


def test_a_closed_conversation_owes_nothing_until_they_write_again(hub: Hub) -> None:
    says(hub, "mail", -1)
    with hub.store.write() as session, clock.frozen(clock.from_datetime(MORNING)):
        [(_, found)] = owed.listed(session)
        work.to_state(hub, session, str(found.conversation), ConversationState.SOLVED, agent="Cleo")
    assert since(hub) == []

    says(hub, "again", 1, **under("mail"))
    assert since(hub) == ["2026-03-02T10:00:00Z"]


def test_what_is_in_no_conversation_waits_too(hub: Hub) -> None:
    says(hub, "one", 1, thread=None)
    says(hub, "two", 2, thread=None)
    assert since(hub) == ["2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z"]

    says(hub, "ours", 1.5, thread=None, ours=True)
    assert since(hub) == ["2026-03-02T11:00:00Z"]


def test_an_edit_and_a_deletion_are_seen(hub: Hub) -> None:
    # Given a mail that we answered
    says(hub, "mail", 1)
    says(hub, "ours", 2, **under("mail", ours=True))
    assert since(hub) == []

    # When our answer is deleted there, she waits again; when her mail is called spam, no more
    with hub.store.write() as session:
        inbox = account_of(session, "inbox")
        gone = Deletion(source_id="ours", occurred_at=MORNING + timedelta(hours=3))
        record_batch(session, [RecordingFactory.build(account=inbox, what=gone)])
    assert since(hub) == ["2026-03-02T10:00:00Z"]
    says(hub, "mail", 1, moderation="spam", changed_at=MORNING + timedelta(hours=4))
    assert since(hub) == []


def test_the_list_is_narrowed(hub: Hub) -> None:
    says(hub, "mail", 1)
    says(hub, "post", 2, on="x", author=CLEO, kind=Kind.MENTION)

    assert [each.channel for each in owes(hub)] == ["email", "twitter"]
    assert [each.kind for each in owes(hub, channel="twitter")] == ["mention"]
    assert [each.channel for each in owes(hub, kind="message")] == ["email"]
    assert owes(hub, team="sales") == []
    with hub.store.read() as session:
        ann = persons.find(session, str(ANN))
    assert [each.person for each in owes(hub, person=ann)] == [ann]


# Any history, in any order, in batches of any size

WHO = {"ann": ANN, "ann on x": CLEO, "ben": BEN}


class Said(msgspec.Struct, frozen=True):
    """A thing that was said, at an hour, in a thread, by whom to whom. ``to``: ours is for them."""

    number: int
    hour: int
    thread: str
    who: str
    by: str  #: them · us · peer
    automatic: bool

    @property
    def channel(self) -> str:
        return "x" if self.thread.startswith("x") else "inbox"


@st.composite
def histories(draw: st.DrawFn) -> list[Said]:
    hours = draw(st.lists(st.integers(0, 30), min_size=1, max_size=10, unique=True))
    return [
        Said(
            number, hour, draw(st.sampled_from(["mail-1", "mail-2", "x-1", ""])), draw(st.sampled_from(sorted(WHO))),
            draw(st.sampled_from(["them", "them", "us", "peer"])), draw(st.integers(0, 5)) == 0,
        )
        for number, hour in enumerate(hours)
    ]  # fmt: skip


def built(said: Said, all_said: list[Said]) -> Interaction:
    thread = Thread(key=f"{said.thread}/{said.number}", parent=said.thread) if said.thread else None
    made: dict[str, Any] = {"source_id": f"said-{said.number}", "thread": thread, "author": WHO[said.who]}
    made["occurred_at"] = MORNING + timedelta(hours=said.hour)
    made["automatic"] = "auto-reply" if said.automatic else ""
    if said.by == "us":
        made["ours"] = True
    if said.by == "peer" and (asked := answered_by(said, all_said)):
        helper = Party(role=Role.AUTHOR, handle=WHO["ben"], standing=Standing.VERIFIED)
        made |= {"direction": Direction.AMONG, "answers": f"said-{asked.number}", "parties": (helper,)}
    elif said.by == "peer":
        made["kind"] = Kind.PAGE_VIEW
    return InteractionFactory.build(**made)


def answered_by(said: Said, all_said: list[Said]) -> Said | None:
    """What a peer answers: the newest word of somebody else in the thread before it."""
    before = [
        each for each in all_said
        if each.by == "them" and each.thread == said.thread and each.thread and each.hour < said.hour and each.who != "ben"
    ]  # fmt: skip
    return max(before, key=lambda each: each.hour, default=None)


def expected(said: list[Said], *, one: bool) -> set[tuple[str, int]]:
    """Who waits since when, worked out from the whole: another way than the hub's."""
    person = {"ann": "ann", "ann on x": "ann" if one else "ann on x", "ben": "ben"}
    live = [each for each in said if not each.automatic]
    found: dict[tuple[str, str], int] = {}
    for each in live:
        if each.by != "them":
            continue
        later = [other for other in live if other.hour > each.hour]
        ours = (other for other in later if other.by == "us")
        answered = any(person[o.who] == person[each.who] or (o.thread and o.thread == each.thread) for o in ours)
        helped = any(
            other.by == "peer" and (asked := answered_by(other, said)) is not None and (asked.who, asked.thread) == (each.who, each.thread)
            for other in later
        )  # fmt: skip
        if not answered and not helped:
            place = each.thread or f"alone {each.number}"
            found[each.who, place] = min(each.hour, found.get((each.who, place), 99))
    return {(who, hour) for (who, _), hour in found.items()}


def stored(session: Session) -> set[tuple[str, int]]:
    names = {handle.id: name for name, handle in WHO.items()}
    rows = sql.run(session, "SELECT identity_id, since FROM owed WHERE since IS NOT NULL")
    start = clock.from_datetime(MORNING)
    return {(names[identity], (at - start) // clock.HOUR) for identity, at in rows}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(said=histories(), data=st.data())
def test_any_order_of_arrival_owes_the_same(hub: Hub, said: list[Said], data: st.DataObject) -> None:
    with emptied(hub) as session:
        # Given a history in an order and in batches of its own, with the two names of Ann joined on the way or never
        order = data.draw(st.permutations(said))
        cuts = sorted(data.draw(st.sets(st.integers(1, len(said)), max_size=3)) | {len(said)})
        joined = data.draw(st.sampled_from([None, *cuts]))
        begun = 0
        for cut in cuts:
            record_batch(
                session,
                [
                    RecordingFactory.build(account=account_of(session, each.channel), what=built(each, said))
                    for each in order[begun:cut]
                ],
            )
            begun = cut
            if joined == cut:
                join_ann(session)

        # Then what is owed is what the whole says
        assert stored(session) == expected(said, one=joined is not None), (said, order, cuts, joined)


def join_ann(session: Session) -> None:
    from kinline.identity.meeting import meet
    from kinline.identity.parties import Who
    from kinline.record.owed import settle_person

    meet(session, [(Who(Party(role=Role.AUTHOR, handle=each), each, each.id), 0) for each in (ANN, CLEO)])
    merges.merge(session, persons.find(session, str(ANN)), persons.find(session, str(CLEO)), evidence={}, made_by="Ben")
    settle_person(session, ANN.id)


class _Undo(Exception):
    pass


def emptied(hub: Hub) -> Any:
    from contextlib import contextmanager

    @contextmanager
    def opened() -> Iterator[Session]:
        try:
            with hub.store.write() as session:
                yield session
                raise _Undo
        except _Undo:
            pass

    return opened()


def test_what_was_there_before_the_hub_kept_this_is_looked_through(hub: Hub) -> None:
    from kinline.store.migrate import downgrade, upgrade
    from kinline.store.migrations import versions

    # Given a hub of before, to which Ann wrote twice, and which answered her once
    says(hub, "mail", 1)
    says(hub, "ours", 2, **under("mail", ours=True))
    says(hub, "again", 3, **under("mail"))
    before = next(iter(Path(versions.__path__[0]).glob("*_what_we_owe.py"))).read_text()
    downgrade(hub.store, re.search(r'^down_revision = "(\w+)"', before, re.MULTILINE)[1])  # type: ignore[index]

    # When it comes to this version, and its workers look
    upgrade(hub.store)
    drain(hub)

    assert since(hub) == ["2026-03-02T12:00:00Z"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("first", ["mail", "ours"])
def test_a_question_and_its_answer_in_flight_do_not_pass_each_other(hub: Hub, first: str) -> None:
    # Given a question and a later answer on another channel, each in a transaction of its own, at once
    said = {
        "mail": ("inbox", InteractionFactory.build(source_id="mail", thread=Thread(key="mail"))),
        "ours": ("x", InteractionFactory.build(source_id="ours", ours=True, occurred_at=MORNING + timedelta(hours=1))),
    }
    second = "ours" if first == "mail" else "mail"
    says(hub, "before", -2, ours=True)

    def record(name: str) -> None:
        on, what = said[name]
        with hub.store.write() as session:
            record_batch(session, [RecordingFactory.build(account=account_of(session, on), what=what)])

    # When the second comes while the first is not committed yet
    with ThreadPoolExecutor(1) as other:
        with hub.store.write() as session:
            on, what = said[first]
            record_batch(session, [RecordingFactory.build(account=account_of(session, on), what=what)])
            waiting = other.submit(record, second)
            with pytest.raises(TimeoutError):
                waiting.result(0.3)
        waiting.result(10)

    # Then the answer answered
    assert since(hub) == []
