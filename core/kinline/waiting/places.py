"""How conversations stand, as far as that follows from who waits in them and from what people said of them.

A conversation is *open* while somebody's clock runs in it, else *pending*. People put it on hold, solve and close it, or
open it again, here or at the desk where it lives; that stands until somebody asks us something directly, and until one of
us answers where it was opened by hand.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import and_, bindparam, case, func, literal_column, or_, select, update
from sqlmodel import Session, col

from kinline.store import sql
from kinline.store.ask import Ask, Change, among
from kinline.store.models import Conversation, InteractionRow, StateMoveRow, ThreadKey, WaitingRow, metadata
from kinline.triggers.filters import MODERATED_AWAY
from kinline.waiting.clocks import FOREVER, PromiseTerms, Span
from kinline.waiting.fold import End, Ended
from kinline.waiting.rules import Level
from kinline.words import ASKING, ConversationState, Direction, Origin

_MOVE = metadata.tables[str(StateMoveRow.__tablename__)]
#: The states in which nobody waits for what was said before.
OVER = frozenset({ConversationState.SOLVED, ConversationState.CLOSED})


class StateMove(msgspec.Struct, frozen=True):
    """Somebody put a conversation into a state."""

    conversation_id: str
    at: int
    state: str
    made_by: str
    elsewhere: int


class PlaceState(msgspec.Struct, frozen=True):
    """A conversation, as what is said in it changes it."""

    id: str
    channel: str
    visibility: str
    state: str
    state_at: int | None
    team_id: str | None
    priority: str
    last_at: int
    asked_at: int | None
    answered_at: int | None
    first_answered_at: int | None
    waiting_since: int | None


class _Time(msgspec.Struct, frozen=True):
    place: str
    at: int | None


class _Kept(msgspec.Struct, frozen=True):
    """What is kept of those who waited in a place: when they last asked, when one of us first answered."""

    place: str
    asked: int | None
    first: int | None


_STANDING = Ask(
    select(
        col(Conversation.id),
        col(Conversation.channel),
        col(Conversation.visibility),
        col(Conversation.state),
        col(Conversation.state_at),
        col(Conversation.team_id),
        col(Conversation.priority),
        col(Conversation.last_at),
        col(Conversation.asked_at),
        col(Conversation.answered_at),
        col(Conversation.first_answered_at),
        col(Conversation.waiting_since),
    ).where(among(col(Conversation.id), "conversations")),
    PlaceState,
)
_MOVES = Ask(
    select(
        col(StateMoveRow.conversation_id),
        col(StateMoveRow.at),
        col(StateMoveRow.state),
        col(StateMoveRow.made_by),
        col(StateMoveRow.elsewhere),
    )
    .where(among(col(StateMoveRow.conversation_id), "conversations"))
    .order_by(col(StateMoveRow.at), col(StateMoveRow.state)),
    StateMove,
)
_ASKS = and_(col(WaitingRow.level) == Level.DIRECT.value, col(WaitingRow.ended_how) != Ended.WITHDRAWN.value)
#: Who waits longest of those whose clock runs: the first of an index, in a place of however many.
_RUNNING = (
    select(col(WaitingRow.since))
    .where(
        col(WaitingRow.place) == col(Conversation.id),
        literal_column("waiting.tab = 'waiting'"),
    )
    .order_by(col(WaitingRow.since))
    .limit(1)
    .correlate(Conversation)
    .scalar_subquery()
)
_LONGEST = Ask(
    select(col(Conversation.id).label("place"), _RUNNING.label("at")).where(
        among(col(Conversation.id), "conversations")
    ),
    _Time,
)
_KEPT = Ask(
    select(
        col(WaitingRow.place),
        func.max(case((_ASKS, col(WaitingRow.last_known_at)))).label("asked"),
        func.min(case((col(WaitingRow.ended_how) == Ended.US.value, col(WaitingRow.ended_at)))).label("first"),
    )
    .where(among(col(WaitingRow.place), "conversations"))
    .group_by(col(WaitingRow.place)),
    _Kept,
)
#: When somebody first asked there after a moment, and we knew of it.
_KNOWN_AT = case(
    (col(InteractionRow.origin) == Origin.LIVE.value, col(InteractionRow.recorded_at)),
    else_=col(InteractionRow.sort_at),
)
_FIRST_ASKED = Ask(
    select(col(ThreadKey.conversation_id).label("place"), func.min(_KNOWN_AT).label("at"))
    .join(InteractionRow, col(InteractionRow.thread_key_id) == col(ThreadKey.id))
    .where(
        col(ThreadKey.conversation_id) == bindparam("conversation"),
        col(InteractionRow.direction) == Direction.INBOUND.value,
        col(InteractionRow.automatic) == "",
        col(InteractionRow.moderation).not_in(sorted(MODERATED_AWAY)),
        col(InteractionRow.kind).in_(sorted(map(str, ASKING))),
        bindparam("after") < _KNOWN_AT,
    )
    .group_by(col(ThreadKey.conversation_id)),
    _Time,
)
_CHANGE = Change(
    update(Conversation)
    .where(col(Conversation.id) == bindparam("conversation"))
    .values(
        state=bindparam("to"),
        waiting_since=bindparam("since"),
        last_at=bindparam("last"),
        asked_at=bindparam("asked"),
        answered_at=bindparam("answered"),
        first_answered_at=bindparam("first"),
    )
)


class News(msgspec.Struct):
    """What is new in a conversation: when anything was said, when something asked us, when one of us spoke by hand, and
    when that first answered somebody. ``recount``: what asked or answered there may have gone."""

    last: list[int] = []
    asked: list[int] = []
    answered: list[int] = []
    first: list[int] = []
    recount: bool = False


def standing(session: Session, conversations: Iterable[str]) -> dict[str, PlaceState]:
    """The conversations among these places, by id."""
    listed = sorted(set(conversations))
    return {row.id: row for row in _STANDING.rows(session, conversations=listed)} if listed else {}


def forgotten(here: PlaceState) -> PlaceState:
    """Without what was said in it, which is to be read anew."""
    return msgspec.structs.replace(here, last_at=0, answered_at=None)


def moves(session: Session, conversations: Iterable[str]) -> dict[str, list[StateMove]]:
    """What people said of these, in order."""
    found: dict[str, list[StateMove]] = defaultdict(list)
    listed = sorted(set(conversations))
    for move in _MOVES.rows(session, conversations=listed) if listed else ():
        found[move.conversation_id].append(move)
    return found


_PUT = Change(
    update(Conversation)
    .where(
        col(Conversation.id) == bindparam("conversation"),
        or_(col(Conversation.state_at).is_(None), col(Conversation.state_at) <= bindparam("at")),
    )
    .values(state=bindparam("to"), state_at=bindparam("at"))
)


def remember_move(
    session: Session, conversation: str, state: str, at: int, by: str, *, elsewhere: bool = False
) -> None:
    """Somebody put it into a state; ``elsewhere``: at the desk where it lives."""
    sql.insert(session, _MOVE, [(conversation, at, state, by, int(elsewhere))])
    _PUT.run(session, conversation=conversation, to=state, at=at)


def closing(at: int, by: str, *, elsewhere: bool) -> End:
    """What it means for those who waited in a conversation that somebody solved or closed."""
    return End(at=at, by=by, how=Ended.CLOSED, seen_until=None if elsewhere else at)


def terms_of(session: Session, here: PlaceState, moved: Iterable[StateMove]) -> PromiseTerms:
    """What it promises by."""
    return PromiseTerms(here.team_id, here.priority, here.first_answered_at, tuple(_holds(session, here, list(moved))))


def settle(session: Session, before: Mapping[str, PlaceState], news: Mapping[str, News]) -> list[str]:
    """Write how these conversations stand now. Returns those that came to be pending: it is their turn."""
    if not before:
        return []
    running = {row.place: row.at for row in _LONGEST.rows(session, conversations=sorted(before))}
    counted = sorted(each for each in before if each in news and news[each].recount)
    kept = {row.place: row for row in _KEPT.rows(session, conversations=counted)} if counted else {}
    moved = moves(session, [each for each, was in before.items() if was.state_at is not None])
    after = {
        each: _told(was, news.get(each, News()), running.get(each), kept.get(each), moved.get(each, []))
        for each, was in sorted(before.items())
    }
    _CHANGE.run_many(session, [_written(now) for each, now in after.items() if now != before[each]])
    pending = ConversationState.PENDING
    return [each for each, now in after.items() if now.state == pending and before[each].state != pending]


def _told(
    was: PlaceState, told: News, waiting_since: int | None, kept: _Kept | None, moved: list[StateMove]
) -> PlaceState:
    """How it stands after the news."""
    if told.recount:
        asked, first = (kept.asked, kept.first) if kept else (None, None)
    else:
        asked, first = _latest(was.asked_at, told.asked), _first(was.first_answered_at, told.first)
    now = msgspec.structs.replace(
        was, waiting_since=waiting_since, last_at=max([was.last_at, *told.last]), asked_at=asked,
        answered_at=_latest(was.answered_at, told.answered), first_answered_at=first,
    )  # fmt: skip
    return msgspec.structs.replace(now, state=_state(now, moved))


def _written(here: PlaceState) -> dict[str, object]:
    return {
        "conversation": here.id, "to": here.state, "since": here.waiting_since, "last": here.last_at,
        "asked": here.asked_at, "answered": here.answered_at, "first": here.first_answered_at,
    }  # fmt: skip


def _state(here: PlaceState, moved: list[StateMove]) -> str:
    """The state that follows: what somebody said last, unless they asked, or we answered, since."""
    follows = ConversationState.PENDING if here.waiting_since is None else ConversationState.OPEN
    last = moved[-1] if moved else None
    if last is None or (here.asked_at is not None and here.asked_at > last.at):
        return follows
    if last.state == ConversationState.OPEN and here.answered_at is not None and here.answered_at > last.at:
        return follows
    return last.state


def _holds(session: Session, here: PlaceState, moved: list[StateMove]) -> Iterable[Span]:
    """When it was on hold: until somebody moved it on, or they asked again."""
    for number, move in enumerate(moved):
        if move.state == ConversationState.ON_HOLD:
            asked = _FIRST_ASKED.first(session, conversation=here.id, after=move.at)
            ends = [later.at for later in moved[number + 1 : number + 2]]
            yield move.at, min([*ends, *([asked.at] if asked and asked.at else [])], default=FOREVER)


def _latest(known: int | None, told: list[int]) -> int | None:
    return max([*told, *([] if known is None else [known])], default=None)


def _first(known: int | None, told: list[int]) -> int | None:
    return min([*told, *([] if known is None else [known])], default=None)
