"""The loop ladder: what keeps two machines from writing to each other. For automatic messages only.

Each step is enough for some kind of machine, and the next one is for those that strip what the one before looks at:

1. machine mail is never answered;
2. one automatic message in a day for each recipient in a conversation;
3. nothing answers what answers an automatic message of ours of the last day, whatever conversation it is in;
4. one automatic answer of a trigger in a day to what one person writes;
5. two automatic answers under one subject in three hours, or ten under any, are the last (as FreeScout does it);
6. so many in ten minutes, half an hour, one, three and ten hours, in a thread and in all (Zammad's numbers);
7. three automatic answers in a day to strangers of one domain: a machine may take another sender each time.

No step sends anything later: what was held here is not wanted any more.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import and_, bindparam, func, or_, select
from sqlmodel import Session, col

from kinline.clock import DAY, HOUR, MINUTE
from kinline.domains import PUBLIC_PROVIDERS
from kinline.followups.holding import GONE_OUT, Going, GuardResult
from kinline.followups.routes import handle_of
from kinline.identity.persons import members
from kinline.store.ask import Ask, Count, Id, among, columns
from kinline.store.models import FollowUp, Identity, InteractionRow, ThreadKey
from kinline.words import Direction, HandleType, Kind

#: Zammad's limits: within so long, so many in one thread, so many in all.
LADDER = (
    (10 * MINUTE, 10, 30), (30 * MINUTE, 15, 60), (60 * MINUTE, 25, 120), (180 * MINUTE, 50, 240), (600 * MINUTE, 100, 360),
)  # fmt: skip
#: FreeScout's: within three hours, so many under one subject, so many under any.
SAME_SUBJECT, ANY_SUBJECT, LATELY = 2, 10, 3 * HOUR
STRANGERS = 3


class About(msgspec.Struct, frozen=True):
    """What the message would answer."""

    id: str
    automatic: str
    kind: str
    direction: str
    author: str
    answers: str
    conversation: str
    subject: str


class Earlier(msgspec.Struct, frozen=True):
    """An automatic message to the same person that went out before."""

    at: int
    trigger: str
    identity: str
    answers: str
    conversation: str
    subject: str


class _AnsweredInteraction(msgspec.Struct, frozen=True):
    id: str
    automatic: str
    kind: str
    direction: str
    author_id: str | None
    answers_id: str | None
    conversation_id: str | None
    doc: str


class _EarlierMessage(msgspec.Struct, frozen=True):
    at: int
    trigger_id: str | None
    identity_id: str
    answers_id: str | None
    conversation_id: str | None
    subject: str
    doc: str | None


_AT = func.coalesce(col(FollowUp.sent_at), col(FollowUp.due_at))
_AUTOMATIC = Ask(
    select(col(FollowUp.id))
    .join(InteractionRow, col(InteractionRow.followup_id) == col(FollowUp.id))
    .where(
        col(InteractionRow.id) == bindparam("interaction"),
        col(FollowUp.automatic) == 1,
        bindparam("since") < _AT,
    ),
    Id,
)
_STRANGERS = Ask(
    select(func.count(col(FollowUp.identity_id).distinct()).label("count"))
    .join(Identity, col(Identity.id) == col(FollowUp.identity_id))
    .where(
        col(FollowUp.trigger_id) == bindparam("trigger"),
        or_(
            col(FollowUp.sent_at) > bindparam("since"),
            and_(col(FollowUp.sent_at).is_(None), col(FollowUp.due_at) > bindparam("since")),
        ),
        col(FollowUp.automatic) == 1,
        col(FollowUp.answers_id).is_not(None),
        col(FollowUp.state).in_(GONE_OUT),
        col(Identity.created_at) > bindparam("since"),
        col(Identity.value).like(bindparam("address")),
        col(FollowUp.id) != bindparam("own"),
    ),
    Count,
)
_ANSWERED = Ask(
    select(*columns(InteractionRow, _AnsweredInteraction, conversation_id=col(ThreadKey.conversation_id)))
    .outerjoin(ThreadKey, col(ThreadKey.id) == col(InteractionRow.thread_key_id))
    .where(col(InteractionRow.id) == bindparam("interaction")),
    _AnsweredInteraction,
)
_EARLIER = Ask(
    select(
        *columns(
            FollowUp,
            _EarlierMessage,
            at=_AT,
            conversation_id=col(ThreadKey.conversation_id),
            doc=col(InteractionRow.doc),
        )
    )
    .outerjoin(InteractionRow, col(InteractionRow.id) == col(FollowUp.answers_id))
    .outerjoin(ThreadKey, col(ThreadKey.id) == col(InteractionRow.thread_key_id))
    .where(
        among(FollowUp.person_id, "persons"),
        col(FollowUp.automatic) == 1,
        col(FollowUp.state).in_(GONE_OUT),
        bindparam("since") < _AT,
        col(FollowUp.id) != bindparam("own"),
    ),
    _EarlierMessage,
)


def loop(going: Going) -> GuardResult | None:
    """The first step of the ladder that holds it back."""
    earlier = _earlier(going)
    about = _about(going)
    why = _answering(going, about, earlier) if about else ""
    why = why or _rungs(going, about.conversation if about else "", earlier)
    return GuardResult("loop", why) if why else None


def _answering(going: Going, about: About, earlier: Sequence[Earlier]) -> str:
    steps = (_machine, _conversation, _chain, _person, _subject, _strangers)
    return next((why for step in steps if (why := step(going, about, earlier))), "")


def _machine(going: Going, about: About, earlier: Sequence[Earlier]) -> str:
    return f"it would answer a machine ({about.automatic})" if about.automatic else ""


def _conversation(going: Going, about: About, earlier: Sequence[Earlier]) -> str:
    had = any(
        one.conversation == about.conversation and one.identity == going.followup.identity_id
        for one in earlier
        if one.conversation and one.at > going.now - DAY
    )
    return "this conversation had an automatic message within 24 hours" if had else ""


def _chain(going: Going, about: About, earlier: Sequence[Earlier]) -> str:
    if not about.answers:
        return ""
    ours = _AUTOMATIC.first(going.session, interaction=about.answers, since=going.now - DAY)
    return "it would answer what answers an automatic message of ours" if ours else ""


def _person(going: Going, about: About, earlier: Sequence[Earlier]) -> str:
    if not _they_wrote(about) or not going.followup.trigger_id:
        return ""
    had = any(one.answers and one.trigger == going.followup.trigger_id and one.at > going.now - DAY for one in earlier)
    return "this trigger answered them within 24 hours" if had else ""


def _subject(going: Going, about: About, earlier: Sequence[Earlier]) -> str:
    if not _they_wrote(about):
        return ""
    answers = [one for one in earlier if one.answers and one.at > going.now - LATELY]
    same = sum(1 for one in answers if one.subject == (going.followup.subject or about.subject))
    if same >= SAME_SUBJECT or len(answers) >= ANY_SUBJECT:
        return f"they had {len(answers)} automatic answers in 3 hours, {same} under this subject"
    return ""


def _rungs(going: Going, conversation: str, earlier: Sequence[Earlier]) -> str:
    for within, in_thread, in_all in LADDER:
        lately = [one for one in earlier if one.at > going.now - within]
        here = sum(1 for one in lately if conversation and one.conversation == conversation)
        if len(lately) >= in_all or here >= in_thread:
            return (
                f"they had {len(lately)} automatic messages in {within // MINUTE} minutes, {here} in this conversation"
            )
    return ""


def _strangers(going: Going, about: About, earlier: Sequence[Earlier]) -> str:
    """Counted by trigger, for an index leads to those; a loop is one trigger's."""
    domain = _domain(going.session, going.followup.identity_id)
    if not _they_wrote(about) or not domain or not going.followup.trigger_id:
        return ""
    if not _met_lately(going.session, going.followup.identity_id, going.now):
        return ""
    count = _STRANGERS.one(
        going.session, trigger=going.followup.trigger_id, since=going.now - DAY, address=f"%@{domain}",
        own=going.followup.id,
    ).count  # fmt: skip
    return f"{count} strangers at {domain} had automatic answers within 24 hours" if count >= STRANGERS else ""


