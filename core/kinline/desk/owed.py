"""What we owe, as people look at it: who waits for us since when, on any channel, and what we promised them.

One list of both, those who wait longest first. Each of its two sources is read by its own index, a page at a time.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.accounts.reader import EVERYTHING, Reader
from kinline.desk import promises
from kinline.desk.numbers import number_of
from kinline.desk.promises import PromiseShown
from kinline.errors import NotFound
from kinline.identity import persons
from kinline.identity.persons import of_identity, spans
from kinline.store import sql

Place = tuple[int, str]  #: since, id
OLDEST: Place = (-(2**62), "")
#: Letters of what was said that a line shows.
EXCERPT = 300
What = Literal["answer", "promise"]


class OwedShown(msgspec.Struct, frozen=True, kw_only=True):
    """Something that we owe a person since a time. ``what``: an answer, or a promise.

    ``due_at`` is when the team's policy, or the promise, wants it done; null where nothing says so. ``paused``: their
    conversation waits for them or for somebody else, so no clock runs. ``answered_by``: who answered them instead of us.
    """

    id: str
    what: What
    person: str
    name: str
    since: str | None
    due_at: str | None
    overdue: bool
    paused: bool = False
    channel: str
    kind: str = ""
    conversation: str | None = None
    number: str = ""
    state: str = ""
    team: str | None = None
    assignee: str | None = None
    said: str = ""
    interaction: str | None = None
    by: str = ""
    answered_by: str | None = None
    answered_at: str | None = None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Of what: an answer or a promise; on a channel, of a kind, for a team (its name), to a person (a root), overdue."""

    what: str = ""
    channel: str = ""
    kind: str = ""
    team: str = ""
    person: str = ""
    overdue: bool | None = None


_ANSWERS = (
    "SELECT o.since, o.id, o.identity_id, o.channel, o.kind, o.interaction_id, c.id, c.state, t.name, c.assignee, c.due_at, "
    "c.wait_for, c.run_since, i.doc, o.answered_at, o.answered_in FROM owed o LEFT JOIN conversation c ON c.id = o.place "
    "LEFT JOIN team t ON t.id = c.team_id LEFT JOIN interaction i ON i.id = o.interaction_id WHERE "
)
_SEEN = "EXISTS (SELECT 1 FROM copy y WHERE y.source_id = i.source_id AND y.interaction_id = i.id AND y.account_id {in}) AND "


def listed(
    session: Session,
    wanted: Wanted | None = None,
    *,
    after: Place = OLDEST,
    limit: int = 50,
    reader: Reader = EVERYTHING,
) -> list[tuple[Place, OwedShown]]:
    """A page, those who wait longest first, each with its place in the list."""
    asked = wanted or Wanted()
    found: list[tuple[Place, OwedShown]] = []
    if asked.what != "promise":
        found += _answers(session, asked, after, limit, reader)
    if asked.what != "answer" and not asked.kind:
        found += _promises(session, asked, after, limit, reader)
    return sorted(found, key=lambda each: each[0])[:limit]


def helped(
    session: Session, *, after: Place = OLDEST, limit: int = 50, reader: Reader = EVERYTHING
) -> list[tuple[Place, OwedShown]]:
    """Who waited for us and was answered by somebody else, in the order in which they were."""
    narrowed = "o.answered_by = 'peer' AND o.asked_at IS NOT NULL AND (o.answered_at, o.id) > ({p}, {p}) "
    rows = _read(session, f"{narrowed}ORDER BY o.answered_at, o.id LIMIT {{p}}", reader, *after, limit)
    known = _people(session, rows)
    return [((row[14], row[1]), _answer(session, row, known)) for row in rows]


def _answers(
    session: Session, asked: Wanted, after: Place, limit: int, reader: Reader
) -> Iterator[tuple[Place, OwedShown]]:
    """A page for each channel, by the index that begins with it; the first of all of them are the page."""
    narrowed, values = _narrowed(session, asked)
    statement = (
        f"o.channel = {{p}} AND o.since IS NOT NULL AND (o.since, o.id) > ({{p}}, {{p}}) {narrowed}"
        "ORDER BY o.since, o.id LIMIT {p}"
    )
    channels = [(asked.channel,)] if asked.channel else sql.run(session, "SELECT DISTINCT channel FROM account")
    rows = [row for (each,) in channels for row in _read(session, statement, reader, each, *after, *values, limit)]
    first = sorted(rows, key=lambda row: row[:2])[:limit]
    known = _people(session, first)
    return (((row[0], row[1]), _answer(session, row, known)) for row in first)


