"""Back-tests that were run, as they are kept: counts, and nobody's name.

A run belongs to a text, saved or not: what was tried out before it was saved is known of the version that has it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock, ids
from kinline.catalogue.forecasts import Forecast
from kinline.store import sql
from kinline.store.models import BacktestRun, metadata

_RUN = metadata.tables[str(BacktestRun.__tablename__)]
Place = tuple[int, str]  #: at, id
NEWEST: Place = (2**62, "")


class Compared(msgspec.Struct, frozen=True):
    """What a trigger decided in shadow or live, and what the back-test says, over the time that both know.

    ``both``: the same person, once-key and moment; the others stand on one side only.
    """

    since: int
    until: int
    both: int
    only_decided: int
    only_backtest: int


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """``days`` and ``held_days`` by date, in UTC: how often it fires, and how many of those a limit holds back.

    ``overlap``: by trigger, how many hits are within a day of something that it did. ``compared``: with what this
    trigger decided in shadow or live. ``forecast``: what it will do once it is live.
    """

    days: Mapping[str, int] = {}
    held_days: Mapping[str, int] = {}
    overlap: Mapping[str, int] = {}
    compared: Compared | None = None
    forecast: Forecast | None = None


class KeptRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run. ``version`` is 0 where this text was never saved."""

    id: str
    version: int
    since: int
    until: int
    persons: int
    fired: int
    skipped: int
    held: int
    counts: Counts
    at: int
    made_by: str


def keep(session: Session, trigger_id: str, text: str, run: KeptRun) -> KeptRun:
    """Keep a run of this text."""
    saved = sql.run(
        session, "SELECT max(version) FROM trigger_version WHERE trigger_id = {p} AND source = {p}", trigger_id, text
    )
    kept = msgspec.structs.replace(run, version=saved[0][0] or 0)
    row = (
        kept.id, trigger_id, kept.version, text_id(text), kept.since, kept.until, kept.persons, kept.fired,
        kept.skipped, kept.held, msgspec.json.encode(kept.counts).decode(), kept.at, kept.made_by,
    )  # fmt: skip
    sql.insert(session, _RUN, [row])
    return kept


def belong(session: Session, trigger_id: str, version: int, text: str) -> None:
    """What was tried out before it was saved is of this version."""
    sql.changed(
        session,
        "UPDATE backtest SET version = {p} WHERE trigger_id = {p} AND text_id = {p}",
        version, trigger_id, text_id(text),
    )  # fmt: skip


def latest(session: Session, trigger_id: str, text: str) -> KeptRun | None:
    """The newest run of this very text."""
    rows = sql.run(
        session,
        f"{_SELECT} WHERE trigger_id = {{p}} AND text_id = {{p}} ORDER BY at DESC, id DESC LIMIT 1",
        trigger_id, text_id(text),
    )  # fmt: skip
    return _run(rows[0]) if rows else None


def listed(session: Session, trigger_id: str, *, before: Place = NEWEST, limit: int = 50) -> list[KeptRun]:
    """The newest first, of all texts."""
    rows = sql.run(
        session,
        f"{_SELECT} WHERE trigger_id = {{p}} AND (at, id) < ({{p}}, {{p}}) ORDER BY at DESC, id DESC LIMIT {{p}}",
        trigger_id, *before, limit,
    )  # fmt: skip
    return [_run(row) for row in rows]


def found(session: Session, trigger_id: str, run_id: str) -> KeptRun | None:
    rows = sql.run(session, f"{_SELECT} WHERE id = {{p}} AND trigger_id = {{p}}", run_id, trigger_id)
    return _run(rows[0]) if rows else None


def made(
    since: int,
    until: int,
    persons: int,
    fired: int,
    skipped: int,
    held: int,
    counts: Counts,
    by: str,
    run_id: str = "",
) -> KeptRun:
    """A run that was just made."""
    return KeptRun(
        id=run_id or ids.new(), version=0, since=since, until=until, persons=persons, fired=fired, skipped=skipped, held=held,
        counts=counts, at=clock.now(), made_by=by,
    )  # fmt: skip


def override_of(session: Session, trigger_id: str, version: int) -> str:
    """Why this version may go live without a back-test, or ""."""
    rows = sql.run(
        session, "SELECT override FROM trigger_version WHERE trigger_id = {p} AND version = {p}", trigger_id, version
    )
    return str(rows[0][0]) if rows else ""


def text_id(text: str) -> str:
    return ids.derived("trigger text", text)


_SELECT = "SELECT id, version, since, until, persons, fired, skipped, held, counts, at, made_by FROM backtest"


def _run(row: tuple[Any, ...]) -> KeptRun:
    (each, version, since, until, persons, fired, skipped, held, counts, at, by) = row
    return KeptRun(
        id=each, version=version, since=since, until=until, persons=persons, fired=fired, skipped=skipped, held=held,
        counts=msgspec.json.decode(counts, type=Counts), at=at, made_by=by,
    )  # fmt: skip
