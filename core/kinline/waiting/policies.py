"""How soon a team promises to answer: by priority, counted in a working calendar."""

from functools import cached_property, lru_cache
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete
from sqlmodel import Session, col, select

from kinline import clock
from kinline.accounts.connected import team_named
from kinline.calendars import ALWAYS, Calendar, Spec
from kinline.errors import Conflict, Invalid, NotFound
from kinline.store.ask import Ask, Change
from kinline.store.models import CalendarRow, PolicyRow, Team
from kinline.triggers.definition import CALENDAR
from kinline.triggers.durations import span
from kinline.words import Priority

EVERYBODY = ""  #: the policy of those who have none of their own


class Times(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Durations like "4h" of working time, by priority. A priority without one has no clock."""

    low: str = ""
    normal: str = ""
    high: str = ""
    urgent: str = ""


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How soon the first answer comes, and every further one. Without a calendar: day and night."""

    calendar: str = ""
    first_response: Times = Times()
    next_response: Times = Times()

    def promised(self, priority: str, *, first: bool) -> int | None:
        """Microseconds of working time, or None where nothing is promised."""
        written: str = getattr(self.first_response if first else self.next_response, Priority(priority))
        return span(written).micros if written else None


class _WrittenSpec(msgspec.Struct, frozen=True):
    key: str
    spec: str


_POLICIES = Ask(select(col(PolicyRow.team_id).label("key"), col(PolicyRow.spec)), _WrittenSpec)
_CALENDARS = Ask(
    select(col(CalendarRow.name).label("key"), col(CalendarRow.spec)).order_by(col(CalendarRow.name)), _WrittenSpec
)
_DROP_POLICY = Change(delete(PolicyRow).where(col(PolicyRow.team_id) == bindparam("key")))
_DROP_CALENDAR = Change(delete(CalendarRow).where(col(CalendarRow.name) == bindparam("key")))


class Promise(msgspec.Struct, frozen=True):
    """So much working time of that calendar."""

    calendar: Calendar
    length: int


class Policies:
    """All policies, as the writing transaction sees them. False while there is none: nobody counts anything then."""

    def __init__(self, session: Session) -> None:
        self._of = _policies(session)
        self._session = session

    def __bool__(self) -> bool:
        return bool(self._of)

    def promise(self, team_id: str | None, priority: str, *, first: bool) -> Promise | None:
        policy = self._of.get(team_id or EVERYBODY) or self._of.get(EVERYBODY)
        length = policy.promised(priority, first=first) if policy else None
        if policy is None or length is None:
            return None
        return Promise(self._named(policy.calendar), length)

    def calendar(self, team_id: str | None) -> Calendar:
        """The working time of a team; of one that has none of its own that of the hub: of the policy of everybody, else the
        calendar named `CALENDAR`, else day and night."""
        policy = self._of.get(team_id or EVERYBODY) or self._of.get(EVERYBODY)
        return self._named(policy.calendar if policy and policy.calendar else CALENDAR)

    def _named(self, name: str) -> Calendar:
        written = self._calendars.get(name)
        return _calendar(written) if written else ALWAYS

    @cached_property
    def _calendars(self) -> dict[str, str]:
        return _written(self._session)


@lru_cache(maxsize=64)
def _policy(spec: str) -> Policy:
    return msgspec.json.decode(spec, type=Policy)


@lru_cache(maxsize=64)
def _calendar(spec: str) -> Calendar:
    return Calendar(msgspec.json.decode(spec, type=Spec))


def _policies(session: Session) -> dict[str, Policy]:
    """All of them, by team."""
    return {row.key: _policy(row.spec) for row in _POLICIES.rows(session)}


def _written(session: Session) -> dict[str, str]:
    """All calendars as they were written, by name."""
    return {row.key: row.spec for row in _CALENDARS.rows(session)}


def calendars(session: Session) -> dict[str, Spec]:
    return {name: msgspec.json.decode(spec, type=Spec) for name, spec in _written(session).items()}


def working(session: Session) -> dict[str, Calendar]:
    """All calendars by name, ready to count in."""
    return {name: _calendar(spec) for name, spec in _written(session).items()}


def calendar(session: Session, name: str) -> Spec:
    """Raises `NotFound`."""
    row = session.get(CalendarRow, name)
    if row is None:
        raise NotFound(f"There is no calendar “{name[:60]}”.", code="no_such_calendar")
    return msgspec.json.decode(row.spec, type=Spec)


def save_calendar(session: Session, name: str, spec: Spec) -> None:
    """Write it, new or in place of the one of that name. Raises `Invalid` for what cannot be a calendar."""
    _named(name)
    Calendar(spec)
    session.merge(CalendarRow(name=name, spec=_text(spec), changed_at=clock.now()))
    session.flush()


def drop_calendar(session: Session, name: str) -> None:
    """Raises `Conflict` while a team counts in it."""
    calendar(session, name)
    users = [team for team, policy in _policies(session).items() if policy.calendar == name]
    if users:
        raise Conflict(f"{len(users)} policies count in this calendar: change them first.", code="in_use")
    _DROP_CALENDAR.run(session, key=name)


def policy(session: Session, team: str) -> Policy:
    """The policy of a team by its name; of "" that of everybody else. Raises `NotFound`."""
    row = session.get(PolicyRow, _team(session, team))
    if row is None:
        raise NotFound("There is no policy for this team.", code="no_such_policy")
    return _policy(row.spec)


def save_policy(session: Session, team: str, given: Policy) -> str:
    """Write it; returns the team's id. Raises `Invalid` with a pointer."""
    for field, times in (("first_response", given.first_response), ("next_response", given.next_response)):
        for priority, written in msgspec.structs.asdict(times).items():
            if written:
                _check_duration(written, f"/{field}/{priority}")
    if given.first_response == given.next_response == Times():
        raise Invalid("A policy promises something: give a duration.", code="required", pointer="/first_response")
    if given.calendar and session.get(CalendarRow, given.calendar) is None:
        raise Invalid(f"There is no calendar “{given.calendar[:60]}”.", code="no_such_calendar", pointer="/calendar")
    team_id = team_named(session, team).id if team else EVERYBODY
    session.merge(PolicyRow(team_id=team_id, spec=_text(given), changed_at=clock.now()))
    session.flush()
    return team_id


def drop_policy(session: Session, team: str) -> str:
    """Promise nothing any more. Returns the team's id."""
    policy(session, team)
    team_id = _team(session, team)
    _DROP_POLICY.run(session, key=team_id)
    return team_id


def _team(session: Session, team: str) -> str:
    if not team:
        return EVERYBODY
    found = session.exec(select(Team.id).where(Team.name == team)).first()
    if found is None:
        raise NotFound(f"There is no team “{team[:60]}”.", code="no_such_team")
    return found


def _check_duration(written: str, pointer: str) -> None:
    try:
        span(written)
    except ValueError as error:
        raise Invalid(f"{error}.", code="invalid_duration", pointer=pointer) from None


def _named(name: str) -> None:
    if not name.strip() or len(name) > 100:
        raise Invalid("A calendar needs a name of 1 to 100 characters.", code="invalid_name")


def _text(given: Any) -> str:
    return msgspec.json.encode(given).decode()
