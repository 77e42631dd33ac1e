"""A promise that nobody kept is noticed by a trigger when it is late, and one that was kept is not."""

import pytest

from kinline import clock, handlers
from kinline.accounts.connected import AccountRef
from kinline.catalogue import trigger_store
from kinline.clock import DAY, HOUR
from kinline.desk import promises
from kinline.hub import Hub
from kinline.identity import persons
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, InteractionFactory, RecordingFactory
from kinline.words import TriggerState
from settable import NINE, Time

LATE = """
name: late-promise
about: We promised something and an hour later it is not done.
when: {time: {attribute: promise_due, after: 1h}}
do: [{task: {team: care, title: "Keep your word"}}]
"""


@pytest.mark.parametrize("kept", [False, True])
def test_a_late_promise_starts_a_trigger(hub: Hub, inbox: AccountRef, time: Time, kept: bool) -> None:
    # Given a promise to Ann for tomorrow, and a trigger that watches over promises
    with hub.store.write() as session:
        trigger_store.save(session, LATE, made_by="Cleo")
        trigger_store.set_state(session, "late-promise", TriggerState.LIVE, override="a test")
        record_batch(session, [RecordingFactory.build(account=inbox, what=InteractionFactory.build())])
        ann = persons.find(session, str(ANN))
        promises.promise(session, ann, what="We will call", due_at=NINE + DAY, by="Cleo", promise_id="1" * 32)
    handlers.drain(hub)
    if kept:
        with hub.store.write() as session:
            promises.end(session, "1" * 32, promises.DONE, by="Cleo")
        handlers.drain(hub)

    # When it is an hour late
    time.now = NINE + DAY + HOUR
    assert clock.now() == NINE + DAY + HOUR
    handlers.drain(hub)

    # Then somebody has a task, unless it was kept
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM task") == [(int(not kept),)]
