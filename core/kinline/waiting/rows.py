"""The times that people waited, as they are stored."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from sqlalchemy import bindparam, delete, or_, select, update
from sqlmodel import Session, col

from kinline import clock, ids
from kinline.store import sql
from kinline.store.ask import Ask, Change, OneText, among, columns
from kinline.store.models import Dismissal, WaitingRow, metadata
from kinline.waiting.events import Pair
from kinline.waiting.fold import Episode
from kinline.waiting.rules import Level

_TABLE = metadata.tables[str(WaitingRow.__tablename__)]
_COLUMNS = tuple(column.name for column in _TABLE.columns)
_rests = msgspec.json.Decoder(tuple[tuple[int, int], ...])


class Tab(msgspec.Struct, frozen=True):
    """The names of the lists in which those stand who wait."""

    waiting: str = "waiting"
    paused: str = "paused"  #: a peer answered, or one of us elsewhere and not long ago
    indirect: str = "indirect"
    forwarded: str = "forwarded"
    imported: str = "imported"  #: history: it was never waited for here


TAB = Tab()


class StoredEpisode(msgspec.Struct):
    """A row: its id, whose it is, and the episode. ``due_at``: when the promised answer is due."""

    id: str
    who: str
    identity: str
    place: str
    episode: Episode
    due_at: int | None = None

    @property
    def pair(self) -> Pair:
        return self.who, self.place


class _EpisodeRow(msgspec.Struct, frozen=True):
    id: str
    who: str
    identity_id: str
    place: str
    channel: str
    level: str
    kind: str
    since: int
    asked_id: str
    imported: int
    also_asks: int
    last_at: int
    last_asked_at: int
    last_known_at: int
    begun_at: int
    said_from: int
    paused_at: int | None
    paused_how: str
    paused_by: str
    paused_until: int | None
    rests: str
    ended_at: int | None
    ended_how: str
    ended_by: str
    due_at: int | None
    tab: str


#: What a row and an episode call alike and write alike.
_ALIKE = tuple(
    name
    for name in _EpisodeRow.__struct_fields__
    if name in Episode.__struct_fields__ and name not in ("level", "imported", "also_asks", "rests")
)
_ALL = select(*[col(getattr(WaitingRow, name)) for name in _COLUMNS])
_NOT_BEFORE = or_(col(WaitingRow.ended_at).is_(None), col(WaitingRow.ended_at) >= bindparam("since"))
_OF = Ask(_ALL.where(among(col(WaitingRow.who), "those"), _NOT_BEFORE), _EpisodeRow)
_OPEN_IN = Ask(_ALL.where(among(col(WaitingRow.place), "places"), _NOT_BEFORE), _EpisodeRow)
_IN = Ask(_ALL.where(among(col(WaitingRow.place), "places")), _EpisodeRow)
_BY_ID = Ask(_ALL.where(col(WaitingRow.id) == bindparam("row")), _EpisodeRow)


class _Place(msgspec.Struct, frozen=True):
    place: str


_PLACES = Ask(
    select(col(WaitingRow.place))
    .where(col(WaitingRow.place) > bindparam("after"), col(WaitingRow.ended_at).is_(None))
    .distinct()
    .order_by(col(WaitingRow.place))
    .limit(bindparam("most")),
    _Place,
)


def of_those(session: Session, those: Iterable[str], since: int) -> list[StoredEpisode]:
    """The rows of these that were not over before that moment, wherever they wait."""
    listed = sorted(set(those))
    return [_stored(row) for row in _OF.rows(session, those=listed, since=since)] if listed else []


def known(session: Session, pairs: Sequence[Pair]) -> list[Pair]:
    """Those of these that have a row."""
    wanted = set(pairs)
    found = of_those(session, {who for who, _ in wanted}, -(2**62)) if wanted else []
    return sorted({row.pair for row in found} & wanted)


def open_in(session: Session, places: Iterable[str], since: int) -> list[StoredEpisode]:
    """The rows of these places that were not over before that moment."""
    listed = sorted(set(places))
    return [_stored(row) for row in _OPEN_IN.rows(session, places=listed, since=since)] if listed else []


def places_open(session: Session, at_once: int = 500) -> Iterator[list[str]]:
    """The places in which somebody waits, some at a time."""
    after = ""
    while page := _PLACES.rows(session, after=after, most=at_once):
        after = page[-1].place
        yield [row.place for row in page]


def every_in(session: Session, places: Iterable[str]) -> list[StoredEpisode]:
    """All rows of these places, also those long over."""
    return [_stored(row) for row in _IN.rows(session, places=sorted(set(places)))]


def one(session: Session, row_id: str) -> StoredEpisode | None:
    found = _BY_ID.first(session, row=row_id)
    return _stored(found) if found else None


def move(session: Session, old: str, place: str) -> list[Pair]:
    """What waited in a conversation waits in the one into which it was joined. Returns the pairs of both."""
    for change in (_MOVE_WAITING, _MOVE_DISMISSED):
        change.run(session, old=old, new=place)
    return [(row.text, place) for row in _WHO.rows(session, place=place)]


def copy_dismissals(session: Session, place: str, fresh: str) -> None:
    """What was said of those who waited in a place is said of them in its part too."""
    for row in _DISMISSED.rows(session, place=place):
        session.add(Dismissal(id=ids.new(), place=fresh, **msgspec.structs.asdict(row)))
    session.flush()


def write(
    session: Session, before: Sequence[StoredEpisode], after: Mapping[Pair, Sequence[tuple[Episode, int | None]]]
) -> None:
    """Put the episodes of these pairs, each with its due time, in place of the rows that there were of them. Those that
    stand in the same order keep their id."""
    known: dict[Pair, list[StoredEpisode]] = defaultdict(list)
    for row in sorted(before, key=lambda each: (each.episode.since, each.id)):
        known[row.pair].append(row)
    rows, gone = list[tuple[object, ...]](), list[str]()
    for pair, episodes in sorted(after.items()):
        old = known.get(pair, [])
        for number, (episode, due_at) in enumerate(episodes):
            if number < len(old) and (old[number].episode, old[number].due_at) == (episode, due_at):
                continue
            rows.append(_values(old[number].id if number < len(old) else ids.new(), pair, episode, due_at))
        gone += [row.id for row in old[len(episodes) :]]
    sql.upsert(session, _TABLE, _COLUMNS, sorted(rows), _REPLACED)
    if gone:
        _GONE.run(session, rows=sorted(gone))


def due(session: Session, row_id: str, due_at: int | None) -> None:
    """Give a row its new due time."""
    _DUE.run(session, row=row_id, due=due_at)


def put(session: Session, row: StoredEpisode) -> None:
    """Put a row into the list in which it stands now."""
    _TABBED.run(session, row=row.id, list=tab_of(row.episode, clock.now()))


class _StandingDismissal(msgspec.Struct, frozen=True):
    who: str
    at: int
    reason: str
    made_by: str


_MOVE_WAITING, _MOVE_DISMISSED = (
    Change(update(table).where(col(table.place) == bindparam("old")).values(place=bindparam("new")))
    for table in (WaitingRow, Dismissal)
)
_WHO = Ask(
    select(col(WaitingRow.who).label("text")).where(col(WaitingRow.place) == bindparam("place")).distinct(), OneText
)
_DISMISSED = Ask(
    select(*columns(Dismissal, _StandingDismissal)).where(
        col(Dismissal.place) == bindparam("place"), col(Dismissal.undone_at).is_(None)
    ),
    _StandingDismissal,
)
_GONE = Change(delete(WaitingRow).where(among(col(WaitingRow.id), "rows")))
_TABBED = Change(_TABLE.update().where(_TABLE.c.id == bindparam("row")).values(tab=bindparam("list")))
_DUE = Change(_TABLE.update().where(_TABLE.c.id == bindparam("row")).values(due_at=bindparam("due")))
_REPLACED = "ON CONFLICT (id) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in _COLUMNS if name != "id"
)


def tab_of(episode: Episode, now: int) -> str:
    if not episode.open:
        return ""
    if episode.level is not Level.DIRECT:
        return TAB.indirect if episode.level is Level.INDIRECT else TAB.forwarded
    if episode.imported:
        return TAB.imported
    rests = episode.paused_at is not None and (episode.paused_until is None or episode.paused_until > now)
    return TAB.paused if rests else TAB.waiting


def _values(row_id: str, pair: Pair, episode: Episode, due_at: int | None) -> tuple[object, ...]:
    who, place = pair
    given = {name: getattr(episode, name) for name in _ALIKE} | {
        "id": row_id,
        "who": who,
        "identity_id": "" if who == episode.asked_id else who,
        "place": place,
        "level": episode.level,
        "imported": int(episode.imported),
        "also_asks": int(episode.also_asks),
        "rests": msgspec.json.encode(episode.rests).decode(),
        "due_at": due_at,
        "tab": tab_of(episode, clock.now()),
    }
    return tuple(given[name] for name in _COLUMNS)


def _stored(row: _EpisodeRow) -> StoredEpisode:
    episode = Episode(
        level=Level(row.level), imported=bool(row.imported), also_asks=bool(row.also_asks), rests=_rests.decode(row.rests),
        **{name: getattr(row, name) for name in _ALIKE},
    )  # fmt: skip
    return StoredEpisode(row.id, row.who, row.identity_id, row.place, episode, row.due_at)
