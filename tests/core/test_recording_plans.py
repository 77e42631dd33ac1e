"""Recording finds what it changes by an index, however much is stored; and remembers only what was committed."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from kinline import clock
from kinline.accounts.connected import AccountRef, ref
from kinline.hub import Hub
from kinline.messages import Deletion, Interaction, Party, Thread
from kinline.record.batch import record_batch
from kinline.store import memory, sql
from kinline.store.memory import Memory
from kinline.store.models import Account
from kinline.testing.factories import ANN, BEN, MORNING, InteractionFactory, RecordingFactory, minutes
from kinline.testing.laws import people_are_whole


@pytest.fixture
def inbox(hub: Hub) -> AccountRef:
    row = Account(id="1" * 32, channel="email", name="inbox", created_at=clock.now())
    with hub.store.write() as session:
        session.add(row)
    return ref(row)


#: Tables that are read whole: all triggers whenever one has changed, and a line for each team that promises answers.
FEW = ("trigger_rule", "policy", "calendar")
#: What SQLite calls the lists of values in a statement, and rows that other steps of it found.
GIVEN = re.compile(r"SCAN (json_each|j|[0-9]+ CONSTANT ROWS|CONSTANT ROW)\b")


class Noting:
    """A driver's cursor that notes what it is asked."""

    def __init__(self, cursor: Any, seen: list[tuple[str, Sequence[Any]]]) -> None:
        self._cursor, self._seen = cursor, seen

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        self._seen.append((statement, values))
        return self._cursor.execute(statement, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Sequence[Any]]]:
    seen: list[tuple[str, Sequence[Any]]] = []
    real = sql.driver

    def driver(session: Any) -> tuple[Any, bool]:
        cursor, sqlite = real(session)
        return Noting(cursor, seen), sqlite

    monkeypatch.setattr(sql, "driver", driver)
    return seen


def record(hub: Hub, inbox: AccountRef, *whats: Interaction | Deletion) -> None:
    for what in whats:
        with hub.store.write() as session:
            record_batch(session, [RecordingFactory.build(account=inbox, what=what)])


def test_nothing_is_looked_for_by_reading_a_whole_table(
    hub: Hub, inbox: AccountRef, asked: list[tuple[str, Sequence[Any]]]
) -> None:
    # Given a thread whose end comes first and is joined later, an edit, a copy and a deletion
    thread = [
        InteractionFactory.build(source_id=key, author=who, thread=Thread(key=key, parent=parent))
        for key, parent, who in (("c", "b", ANN), ("a", "", BEN), ("b", "a", ANN))
    ]
    edit = InteractionFactory.build(source_id="a", author=BEN, text="in other words", changed_at=MORNING + minutes(5))

    # When they are recorded
    record(hub, inbox, *thread, edit, edit, Deletion(source_id="a"))

    # Then each statement searched indexes, but for the values it was given and the rows it had found
    with hub.store.read() as session:
        for statement, values in list(dict(asked).items()):
            if any(f"FROM {few}" in statement for few in FEW):
                continue
            for line in explained(session, statement, values):
                assert not line.startswith("SCAN ") or GIVEN.match(line), f"{statement}: {line}"
                assert "Seq Scan" not in line, f"{statement}: {line}"


def explained(session: Any, statement: str, values: Sequence[Any]) -> list[str]:
    cursor, sqlite = sql.driver(session)
    if sqlite:
        return [str(row[-1]) for row in cursor.execute("EXPLAIN QUERY PLAN " + statement, values).fetchall()]
    cursor.execute("EXPLAIN " + statement, values)
    return [str(row[0]) for row in cursor.fetchall()]


def test_what_was_rolled_back_is_not_remembered(hub: Hub, inbox: AccountRef) -> None:
    # Given that Ann was met in a transaction that came to nothing
    def fail(session: Any) -> None:
        record_batch(session, [RecordingFactory.build(account=inbox)])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), hub.store.write() as session:
        fail(session)

    # When she writes again, and once more
    record(hub, inbox, InteractionFactory.build(), InteractionFactory.build())

    # Then she is there
    people_are_whole(hub.store)
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM identity") == [(1,)]


def test_another_name_of_a_known_identity_is_kept(hub: Hub, inbox: AccountRef) -> None:
    # Given that Ann is remembered
    record(hub, inbox, InteractionFactory.build(), InteractionFactory.build())

    # When she writes under two names
    for name in ("Ann Archer", "Annie", "Annie"):
        [party] = InteractionFactory.build().parties
        record(hub, inbox, InteractionFactory.build(parties=(called(party, name),)))

    # Then both are hers
    with hub.store.read() as session:
        names = sql.run(session, "SELECT name FROM identity_name ORDER BY name")
    assert names == [("Ann Archer",), ("Annie",)]


def called(party: Party, name: str) -> Party:
    return msgspec.structs.replace(party, name=name)


def test_the_memory_stays_small(hub: Hub) -> None:
    kept = Memory()
    for start in range(0, 3 * memory.MOST, 1000):
        with hub.store.read() as session:
            kept.attach(session)
            memory.tell(session, range(start, start + 1000))
            kept.keep(session)
        assert not kept.unsure([start])
        assert len(kept.unsure(range(start + 1000))) >= start + 1000 - memory.MOST
