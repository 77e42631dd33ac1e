"""What goes into recording and what comes out."""

import msgspec

from kinline.accounts.connected import AccountRef
from kinline.messages import Applied, Deletion, Interaction, Profile, Receipt, Ticket
from kinline.words import ItemState, Origin


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to record, as one account brought it."""

    account: AccountRef
    what: Interaction | Deletion | Applied | Receipt | Ticket | Profile
    origin: Origin = Origin.LIVE
    arrived_at: int  #: microseconds; one moment for all of one intake, so that their order cannot depend on it
    intake_id: str | None = None
    position: int | None = None
    followup_id: str | None = None  #: the follow-up of ours that this is
    joins: str | None = None  #: the thread key (id) of what this answers, where the channel's own words may not tell
    exclusive: bool = False  #: other content under a known source id is a conflict, not a revision


class Outcome(msgspec.Struct, frozen=True):
    """What became of it. ``interaction_id`` also for a duplicate: the one it duplicates."""

    state: ItemState
    interaction_id: str | None = None
    reason: str = ""
    code: str = ""
    revised: bool = False
