"""Public posts: follow-ups without a recipient, through the same choke point as every message.

They are rows of the same table, in the class ``public``, so claiming, handing over, asking what became of it and
coming back into the record are the same. The person is the one about whom it was decided; nobody is addressed.
"""

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.accounts import connected
from kinline.clock import HOUR
from kinline.contract.channel import Ability
from kinline.contract.plugins import channels
from kinline.hub import Hub
from kinline.jobs import queue
from kinline.store import sql
from kinline.store.models import FollowUp, metadata
from kinline.words import PUBLIC, FollowUpState

_FOLLOWUP = metadata.tables[str(FollowUp.__tablename__)]


class PostDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A post that a decision wants made. ``account`` is one of ours, by name."""

    id: str
    person_id: str
    decision_id: str
    trigger_id: str
    account: str
    text: str
    made_by: str
    needs_approval: bool = True


def plan_post(hub: Hub, session: Session, draft: PostDraft) -> str:
    """Make the follow-up and plan its sending. Returns why that cannot be, or nothing. Raises `NotFound`."""
    account = connected.named(session, draft.account)
    if account.state != connected.ACTIVE:
        return f"publish: the account “{account.name}” is paused"
    if Ability.PUBLISH not in channels().get(account.channel).can:
        return f"publish: the channel {account.channel} publishes nothing"
    now = clock.now()
    row = {
        "id": draft.id, "decision_id": draft.decision_id, "trigger_id": draft.trigger_id, "person_id": draft.person_id,
        "identity_id": "", "account_id": account.id, "channel": account.channel, "send_class": PUBLIC, "automatic": 1,
        "subject": "", "body": draft.text, "html": "", "made_by": draft.made_by, "state": FollowUpState.PENDING,
        "reason": "", "due_at": now, "expires_at": now + expiry(hub, needs_approval=draft.needs_approval),
        "created_at": now, "needs_approval": int(draft.needs_approval), "attempts": 0, "copies": "[]", "also_answers": "[]", "unclear": "",
    }  # fmt: skip
    sql.insert(session, _FOLLOWUP, [tuple(row.get(column.name) for column in _FOLLOWUP.columns)])
    queue.plan(session, "followup.send", [draft.id], run_at=now)
    return ""


def expiry(hub: Hub, *, needs_approval: bool) -> int:
    """How long after its due time it expires; what waits for somebody's approval may wait longer."""
    hours = hub.settings.max_lateness
    return (max(hours, hub.settings.approval_hours) if needs_approval else hours) * HOUR
