"""What goes out comes back into the record, as an interaction of ours with its cause."""

from collections.abc import Iterator

import msgspec
from sqlalchemy import bindparam, select, update
from sqlmodel import Session, col

from kinline import clock
from kinline.accounts.connected import AccountRef
from kinline.followups import copies, files
from kinline.followups.routes import handle_of
from kinline.messages import Interaction, Party, Prepared, Sent, Thread
from kinline.record.batch import record_batch
from kinline.record.recording import Recording
from kinline.store.ask import Ask, Change, columns
from kinline.store.models import Account, FollowUp, InteractionRow
from kinline.words import PUBLIC, Direction, ItemState, Kind, Origin, Role, SendClass, Standing


class _InteractionPlace(msgspec.Struct, frozen=True):
    source_id: str
    channel: str
    instance: str
    thread_key_id: str | None


_PLACE = Ask(
    select(*columns(InteractionRow, _InteractionPlace)).where(col(InteractionRow.id) == bindparam("interaction")),
    _InteractionPlace,
)
_BECAUSE_OF = Change(
    update(InteractionRow)
    .where(col(InteractionRow.id) == bindparam("interaction"), col(InteractionRow.followup_id).is_(None))
    .values(followup_id=bindparam("followup"))
)


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
        _BECAUSE_OF.run(session, interaction=outcome.interaction_id, followup=followup.id)
    return str(outcome.interaction_id)


def _recipients(session: Session, followup: FollowUp, prepared: Prepared) -> Iterator[Party]:
    """All who got it."""
    if followup.send_class != PUBLIC:
        for handle in (handle_of(session, followup.identity_id), *copies.reached(session, followup, prepared)):
            yield Party(role=Role.RECIPIENT, handle=handle, standing=Standing.VERIFIED)


def _source_id(session: Session, interaction_id: str | None, account: AccountRef) -> str:
    found = _PLACE.first(session, interaction=interaction_id) if interaction_id else None
    known_there = found and (found.channel, found.instance) == (account.channel, account.instance)
    return found.source_id if found and known_there else ""


def thread_key_of(session: Session, interaction_id: str | None) -> str | None:
    """The key by which an interaction stands in its conversation."""
    found = _PLACE.first(session, interaction=interaction_id) if interaction_id else None
    return found.thread_key_id if found else None


def _our_name(session: Session, account: AccountRef) -> str:
    """What the account calls us; its own name where its settings say nothing."""
    row = session.get(Account, account.id)
    settings = msgspec.json.decode(row.settings) if row else {}
    return str(settings.get("name") or account.name)
