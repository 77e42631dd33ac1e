"""Stored data of an older version comes into the shape of this one, in pieces, and goes on where it stopped."""

import pytest

from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.catalogue import trigger_store
from kinline.errors import Misconfigured
from kinline.hub import Hub
from kinline.record.batch import record_batch
from kinline.store import schema, sql
from kinline.store.models import WaitRow
from kinline.testing.factories import BEN, InteractionFactory, PartyFactory, RecordingFactory
from kinline.triggers import read_trigger
from kinline.upgrades import app_events, run, waits
from kinline.words import Kind, Role


@pytest.fixture
def site(hub: Hub) -> AccountRef:
    with hub.store.write() as session:
        return connected.connect(session, hub.secret, "events", "site", {"issuer": "site"})


def unfinished(hub: Hub, name: str) -> None:
    with hub.store.write() as session:
        sql.run(session, "INSERT INTO upgrade (name, cursor, done) VALUES ({p}, '', 0)", name)


def kinds(hub: Hub, table: str) -> list[str]:
    with hub.store.read() as session:
        return [kind for (kind,) in sql.run(session, f"SELECT kind FROM {table} ORDER BY kind")]


def test_no_process_serves_until_all_data_went_through(hub: Hub) -> None:
    unfinished(hub, "app_events")

    with pytest.raises(Misconfigured, match=r"app_events.*run `kinline migrate`"):
        schema.require_current(hub.store)

    [step] = run.unfinished(hub.store)
    run.take(hub.store, step)
    schema.require_current(hub.store)


def test_app_events_get_a_kind_of_their_own_and_events_of_ours_stay(
    hub: Hub, site: AccountRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given three app events as they were kept before, one with somebody beside, and a fair of ours
    monkeypatch.setattr(app_events, "AT_ONCE", 2)
    beside = (PartyFactory.build(), PartyFactory.build(handle=BEN, role=Role.MENTIONED))
    signed_up = [InteractionFactory.build(source_id=f"e{each}", kind=Kind.EVENT, parties=beside) for each in range(3)]
    fair = InteractionFactory.build(source_id="fair", kind=Kind.EVENT)
    with hub.store.write() as session:
        inbox = connected.ensure(session, hub.secret, "email", "inbox")
        record_batch(session, [RecordingFactory.build(account=site, what=each) for each in signed_up])
        record_batch(session, [RecordingFactory.build(account=inbox, what=fair)])
    unfinished(hub, "app_events")

    # When the upgrade stops after its first piece, and goes on
    [step] = run.unfinished(hub.store)

    def killed(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.take(hub.store, step, killed)
    assert run.take(hub.store, step) == 2

    # Then each has its kind, on everybody's timeline
    assert kinds(hub, "interaction") == ["app_event"] * 3 + ["event"]
    assert kinds(hub, "participant") == ["app_event"] * 6 + ["event"]
    assert list(run.unfinished(hub.store)) == []


def test_what_waits_gets_the_condition_of_the_version_under_which_it_was_armed(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given what waited under two versions of a trigger, and under one that is gone, as it was kept before
    monkeypatch.setattr(waits, "AT_ONCE", 2)
    texts = [
        f"name: quiet\nabout: A test.\nwhen: {{silence: {{of: them, for: {days}d}}}}\ndo: [{{tag: {{add: x}}}}]"
        for days in (1, 2)
    ]
    with hub.store.write() as session:
        trigger = {trigger_store.save(session, text, made_by="Cleo")[0].id for text in texts}.pop()
        for number in range(5):
            armed = WaitRow(
                id=f"{number:032}", trigger_id=trigger, version=1 + number % 3, person_id="a", episode="b", due_at=1,
                state="armed", armed_at=0,
            )  # fmt: skip
            session.add(armed)
    unfinished(hub, "waits")

    [step] = run.unfinished(hub.store)
    run.take(hub.store, step)

    conditions = [read_trigger(text).condition_id for text in texts]
    with hub.store.read() as session:
        found = [condition for (condition,) in sql.run(session, "SELECT condition_id FROM wait ORDER BY id")]
    assert found == [*conditions, "", *conditions]
