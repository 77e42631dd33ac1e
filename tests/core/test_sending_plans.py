"""Deciding, sending, its receipts and its why read by index, however much was ever said and sent."""

import pytest

from acting import live, rows, says
from costs import overheard, read_whole
from kinline import handlers
from kinline.accounts.connected import AccountRef
from kinline.hub import Hub
from kinline.messages import Receipt
from kinline.record.batch import record_batch
from kinline.store.models import metadata
from kinline.testing.factories import ANN, RecordingFactory
from kinline.why.explain import why
from settable import Time

#: What a company has few of.
FEW = {
    "account", "account_live", "account_team", "api_key", "calendar", "endpoint", "macro", "policy", "team", "template",
    "trigger_rule", "trigger_version", "trusted_source", "backtest",
}  # fmt: skip
#: Some of what must be asked on the way, or the way was another one.
STEPS = ["receipt.recipient =", "FROM task WHERE decision_id", "FROM stage WHERE decision_id", "FROM followup"]
GUARD = "FROM interaction i WHERE i.author_id"


@pytest.mark.parametrize("send_class", ["service", "transactional"])
def test_no_step_of_a_message_reads_a_whole_table(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch, send_class: str
) -> None:
    # Given a trigger that thanks whoever writes
    live(hub, "thank", f"[{{message: {{text: Thank you., class: {send_class}}}}}]")
    heard = overheard(monkeypatch)

    # When Ann writes, is thanked, the thanks cannot be delivered for now, and somebody asks why she was thanked
    says(hub, inbox)
    [(source, decision)] = rows(hub, "SELECT source_id, decision_id FROM followup")
    heard.pop()  # that was ours
    bounce = Receipt(source_id=source, report="bounced", recipient=ANN)
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=inbox, what=bounce)])
    handlers.drain(hub)
    with hub.store.read() as session:
        why(session, decision)
    monkeypatch.undo()

    # Then each step asked for what it needed by index
    large = {table.name for table in metadata.sorted_tables} - FEW
    asked = {text: values for text, values in heard if not text.startswith(("INSERT", "EXPLAIN"))}
    whole = {text: found for text, values in asked.items() if (found := read_whole(hub.store, text, values) & large)}
    heard_of = [*STEPS, *([GUARD] if send_class == "service" else [])]
    assert not [step for step in heard_of if not any(step in text for text in asked)]
    assert not whole
