"""What we owe is read by index: a page costs the same however many wait, and however much was ever said."""

from typing import Any

import pytest

from costs import cost, explained
from kinline import clock, ids
from kinline.accounts.connected import AccountRef
from kinline.desk import owed
from kinline.desk.owed import Wanted
from kinline.hub import Hub
from kinline.record import owing
from kinline.record.batch import record_batch
from kinline.record.owing import row_id
from kinline.store import Store, sql
from kinline.store.models import Account, Owed, Promised, metadata
from kinline.testing.bulk import many_interactions
from kinline.testing.factories import ANN, InteractionFactory, RecordingFactory

MANY, SAID = 10_000, 4_000
_OWED, _PROMISED = (metadata.tables[str(each.__tablename__)] for each in (Owed, Promised))
ASKED = {
    "all": Wanted(), "a channel": Wanted(channel="email", what="answer"), "promises": Wanted(what="promise"),
    "answers": Wanted(what="answer"), "a channel nobody used": Wanted(channel="fax", what="answer"),
}  # fmt: skip


@pytest.fixture
def full(hub: Hub) -> Store:
    """Ann did four thousand things; ten thousand wait, as many were answered, and some was promised."""
    account = AccountRef("1" * 32, "email", "", "inbox")
    with hub.store.write() as session:
        session.add(Account(id=account.id, channel="email", name="inbox", created_at=clock.now()))
        session.flush()
        record_batch(session, [RecordingFactory.build(account=account, what=InteractionFactory.build())])
        [(interaction, person)] = sql.run(session, "SELECT i.id, p.id FROM interaction i, person p LIMIT 1")
    many_interactions(hub.store, ANN, SAID)
    with hub.store.write() as session:
        sql.insert(session, _OWED, [_waiting(number, interaction) for number in range(2 * MANY)])
        sql.insert(session, _PROMISED, [_promised(number, person) for number in range(MANY)])
        sql.run(session, "ANALYZE")
    return hub.store


def _waiting(number: int, interaction: str) -> tuple[object, ...]:
    place, since = ids.derived("place", str(number)), number * clock.SECOND if number % 2 else None
    channel = "email" if number % 4 == 1 else "twitter"
    return (row_id(ANN.id, place), ANN.id, place, channel, "message", since, number, interaction, None, "", None)


def _promised(number: int, person: str) -> tuple[object, ...]:
    at, state = number * clock.SECOND, "open" if number % 2 else "done"
    return (ids.derived("promise", str(number)), person, "call", at, "", "", None, state, at, "Cleo", None, None)


def test_a_page_of_what_we_owe_walks_an_index(full: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, tuple[object, ...]]] = []
    real = sql.run

    def run(session: Any, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        if "FROM owed o" in statement or "FROM promised r" in statement:
            seen.append((statement, values))
        return real(session, statement, *values)

    for name, wanted in ASKED.items():
        # Given what is asked for a page in the middle
        seen.clear()
        with full.read() as session:
            with monkeypatch.context() as patched:
                patched.setattr(sql, "run", run)
                page = owed.listed(session, wanted, after=(MANY // 2 * clock.SECOND, ""))
            assert len(page) == (0 if "nobody" in name else 50), name

            # Then each statement walks its index in its order and sorts nothing
            assert seen
            for statement, values in seen:
                plan = "\n".join(explained(session, full, statement, values))
                assert walks(plan), f"{name}: {plan}"
                assert cost(session, full, statement, *values) < 1_500, f"{name}: {plan}"


def walks(plan: str) -> bool:
    wrong = ("TEMP B-TREE", "SCAN o", "SCAN r", "Seq Scan on owed", "Seq Scan on promised")
    return not any(each in plan for each in wrong) and " Sort" not in plan.replace("Incremental Sort", "")


def test_a_closer_look_costs_little_however_much_was_said(full: Store) -> None:
    with full.read() as session:
        values = (ANN.id, "0" * 32, 2**61)
        assert cost(session, full, owing._LATER, *values) < 500