def _they_wrote(about: About) -> bool:
    return about.kind == Kind.MESSAGE and about.direction == Direction.INBOUND


def _domain(session: Session, identity: str) -> str:
    handle = handle_of(session, identity)
    domain = handle.value.rpartition("@")[2] if handle.type is HandleType.EMAIL else ""
    return "" if domain in PUBLIC_PROVIDERS or "%" in domain or "_" in domain else domain


def _met_lately(session: Session, identity: str, now: int) -> bool:
    return session.get_one(Identity, identity).created_at > now - DAY


def _about(going: Going) -> About | None:
    about = going.followup.answers_id
    row = _ANSWERED.first(going.session, interaction=about) if about else None
    return About(
        row.id, row.automatic, row.kind, row.direction, row.author_id or "", row.answers_id or "",
        row.conversation_id or "", _subject_of(row.doc),
    ) if row else None  # fmt: skip


def _earlier(going: Going) -> list[Earlier]:
    """The automatic messages that went to this person within a day."""
    persons = members(going.session, going.root)
    rows = _EARLIER.rows(going.session, persons=persons, since=going.now - DAY, own=going.followup.id)
    return [
        Earlier(
            row.at, row.trigger_id or "", row.identity_id, row.answers_id or "", row.conversation_id or "",
            row.subject or _subject_of(row.doc),
        )
        for row in rows
    ]  # fmt: skip


def _subject_of(doc: str | None) -> str:
    return str(msgspec.json.decode(doc).get("subject", "")) if doc else ""
