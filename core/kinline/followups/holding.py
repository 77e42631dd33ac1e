"""What the guards look at, and what they say."""

import msgspec
from sqlmodel import Session

from kinline.hub import Hub
from kinline.store.models import FollowUp
from kinline.words import FollowUpState

#: States in which a message was, or may have been, handed over.
GONE_OUT = (FollowUpState.SENDING.value, FollowUpState.SENT.value, FollowUpState.UNKNOWN.value)


class GuardResult(msgspec.Struct, frozen=True):
    """Why it does not go out now. ``until``: look again then; None: never."""

    guard: str
    reason: str
    until: int | None = None
    state: FollowUpState = FollowUpState.CANCELLED
    may_expire: bool = False  #: it expires when it would have anyway; what is only put off does not


class Going(msgspec.Struct, frozen=True):
    """What the guards look at."""

    hub: Hub
    session: Session
    followup: FollowUp
    root: str
    now: int
