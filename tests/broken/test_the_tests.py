"""A test that never failed on a broken hub does not count. Here the hub is broken, and the test must see it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from breaking import checks_of, fails
from kinline import handlers
from kinline.contract.plugins import channels
from kinline.errors import ChannelError, Unavailable
from kinline.followups import guards, loops, send
from kinline.hub import Hub
from kinline.identity import meeting, merges
from kinline.intake import understand
from kinline.jobs import queue
from kinline.record import batch, deletions, prepare, versions
from kinline.store import sql
from kinline.store.models import MergeLog
from kinline_email import smtp

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@on_sqlite
def test_an_edit_that_is_not_shown_is_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    order = checks_of("core/test_order_of_arrival.py")
    monkeypatch.setattr(versions, "_show_current", lambda session, ready: ready.content_hash)

    fails(order.test_orders_that_once_made_a_difference, hub, order.WORLDS["back to what was said first"])


@on_sqlite
def test_a_deletion_that_is_forgotten_before_its_time_is_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    order = checks_of("core/test_order_of_arrival.py")
    monkeypatch.setattr(batch, "bury_waiting", lambda session, copies: None)

    fails(order.test_orders_that_once_made_a_difference, hub, order.WORLDS["deleted twice"])


@on_sqlite
def test_recording_twice_is_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = checks_of("core/test_recording.py")
    numbers = iter(range(1000))
    for module in (prepare, deletions):
        monkeypatch.setattr(module, "interaction_id", lambda *_: f"{next(numbers):032}")
    monkeypatch.setattr(
        prepare.PreparedRecording, "copy_key", property(lambda ready: (ready.id, "0" * 32)), raising=True
    )
    inbox = recording.account(hub, "inbox")
    with hub.store.write() as session:
        sql.run(session, "UPDATE account SET id = {p}", "0" * 32)

    fails(recording.test_the_same_delivery_twice_is_recorded_once, hub, inbox)


@on_sqlite
def test_a_merge_that_only_points_is_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    merging = checks_of("core/test_merging.py")

    def point(session: Session, persons: list[str]) -> None:
        for person in persons:
            sql.run(session, "UPDATE person SET root_id = {p} WHERE id = {p}", persons[0], person)

    monkeypatch.setattr(merges, "_settle", point)
    fails(merging.test_undoing_in_another_order_leaves_what_other_merges_hold, hub, four_people(hub, merging))


@on_sqlite
def test_a_merge_that_rewrites_interactions_is_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    merging = checks_of("core/test_merging.py")
    real = merges.merge

    def rewriting(session: Session, one: str, other: str, **more: Any) -> MergeLog:
        sql.changed(
            session,
            "UPDATE interaction SET automatic = automatic WHERE id IN (SELECT p.interaction_id FROM participant p "
            "JOIN identity_link l ON l.identity_id = p.identity_id WHERE l.person_id = {p})",
            other,
        )
        return real(session, one, other, **more)

    monkeypatch.setattr(merges, "merge", rewriting)
    test = merging.test_a_merge_touches_as_many_rows_for_many_interactions_as_for_few
    fails(test, hub, four_people(hub, merging))


def four_people(hub: Hub, merging: Any) -> list[str]:
    merging.connect(hub.store)
    for number, who in enumerate(merging.PEOPLE[:4]):
        merging.writes(hub.store, who, number)
    return [merging.person_of(hub.store, who) for who in merging.PEOPLE[:4]]


@on_sqlite
def test_a_claim_that_counts_as_proof_is_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    proofs = checks_of("core/test_proofs.py")
    monkeypatch.setattr(handlers, "_verified", lambda session, interaction: True)
    proofs.everybody_wrote_once.__wrapped__(hub)

    fails(proofs.test_a_claimed_line_proves_nothing, hub)


@on_sqlite
def test_finishing_what_somebody_else_took_over_is_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = checks_of("core/test_job_queue.py")
    unfenced = "DELETE FROM job WHERE id = {p}"
    monkeypatch.setattr(queue, "finish", lambda session, job: bool(sql.changed(session, unfenced, job.id)))

    fails(jobs.test_who_held_a_job_too_long_can_finish_it_no_more, hub)


@on_sqlite
def test_planning_that_leaves_a_claimed_job_alone_is_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = checks_of("core/test_job_queue.py")
    real = queue.plan

    def once(session: Session, actor: str, keys: Any, **more: Any) -> None:
        if not sql.run(session, "SELECT 1 FROM job WHERE actor = {p}", actor):
            real(session, actor, keys, **more)

    monkeypatch.setattr(queue, "plan", once)
    fails(jobs.test_what_is_planned_while_a_job_runs_is_done_after_it, hub)


@pytest.fixture
def account(hub: Hub) -> Iterator[Any]:
    """The saboteur's account, from the fixtures of the tests that are checked."""
    found = checks_of("core/conftest.py")
    channels().loaded["saboteur"] = saboteur = found.Saboteur()
    saboteur.meaning |= checks_of("core/test_intake.py").MEANING
    yield found.account.__wrapped__(hub, saboteur)
    del channels().loaded["saboteur"]


