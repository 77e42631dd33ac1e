"""A hub as the version before left it comes into the shape of this one: who waits, who sees whom, how things stand."""

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kinline import clock
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.desk import conversation_list, conversations, thread_edits, worklist
from kinline.desk.worklist import WorklistFilter
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.messages import Interaction, Party, Thread
from kinline.record.batch import record_batch
from kinline.store import migrate, schema, sql
from kinline.testing.factories import RecordingFactory
from kinline.threads.apart import would_part
from kinline.threads.numbers import number_of
from kinline.upgrades import run, standing, threads, waiting
from kinline.waiting.listing import List
from kinline.words import Direction, HandleType, Kind, Role, Standing
from kinline_cli import checks

#: What the version before kept of a few people: mails, a mailing that two answered, X, a ticket on hold, history.
BEFORE = Path(__file__).parents[1] / "upgrades" / "hub-0012.json"
#: An order in which nothing stands before what it points to.
FIRST = (
    "account", "person", "identity", "identity_link", "conversation", "thread_key", "interaction", "copy", "followup",
)  # fmt: skip


@pytest.fixture
def old(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The old hub, its tables brought to this schema, its data still as it was. A few things make a piece."""
    monkeypatch.setattr(threads, "AT_ONCE", 3)
    monkeypatch.setattr(waiting, "AT_ONCE", 2)
    monkeypatch.setattr(standing, "AT_ONCE", 3)
    migrate.downgrade(hub.store, "0012")
    tables = msgspec.json.decode(BEFORE.read_bytes())
    with hub.store.write() as session:
        for name in sorted(tables, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name)):
            columns, rows = tables[name]["columns"], tables[name]["rows"]
            names, marks = ", ".join(f'"{each}"' for each in columns), ", ".join(["{p}"] * len(columns))
            for row in rows:
                values = [b64decode(value["bytes"]) if isinstance(value, dict) else value for value in row]
                sql.changed(session, f"INSERT INTO {name} ({names}) VALUES ({marks})", *values)
    migrate.upgrade(hub.store)
    return hub


@pytest.fixture
def upgraded(old: Hub) -> Hub:
    for step in run.unfinished(old.store):
        run.take(old.store, step)
    return old


def members(hub: Hub) -> set[tuple[str, str]]:
    """Each interaction with the conversation that it is in."""
    with hub.store.read() as session:
        statement = (
            "SELECT i.source_id, k.conversation_id FROM interaction i JOIN thread_key k ON k.id = i.thread_key_id"
        )
        return set(sql.run(session, statement))


def waits(hub: Hub, of: List = List.WAITING) -> list[tuple[str, str]]:
    """What those said who wait, and since when."""
    with hub.store.read() as session:
        found = [each for _, each in worklist.listed(session, WorklistFilter(list=of, what="answer"))]
    return sorted((str(each.since)[8:13], each.said) for each in found)


def conversation_of(hub: Hub, source: str) -> str:
    return next(conversation for said, conversation in members(hub) if said == source)


def test_nothing_serves_until_it_is_through_and_then_the_schema_is_whole(old: Hub) -> None:
    assert [step.name for step in run.unfinished(old.store)] == [
        "app_events", "threads", "waiting", "standing", "suggestions",
    ]  # fmt: skip

    for step in run.unfinished(old.store):
        told: list[int] = []
        run.take(old.store, step, told.append)
        assert sum(told) >= run.total(old.store, step)
    schema.require_current(old.store)
    migrate.drift(old.store)


def test_conversations_keep_their_ids_and_who_is_in_them(old: Hub) -> None:
    before = members(old)
    for step in run.unfinished(old.store):
        run.take(old.store, step)

    assert members(old) == before


def test_who_waits_is_worked_out_from_what_was_said(upgraded: Hub) -> None:
    assert waits(upgraded) == [
        ("02T10", "Text of list-1"), ("02T10", "t-1"), ("02T11", "Text of list-2"), ("02T12", "Text of thanks"),
        ("02T14", "Text of ben-answers"), ("02T14", "Who reads this?"), ("02T15", "Text of cleo-answers"),
    ]  # fmt: skip
    assert waits(upgraded, List.PAUSED) == [("02T10", "tweet")]
    assert waits(upgraded, List.INDIRECT) == [("02T11", "fan")]
    assert waits(upgraded, List.IMPORTED) == [("23T21", "Text of long-ago")]
    with upgraded.store.read() as session:
        ended = (
            "SELECT ended_how, count(*) FROM waiting WHERE ended_at IS NOT NULL GROUP BY ended_how ORDER BY ended_how"
        )
        assert sql.run(session, ended) == [("closed", 1), ("us", 3)]


def test_conversations_stand_as_people_put_them_and_their_clocks_run(upgraded: Hub) -> None:
    with upgraded.store.read() as session, clock.frozen(1_772_442_000_000_000):
        listed = [each for _, each in conversation_list.listed(session) if each.channel != "twitter"]
    shown = {each.subject or each.channel: each for each in listed}

    assert {name: each.state for name, each in shown.items()} == {
        "Lamp": "open", "News": "open", "Bill": "closed", "Kettle": "pending", "Long ago": "pending",
        "[list] Hello": "open", "support": "on_hold",
    }  # fmt: skip
    assert {name: each.visibility for name, each in shown.items()} == {
        "Lamp": "addressed", "News": "addressed", "Bill": "addressed", "Kettle": "addressed", "Long ago": "addressed",
        "[list] Hello": "public", "support": "participants",
    }  # fmt: skip
    assert shown["News"].clock is not None
    assert shown["News"].clock.due_at == "2026-03-02T18:00:00Z"
    assert shown["support"].clock is not None
    assert shown["support"].clock.paused


def test_it_goes_on_where_it_was_killed_and_twice_changes_nothing(old: Hub) -> None:
    def killed(count: int) -> None:
        raise KeyboardInterrupt

    tries = 0
    while left := list(run.unfinished(old.store)):
        tries += 1
        for step in left:
            try:
                run.take(old.store, step, killed)
            except KeyboardInterrupt:
                break
    assert tries > 10
    first = everything(old)
    with old.store.write() as session:
        sql.changed(session, "UPDATE upgrade SET finished_at = NULL, cursor = ''")
    for step in run.unfinished(old.store):
        run.take(old.store, step)

    assert everything(old) == first


def everything(hub: Hub) -> list[Any]:
    tables = {
        "waiting": "who, place, since, level, ended_how, ended_at, tab, due_at",
        "conversation": "id, state, visibility, last_at, asked_at, answered_at, waiting_since",
        "mail_audience": "*", "message_reference": "*", "state_move": "*",
    }  # fmt: skip
    with hub.store.read() as session:
        return [
            sorted(sql.run(session, f"SELECT {columns} FROM {table}"), key=str) for table, columns in tables.items()
        ]


def test_the_doctor_names_what_todays_rules_would_part_until_somebody_parts_it(upgraded: Hub) -> None:
    # Given two strangers who answered one mailing, and were one conversation for that
    news = conversation_of(upgraded, "ben-answers")
    with upgraded.store.read() as session:
        assert list(would_part(session)) == [news]
    [told] = list(checks._old_conversations(upgraded.store))
    assert (told.state, number_of(news) in told.detail, "/split" in told.cure) == ("look", True, True)

    # When somebody parts them
    with upgraded.store.write() as session:
        answers = sql.run(session, "SELECT id FROM interaction WHERE source_id = 'cleo-answers'")
        row = conversations.find(session, news)
        parted = thread_edits.split(session, row, [each for (each,) in answers], by="Dora")
        mailing = sql.run(session, "SELECT id FROM interaction WHERE source_id = 'mailing'")
        thread_edits.split(session, row, [each for (each,) in mailing], by="Dora")

    # Then each stands alone, and waits there
    assert conversation_of(upgraded, "cleo-answers") == parted
    with upgraded.store.read() as session:
        assert list(would_part(session)) == []
    assert ("02T15", "Text of cleo-answers") in waits(upgraded)


def reply(to: str, by: str) -> Interaction:
    parties = (
        Party(role=Role.AUTHOR, handle=Handle(HandleType.EMAIL, by), standing=Standing.VERIFIED),
        Party(role=Role.RECIPIENT, handle=Handle(HandleType.EMAIL, "help@hub.example"), ours=True),
    )
    thread = Thread(key=f"more-of-{by}", parent=f"{to}@mail.example", private=True, claimed=True, topic="lamp")
    return Interaction(
        source_id=f"more-of-{by}", kind=Kind.MESSAGE, direction=Direction.INBOUND, parties=parties, thread=thread,
        occurred_at=clock.to_datetime(1_772_500_000_000_000), subject="Re: Lamp", text="More",
    )  # fmt: skip


@pytest.fixture
def inbox(upgraded: Hub) -> Iterator[AccountRef]:
    with upgraded.store.read() as session:
        yield connected.ref(connected.named(session, "inbox"))


def test_the_next_mail_of_who_was_there_joins_and_a_strangers_does_not(upgraded: Hub, inbox: AccountRef) -> None:
    for who in ("ann@example.org", "mallory@elsewhere.example"):
        with upgraded.store.write() as session:
            record_batch(session, [RecordingFactory.build(account=inbox, what=reply("answer", who))])

    lamp = conversation_of(upgraded, "ask")
    assert conversation_of(upgraded, "more-of-ann@example.org") == lamp
    assert conversation_of(upgraded, "more-of-mallory@elsewhere.example") != lamp
