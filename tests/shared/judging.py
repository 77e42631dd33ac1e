"""Triggers that look at what people's words are judged to say, and what tests of them do with a hub."""

from typing import Any

from kinline.accounts.connected import AccountRef
from kinline.catalogue import trigger_store
from kinline.hub import Hub
from kinline.messages import Interaction
from kinline.record.batch import record_batch
from kinline.scoring import rows as scores
from kinline.store import sql
from kinline.testing.factories import InteractionFactory, RecordingFactory
from kinline.words import Origin, TriggerState

COMPLAINT = "My parcel is late [complaint -0.7 en 0.9]"
TASK = """
name: complaints
about: Somebody complains.
when: {topic: {is: complaint}}
do: [{task: {team: support, title: Look}}]
limits: {lateness: 1h}
"""
SILENCE = """
name: quiet
about: Somebody complained and we are silent.
when: {silence: {of: us, after: {topic: complaint}, for: 2h}}
do: [{task: {team: support, title: Answer}}]
"""
NOT_A_COMPLAINT = """
name: anything-else
about: Somebody wrote something that is no complaint.
when: {all: [{did: {kind: message}}, {not: {topic: {is: complaint}}}]}
do: [{task: {team: sales, title: Look}}]
"""
PLAIN = """
name: anybody
about: Somebody wrote.
when: {did: {kind: message}}
do: [{tag: {add: wrote}}]
"""


def live(hub: Hub, *texts: str) -> None:
    with hub.store.write() as session:
        for text in texts:
            row, _ = trigger_store.save(session, text, made_by="Cleo")
            trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")


def records(hub: Hub, inbox: AccountRef, *what: Interaction, origin: Origin = Origin.LIVE) -> list[str]:
    with hub.store.write() as session:
        done = record_batch(session, [RecordingFactory.build(account=inbox, what=each, origin=origin) for each in what])
    return [str(each.interaction_id) for each in done]


def rows(hub: Hub, statement: str) -> list[tuple[Any, ...]]:
    with hub.store.read() as session:
        return sql.run(session, statement)


def counting(hub: Hub, interaction: str) -> dict[str, Any]:
    with hub.store.read() as session:
        [(digest,)] = sql.run(session, "SELECT content_hash FROM interaction WHERE id = {p}", interaction)
        found = scores.current(scores.of(session, [interaction]).get(interaction, ()), digest)
    return {str(what): row.value for what, row in found.items()}


def said(text: str = COMPLAINT, **more: Any) -> Interaction:
    return InteractionFactory.build(text=text, subject="", **more)