def _narrowed(session: Session, asked: Wanted) -> tuple[str, list[Any]]:
    narrowed, values = "", list[Any]()
    for column, value in (("o.kind", asked.kind), ("t.name", asked.team)):
        if value:
            narrowed, values = f"{narrowed}AND {column} = {{p}} ", [*values, value]
    if asked.overdue is not None:
        late = "c.wait_for IS NOT NULL AND c.due_at < {p}"
        narrowed += f"AND {late if asked.overdue else f'NOT coalesce({late}, false)'} "
        values.append(clock.now())
    if asked.person:
        narrowed += f"AND o.identity_id IN ({_quoted(session, asked.person)}) "
    return narrowed, values


def _quoted(session: Session, root: str) -> str:
    """The person's identities, which are ids of ours, as a list for SQL."""
    return ", ".join(f"'{each}'" for each in sorted({span.identity_id for span in spans(session, root)})) or "''"


def _read(session: Session, narrowed: str, reader: Reader, *values: Any) -> list[tuple[Any, ...]]:
    if reader.accounts is None:
        return sql.run(session, _ANSWERS + narrowed, *values)
    return sql.select_in(session, _ANSWERS + _SEEN + narrowed, reader.accounts, *values)


def _people(session: Session, rows: Iterable[tuple[Any, ...]]) -> dict[str, tuple[str, str]]:
    """Who holds each identity of these rows, and what they are called."""
    held = {identity: _person(session, identity) for identity in {row[2] for row in rows}}
    names = _names(session, held.values())
    return {identity: (root, names.get(root, "")) for identity, root in held.items()}


def _names(session: Session, roots: Iterable[str]) -> dict[str, str]:
    return {view.id: view.name for view in persons.views(session, sorted({*roots} - {""}))}


def _answer(session: Session, row: tuple[Any, ...], known: dict[str, tuple[str, str]]) -> OwedShown:
    (since, each, identity, channel, kind, interaction, conversation, state, team, assignee, due, wait_for, run_since, doc,
     answered_at, answered_in) = row  # fmt: skip
    clocked = wait_for is not None and since is not None
    person, name = known[identity]
    return OwedShown(
        id=each, what="answer", person=person, name=name,
        since=clock.to_text(since), due_at=clock.to_text(due) if clocked else None,
        overdue=clocked and due is not None and due < clock.now(), paused=clocked and run_since is None, channel=channel,
        kind=kind, conversation=conversation, number=number_of(conversation) if conversation else "", state=state or "",
        team=team, assignee=assignee, said=_excerpt(doc), interaction=interaction,
        answered_by=_author(session, answered_in) if since is None else None,
        answered_at=clock.to_text(answered_at) if since is None else None,
    )  # fmt: skip


def _person(session: Session, identity: str) -> str:
    try:
        return of_identity(session, identity)
    except NotFound:
        return ""


def _author(session: Session, interaction: str | None) -> str | None:
    rows = sql.run(session, "SELECT author_id FROM interaction WHERE id = {p}", interaction) if interaction else []
    return _person(session, rows[0][0]) if rows and rows[0][0] else None


def _excerpt(doc: str | None) -> str:
    said = msgspec.json.decode(doc) if doc else {}
    text = " ".join(str(said.get("text") or said.get("subject") or "").split())
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…"


def _promises(
    session: Session, asked: Wanted, after: Place, limit: int, reader: Reader
) -> Iterable[tuple[Place, OwedShown]]:
    values: list[Any] = []
    narrowed = ""
    for column, value in (("r.channel", asked.channel), ("r.team", asked.team), ("p.root_id", asked.person)):
        if value:
            narrowed, values = f"{narrowed}AND {column} = {{p}} ", [*values, value]
    if asked.overdue is not None:
        narrowed, values = f"{narrowed}AND r.due_at {'<' if asked.overdue else '>='} {{p}} ", [*values, clock.now()]
    statement = (
        f"{promises.SELECT}r.state = 'open' AND (r.made_at, r.id) > ({{p}}, {{p}}) {narrowed}"
        "ORDER BY r.made_at, r.id LIMIT {p}"
    )
    found: list[tuple[Place, OwedShown]] = []
    while len(found) < limit:
        rows = sql.run(session, statement, *after, *values, limit)
        at, names = {row[0]: row[8] for row in rows}, _names(session, {row[1] for row in rows})
        visible = promises.visible(session, rows, reader)
        found += [((at[each.id], each.id), _promise(each, names)) for each in visible]
        if len(rows) < limit:
            break
        after = (rows[-1][8], rows[-1][0])
    return found[:limit]


def _promise(made: PromiseShown, names: dict[str, str]) -> OwedShown:
    return OwedShown(
        id=made.id, what="promise", person=made.person, name=names[made.person], since=made.made_at,
        due_at=made.due_at, overdue=made.overdue, channel=made.channel, team=made.team or None, said=made.what,
        interaction=made.interaction, by=made.made_by,
    )  # fmt: skip