@on_sqlite
def test_an_item_that_is_not_entered_is_seen(hub: Hub, account: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    intake = checks_of("core/test_intake.py")
    real = understand._item_row
    monkeypatch.setattr(
        understand, "_item_row",
        lambda reading, piece, outcomes: real(reading, type(piece)(0), outcomes) if piece.position == 1 else real(reading, piece, outcomes),
    )  # fmt: skip

    fails(intake.test_what_was_received_is_in_flight_until_it_is_understood, hub, account)


@on_sqlite
def test_a_count_that_runs_ahead_of_the_items_is_seen(hub: Hub, account: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    intake = checks_of("core/test_intake.py")
    real = understand._record

    def ahead(store: Any, reading: Any, pieces: Any) -> None:
        with store.write() as session:
            statement = "UPDATE intake SET item_count = item_count + {p} WHERE id = {p}"
            sql.changed(session, statement, len(pieces), reading.intake_id)
        real(store, reading, pieces)

    monkeypatch.setattr(understand, "_record", ahead)
    with pytest.raises(AssertionError):
        intake.test_who_is_killed_half_way_goes_on_there(hub, account, 1)


@on_postgresql
def test_batches_that_lock_in_any_order_are_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    storms = checks_of("core/test_storms.py")
    for module in (batch, deletions, meeting):
        monkeypatch.setattr(module, "sorted", lambda things, **_: list(things), raising=False)

    with pytest.raises(Unavailable) as broken:
        storms.test_batches_that_touch_the_same_things_do_not_wait_in_a_circle(hub)
    assert broken.value.code == "database_clash"


#: A step of the loop ladder that is missing, and the machine that gets through there.
LOOPS: list[tuple[str, Callable[[Any, Hub, Hub, pytest.MonkeyPatch], None]]] = [
    (
        "_person",
        lambda test, hub, other, patch: test.test_two_hubs_write_to_each_other_once(
            hub, other, patch, "none, new subject", "transactional"
        ),
    ),
    (
        "_conversation _person",
        lambda test, hub, other, patch: test.test_two_hubs_write_to_each_other_once(
            hub, other, patch, "none, Re: grows", "transactional"
        ),
    ),
    (
        "_chain",
        lambda test, hub, other, patch: test.test_a_machine_that_strips_everything_gets_no_more_than_it_must(
            hub, patch, "transactional", "random", "Reply-To", 1
        ),
    ),
    (
        "_strangers",
        lambda test, hub, other, patch: test.test_a_machine_that_strips_everything_gets_no_more_than_it_must(
            hub, patch, "transactional", "random", "From", 3
        ),
    ),
]


@on_sqlite
@pytest.mark.parametrize(("missing", "check"), LOOPS, ids=[name for name, _ in LOOPS])
def test_a_loop_is_seen(
    hub: Hub, sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, check: Any
) -> None:
    module = checks_of("core/test_loops.py")
    for step in missing.split():
        monkeypatch.setattr(loops, step, lambda going, about, earlier: "")
    other = module.other.__wrapped__(sqlite_template, tmp_path)

    fails(check, module, hub, next(other), monkeypatch)
    other.close()


@on_sqlite
def test_a_loop_over_three_channels_is_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    module = checks_of("core/test_loops_over_channels.py")
    monkeypatch.setattr(loops, "_person", lambda going, about, earlier: "")
    flows = module.flows.__wrapped__(hub, monkeypatch)

    fails(module.test_a_loop_over_three_channels_ends_after_one_turn, hub, next(flows), monkeypatch)
    next(flows, None)


@on_sqlite
def test_answering_our_own_mailbox_is_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    module = checks_of("core/test_loops.py")
    monkeypatch.setattr(guards, "_ours", lambda going, handle: False)
    monkeypatch.setattr(batch, "marked", lambda session, recordings: recordings)

    fails(module.test_our_own_other_mailbox_is_never_answered, hub, monkeypatch)


@on_sqlite
def test_calling_silence_after_the_final_dot_a_refusal_is_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = checks_of("core/test_fault_matrix.py")
    matrix.the_channels.__wrapped__(hub, monkeypatch)
    monkeypatch.setattr(smtp, "OutcomeUnknown", ChannelError)

    fails(matrix.test_while_the_worker_lives, hub, "email", "RST after the final dot")


@on_sqlite
def test_sending_again_what_a_dead_worker_had_in_hand_is_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = checks_of("core/test_fault_matrix.py")
    matrix.the_channels.__wrapped__(hub, monkeypatch)
    monkeypatch.setattr(send, "_repeats", lambda hub, ready: True)
    senders = matrix.zygote.__wrapped__()

    fails(matrix.test_when_the_worker_is_killed_there, hub, next(senders), "email", "hang after the final dot")
    next(senders, None)


#: Run before the posting script, in its process.
LAZY_DISK = "from kinline.store import engine; engine.PRAGMAS['synchronous'] = 1"
#: It commits each twentieth of a second, and answers at once: whenever it is killed, something that it told is not there.
EARLY_ANSWER = """
import time
from kinline.record import writer
open_ones = []
def early(store, work, units):
    if open_ones and time.monotonic() > open_ones[0][0]:
        open_ones.pop()[1].__exit__(None, None, None)
    if not open_ones:
        transaction = store.write()
        open_ones.append((time.monotonic() + 0.05, transaction, transaction.__enter__()))
    return work(open_ones[0][2], units)
writer.write_all = early
"""


@pytest.fixture
def chaos() -> Any:
    return checks_of("chaos/test_killed_writers.py")


@pytest.fixture
def database(hub: Hub, database_url: str, chaos: Any) -> str:
    found: str = chaos.database.__wrapped__(hub, database_url)
    return found


@pytest.fixture
def breaking(tmp_path: Path, chaos: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has the posting processes run some code of ours first."""

    def breaks(code: str) -> None:
        script = tmp_path / "broken_posting.py"
        script.write_text(f"import runpy\n{code}\nrunpy.run_path({str(chaos.POSTING)!r}, run_name='__main__')\n")
        monkeypatch.setattr(chaos, "POSTING", script)

    return breaks


@on_sqlite
def test_answering_before_the_commit_is_seen(
    hub: Hub, database: str, chaos: Any, breaking: Callable[[str], None]
) -> None:
    breaking(EARLY_ANSWER)
    poster = chaos.Poster(database)
    try:
        fails(chaos.test_what_was_acknowledged_survives_a_kill_at_any_moment, hub, poster)
    finally:
        poster.close()


@on_sqlite
def test_a_disk_that_is_not_waited_for_is_seen(
    database: str, chaos: Any, breaking: Callable[[str], None], tmp_path: Path
) -> None:
    breaking(LAZY_DISK)

    fails(chaos.test_each_acknowledgement_comes_after_a_sync_to_disk, database, tmp_path)
