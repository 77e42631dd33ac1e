"""Receipts: what a provider reported of something we sent. Append-only, once for each report."""

import msgspec
from sqlmodel import Session

from kinline import clock, ids
from kinline.identity.parties import Who, identify
from kinline.jobs import queue
from kinline.messages import Party, Receipt
from kinline.record.interests import Interests
from kinline.record.recording import Outcome, Recording
from kinline.store import sql
from kinline.store.models import ReceiptRow, metadata
from kinline.triggers.conditions.receipt import KIND
from kinline.words import FollowUpState, ItemState, Role, Standing

_RECEIPT = metadata.tables[str(ReceiptRow.__tablename__)]
#: Reports after which the handle may be suppressed.
ENDING = frozenset({"bounced", "complained", "rejected"})


def record(session: Session, recording: Recording) -> Outcome:
    """Keep a report. A bounce or complaint about something *we* sent is looked at, and any report about a message of
    which nobody knew whether it went out; one about nothing of ours (backscatter), or naming somebody we did not write
    to, changes nothing."""
    what = recording.what
    assert isinstance(what, Receipt)  # noqa: S101 - the caller sorted the others out
    at = recording.arrived_at if what.occurred_at is None else clock.from_datetime(what.occurred_at)
    channel = recording.account.channel
    written = next((line.identity_id for line in recipient(what)), None)
    statement = "SELECT id, identity_id, copies, person_id, state FROM followup WHERE source_id = {p} AND channel = {p}"
    found = sql.run(session, statement, what.source_id, channel)
    followup, to_identity, copies, to, state = found[0] if found else (None, None, "[]", "", "")
    receipt_id = ids.derived("receipt", channel, what.source_id, what.report, written or "", what.detail[:200])
    row = (
        receipt_id, followup, what.source_id, channel, what.report, written, int(what.permanent),
        what.detail[:1000], at, recording.arrived_at,
    )  # fmt: skip
    new = sql.insert_new(session, _RECEIPT, [row], 1)
    if new and followup and Interests.current(session).look_at(KIND, channel):
        queue.plan(session, "person.decide", [(to, at)])
    ending = written in (to_identity, *msgspec.json.decode(copies)) and written is not None and what.report in ENDING
    if new and (ending or state == FollowUpState.UNKNOWN):
        queue.plan(session, "receipt.apply", [receipt_id])
    return Outcome(ItemState.APPLIED if new else ItemState.DUPLICATE, None, f"a receipt: {what.report}")


def recipient(what: Receipt) -> list[Who]:
    """Whom it names: one line, or none. `record_batch` meets them beforehand, with everybody else."""
    known = identify(what.recipient) if what.recipient else None
    if known is None or known.blocked:
        return []
    return [Who(Party(role=Role.RECIPIENT, handle=known.handle, standing=Standing.CLAIMED), known.handle, known.id)]
