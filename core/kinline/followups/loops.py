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
from typing import Any

import msgspec
from sqlmodel import Session

from kinline.clock import DAY, HOUR, MINUTE
from kinline.domains import PUBLIC_PROVIDERS
from kinline.followups.holding import GONE_OUT, Going, GuardResult
from kinline.followups.routes import handle_of
from kinline.identity.persons import members
from kinline.store import sql
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
    rows = sql.run(
        going.session,
        "SELECT 1 FROM interaction i JOIN followup f ON f.id = i.followup_id WHERE i.id = {p} AND f.automatic = 1 "
        "AND coalesce(f.sent_at, f.due_at) > {p}",
        about.answers, going.now - DAY,
    )  # fmt: skip
    return "it would answer what answers an automatic message of ours" if rows else ""


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
    count = sql.run(
        going.session,
        "SELECT count(DISTINCT f.identity_id) FROM followup f JOIN identity i ON i.id = f.identity_id "
        f"WHERE f.trigger_id = {{p}} AND (f.sent_at > {{p}} OR (f.sent_at IS NULL AND f.due_at > {{p}})) AND f.automatic = 1 "
        f"AND f.answers_id IS NOT NULL AND f.state IN {GONE_OUT} AND i.created_at > {{p}} AND i.value LIKE {{p}} AND f.id <> {{p}}",
        going.followup.trigger_id, *[going.now - DAY] * 3, f"%@{domain}", going.followup.id,
    )[0][0]  # fmt: skip
    return f"{count} strangers at {domain} had automatic answers within 24 hours" if count >= STRANGERS else ""


def _they_wrote(about: About) -> bool:
    return about.kind == Kind.MESSAGE and about.direction == Direction.INBOUND


def _domain(session: Session, identity: str) -> str:
    handle = handle_of(session, identity)
    domain = handle.value.rpartition("@")[2] if handle.type is HandleType.EMAIL else ""
    return "" if domain in PUBLIC_PROVIDERS or "%" in domain or "_" in domain else domain


def _met_lately(session: Session, identity: str, now: int) -> bool:
    [(met,)] = sql.run(session, "SELECT created_at FROM identity WHERE id = {p}", identity)
    return bool(met > now - DAY)


def _about(going: Going) -> About | None:
    rows = sql.run(
        going.session,
        "SELECT i.automatic, i.kind, i.direction, i.author_id, i.answers_id, k.conversation_id, i.doc FROM interaction i "
        "LEFT JOIN thread_key k ON k.id = i.thread_key_id WHERE i.id = {p}",
        going.followup.answers_id,
    ) if going.followup.answers_id else []  # fmt: skip
    if not rows:
        return None
    automatic, kind, direction, author, answers, conversation, doc = rows[0]
    return About(
        str(going.followup.answers_id), automatic, kind, direction, author or "", answers or "", conversation or "",
        _subject_of(doc),
    )  # fmt: skip


def _earlier(going: Going) -> list[Earlier]:
    """The automatic messages that went to this person within a day."""
    rows: list[tuple[Any, ...]] = sql.select_in(
        going.session,
        "SELECT coalesce(f.sent_at, f.due_at), f.trigger_id, f.identity_id, f.answers_id, k.conversation_id, f.subject, i.doc "
        "FROM followup f LEFT JOIN interaction i ON i.id = f.answers_id LEFT JOIN thread_key k ON k.id = i.thread_key_id "
        f"WHERE f.person_id {{in}} AND f.automatic = 1 AND f.state IN {GONE_OUT} "
        "AND coalesce(f.sent_at, f.due_at) > {p} AND f.id <> {p}",
        members(going.session, going.root),
        going.now - DAY,
        going.followup.id,
    )
    return [
        Earlier(at, trigger or "", identity, answers or "", conversation or "", subject or _subject_of(doc))
        for at, trigger, identity, answers, conversation, subject, doc in rows
    ]


def _subject_of(doc: str | None) -> str:
    return str(msgspec.json.decode(doc).get("subject", "")) if doc else ""
