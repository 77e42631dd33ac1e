"""What a team has to do for people: who waits for an answer of ours, and what somebody of us promised.

One list of both, those who wait longest first. Each of its two sources is read by its own index, a page at a time.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

import msgspec
from sqlalchemy import ColumnElement, bindparam
from sqlmodel import Session, col

from kinline import clock
from kinline.accounts.reader import EVERYTHING, AccessScope
from kinline.desk import promises
from kinline.desk.promises import ORDER, PROMISES, PromisedRow, PromiseShown
from kinline.errors import NotFound
from kinline.identity import persons
from kinline.store.ask import Ask, keyset, place
from kinline.store.models import Person, Promised
from kinline.threads.numbers import number_of
from kinline.waiting import lines, listing
from kinline.waiting.fold import Paused
from kinline.waiting.listing import OLDEST, List, Place, WaitingEntry

#: Letters of what was said that a line shows.
EXCERPT = 300
What = Literal["answer", "promise"]


class WaitingShown(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who waits for us since a time. ``what``: for an answer, or for what was promised.

    ``person`` is "" of somebody who left only a name; ``name_standing`` says how far the name is proved. ``level``:
    ``direct``, ``indirect`` (they spoke to another outsider), ``forwarded`` (one of us passed it on, and who asked is to be
    named). ``also_asks``: indirect words that were judged to be a question or a complaint. ``due_at`` is when the team's
    policy, or the promise, wants it done; null where nothing says so, or the clock rests. ``paused`` says why it rests:
    ``peer`` (``answered_by`` answered them), ``us`` (one of us answered them elsewhere, in ``answered_in``); it rests
    until ``paused_until``, or for good where that is null. ``ended_how``, of one that is over: ``us`` answered, a ``peer``
    did, ``closed``, ``dismissed``, ``withdrawn``.
    """

    id: str
    what: What
    person: str
    name: str
    name_standing: str = ""
    since: str | None
    due_at: str | None
    overdue: bool
    channel: str
    level: str = "direct"
    kind: str = ""
    also_asks: bool = False
    conversation: str | None = None
    number: str = ""
    state: str = ""
    team: str | None = None
    assignee: str | None = None
    said: str = ""
    interaction: str | None = None
    by: str = ""
    paused: str = ""
    paused_until: str | None = None
    answered_by: str | None = None
    answered_in: str | None = None
    answered_at: str | None = None
    ended_at: str | None = None
    ended_how: str = ""


class WorklistFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Of what: an answer or a promise; of which list; on a channel, of a kind, for a team (its name), to a person (a
    root), overdue."""

    what: str = ""
    list: List = List.WAITING
    channel: str = ""
    kind: str = ""
    team: str = ""
    person: str = ""
    overdue: bool | None = None


def listed(
    session: Session, wanted: WorklistFilter | None = None, *, after: Place = OLDEST, limit: int = 50, reader: AccessScope = EVERYTHING
) -> list[tuple[Place, WaitingShown]]:  # fmt: skip
    """A page, those who wait longest first, each with its place in the list."""
    asked = wanted or WorklistFilter()
    found: list[tuple[Place, WaitingShown]] = []
    if asked.what != "promise":
        found += _answers(session, asked, after, limit, reader)
    if asked.what != "answer" and not asked.kind and asked.list is List.WAITING:
        found += _promises(session, asked, after, limit, reader)
    return sorted(found, key=lambda each: each[0])[:limit]


def counted(session: Session, reader: AccessScope = EVERYTHING) -> dict[str, int]:
    """How many stand in each list, up to `kinline.waiting.listing.COUNTED`."""
    return listing.counts(session, List, reader)


def one(session: Session, waiting_id: str, reader: AccessScope = EVERYTHING) -> WaitingShown:
    """One that waits, or waited. Raises `NotFound` also for one whose words the reader may not see."""
    row = listing.one(session, waiting_id, reader)
    if row is None:
        raise NotFound("Nobody waits, or waited, by this id.", code="nobody_waits")
    return _answer(row, _People(session, [row]))


def _answers(
    session: Session, asked: WorklistFilter, after: Place, limit: int, reader: AccessScope
) -> list[tuple[Place, WaitingShown]]:
    mine = persons.identities_of(session, [asked.person]) if asked.person else {}
    wanted = listing.WaitingFilter(
        list=asked.list, channel=asked.channel, kind=asked.kind, team=asked.team, overdue=asked.overdue,
        identities=frozenset(mine.get(asked.person, ())) if asked.person else None,
    )  # fmt: skip
    rows = listing.listed(session, wanted, after=after, limit=limit, reader=reader)
    known = _People(session, rows)
    return [((row.since, row.id), _answer(row, known)) for row in rows]


class _People:
    """Who the people of a page are, who answered them, and where."""

    def __init__(self, session: Session, rows: Iterable[WaitingEntry]) -> None:
        listed = list(rows)
        paused = {row.paused_by for row in listed if row.paused_by}
        self._answers = lines.load(session, paused) if paused else {}
        self._held = lines.holders(session, {row.identity_id for row in listed if row.identity_id})
        roots = sorted(set(self._held.values()))
        self._views = {view.id: view for view in persons.views(session, roots)} if roots else {}

    def person(self, row: WaitingEntry) -> str:
        return self._held.get(row.identity_id, "")

    def name(self, row: WaitingEntry) -> tuple[str, str]:
        view = self._views.get(self.person(row))
        return (view.name, view.name_standing) if view else (_typed_name(row.doc), "claimed")

    def answered(self, row: WaitingEntry) -> tuple[str | None, str | None]:
        """The person who answered, and the place where one of us did."""
        line = self._answers.get(row.paused_by)
        if line is None:
            return None, None
        return (
            (line.person or None, None)
            if row.paused_how == Paused.PEER
            else (None, line.place if line.place != line.id else None)
        )


def _answer(row: WaitingEntry, known: _People) -> WaitingShown:
    name, standing = known.name(row)
    answered_by, answered_in = known.answered(row)
    resting = row.paused_how if row.paused_until is None or row.paused_until > clock.now() else ""
    return WaitingShown(
        id=row.id, what="answer", person=known.person(row), name=name, name_standing=standing,
        since=clock.to_text(row.since), due_at=clock.to_text(row.due_at),
        overdue=row.due_at is not None and row.due_at < clock.now(), channel=row.channel, level=row.level, kind=row.kind,
        also_asks=bool(row.also_asks), conversation=row.conversation_id,
        number=number_of(row.conversation_id) if row.conversation_id else "", state=row.state or "", team=row.team,
        assignee=row.assignee, said=_excerpt(row.doc), interaction=row.asked_id, paused=resting,
        paused_until=clock.to_text(row.paused_until) if resting else None, answered_by=answered_by,
        answered_in=answered_in, answered_at=clock.to_text(row.paused_at) if resting else None,
        ended_at=clock.to_text(row.ended_at), ended_how=row.ended_how,
    )  # fmt: skip


def _typed_name(doc: str | None) -> str:
    """The name under which somebody wrote who left no handle."""
    parties = msgspec.json.decode(doc).get("parties", ()) if doc else ()
    return next((str(party.get("name", "")) for party in parties if party.get("role") == "author"), "")


def _excerpt(doc: str | None) -> str:
    said = msgspec.json.decode(doc) if doc else {}
    text = " ".join(str(said.get("text") or said.get("subject") or "").split())
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…"


def _promises(
    session: Session, asked: WorklistFilter, after: Place, limit: int, reader: AccessScope
) -> Iterable[tuple[Place, WaitingShown]]:
    page, found = _promise_page(frozenset(_narrowing(asked))), list[tuple[Place, WaitingShown]]()
    while len(found) < limit:
        rows = page.rows(
            session, channel=asked.channel, team=asked.team, person=asked.person, now=clock.now(), most=limit, **place(after)
        )  # fmt: skip
        at = {row.id: row.place for row in rows}
        views = {view.id: view for view in persons.views(session, sorted({row.root_id for row in rows}))}
        visible = promises.visible(session, rows, reader)
        found += [
            (at[each.id], _promise(each, views[each.person].name, views[each.person].name_standing)) for each in visible
        ]
        if len(rows) < limit:
            break
        after = rows[-1].place
    return found[:limit]


_NARROWED: dict[str, ColumnElement[bool]] = {
    "channel": col(Promised.channel) == bindparam("channel"),
    "team": col(Promised.team) == bindparam("team"),
    "person": col(Person.root_id) == bindparam("person"),
    "overdue": col(Promised.due_at) < bindparam("now"),
    "in time": col(Promised.due_at) >= bindparam("now"),
}


def _narrowing(asked: WorklistFilter) -> Iterable[str]:
    yield from (name for name in ("channel", "team", "person") if getattr(asked, name))
    if asked.overdue is not None:
        yield "overdue" if asked.overdue else "in time"


@lru_cache(maxsize=32)
def _promise_page(narrowed: frozenset[str]) -> Ask[PromisedRow]:
    conditions = (_NARROWED[name] for name in sorted(narrowed))
    return Ask(
        PROMISES.where(col(Promised.state) == promises.OPEN, keyset(*ORDER), *conditions)
        .order_by(*ORDER)
        .limit(bindparam("most")),
        PromisedRow,
    )


def _promise(made: PromiseShown, name: str, standing: str) -> WaitingShown:
    return WaitingShown(
        id=made.id, what="promise", person=made.person, name=name, name_standing=standing, since=made.made_at,
        due_at=made.due_at, overdue=made.overdue, channel=made.channel, team=made.team or None, said=made.what,
        interaction=made.interaction, by=made.made_by,
    )  # fmt: skip
