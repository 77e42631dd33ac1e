"""Back-tests that were run, as they are kept: counts, and nobody's name.

A run belongs to a text, saved or not: what was tried out before it was saved is known of the version that has it.
"""

from collections.abc import Mapping

import msgspec
from sqlalchemy import bindparam, func, select, update
from sqlmodel import Session, col

from kinline import clock, ids
from kinline.catalogue.forecasts import Forecast
from kinline.store import sql
from kinline.store.ask import Ask, Change, columns, keyset, place
from kinline.store.models import BacktestRun, TriggerVersion, metadata

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


class _RunRow(msgspec.Struct, frozen=True):
    id: str
    version: int
    since: int
    until: int
    persons: int
    fired: int
    skipped: int
    held: int
    counts: str
    at: int
    made_by: str


class _SavedVersion(msgspec.Struct, frozen=True):
    version: int


_OF_TRIGGER = col(BacktestRun.trigger_id) == bindparam("trigger")
_OF_TEXT = _OF_TRIGGER, col(BacktestRun.text_id) == bindparam("text")
_RUNS = select(*columns(BacktestRun, _RunRow))
_NEWEST_FIRST = _RUNS.order_by(col(BacktestRun.at).desc(), col(BacktestRun.id).desc())
_ONE = Ask(_RUNS.where(col(BacktestRun.id) == bindparam("run"), _OF_TRIGGER), _RunRow)
_LATEST = Ask(_NEWEST_FIRST.where(*_OF_TEXT).limit(1), _RunRow)
_LISTED = Ask(
    _NEWEST_FIRST.where(_OF_TRIGGER, keyset(col(BacktestRun.at), col(BacktestRun.id), descending=True)).limit(
        bindparam("most")
    ),
    _RunRow,
)
_BELONG = Change(update(BacktestRun).where(*_OF_TEXT).values(version=bindparam("number")))
_SAVED = Ask(
    select(func.coalesce(func.max(col(TriggerVersion.version)), 0).label("version")).where(
        col(TriggerVersion.trigger_id) == bindparam("trigger"), col(TriggerVersion.source) == bindparam("source")
    ),
    _SavedVersion,
)


def keep(session: Session, trigger_id: str, text: str, run: KeptRun) -> KeptRun:
    """Keep a run of this text."""
    saved = _SAVED.first(session, trigger=trigger_id, source=text)
    kept = msgspec.structs.replace(run, version=saved.version if saved else 0)
    row = (
        kept.id, trigger_id, kept.version, text_id(text), kept.since, kept.until, kept.persons, kept.fired,
        kept.skipped, kept.held, msgspec.json.encode(kept.counts).decode(), kept.at, kept.made_by,
    )  # fmt: skip
    sql.insert(session, _RUN, [row])
    return kept


def belong(session: Session, trigger_id: str, version: int, text: str) -> None:
    """What was tried out before it was saved is of this version."""
    _BELONG.run(session, trigger=trigger_id, text=text_id(text), number=version)


def latest(session: Session, trigger_id: str, text: str) -> KeptRun | None:
    """The newest run of this very text."""
    row = _LATEST.first(session, trigger=trigger_id, text=text_id(text))
    return _run(row) if row else None


def listed(session: Session, trigger_id: str, *, before: Place = NEWEST, limit: int = 50) -> list[KeptRun]:
    """The newest first, of all texts."""
    return [_run(row) for row in _LISTED.rows(session, trigger=trigger_id, most=limit, **place(before))]


def found(session: Session, trigger_id: str, run_id: str) -> KeptRun | None:
    row = _ONE.first(session, run=run_id, trigger=trigger_id)
    return _run(row) if row else None


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
    found = session.get(TriggerVersion, (trigger_id, version))
    return found.override if found else ""


def text_id(text: str) -> str:
    return ids.derived("trigger text", text)


def _run(row: _RunRow) -> KeptRun:
    return KeptRun(**(msgspec.structs.asdict(row) | {"counts": msgspec.json.decode(row.counts, type=Counts)}))
