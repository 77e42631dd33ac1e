"""Loading a follow-up and making its exact bytes, once, before anything is sent. Plugin code, no transaction."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlmodel import Session

from kinline.accounts import pretending, spend
from kinline.accounts.connected import AccountRef, ref
from kinline.accounts.ready import ReadyAccount, as_it_is, ready
from kinline.clock import SECOND
from kinline.contract.channel import Ability, AccountSettings, AnyChannel
from kinline.contract.plugins import channels
from kinline.errors import ChannelError
from kinline.followups import copies, files
from kinline.followups.routes import handle_of
from kinline.hub import Hub
from kinline.identity import stops
from kinline.identity.names import proved_name
from kinline.messages import Copied, Outgoing, Post, Prepared
from kinline.store.models import Account, FollowUp, InteractionRow
from kinline.words import PUBLIC, FollowUpState, SendClass


class PreparedMessage(msgspec.Struct, frozen=True):
    """A follow-up with all that is needed to send it."""

    followup: FollowUp
    account: AccountRef
    channel: AnyChannel
    settings: AccountSettings
    prepared: Prepared
    to_file: bool = False  #: into a file of this machine, whatever the channel


def prepare(hub: Hub, followup_id: str) -> PreparedMessage | None:
    """Load it and make its exact bytes, unless they were made on an earlier try. Plugin code, no transaction."""
    with hub.store.read() as session:
        followup = session.get(FollowUp, followup_id)
        if followup is None or followup.state not in (
            FollowUpState.PENDING,
            FollowUpState.SENDING,
            FollowUpState.UNKNOWN,
        ):
            return None
        outgoing = _to_say(hub, session, followup) if not followup.prepared else None
        kept = files.get_prepared(session, followup.prepared, followup.prepared_body) if followup.prepared else None
    found = _allowed(hub, followup)
    account, channel, settings = found.row, found.channel, found.settings
    prepared = _made(channel, outgoing, settings) if kept is None and outgoing else kept
    assert prepared is not None  # noqa: S101 - it was made, now or before
    with hub.store.read() as session:
        to_file = hub.settings.outbound == "file" and not pretending.pretends(session, account.id)
    return PreparedMessage(followup, ref(account), channel, settings, prepared, to_file)


def _allowed(hub: Hub, followup: FollowUp) -> ReadyAccount:
    """The account to send over. What is under way already is brought to its end, whatever the account's state."""
    if followup.state != FollowUpState.PENDING:
        return as_it_is(hub, followup.account_id)
    found = ready(hub, followup.account_id)
    with hub.store.read() as session:
        spend.afford(session, found.row.id, found.channel, found.settings)
    return found


def _made(channel: AnyChannel, outgoing: Outgoing | Post, settings: AccountSettings) -> Prepared:
    """The exact bytes. Whatever a foreign plugin raises here, nothing has been sent."""
    try:
        prepared: object = _form(channel, outgoing, settings)
    except ChannelError:
        raise
    except (Exception, SystemExit) as error:
        raise ChannelError(raised(error), permanent=True, code="channel_broke") from error
    if not isinstance(prepared, Prepared):
        raise ChannelError("the channel prepared no message", permanent=True, code="channel_broke")
    return prepared


def _form(channel: AnyChannel, outgoing: Outgoing | Post, settings: AccountSettings) -> Prepared:
    if isinstance(outgoing, Post):
        return channel.prepare_post(outgoing, settings)
    channel.check(outgoing, settings)
    prepared = channel.prepare(outgoing, settings)
    copies.require_the_same(outgoing, prepared)
    return prepared


def _to_say(hub: Hub, session: Session, followup: FollowUp) -> Outgoing | Post:
    if followup.send_class == PUBLIC:
        return Post(id=followup.id, text=followup.body, subject=followup.subject, made_at=followup.created_at / SECOND)
    return _outgoing(hub, session, followup)


def _outgoing(hub: Hub, session: Session, followup: FollowUp) -> Outgoing:
    answers: str = ""
    answered: dict[str, Any] = {}
    if followup.answers_id:
        answers, answered = _answered(session, followup)
    return Outgoing(
        id=followup.id,
        to=handle_of(session, followup.identity_id),
        to_name=proved_name(session, followup.identity_id),
        subject=followup.subject,
        text=followup.body,
        html=followup.html,
        attachments=files.attached(session, followup.id),
        send_class=SendClass(followup.send_class),
        automatic=bool(followup.automatic),
        answers=answers,
        answered=answered,
        reply_token=followup.reply_key or "",
        stop_url=_stop_url(hub, followup),
        cc=tuple(_copied(hub, session, followup)),
    )


def _copied(hub: Hub, session: Session, followup: FollowUp) -> Iterable[Copied]:
    """Those who get a copy of ours. Where a ticket lives, its desk writes to all who are in copy there."""
    if Ability.COPIES in channels().get(followup.channel).can:
        for identity, handle in copies.welcome(session, hub.secret, followup):
            yield Copied(handle, proved_name(session, identity))


def _stop_url(hub: Hub, followup: FollowUp) -> str:
    """Where this person stops messages of this class. One-click needs https (RFC 8058 section 3.1)."""
    base = hub.settings.public_url.rstrip("/")
    if followup.send_class != SendClass.MARKETING or not base.startswith("https://"):
        return ""
    return base + stops.PATH + stops.token(hub.secret, followup.identity_id, "marketing")


def _answered(session: Session, followup: FollowUp) -> tuple[str, dict[str, Any]]:
    """What it answers. Source id and facts only where the account knows them: elsewhere they name something else."""
    row, account = session.get(InteractionRow, followup.answers_id), session.get(Account, followup.account_id)
    if row is None or account is None:
        return "", {}
    said, here = msgspec.json.decode(row.doc), (row.channel, row.instance) == (account.channel, account.instance)
    facts = said.get("facts", {}) if here else {}
    answered = {"subject": said.get("subject", ""), "facts": facts, "text": said.get("text", "")[:2000]}
    return row.source_id if here else "", answered


def raised(error: BaseException) -> str:
    return f"the channel raised {type(error).__name__}: {error}"
