"""What is kept of who may be one is what the rules find among everybody from nothing, however it came about."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costs import cost, overheard, read_whole
from kinline import clock, handlers
from kinline.accounts.connected import AccountRef
from kinline.errors import Conflict
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import merges, persons
from kinline.identity.parties import home_person
from kinline.identity.suggestions import index, keep, listing, rows, rules
from kinline.identity.suggestions.keys import Candidate
from kinline.messages import Interaction, Party
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.store.models import Account, metadata
from kinline.testing.factories import InteractionFactory, RecordingFactory
from kinline.testing.laws import empty
from kinline.upgrades import run
from kinline.words import HandleType, Role, Standing

_IDENTITY, _NAME, _PERSON = (metadata.tables[name] for name in ("identity", "identity_name", "person"))
INBOX = AccountRef("1" * 32, "email", "", "inbox")
HANDLES = [
    *(Handle(HandleType.EMAIL, text) for text in (
        "ann@example.org", "ANN@example.org", "ann+a@example.org", "ann.archer@example.org", "annarcher@two.example",
        "bob77@one.example", "bob77@two.example", "robert@three.example",
    )),
    Handle(HandleType.X_ID, "300"),
    Handle(HandleType.EXTERNAL, "42", "shop"),
]  # fmt: skip
BESIDE = [*HANDLES[:3], Handle(HandleType.X_HANDLE, "annarcher"), Handle(HandleType.URL, "https://archer.example")]
NAMES = ["", "Ann Archer", "Archer, Ann", "Anne Archer", "Bob Allen", "Robert Allen", "Ann", "bob77"]
SAID = st.builds(
    lambda who, name, also, proved: Party(
        role=Role.AUTHOR, handle=who, name=name, also=also,
        standing=Standing.VERIFIED if proved else Standing.CLAIMED,
    ),
    st.sampled_from(HANDLES), st.sampled_from(NAMES), st.lists(st.sampled_from(BESIDE), max_size=1).map(tuple),
    st.booleans(),
)  # fmt: skip
PAIR = st.tuples(st.integers(0, 9), st.integers(0, 9))
DEED = st.one_of(SAID, st.tuples(st.just("work")), st.tuples(st.sampled_from(["merge", "undo"]), PAIR))
WORLDS = st.lists(DEED, min_size=3, max_size=14)
Deed = Party | tuple[str] | tuple[str, tuple[int, int]]


def connect(hub: Hub) -> None:
    with hub.store.write() as session:
        session.add(Account(id=INBOX.id, channel="email", name="inbox", created_at=clock.now()))


def said(party: Party, number: int) -> Interaction:
    return InteractionFactory.build(source_id=f"m{number}", parties=(party,))


def do(hub: Hub, number: int, deed: Deed) -> None:
    match deed:
        case Party():
            with hub.store.write() as session:
                record_batch(session, [RecordingFactory.build(account=INBOX, what=said(deed, number))])
        case ("work",):
            handlers.drain(hub)
        case ("merge", (one, other)):
            with suppress(Conflict), hub.store.write() as session:
                everybody = persons.roots(session)
                if one < len(everybody) > other and one != other:
                    merges.merge(session, everybody[one], everybody[other], evidence={}, made_by="Cleo")
        case _:
            with suppress(Conflict), hub.store.write() as session:
                for (merge,) in sql.run(
                    session, "SELECT id FROM merge_log WHERE undone_at IS NULL ORDER BY id LIMIT 1"
                ):
                    merges.undo(session, merge, made_by="Cleo")


def kept(hub: Hub) -> dict[tuple[str, str], tuple[float, tuple[rules.SuggestionEvidence, ...]]]:
    with hub.store.read() as session:
        found = sql.run(session, "SELECT identity_a, identity_b, score, evidence FROM suggestion")
    return {(a, b): (score / 1000, tuple(rows.read(evidence))) for a, b, score, evidence in found}


def from_nothing(hub: Hub) -> dict[tuple[str, str], tuple[float, tuple[rules.SuggestionEvidence, ...]]]:
    with hub.store.read() as session:
        everybody = [identity for (identity,) in sql.run(session, "SELECT id FROM identity")]
        found = rules.pairs(index.candidates(session, everybody).values())
    return {pair: (round(each.score, 3), each.evidence) for pair, each in found.items()}


def listed_are_two(hub: Hub) -> None:
    """Open are those whose persons are two, and no others."""
    with hub.store.read() as session:
        for _, each in listing.listed(session, limit=200):
            assert each.person_a != each.person_b
        aside = sql.run(
            session,
            "SELECT a.root_id, b.root_id FROM suggestion s JOIN person a ON a.id = s.person_a JOIN person b "
            "ON b.id = s.person_b WHERE s.settled = 1",
        )
    assert all(a == b for a, b in aside)


@pytest.fixture
def world(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub where what four share is shared by many, so that it is met."""
    monkeypatch.setattr(rules, "HOT", 4)
    return hub


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=WORLDS)
def test_what_is_kept_up_is_what_is_found_from_nothing(world: Hub, deeds: list[Deed]) -> None:
    empty(world.store)
    connect(world)

    for number, deed in enumerate(deeds):
        do(world, number, deed)
    handlers.drain(world)

    assert kept(world) == from_nothing(world)
    listed_are_two(world)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=st.lists(SAID, min_size=3, max_size=10), random=st.randoms(use_true_random=False))
