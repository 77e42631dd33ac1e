"""What teams promise and repeat: working calendars, response times, macros."""

from typing import Annotated

import msgspec
from msgspec import Meta

from kinline.calendars import Spec
from kinline.catalogue import calendar_use, trigger_store
from kinline.desk import macros
from kinline.desk.macros import Macro, MacroStep
from kinline.waiting import due, policies
from kinline.waiting.policies import Policy
from kinline_api.call import Call
from kinline_api.idempotency import Agent
from kinline_api.json_body import Body
from kinline_api.route import delete, get, put


class Calendars(msgspec.Struct, frozen=True):
    """All calendars by name."""

    calendars: dict[str, Spec]


class PolicySaved(msgspec.Struct, frozen=True):
    """The policy, and how many answers that are owed got a new time by it."""

    team: str
    policy: Policy
    aimed_again: int


class CalendarDropped(msgspec.Struct, frozen=True):
    dropped: str


class MacroBody(Body, frozen=True, kw_only=True):
    """What it is for, and its steps in order."""

    steps: tuple[MacroStep, ...]
    about: Annotated[str, Meta(max_length=1000)] = ""
    agent: Agent = ""


class Macros(msgspec.Struct, frozen=True):
    """The newest version of each."""

    macros: list[Macro]


@get("/v1/calendars", scope="read")
def list_calendars(call: Call) -> Calendars:
    """List the working calendars."""
    with call.read() as session:
        return Calendars(policies.calendars(session))


@put("/v1/calendars/{name}", scope="desk")
def save_calendar(call: Call, name: str, body: Spec) -> Spec:
    """Write a working calendar: weekly hours in a time zone, without holidays.

    What is owed in it gets its new time at once; what triggers wait for in it is looked at anew.
    """
    with call.write() as session:
        policies.save_calendar(session, name, body)
        due.aim_all(session)
        calendar_use.count_anew(session, trigger_store.counting_in(session, name))
    return body


@get("/v1/calendars/{name}", scope="read")
def read_calendar(call: Call, name: str) -> Spec:
    """Read a working calendar."""
    with call.read() as session:
        return policies.calendar(session, name)


@delete("/v1/calendars/{name}", scope="desk")
def drop_calendar(call: Call, name: str) -> CalendarDropped:
    """Drop a working calendar. 409 while a policy, or a trigger that is no draft, counts in it."""
    with call.write() as session:
        calendar_use.refuse_while_counted_in(session, name, trigger_store.counting_in(session, name))
        policies.drop_calendar(session, name)
    return CalendarDropped(name)


@put("/v1/teams/{team}/policy", scope="desk")
def save_team_policy(call: Call, team: str, body: Policy) -> PolicySaved:
    """Promise answers for a team: durations of working time, by priority, for the first answer and the next ones."""
    return _save(call, team, body)


@get("/v1/teams/{team}/policy", scope="read")
def read_team_policy(call: Call, team: str) -> Policy:
    """Read what a team promises."""
    with call.read() as session:
        return policies.policy(session, team)


@delete("/v1/teams/{team}/policy", scope="desk")
def drop_team_policy(call: Call, team: str) -> CalendarDropped:
    """Promise nothing of its own for a team any more."""
    return _drop(call, team)


@put("/v1/policy", scope="desk")
def save_policy(call: Call, body: Policy) -> PolicySaved:
    """Promise answers for every conversation whose team has no policy of its own."""
    return _save(call, "", body)


@get("/v1/policy", scope="read")
def read_policy(call: Call) -> Policy:
    """Read what is promised where a team promises nothing of its own."""
    with call.read() as session:
        return policies.policy(session, "")


@delete("/v1/policy", scope="desk")
def drop_policy(call: Call) -> CalendarDropped:
    """Promise nothing any more where a team has no policy of its own."""
    return _drop(call, "")


@get("/v1/macros", scope="read")
def list_macros(call: Call) -> Macros:
    """List the macros, each in its newest version."""
    with call.read() as session:
        return Macros(macros.every(session))


@put("/v1/macros/{name}", scope="desk")
def save_macro(call: Call, name: str, body: MacroBody) -> Macro:
    """Save a macro as its next version. Its texts are templates, checked now."""
    with call.write() as session:
        by = body.agent.strip() or call.holder.name
        return macros.save(session, name, body.steps, about=body.about, by=by)


@get("/v1/macros/{name}", scope="read")
def read_macro(call: Call, name: str) -> Macro:
    """Read the newest version of a macro."""
    with call.read() as session:
        return macros.latest(session, name)


def _save(call: Call, team: str, body: Policy) -> PolicySaved:
    with call.write() as session:
        policies.save_policy(session, team, body)
        return PolicySaved(team, body, due.aim_all(session))


def _drop(call: Call, team: str) -> CalendarDropped:
    with call.write() as session:
        policies.drop_policy(session, team)
        due.aim_all(session)
    return CalendarDropped(team)
