"""What goes out comes back into the record, as an interaction of ours with its cause."""

from collections.abc import Iterator

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.accounts.connected import AccountRef
from kinline.followups import copies, files
from kinline.followups.routes import handle_of
from kinline.messages import Interaction, Party, Prepared, Sent, Thread
from kinline.record.batch import record_batch
from kinline.record.recording import Recording
from kinline.store import sql
from kinline.store.models import FollowUp
from kinline.words import PUBLIC, Direction, ItemState, Kind, Origin, Role, SendClass, Standing


def record_sent(
    session: Session, followup: FollowUp, account: AccountRef, prepared: Prepared, sent: Sent, now: int
) -> str:
    """Record it; returns the interaction id. A copy that comes back over the channel is the same interaction."""
    answered = _source_id(session, followup.answers_id, account)
    agent = followup.made_by if followup.send_class == SendClass.HUMAN else ""
    interaction = Interaction(
        source_id=sent.source_id,
        kind=Kind.POST if followup.send_class == PUBLIC else Kind.MESSAGE,
        direction=Direction.OUTBOUND,
        occurred_at=clock.to_datetime(now),
        subject=str(prepared.facts.get("subject", followup.subject)),
        text=followup.body,
        html=followup.html,
        attachments=files.attached(session, followup.id),
        parties=(
            Party(role=Role.AUTHOR, name=agent or _our_name(session, account), ours=True),
            *_recipients(session, followup, prepared),
        ),
        thread=prepared.thread or Thread(key=sent.source_id),
        answers=answered,
        automatic="" if agent else "follow-up",
        facts={name: value for name, value in prepared.facts.items() if name != "subject"},
    )
    recording = Recording(
        account=account,
        what=interaction,
        origin=Origin.OURS,
        arrived_at=now,
        followup_id=followup.id,
        joins=thread_key_of(session, followup.answers_id),
    )
    [outcome] = record_batch(session, [recording])
    if outcome.state is not ItemState.RECORDED or outcome.revised:  # its echo was quicker than we were
        statement = "UPDATE interaction SET followup_id = {p} WHERE id = {p} AND followup_id IS NULL"
        sql.run(session, statement, followup.id, outcome.interaction_id)
    return str(outcome.interaction_id)


def _recipients(session: Session, followup: FollowUp, prepared: Prepared) -> Iterator[Party]:
    """All who got it."""
    if followup.send_class != PUBLIC:
        for handle in (handle_of(session, followup.identity_id), *copies.reached(session, followup, prepared)):
            yield Party(role=Role.RECIPIENT, handle=handle, standing=Standing.VERIFIED)


def _source_id(session: Session, interaction_id: str | None, account: AccountRef) -> str:
    if interaction_id is None:
        return ""
    statement = "SELECT source_id FROM interaction WHERE id = {p} AND channel = {p} AND instance = {p}"
    rows = sql.run(session, statement, interaction_id, account.channel, account.instance)
    return str(rows[0][0]) if rows else ""


def thread_key_of(session: Session, interaction_id: str | None) -> str | None:
    """The key by which an interaction stands in its conversation."""
    rows = (
        sql.run(session, "SELECT thread_key_id FROM interaction WHERE id = {p}", interaction_id)
        if interaction_id
        else []
    )
    return rows[0][0] if rows else None


def _our_name(session: Session, account: AccountRef) -> str:
    """What the account calls us; its own name where its settings say nothing."""
    rows = sql.run(session, "SELECT settings FROM account WHERE id = {p}", account.id)
    settings = msgspec.json.decode(rows[0][0]) if rows else {}
    return str(settings.get("name") or account.name)
