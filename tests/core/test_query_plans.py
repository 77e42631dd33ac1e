"""Every filter of the timeline walks an index, and a page costs the same however long a life is."""

from typing import Any

import msgspec
import pytest

from costs import cost, explained
from kinline import clock
from kinline.accounts.connected import AccountRef
from kinline.history import load_history
from kinline.hub import Hub
from kinline.identity import merges, persons
from kinline.record.batch import record_batch
from kinline.store import Store, sql
from kinline.store.models import Account
from kinline.testing.bulk import RARE, many_interactions
from kinline.testing.factories import ANN, BEN, InteractionFactory, RecordingFactory
from kinline.timeline.filters import NO_FILTERS, Filters
from kinline.timeline.reading import END, page
from kinline.words import Kind

MANY, FEW = 50_000, 8_000  # so that a page of the rare ones is full for both
SECOND = clock.SECOND
MIDDLE = (1_500 * SECOND, 0, "")
ASKED: dict[str, tuple[Filters, tuple[int, int, str]]] = {
    "newest": (NO_FILTERS, END),
    "a page in the middle": (NO_FILTERS, MIDDLE),
    "channel": (Filters(channel="shop"), END),
    "kind": (Filters(kind="order"), END),
    "direction": (Filters(direction="outbound"), END),
    "a channel nobody used": (Filters(channel="fax"), END),
    "since": (Filters(since=1_000 * SECOND), END),
    "until, long ago": (Filters(until=1_000 * SECOND), END),
    "kind, long ago": (Filters(kind="order", until=1_500 * SECOND), END),
    "a week, long ago": (Filters(since=500 * SECOND, until=1_000 * SECOND), END),
    "kind and channel": (Filters(kind="message", channel="email"), END),
}


@pytest.fixture
def full(hub: Hub) -> Store:
    """Ann did fifty thousand things, Ben eight thousand."""
    account = AccountRef("1" * 32, "email", "", "inbox")
    with hub.store.write() as session:
        session.add(Account(id=account.id, channel="email", name="inbox", created_at=clock.now()))
        session.flush()
        said = [InteractionFactory.build(author=who, occurred_at=clock.EPOCH) for who in (ANN, BEN)]
        record_batch(session, [RecordingFactory.build(account=account, what=what) for what in said])
    many_interactions(hub.store, ANN, MANY)
    many_interactions(hub.store, BEN, FEW)
    with hub.store.write() as session:
        sql.run(session, "ANALYZE")
    return hub.store


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """The statements that were run, and their values."""
    seen: list[tuple[str, tuple[Any, ...]]] = []
    real = sql.run

    def run(session: Any, statement: str, *values: Any) -> Any:
        seen.append((statement, values))
        return real(session, statement, *values)

    monkeypatch.setattr(sql, "run", run)
    return seen


def test_every_filter_walks_an_index(full: Store, asked: list[tuple[str, tuple[Any, ...]]]) -> None:
    for name, (filters, before) in ASKED.items():
        # When a page is read
        asked.clear()
        with full.read() as session:
            found = page(session, persons.find(session, str(ANN)), filters, before=before)
            assert bool(found.entries) == (name != "a channel nobody used"), name
            statements = [(text, values) for text, values in asked if "FROM participant" in text]

            # Then it searched an index, in the index' order, with nothing left to sort
            assert statements
            for text, values in statements:
                plan = explained(session, full, text, values)
                assert walks_an_index(full, plan, filters), f"{name}: {plan}"


def test_ten_identities_are_walked_in_one_statement_by_index(
    full: Store, asked: list[tuple[str, tuple[Any, ...]]]
) -> None:
    # Given that Ann and Ben are one person
    with full.write() as session:
        one, other = (persons.find(session, str(who)) for who in (ANN, BEN))
        merges.merge(session, one, other, evidence={}, made_by="Cleo")

    for name, (filters, before) in ASKED.items():
        # When their page is read
        asked.clear()
        with full.read() as session:
            found = page(session, persons.find(session, str(BEN)), filters, before=before)
            statements = [(text, values) for text, values in asked if "FROM participant" in text]

            # Then it was one walk over both, by index, and nothing of their size was sorted
            assert bool(found.entries) == (name != "a channel nobody used"), name
            [(text, values)] = statements
            plan = explained(session, full, text, values)
            if full.dialect == "sqlite":
                assert walks_an_index(full, plan, filters), f"{name}: {plan}"
            assert cost(session, full, text, *values) < 1_000, f"{name}: {plan}"


