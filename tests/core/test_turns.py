"""Where a conversation stands is the same in whatever order its words and its desk's words reach us."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from kinline.accounts import connected
from kinline.hub import Hub
from kinline.messages import Deletion, Party, Thread, Ticket
from kinline.record.batch import record_batch
from kinline.record.recording import Recording
from kinline.store import sql
from kinline.testing.factories import MORNING, InteractionFactory
from kinline.words import Kind, Origin, Role

#: What happens, minute by minute: they, we, or the desk that puts it into a state; and where it stands in the end.
STORIES: list[tuple[tuple[str, ...], str]] = [
    (("they", "we"), "pending"),
    (("they", "we", "they"), "open"),
    (("they", "pending", "they"), "open"),
    (("they", "we", "they", "we"), "pending"),
    (("they", "we", "solved"), "solved"),
    (("they", "solved", "they"), "open"),
    (("they", "on_hold", "open"), "open"),
    (("they", "we", "solved", "they"), "open"),
    (("they", "closed", "open", "solved"), "solved"),
]


def told(story: tuple[str, ...], name: str) -> list[Any]:
    """Each event of a story, in a conversation of its own."""
    made: list[Any] = []
    for minute, word in enumerate(story):
        at = MORNING + timedelta(minutes=minute)
        if word in ("they", "we"):
            made.append(said(name, minute, word))
        else:
            made.append(Ticket(thread=name, number=name, state=word, changed_at=at))
    return made


@pytest.mark.parametrize(("story", "ends"), STORIES, ids=[" ".join(story) for story, _ in STORIES])
@pytest.mark.parametrize("together", [False, True])
def test_every_order_ends_in_the_same_state(hub: Hub, story: tuple[str, ...], ends: str, together: bool) -> None:
    with hub.store.write() as session:
        account = connected.connect(session, hub.secret, "support", "desk", {"desk": "desk.example.org"})

    # When the events arrive in each order, one by one or in one batch
    for number, order in enumerate(permutations(range(len(story)))):
        events = told(story, f"t{number}")
        recordings = [Recording(account=account, what=events[place], arrived_at=0) for place in order]
        batches = [recordings] if together else [[each] for each in recordings]
        for batch in batches:
            with hub.store.write() as session:
                record_batch(session, batch)

    # Then each conversation stands where its last word put it
    with hub.store.read() as session:
        assert sql.run(session, "SELECT DISTINCT state FROM conversation") == [(ends,)]


def said(name: str, minute: int, who: str, **more: Any) -> Any:
    at, thread = MORNING + timedelta(minutes=minute), Thread(key=f"{name}-{minute}", parent=name)
    return InteractionFactory.build(
        source_id=f"{name}-{minute}", occurred_at=at, thread=thread, ours=who == "we", **more
    )


@pytest.mark.parametrize("together", [False, True])
def test_an_answer_to_ours_opens_it_though_its_clock_is_behind(hub: Hub, together: bool) -> None:
    with hub.store.write() as session:
        account = connected.connect(session, hub.secret, "email", "inbox", {"address": "help@hub.example"})

    # Given somebody who asks, is answered ten minutes later, and answers that by a clock that says five
    for number, order in enumerate(permutations(range(3))):
        name = f"t{number}"
        events = [said(name, 0, "they"), said(name, 10, "we"), said(name, 5, "they", answers=f"{name}-10")]
        recordings = [Recording(account=account, what=events[place], arrived_at=0) for place in order]
        for batch in [recordings] if together else [[each] for each in recordings]:
            with hub.store.write() as session:
                record_batch(session, batch)

    # Then it is our turn, in whatever order that reached us
    with hub.store.read() as session:
        rows = sql.run(session, "SELECT state, count(*) FROM conversation WHERE merged_into IS NULL GROUP BY state")
    assert rows == [("open", 6)]


def test_the_past_of_a_desk_stands_as_the_desk_says(hub: Hub) -> None:
    with hub.store.write() as session:
        account = connected.connect(session, hub.secret, "support", "desk", {"desk": "desk.example.org"})
        for each in told(("they", "we", "they", "closed"), "old"):
            record_batch(session, [Recording(account=account, what=each, origin=Origin.IMPORT, arrived_at=0)])

    with hub.store.read() as session:
        assert sql.run(session, "SELECT state, number FROM conversation") == [("closed", "old")]


def test_a_note_that_comes_back_and_is_deleted_there_is_deleted_here(hub: Hub) -> None:
    from kinline.record import echoes

    # Given a note of ours that the desk knows as comment 9
    note = InteractionFactory.build(
        source_id="note:1", kind=Kind.NOTE, ours=True, parties=(Party(role=Role.AUTHOR, name="Cleo", ours=True),)
    )
    with hub.store.write() as session:
        account = connected.connect(session, hub.secret, "support", "desk", {"desk": "desk.example.org"})
        [made] = record_batch(session, [Recording(account=account, what=note, origin=Origin.OURS, arrived_at=0)])
        echoes.learn(session, account, "comment:9", str(made.interaction_id))

    # When it comes back, and is taken away there
    back = InteractionFactory.build(source_id="comment:9", kind=Kind.NOTE, ours=True, text="other words")
    with hub.store.write() as session:
        [echo] = record_batch(session, [Recording(account=account, what=back, arrived_at=1)])
        gone = Deletion(source_id="comment:9", occurred_at=MORNING + timedelta(hours=1))
        record_batch(session, [Recording(account=account, what=gone, arrived_at=2)])

    assert (echo.state, echo.interaction_id) == ("duplicate", made.interaction_id)
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*), count(deleted_at) FROM interaction") == [(1, 1)]
