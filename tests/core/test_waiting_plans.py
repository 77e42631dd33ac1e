"""Who waits is read and kept by index: a page costs the same however many wait, and however much was ever said."""

from typing import Any

import pytest

from costs import cost, explained, overheard
from kinline import clock, ids
from kinline.accounts.connected import AccountRef
from kinline.desk import conversation_list, worklist
from kinline.desk.worklist import WorklistFilter
from kinline.hub import Hub
from kinline.messages import Thread
from kinline.record.batch import record_batch
from kinline.store import Store, sql
from kinline.store.models import Account, Promised, WaitingRow, metadata
from kinline.testing.bulk import many_interactions
from kinline.testing.factories import ANN, BEN, InteractionFactory, RecordingFactory
from kinline.waiting.listing import List

MANY, SAID, PAGE = 10_000, 4_000, 20
_WAITING, _PROMISED = (metadata.tables[str(each.__tablename__)] for each in (WaitingRow, Promised))
ASKED = {
    "all": WorklistFilter(), "a channel": WorklistFilter(channel="email", what="answer"), "promises": WorklistFilter(what="promise"),
    "answers": WorklistFilter(what="answer"), "a channel nobody used": WorklistFilter(channel="fax", what="answer"),
    "what rests": WorklistFilter(list=List.PAUSED), "what was imported": WorklistFilter(list=List.IMPORTED),
}  # fmt: skip
INBOX = AccountRef("1" * 32, "email", "", "inbox")


@pytest.fixture
def full(hub: Hub) -> Store:
    """Ann did four thousand things; ten thousand wait, as many were answered, and some was promised."""
    with hub.store.write() as session:
        session.add(Account(id=INBOX.id, channel="email", name="inbox", created_at=clock.now()))
        session.flush()
        record_batch(session, [RecordingFactory.build(account=INBOX, what=InteractionFactory.build())])
        [(interaction, person)] = sql.run(session, "SELECT i.id, p.id FROM interaction i, person p LIMIT 1")
    many_interactions(hub.store, ANN, SAID)
    with hub.store.write() as session:
        sql.insert(session, _WAITING, [_row(number, interaction) for number in range(2 * MANY)])
        sql.insert(session, _PROMISED, [_promised(number, person) for number in range(MANY)])
        sql.run(session, "ANALYZE")
    return hub.store


def _row(number: int, interaction: str) -> tuple[object, ...]:
    at, over = number * clock.SECOND, number % 2 == 0
    given: dict[str, object] = {
        "id": ids.derived("waiting", str(number)), "who": ids.derived("who", str(number)), "level": "direct",
        "place": ids.derived("place", str(number)), "channel": "email" if number % 4 == 1 else "twitter",
        "identity_id": ANN.id, "kind": "message", "since": at, "asked_id": interaction, "last_at": at, "begun_at": at,
        "last_asked_at": at, "last_known_at": at, "said_from": at, "rests": "[]", "ended_at": at if over else None,
        "ended_how": "us" if over else "", "tab": "" if over else ("paused" if number % 10 == 1 else "waiting"),
    }  # fmt: skip
    empty = {"imported": 0, "also_asks": 0, "paused_how": "", "paused_by": "", "ended_by": ""}
    return tuple((empty | given).get(column.name) for column in _WAITING.columns)


def _promised(number: int, person: str) -> tuple[object, ...]:
    at, state = number * clock.SECOND, "open" if number % 2 else "done"
    return (ids.derived("promise", str(number)), person, "call", at, "", "", None, state, at, "Cleo", None, None)


@pytest.mark.parametrize("name", ASKED)
def test_a_page_of_who_waits_walks_an_index(full: Store, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    # Given what is asked for a page in the middle
    heard = overheard(monkeypatch)
    with full.read() as session:
        page = worklist.listed(session, ASKED[name], after=(MANY // 2 * clock.SECOND, ""))
        statements = [each for each in heard if "FROM waiting" in each[0] or "FROM promised" in each[0]]
        monkeypatch.undo()
        assert len(page) == (0 if "nobody" in name or "imported" in name else 50)

        # Then each statement walks its index and reads no more than it shows
        assert statements
        for statement, values in statements:
            plan = "\n".join(explained(session, full, statement, values))
            assert cost(session, full, statement, *values) < 2_500, f"{name}: {plan}"


def test_a_page_of_conversations_is_read_in_six_statements(full: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given forty conversations
    said = [
        InteractionFactory.build(source_id=f"c{number}", author=(ANN, BEN)[number % 2], thread=Thread(key=f"c{number}"))
        for number in range(2 * PAGE)
    ]
    with full.write() as session:
        record_batch(session, [RecordingFactory.build(account=INBOX, what=each) for each in said])

    # When one reads a page of twenty
    heard = overheard(monkeypatch)
    with full.read() as session:
        page = conversation_list.listed(session, limit=PAGE)

    assert len(page) == PAGE
    assert len(heard) <= 6, "\n".join(statement for statement, _ in heard)


def test_one_more_word_costs_the_same_however_much_was_said_before(
    full: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steps(author: Any, name: str) -> int:
        what = InteractionFactory.build(source_id=name, author=author, thread=Thread(key=name))
        with full.write() as session:
            heard = overheard(monkeypatch)
            record_batch(session, [RecordingFactory.build(account=INBOX, what=what)])
            statements = [each for each in heard if each[0].lstrip().upper().startswith("SELECT")]
            monkeypatch.undo()
            return sum(cost(session, full, statement, *values) for statement, values in statements)

    new, busy = steps(BEN, "first of Ben"), steps(ANN, "one more of Ann")

    assert busy < new * 2 + 200, (new, busy)
