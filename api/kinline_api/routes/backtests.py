"""Back-tests: what a trigger would have done over the stored history. Nothing is decided and nothing is sent."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlmodel import Session

from kinline import clock
from kinline.backtest import jobs, picture
from kinline.backtest.backtest import Hit, Result, for_reader
from kinline.backtest.jobs import BacktestJob
from kinline.catalogue import backtest_runs, trigger_store
from kinline.catalogue.backtest_runs import Compared, KeptRun
from kinline.catalogue.forecasts import Forecast
from kinline.clock import DAY
from kinline.errors import Invalid, NotFound
from kinline.triggers import read_trigger
from kinline.triggers.durations import LONGEST, span
from kinline_api.call import Call
from kinline_api.json_body import Body
from kinline_api.paging import dated_place, next_cursor
from kinline_api.query import Paged
from kinline_api.response import Answer
from kinline_api.route import Id, delete, get, post
from kinline_api.typed import moment_of

SVG = "image/svg+xml"
#: 64 kB of text, however JSON escapes it.
LARGEST = 400_000
NOW = jobs.NOW


class BacktestIn(Body, frozen=True):
    """``since``, ``until``: a time (RFC 3339) or a duration ago like ``90d``; without ``until``, up to now.

    ``limit``: how many hits are listed; all are counted. ``source``: this text instead of the stored one, before it is
    saved.
    """

    since: Annotated[str, Meta(min_length=1, max_length=40)] = "90d"
    until: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200
    source: str | None = None


class AbsenceShown(msgspec.Struct, frozen=True):
    """What was looked for, and was not there."""

    of: str
    looked_for: str
    since: str | None
    until: str | None


class HitShown(msgspec.Struct, frozen=True, kw_only=True):
    """One decision it would have made: whom it is about, when, and why.

    ``verdict`` is fired, or skipped for that ``reason``. ``held``: why a limit would have kept the message back, or "";
    ``waits_until``: quiet hours would have kept it till then. ``imported``: it rests on imported history.
    """

    person: str
    name: str
    at: str | None
    decided_at: str | None
    episode: str
    verdict: str
    reason: str
    interactions: tuple[str, ...]
    absences: tuple[AbsenceShown, ...]
    held: str
    waits_until: str | None
    imported: bool


class ComparedShown(msgspec.Struct, frozen=True):
    """What the trigger decided in shadow or live, beside the back-test, over the time that both know."""

    since: str | None
    until: str | None
    both: int
    only_decided: int
    only_backtest: int


class RunShown(msgspec.Struct, frozen=True, kw_only=True):
    """A back-test that was run. ``version`` is 0 where this text was never saved.

    ``days`` and ``held_days``: how often it fires by day, in UTC, and how many of those a limit holds back.
    ``overlap``: by trigger, how many hits are within a day of something it did to the same person. ``forecast``: how many
    would act within 24 hours, 7 and 30 days of those who are there, and in the busiest hour, once it is live.
    """

    id: str
    version: int
    since: str | None
    until: str | None
    persons: int
    count: int
    held: int
    skipped: int
    days: Mapping[str, int]
    held_days: Mapping[str, int]
    overlap: Mapping[str, int]
    compared: ComparedShown | None
    forecast: Forecast | None
    at: str | None
    made_by: str


class Backtested(RunShown, frozen=True, kw_only=True):
    """What it would have done. ``count``: how often it fires; ``late``: how many interactions it could only see late;
    ``unknown``: what cannot be reconstructed."""

    trigger: str
    hits: list[HitShown]
    late: int
    unknown: tuple[str, ...]


class BacktestShown(msgspec.Struct, frozen=True, kw_only=True):
    """A back-test that was asked for. ``state``: queued, running, done (with its ``result``), failed (``problem`` says why) or
    cancelled; ``evaluated`` of ``total`` persons were looked at.
    """

    id: str
    trigger: str
    state: str
    evaluated: int
    total: int
    problem: str
    made_by: str
    made_at: str | None
    finished_at: str | None
    result: Backtested | None = None


class Backtests(msgspec.Struct, frozen=True):
    """A page, the newest first."""

    backtests: list[RunShown]
    next: str | None


@get("/v1/triggers/{name}/backtests", scope="read")
def list_backtests(call: Call, name: str, query: Paged) -> Backtests:
    """List the back-tests of a trigger that were run, the newest first. Keys of teams see none: they count everybody."""
    with call.read() as session:
        trigger = trigger_store.named(session, name).id
        about = f"backtests:{trigger}"
        before = dated_place(call, about, query.cursor, backtest_runs.NEWEST)
        rows = backtest_runs.listed(session, trigger, before=before, limit=query.limit + 1) if _sees_all(call) else []
    page = rows[: query.limit]
    more = next_cursor(call, about, (page[-1].at, page[-1].id)) if len(rows) > query.limit else None
    return Backtests([RunShown(**run_fields(run)) for run in page], more)


@get("/v1/triggers/{name}/backtests/{run}/picture", scope="read", answers=bytes, media=SVG)
def read_backtest_picture(call: Call, name: str, run: Id) -> Answer:
    """Read a back-test as a picture: a histogram over its time, as SVG."""
    with call.read() as session:
        row = trigger_store.named(session, name)
        found = backtest_runs.found(session, row.id, run) if _sees_all(call) else None
    if found is None:
        raise NotFound("There is no such back-test.", code="no_such_backtest")
    shown = picture.bars(found.counts.days, found.counts.held_days, found.since, found.until)
    return Answer(picture.svg(row.name, shown).encode(), media_type=SVG)


@post("/v1/triggers/{name}/backtest", scope="triggers", status=202, answers=BacktestShown, limit=LARGEST)
def backtest_trigger(call: Call, name: str, body: BacktestIn) -> Answer:
    """Have a trigger tried out on the stored history: whom it would have reached, when, and because of what.

    A worker does it, for as long as it takes; `Location` is where its progress and its result are read. Its counts are kept:
    a trigger that was tried out may go live.
    """
    now = clock.now()
    since = _since(body.since, now, "/since")
    until = now if body.until is None else _since(body.until, now, "/until")
    if until < since:
        raise Invalid("It ends before it begins.", code="out_of_range", pointer="/until")
    source = _text(call, name, body.source)
    known = read_trigger(source).name
    with call.write() as session:
        job = jobs.ask(
            session, trigger_store.id_of(known), source, since=since, until=NOW if body.until is None else until,
            most=body.limit, made_by=call.holder.name,
        )  # fmt: skip
    place = (("location", f"/v1/triggers/{known}/backtests/{job.id}"),)
    return Answer(msgspec.json.encode(_told(job, known)), 202, headers=place)


@get("/v1/triggers/{name}/backtests/{run}", scope="read", answers=BacktestShown)
def read_backtest(call: Call, name: str, run: Id) -> BacktestShown:
    """Read how far a back-test came, and its result once it is done: what this key may see of it."""
    with call.read() as session:
        job = jobs.found(session, _trigger(session, name), run)
        result = job.told()
        if result is None:
            return _told(job, name)
        seen = for_reader(session, result, call.reader)
        kept = backtest_runs.found(session, job.trigger_id, job.id)
    return _told(job, result.trigger, _shown(seen, kept, job.most) if kept else None)


@delete("/v1/triggers/{name}/backtests/{run}", scope="triggers", status=200, answers=BacktestShown)
def cancel_backtest(call: Call, name: str, run: Id) -> BacktestShown:
    """Call a back-test off that is queued or running. 409: it is over already."""
    with call.write() as session:
        return _told(jobs.cancel(session, _trigger(session, name), run), name)


def _trigger(session: Session, name: str) -> str:
    """The id of the trigger of that name or id, which may not have been saved yet."""
    try:
        return trigger_store.named(session, name).id
    except NotFound:
        return trigger_store.id_of(name)


def _told(job: BacktestJob, trigger: str, result: Backtested | None = None) -> BacktestShown:
    return BacktestShown(
        id=job.id, trigger=trigger, state=job.state, evaluated=job.evaluated, total=job.total, problem=job.problem,
        made_by=job.made_by, made_at=clock.to_text(job.made_at), finished_at=clock.to_text(job.finished_at), result=result,
    )  # fmt: skip


def _text(call: Call, name: str, given: str | None) -> str:
    """The text to try out: what was sent, under its own name, or the newest version."""
    if given is not None and read_trigger(given).name == name:
        return given
    with call.read() as session:
        row = trigger_store.named(session, name)
        if given is None:
            return trigger_store.version(session, row.id, row.version).source
    if read_trigger(given).name != row.name:
        raise Invalid(f"This text is of another trigger than “{row.name}”.", code="other_name", pointer="/source")
    return given


def run_fields(run: KeptRun) -> dict[str, Any]:
    """A kept run, as it is shown."""
    counts = run.counts
    return {
        "id": run.id, "version": run.version, "since": clock.to_text(run.since), "until": clock.to_text(run.until),
        "persons": run.persons, "count": run.fired, "held": run.held, "skipped": run.skipped, "days": counts.days,
        "held_days": counts.held_days, "overlap": counts.overlap, "compared": _compared(counts.compared),
        "forecast": counts.forecast, "at": clock.to_text(run.at), "made_by": run.made_by,
    }  # fmt: skip


def latest_run(call: Call, session: Session, trigger_id: str, source: str) -> RunShown | None:
    """The newest back-test of this text, for who may know of everybody."""
    run = backtest_runs.latest(session, trigger_id, source) if _sees_all(call) else None
    return RunShown(**run_fields(run)) if run else None


def _sees_all(call: Call) -> bool:
    return call.reader.accounts is None


def _compared(found: Compared | None) -> ComparedShown | None:
    if found is None:
        return None
    return ComparedShown(
        clock.to_text(found.since), clock.to_text(found.until), found.both, found.only_decided, found.only_backtest
    )


def _since(text: str, now: int, pointer: str) -> int:
    try:
        return now - span(text).micros
    except ValueError:
        at = _moment(text, pointer)
    if at > now:
        raise Invalid("That lies ahead; history ends now.", code="in_future", pointer=pointer)
    if at < now - LONGEST:
        raise Invalid(f"Look back {LONGEST // (366 * DAY)} years at most.", code="out_of_range", pointer=pointer)
    return at


def _moment(text: str, pointer: str) -> int:
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        given = None
    if given is None or given.tzinfo is None:
        said = f"`{pointer[1:]}` is a time with its zone, like 2026-03-02T09:00:00Z, or a duration, like 90d"
        raise Invalid(f"{said}.", code="invalid_datetime", pointer=pointer)
    return moment_of(given, pointer)


def _shown(result: Result, run: KeptRun, limit: int) -> Backtested:
    """Counted over what this reader sees."""
    seen = {
        "count": result.fired, "held": result.held, "skipped": result.skipped, "days": result.days(),
        "held_days": result.held_days(), "overlap": result.overlap, "compared": _compared(result.compared),
    }  # fmt: skip
    return Backtested(
        **(run_fields(run) | seen), trigger=result.trigger, hits=[_hit(hit) for hit in result.hits[:limit]],
        late=result.late, unknown=result.unknown,
    )  # fmt: skip


def _hit(hit: Hit) -> HitShown:
    return HitShown(
        person=hit.person, name=hit.name, at=clock.to_text(hit.at), decided_at=clock.to_text(hit.decided_at),
        episode=hit.episode, verdict=hit.verdict, reason=hit.reason, interactions=hit.interactions,
        absences=tuple(
            AbsenceShown(each.of, each.looked_for, clock.to_text(each.since), clock.to_text(each.until))
            for each in hit.absences
        ),
        held=hit.held, waits_until=clock.to_text(hit.waits_until), imported=hit.imported,
    )  # fmt: skip