def test_what_was_prepared_for_reading_stays_prepared(full: Store) -> None:
    if full.dialect == "sqlite":
        return  # its driver keeps statements whatever happens
    for _ in range(10):
        with full.read() as session:
            page(session, persons.find(session, str(ANN)))
    with full.read() as session:
        [(kept,)] = sql.run(
            session, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%participant%%'"
        )
    assert kept


def walks_an_index(store: Store, plan: list[str], filters: Filters) -> bool:
    text = "\n".join(plan)
    if store.dialect == "sqlite":
        walks = [line for line in plan if "participant" in line]
        bounded = all("sort_at>? AND (sort_at,sequence,interaction_id)<(?,?,?)" in line for line in walks)
        by_index = all(line.startswith("SEARCH participant USING") for line in walks)
        return bool(walks) and bounded and by_index and "TEMP B-TREE" not in text and "SCAN i" not in text
    return "Seq Scan" not in text and "Index" in text and " Sort" not in f" {text.replace('Incremental Sort', '')}"


def test_a_page_costs_the_same_however_long_a_life_is(full: Store) -> None:
    for name, (filters, before) in ASKED.items():
        few, many = (work_for(full, str(who), filters, before) for who in (BEN, ANN))
        assert 0 < many <= few * 1.5 + 50, f"{name}: {few} for {FEW}, {many} for {MANY}"


def test_the_measure_sees_a_difference(full: Store) -> None:
    """Reading everything costs more for who did more: so the measure above is one."""
    with full.read() as session:
        few, many = (
            cost(session, full, "SELECT sort_at, standing FROM participant WHERE identity_id = {p}", who.id)
            for who in (BEN, ANN)
        )
    assert many > few * 5


def work_for(store: Store, who: str, filters: Filters, before: tuple[int, int, str]) -> int:
    """How much the database works for one page: steps of its machine on SQLite, pages touched on PostgreSQL."""
    with store.read() as session:
        root = persons.find(session, who)
        real, spent = sql.run, 0

        def run(session: Any, statement: str, *values: Any) -> Any:
            nonlocal spent
            if "FROM participant" in statement:
                spent += cost(session, store, statement, *values)
            return real(session, statement, *values)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sql, "run", run)
            page(session, root, filters, before=before)
    return spent


def test_rare_things_are_found_among_many(full: Store) -> None:
    with full.read() as session:
        root = persons.find(session, str(ANN))
        for filters in (Filters(kind="order"), Filters(channel="shop"), Filters(direction="outbound")):
            assert len(page(session, root, filters, limit=500).entries) == min(500, MANY // RARE)


def test_an_outcome_is_looked_for_in_its_time_only(full: Store, asked: list[tuple[str, tuple[Any, ...]]]) -> None:
    """What an experiment hoped for: found among fifty thousand others by index, whatever else they did in life."""
    few, many = (_looked_for(full, who.id) for who in (BEN, ANN))

    assert 0 < many <= few * 1.5 + 50, f"{few} for {FEW}, {many} for {MANY}"


def _looked_for(store: Store, identity: str) -> int:
    spent, real = 0, sql.select_in

    def select_in(session: Any, statement: str, values: Any, *more: Any) -> Any:
        nonlocal spent
        listed = list(values)
        within = "IN (SELECT value FROM json_each({p}))" if store.dialect == "sqlite" else "= ANY({p}::text[])"
        given = msgspec.json.encode(listed).decode() if store.dialect == "sqlite" else listed
        spent += cost(session, store, statement.replace("{in}", within), given, *more)
        return real(session, statement, listed, *more)

    with store.read() as session, pytest.MonkeyPatch.context() as patched:
        patched.setattr(sql, "select_in", select_in)
        seen = list(load_history.among(session, [identity], 1_000 * SECOND, 2_000 * SECOND, [Kind.ORDER]))
    assert len(seen) == 10
    return spent
