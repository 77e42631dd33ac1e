"""The intake ledger: whatever a channel does, each item is in one place and the sums hold."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import pytest

from kinline import blobs
from kinline.accounts.connected import AccountRef
from kinline.accounts.reader import AccessScope
from kinline.errors import Unavailable, Unreadable
from kinline.hub import Hub
from kinline.intake.ledger import LedgerLine, ledger, quarantined
from kinline.intake.receive import receive
from kinline.intake.understand import quarantine_whole, replay, understand
from kinline.messages import Applied, Attachment, Deletion, Interaction, Party, Receipt, Source
from kinline.store import sql
from kinline.testing.factories import ANN, InteractionFactory
from kinline.testing.laws import the_ledger_adds_up
from kinline.words import Kind, Role


def _raising(error: BaseException) -> Callable[..., Any]:
    def raises(*_: str) -> Any:
        raise error

    return raises


def _deep() -> Any:
    nested: Any = "bottom"
    for _ in range(100_000):
        nested = [nested]
    return nested


PARSING: dict[str, Callable[[str], Any]] = {
    "parse:unreadable": _raising(Unreadable("This is nothing of ours.", code="not_ours")),
    "parse:anything": _raising(ZeroDivisionError("oops")),
    "parse:exit": _raising(SystemExit(3)),
}
#: What a normalise may come up with. Those above the line are good, those below must be set aside.
MEANING: dict[str, Callable[[str], Any]] = {
    "applied": lambda word: [Applied(reason="a user record", names=(Party(role=Role.AUTHOR, handle=ANN, name="A\x00nn"),))],
    "nothing": lambda word: [],
    "deletion": lambda word: [Deletion(source_id="gone\x00", reason="\ud800")],
    "receipt": lambda word: [Receipt(source_id="sent", report="read", detail="a\x00b")],
    "long id": lambda word: [InteractionFactory.build(source_id="long" + "0123456789abcdef" * 1000, answers="x" * 9000)],
    "nul": lambda word: [InteractionFactory.build(source_id="n\x00l", text="\ud800", facts={"a\x00": ["\x00"]})],
    "half written": lambda word: [InteractionFactory.build(source_id="half"), InteractionFactory.build(source_id="half")],
    # ---
    "unreadable": _raising(Unreadable("Not a message.", code="no_message")),
    "anything": _raising(RuntimeError("\ud800 and \x00")),
    "exit": _raising(SystemExit("bye")),
    "recursion": _raising(RecursionError()),
    "memory": _raising(MemoryError()),
    "odd code": _raising(Unreadable("x" * 5000, code="\x00" * 300)),
    "none": lambda word: None,
    "strings": lambda word: ["a message"],
    "odd role": lambda word: [InteractionFactory.build(source_id="r", parties=(Party(role="boss", handle=ANN),))],  # type: ignore[arg-type]
    "wrong fields": lambda word: [Interaction(source_id="w", kind=Kind.MESSAGE, direction=None, parties=(), text=None)],  # type: ignore[arg-type]
    "endless kind": lambda word: [InteractionFactory.build(source_id="k", kind="".join(map(chr, range(33, 9000))))],
    "big number": lambda word: [InteractionFactory.build(source_id="b", sequence=2**70)],
    "deep facts": lambda word: [InteractionFactory.build(source_id="d", facts={"deep": _deep()})],
    "naive time": lambda word: [Deletion(source_id="t", occurred_at=datetime(2026, 1, 1))],
    "good and bad": lambda word: [InteractionFactory.build(source_id="good"), "bad"],
}  # fmt: skip
BAD = list(MEANING)[list(MEANING).index("unreadable") :]
GOOD = [word for word in MEANING if word not in BAD]


@pytest.fixture(autouse=True)
def taught(saboteur: Any) -> None:
    saboteur.parsing |= PARSING
    saboteur.meaning |= MEANING


def arrive(hub: Hub, account: AccountRef, *words: str) -> str:
    with hub.store.write() as session:
        body = "\n".join(words).encode()
        return receive(session, account, body, Source(name="words.txt", media_type="text/plain"))


def states(hub: Hub, intake: str) -> list[str]:
    with hub.store.read() as session:
        rows = sql.run(session, "SELECT state FROM item WHERE intake_id = {p} ORDER BY position", intake)
    return [state for (state,) in rows]


def line(hub: Hub) -> LedgerLine:
    with hub.store.read() as session:
        [found] = ledger(session)
    assert found.holds, found
    return found


def test_what_was_received_is_in_flight_until_it_is_understood(hub: Hub, account: AccountRef) -> None:
    # When something comes
    intake = arrive(hub, account, "one", "two")
    assert (line(hub).received, line(hub).in_flight) == (1, 1)

    # Then it is counted by its items once they are known
    understand(hub.store, hub.secret, intake)
    assert (line(hub).received, line(hub).recorded, line(hub).in_flight) == (2, 2, 0)


def test_the_same_again_is_a_duplicate_and_nothing_else(hub: Hub, account: AccountRef) -> None:
    for _ in range(3):
        understand(hub.store, hub.secret, arrive(hub, account, "one", "two"))

    found = line(hub)
    assert (found.received, found.recorded, found.duplicate) == (6, 2, 4)


def among_good_ones(hub: Hub, account: AccountRef, word: str) -> tuple[str, str]:
    """What became of a word and of its neighbours, as an intake of its own."""
    intake = arrive(hub, account, f"before {word}", word, f"after {word}")
    understand(hub.store, hub.secret, intake)
    line(hub)
    before, odd, after = states(hub, intake)
    assert (before, after) == ("recorded", "recorded"), word
    return intake, odd


def test_odd_but_good_things_are_taken(hub: Hub, account: AccountRef) -> None:
    for word in GOOD:
        _, odd = among_good_ones(hub, account, word)
        assert odd in ("recorded", "applied"), word


def test_a_bad_item_is_set_aside_and_its_neighbours_go_on(hub: Hub, account: AccountRef) -> None:
    for number, word in enumerate(BAD):
        # When something bad comes among good things
        intake, odd = among_good_ones(hub, account, word)

        # Then it alone is in quarantine, with a reason, and nothing of it was kept
        assert odd == "quarantined", word
        with hub.store.read() as session:
            shown = quarantined(session)[0]
            assert sql.run(session, "SELECT count(*) FROM interaction") == [(2 * (number + 1),)], word
        assert shown["intake"] == intake
        assert shown["code"]
        assert shown["reason"]


def test_all_the_bad_things_at_once(hub: Hub, account: AccountRef) -> None:
    words = [word for pair in zip(BAD, (f"good {n}" for n in range(len(BAD))), strict=True) for word in pair]
    understand(hub.store, hub.secret, arrive(hub, account, *words))

    assert (line(hub).recorded, line(hub).quarantined) == (len(BAD), len(BAD))


@pytest.mark.parametrize("word", ["unreadable", "anything", "exit"])
def test_a_parser_that_fails_in_the_middle_keeps_what_came_before(hub: Hub, account: AccountRef, word: str) -> None:
    intake = arrive(hub, account, "one", "two", f"parse:{word}", "never reached")
    understand(hub.store, hub.secret, intake)

    assert states(hub, intake) == ["recorded", "recorded", "quarantined"]
    line(hub)


def test_an_empty_body_is_applied(hub: Hub, account: AccountRef) -> None:
    intake = arrive(hub, account)
    understand(hub.store, hub.secret, intake)

    assert states(hub, intake) == ["applied"]
    line(hub)


def test_a_replay_after_the_mending_records_exactly_what_was_set_aside(
    hub: Hub, account: AccountRef, saboteur: Any
) -> None:
    # Given an intake with items set aside, and a parser that stopped before its end
    intake = arrive(hub, account, "one", "broken", "anything", "two", "parse:anything", "three")
    understand(hub.store, hub.secret, intake)
    assert states(hub, intake) == ["recorded", "quarantined", "quarantined", "recorded", "quarantined"]

    # When it is replayed as it is, nothing changes
    assert replay(hub.store, hub.secret, intake) == 3
    assert (line(hub).received, line(hub).quarantined) == (5, 3)

    # And when the channel was mended, just those are recorded, and what was never reached
    saboteur.mended = True
    assert replay(hub.store, hub.secret, intake) == 4
    assert states(hub, intake) == ["recorded"] * 6
    found = line(hub)
    assert (found.received, found.recorded, found.duplicate, found.quarantined) == (6, 6, 0, 0)
    assert replay(hub.store, hub.secret, intake) == 0


class Killed(BaseException):
    """What stops a process between two transactions."""


@pytest.mark.parametrize("after", [1, 2])
def test_who_is_killed_half_way_goes_on_there(hub: Hub, account: AccountRef, after: int) -> None:
    # Given an import that is killed after some chunks
    words = [f"word {n}" for n in range(100)]
    intake = arrive(hub, account, *words)
    chunks = iter(range(1, after + 1))

    def progress(count: int) -> None:
        if next(chunks) == after:
            raise Killed

    with pytest.raises(Killed):
        understand(hub.store, hub.secret, intake, progress=progress)
    halfway = line(hub)
    assert (halfway.recorded, halfway.in_flight) == (40 * after, 1)

    # When it is started again
    seen: list[int] = []
    understand(hub.store, hub.secret, intake, progress=seen.append)

    # Then the rest is recorded, and nothing twice
    assert sum(seen) == 100 - 40 * after
    found = line(hub)
    assert (found.received, found.recorded, found.duplicate, found.in_flight) == (100, 100, 0, 0)


def test_who_is_killed_between_the_halves_of_a_failing_chunk_goes_on_there(
    hub: Hub, account: AccountRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a chunk that is cut in halves because of one poisonous item, and a kill after its first half
    intake = arrive(hub, account, *(f"word {n}" for n in range(20)), "big number", "last")
    real, written = type(hub.store).write, iter(range(100))

    def write(store: Any) -> Any:
        if next(written) == 3:
            raise Killed
        return real(store)

    with monkeypatch.context() as patched:
        patched.setattr(type(hub.store), "write", write)
        with pytest.raises(Killed):
            understand(hub.store, hub.secret, intake)
    assert 0 < line(hub).recorded < 21

    # When it is started again
    understand(hub.store, hub.secret, intake)

    # Then all is there once
    found = line(hub)
    assert (found.received, found.recorded, found.duplicate, found.quarantined) == (22, 21, 0, 1)


def test_trouble_of_the_database_is_nobodys_quarantine(
    hub: Hub, account: AccountRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a database that goes away while the raw bytes are read
    intake = arrive(hub, account, "one", "two")

    def away(*_: object) -> Any:
        raise Unavailable("away", code="database_down")

    with monkeypatch.context() as patched:
        patched.setattr(blobs._BlobStream, "readinto", away)
        with pytest.raises(Unavailable):
            understand(hub.store, hub.secret, intake)

    # Then nothing is set aside, and it is understood when the database is back
    assert (line(hub).in_flight, line(hub).quarantined) == (1, 0)
    understand(hub.store, hub.secret, intake)
    assert line(hub).recorded == 2


def test_two_workers_on_one_intake_count_it_once(hub: Hub, account: AccountRef) -> None:
    # Given a worker whose lease ran out in the middle, and another who did it all meanwhile
    intake = arrive(hub, account, *(f"word {n}" for n in range(90)))
    first = True

    def progress(count: int) -> None:
        nonlocal first
        if first:
            first = False
            understand(hub.store, hub.secret, intake)

    understand(hub.store, hub.secret, intake, progress=progress)

    # Then each item is counted once
    found = line(hub)
    assert (found.received, found.recorded, found.duplicate) == (90, 90, 0)


def test_an_intake_that_kills_its_worker_is_set_aside_and_can_be_replayed(hub: Hub, account: AccountRef) -> None:
    # Given an intake that was understood half when its worker died for the last time
    intake = arrive(hub, account, *(f"word {n}" for n in range(50)))

    def progress(count: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        understand(hub.store, hub.secret, intake, progress=progress)

    # When it is set aside, twice, as two workers might
    for _ in range(2):
        quarantine_whole(hub.store, intake, "parser_died", "three times \ud800")
    assert (line(hub).recorded, line(hub).quarantined, line(hub).in_flight) == (40, 1, 0)

    # Then a replay reads the rest
    replay(hub.store, hub.secret, intake)
    found = line(hub)
    assert (found.received, found.recorded, found.quarantined) == (50, 50, 0)


def test_every_quarantined_item_can_be_reached_page_by_page(hub: Hub, account: AccountRef) -> None:
    # Given two intakes with many items set aside
    for _ in range(2):
        understand(hub.store, hub.secret, arrive(hub, account, *["broken"] * 25))

    # When they are read in pages of seven
    seen: list[tuple[str, int]] = []
    after = ""
    with hub.store.read() as session:
        while found := quarantined(session, limit=7, after=after):
            seen += [(each["intake"], each["position"]) for each in found]
            after = f"{found[-1]['intake']}:{found[-1]['position']}"

        # Then each is there once, and none for a reader of other accounts
        assert len(seen) == len(set(seen)) == 50
        assert quarantined(session, AccessScope(frozenset({"0" * 32}))) == []


def test_the_sums_hold_while_others_write(hub: Hub, account: AccountRef) -> None:
    # Given an import that is looked at after each of its transactions
    intake = arrive(hub, account, *(f"word {n}" for n in range(120)), "anything")
    seen: list[int] = []

    def progress(count: int) -> None:
        seen.append(line(hub).received)

    understand(hub.store, hub.secret, intake, progress=progress)
    assert seen == [41, 81, 121, 122]
    the_ledger_adds_up(hub.store)


def test_versions_keep_the_files_of_each(hub: Hub, account: AccountRef, saboteur: Any) -> None:
    # Given two versions of a message, each with another first file
    def versions(word: str) -> list[Interaction]:
        files = (Attachment(name="plan", media_type="text/plain", content=word.encode()),)
        return [InteractionFactory.build(source_id="m", text=word, attachments=files)]

    saboteur.meaning |= {"old plan": versions, "new plan": versions}
    understand(hub.store, hub.secret, arrive(hub, account, "old plan", "new plan"))

    # Then no file is lost
    with hub.store.read() as session:
        kept = sql.run(session, "SELECT blob_hash FROM attachment WHERE position = 0")
        assert {blobs.read(session, digest) for (digest,) in kept} == {b"old plan", b"new plan"}


def test_the_settings_of_a_message_survive_the_way(hub: Hub, account: AccountRef) -> None:
    """Raw bytes are kept, byte for byte, before anybody understood them."""
    body = bytes(range(256)) * 3
    with hub.store.write() as session:
        intake = receive(session, account, body, Source(headers={"x-odd": "ä"}))
        digest = sql.run(session, "SELECT blob_hash FROM intake WHERE id = {p}", intake)[0][0]
    with hub.store.read() as session:
        assert blobs.read(session, digest) == body
        headers = sql.run(session, "SELECT headers FROM intake WHERE id = {p}", intake)[0][0]
    assert msgspec.json.decode(headers) == {"x-odd": "ä"}
