"""Everything stored that bears on how somebody waits in a place, from a moment on."""

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import Integer, bindparam, literal_column, select
from sqlmodel import Session, col

from kinline.store.ask import Ask, among
from kinline.store.models import Asker, Dismissal, InteractionRow, Participant, ThreadKey
from kinline.waiting import lines, places
from kinline.waiting.events import Pair, Pairs, Until, World, by_pair
from kinline.waiting.fold import End, Ended, Event
from kinline.waiting.places import PlaceState
from kinline.waiting.rules import WaitingLine
from kinline.words import ASKING, Direction, Kind, Role, Visibility

_OWN_KINDS = sorted({*map(str, ASKING), str(Kind.REACTION)})


class _Found(msgspec.Struct, frozen=True):
    interaction_id: str
    ours: int


class _Dismissed(msgspec.Struct, frozen=True):
    id: str
    who: str
    place: str
    at: int


_OWN = select(col(Participant.interaction_id), literal_column("0", Integer).label("ours")).where(
    among(col(Participant.identity_id), "identities"),
    col(Participant.role) == Role.AUTHOR.value,
    col(Participant.kind).in_(_OWN_KINDS),
    col(Participant.sort_at) >= bindparam("since"),
)
#: What one of us passed on, and somebody said that they had asked it.
_PASSED_ON = select(col(Asker.interaction_id), literal_column("0", Integer)).where(
    among(col(Asker.identity_id), "identities")
)
_TO_THEM = (
    select(col(Participant.interaction_id), literal_column("1", Integer))
    .join(InteractionRow, col(InteractionRow.id) == col(Participant.interaction_id))
    .where(
        among(col(Participant.identity_id), "identities"),
        col(Participant.direction) == Direction.OUTBOUND.value,
        col(Participant.role) != Role.AUTHOR.value,
        col(Participant.sort_at) >= bindparam("since"),
        col(InteractionRow.automatic) == "",
        col(InteractionRow.kind) != Kind.NOTE.value,
    )
)
_OURS_IN = (
    select(col(InteractionRow.id), literal_column("1", Integer))
    .join(ThreadKey, col(ThreadKey.id) == col(InteractionRow.thread_key_id))
    .where(
        among(col(ThreadKey.conversation_id), "places"),
        col(InteractionRow.direction) == Direction.OUTBOUND.value,
        col(InteractionRow.automatic) == "",
        col(InteractionRow.kind) != Kind.NOTE.value,
        col(InteractionRow.sort_at) >= bindparam("since"),
    )
)
#: What they said, and what one of us said to them anywhere, and where all who take part get it.
_SAID = Ask(_OWN.union_all(_PASSED_ON, _TO_THEM, _OURS_IN), _Found)
_DISMISSED = Ask(
    select(col(Dismissal.id), col(Dismissal.who), col(Dismissal.place), col(Dismissal.at)).where(
        among(col(Dismissal.who), "those"), col(Dismissal.undone_at).is_(None)
    ),
    _Dismissed,
)


def load(
    session: Session, found: dict[str, WaitingLine], standing: Mapping[str, PlaceState], starts: Mapping[Pair, int], since: int,
    held: Mapping[str, str], mine: Mapping[str, Iterable[str]], until: Until,
) -> dict[Pair, list[Event]]:  # fmt: skip
    """The events of each pair from its start on. ``found``: the interactions that are known, to which those behind the
    events come; ``standing``: how their places stand; ``since``: the earliest that any clock says of what was asked;
    ``held``: the person of whoever waits; ``mine``: all identities of a person."""
    here = {place for _, place in starts}
    own, ours = _said(session, standing, starts, since, held, mine)
    found |= lines.load(session, own, found)
    own = {each for each in own if each in found and found[each].place in here}
    after = lines.answering(session, own)
    found |= lines.load(session, ours | after, found)
    peers = {each for each in after if each in found and not found[each].ours}
    reactions = lines.answering(session, peers)  # by whatever clock
    found |= lines.load(session, reactions, found)
    world = World(found, until)
    pairs = Pairs((pair, held.get(pair[0], pair[0])) for pair in starts)
    events = [event for each in own | reactions if each in found for event in world.own(found[each])]
    events += [event for each in ours | after if each in found for event in world.answer(found[each], pairs)]
    events += [event for each in after if each in found for event in world.help(found[each])]
    events += _said_by_us(session, standing, starts)
    kept = by_pair((pair, event) for pair, event in events if pair in starts and event.at >= starts[pair])
    return {pair: kept.get(pair, []) for pair in starts}


def _said(
    session: Session, standing: Mapping[str, PlaceState], starts: Mapping[Pair, int], since: int, held: Mapping[str, str],
    mine: Mapping[str, Iterable[str]],
) -> tuple[set[str], set[str]]:  # fmt: skip
    """What they said, and what one of us said that may be an answer."""
    identities = sorted({each for who, _ in starts if who in held for each in mine.get(held[who], (who,))})
    private = sorted(
        {place for _, place in starts if place in standing and standing[place].visibility != Visibility.PUBLIC}
    )
    rows = _SAID.rows(session, identities=identities, places=private, since=since)
    nameless = {who for who, _ in starts if who not in held}  # such a word waits as itself
    return {row.interaction_id for row in rows if not row.ours} | nameless, {
        row.interaction_id for row in rows if row.ours
    }


def _said_by_us(
    session: Session, standing: Mapping[str, PlaceState], starts: Mapping[Pair, int]
) -> Iterable[tuple[Pair, Event]]:
    """That their place was solved or closed, or that their words need no answer."""
    by_place: dict[str, list[Pair]] = {}
    for pair in starts:
        if pair[1] in standing and standing[pair[1]].state_at is not None:
            by_place.setdefault(pair[1], []).append(pair)
    for place, moved in places.moves(session, by_place).items():
        for move in moved:
            if move.state in places.OVER:
                for pair in by_place[place]:
                    yield pair, places.closing(move.at, move.made_by, elsewhere=bool(move.elsewhere))
    for row in _DISMISSED.rows(session, those=sorted({who for who, _ in starts})):
        if (row.who, row.place) in starts:
            yield (row.who, row.place), End(at=row.at, by=row.id, how=Ended.DISMISSED, seen_until=row.at)
