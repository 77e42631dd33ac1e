"""Who gets a copy of a message: as it was planned, less those who are not written to by the time it leaves."""

from collections.abc import Iterable

import msgspec
from sqlmodel import Session

from kinline.errors import ChannelError
from kinline.followups.routes import handle_of
from kinline.handles import Handle
from kinline.identity import consents
from kinline.identity.persons import of_identity, spans
from kinline.messages import Outgoing, Prepared
from kinline.secret import Secret
from kinline.store.models import FollowUp

_ids = msgspec.json.Decoder(tuple[str, ...])


def planned(followup: FollowUp) -> tuple[str, ...]:
    """The identities that were to get one."""
    return _ids.decode(followup.copies)


def welcome(session: Session, secret: Secret, followup: FollowUp) -> list[tuple[str, Handle]]:
    """Those of them who are written to now, with their handles."""
    found = [(identity, handle_of(session, identity)) for identity in planned(followup)]
    return [(each, handle) for each, handle in found if is_welcome(session, secret, each, handle, followup.channel)]


def is_welcome(session: Session, secret: Secret, identity: str, handle: Handle, channel: str) -> bool:
    """Whether they are neither suppressed, nor asked not to be written to at all."""
    if consents.suppressed(session, secret, handle):
        return False
    mine = [span.identity_id for span in spans(session, of_identity(session, identity))]
    return consents.allows(session, mine, "*", channel) is not False


def still_welcome(session: Session, secret: Secret, followup: FollowUp, prepared: Prepared) -> bool:
    """Whether all whom a message was prepared for may get it at this moment."""
    stopped = {handle_of(session, each) for each in planned(followup)}
    stopped -= {handle for _, handle in welcome(session, secret, followup)}
    return stopped.isdisjoint(prepared.recipients)


def reached(session: Session, followup: FollowUp, prepared: Prepared) -> Iterable[Handle]:
    """Those who got a copy. Where the provider alone knows whom it wrote to: all who were to get one."""
    handles = [handle_of(session, identity) for identity in planned(followup)]
    return [each for each in handles if not prepared.recipients or each in prepared.recipients]


def require_the_same(outgoing: Outgoing, prepared: Prepared) -> None:
    """Raises `ChannelError` where a channel would send it to others than those it was written for."""
    meant = {outgoing.to, *(each.handle for each in outgoing.cc)}
    if prepared.recipients and set(prepared.recipients) != meant:
        raise ChannelError(
            "the channel would send it to others than those it was written for", permanent=True, code="other_recipients"
        )