def test_any_order_of_arrival_comes_to_the_same(world: Hub, deeds: list[Party], random: object) -> None:
    found = []
    for _ in range(2):
        empty(world.store)
        connect(world)
        for number, deed in enumerate(deeds):
            do(world, number, deed)
            if number % 3 == 0:
                handlers.drain(world)
        handlers.drain(world)
        found.append(kept(world))
        random.shuffle(deeds)  # type: ignore[attr-defined]

    assert found[0] == found[1]


def test_an_upgrade_comes_to_the_same_from_wherever_it_was_stopped(world: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given people whom nobody ever looked at, as the version before left them
    from kinline.upgrades import suggestions as step

    monkeypatch.setattr(step, "AT_ONCE", 2)
    connect(world)
    for number, handle in enumerate(HANDLES):
        name = NAMES[number % len(NAMES)]
        do(world, number, Party(role=Role.AUTHOR, handle=handle, name=name, standing=Standing.VERIFIED))
    with world.store.write() as session:
        sql.run(session, "DELETE FROM job")
        sql.run(session, "INSERT INTO upgrade (name, cursor, done) VALUES ('suggestions', '', 0)")

    # When the upgrade is stopped after two pieces, and goes on
    told: list[int] = []

    def killed(count: int) -> None:
        told.append(count)
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.take(world.store, step.STEP, killed)
    assert sum(told) + run.take(world.store, step.STEP) == run.total(world.store, step.STEP) == len(HANDLES)

    # Then all is found
    assert kept(world) == from_nothing(world) != {}


FIRST = "Ann Ben Cleo Dora Eli Finn Gus Hana Ivo Jane Kai Lea Max Nina Otto Pia".split()  # noqa: SIM905
LAST = "Archer Bowman Cooper Dyer Eaton Fisher Glover Hooper Ironside Joiner Keeler Lister Mason Naylor".split()  # noqa: SIM905


def people(hub: Hub, since: int, until: int) -> None:
    """So many, by names that many share and names that few do, known to the index; what they suggest is not written."""
    made = []
    for number in range(since, until):
        name = f"{FIRST[number % 16]} {LAST[number % 14]}{'' if number % 3 else number}"
        handle = Handle(HandleType.EMAIL, f"{name.replace(' ', '.').lower()}@c{number % 50}.example")
        made.append(Candidate(handle.id, handle, proved=(name,)))
    known = {each.id: each for each in made}
    with hub.store.write() as session:
        homes = {each: home_person(each) for each in known}
        sql.insert(session, _IDENTITY, sorted((x.id, x.handle.type, "", x.handle.value, 0) for x in known.values()))
        sql.insert(session, _NAME, sorted((x.id, x.proved[0], 1, "", 0) for x in known.values()))
        sql.insert(session, _PERSON, sorted((home, home, 0) for home in homes.values()))
        index.renew(session, known)


def newcomer(hub: Hub, monkeypatch: pytest.MonkeyPatch, number: int) -> list[tuple[str, tuple[object, ...]]]:
    """Somebody new of a common name is looked at: what the database is asked."""
    party = Party(
        role=Role.AUTHOR, handle=Handle(HandleType.EMAIL, f"ann.archer{number}@new.example"), name="Ann Archer",
        standing=Standing.VERIFIED,
    )  # fmt: skip
    do(hub, 100_000 + number, party)
    with monkeypatch.context() as patch:
        heard = overheard(patch)
        with hub.store.write() as session:
            keep.match(session, [party.handle.id])  # type: ignore[union-attr]
    return heard


def worth(hub: Hub, heard: list[tuple[str, tuple[object, ...]]]) -> int:
    """What those questions cost, asked again; on PostgreSQL in pages."""
    with hub.store.read() as session:
        asked = [(statement, values) for statement, values in heard if statement.startswith("SELECT")]
        return sum(
            cost(session, hub.store, statement, *values) for statement, values in asked if "advisory" not in statement
        )


def test_a_look_costs_the_same_among_a_thousand_people_and_ten_thousand(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With fewer than `rules.HOT` to a key it costs less."""
    connect(hub)
    found = {}
    before = 0
    for number, count in enumerate((10, 1_000, 10_000)):
        people(hub, before, count)
        before = count
        if hub.store.dialect == "postgresql":
            with hub.store.write() as session:
                sql.run(session, "ANALYZE")
        heard = newcomer(hub, monkeypatch, number)
        asked = [(statement, values) for statement, values in heard if "SELECT" in statement[:12]]
        found[count] = len(heard), worth(hub, heard)

    print(found)
    assert found[10_000][0] <= found[10][0] + 8
    assert found[10][1] < found[1_000][1]
    assert found[10_000][1] < 1.5 * found[1_000][1]
    whole = {table for statement, values in asked for table in read_whole(hub.store, statement, values)}
    assert whole <= {"json_each"}
