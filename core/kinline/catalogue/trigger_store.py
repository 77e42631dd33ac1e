"""The triggers of this hub: saved in versions, put to shadow, live or paused."""

import msgspec
from sqlalchemy import and_, bindparam, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from kinline import clock, ids
from kinline.catalogue import backfills, backtest_runs, calendar_use, forecasts, references
from kinline.catalogue.trigger_waits import discard, wake
from kinline.errors import Conflict, KinlineError, NotFound
from kinline.record import interests
from kinline.store.ask import Ask
from kinline.store.models import TriggerRow, TriggerVersion
from kinline.triggers import Trigger, read_trigger
from kinline.triggers import compiled as compiled  # whoever has a row looks for it here
from kinline.triggers.shipped import shipped_texts
from kinline.words import TriggerState

#: In these it looks at what happens.
LOOKING = (TriggerState.LIVE, TriggerState.SHADOW)
#: Why the shipped life cycle needs no back-test of this hub's.
SHIPPED = "it ships with the hub, and reaches nobody"


class Active(msgspec.Struct, frozen=True):
    """A trigger that looks at what happens, as compiled, with what the store knows of it."""

    id: str
    version: int
    state: TriggerState
    live_since: int
    compiled: Trigger

    @property
    def name(self) -> str:
        return self.compiled.name


class _SavedTrigger(msgspec.Struct, frozen=True):
    id: str
    name: str
    version: int
    state: str
    live_since: int
    source: str


_First = aliased(TriggerVersion)
_SAVED = select(  # type: ignore[call-overload]  # no more than four are typed
    TriggerRow.id,
    TriggerRow.name,
    TriggerRow.version,
    TriggerRow.state,
    func.coalesce(col(TriggerRow.live_since), 0).label("live_since"),
    TriggerVersion.source,
).join(
    TriggerVersion,
    and_(col(TriggerVersion.trigger_id) == col(TriggerRow.id), col(TriggerVersion.version) == col(TriggerRow.version)),
)
_IS_LOOKING = col(TriggerRow.state).in_([*LOOKING])
_ACTIVE = Ask(
    _SAVED.outerjoin(_First, and_(col(_First.trigger_id) == col(TriggerRow.id), col(_First.version) == 1))
    .where(_IS_LOOKING)
    .order_by(col(_First.made_at), col(TriggerRow.name)),
    _SavedTrigger,
)
_LOOKING = Ask(
    _SAVED.where(
        _IS_LOOKING, or_(col(TriggerRow.name) == bindparam("trigger"), col(TriggerRow.id) == bindparam("trigger"))
    ),
    _SavedTrigger,
)
_SAID = Ask(_SAVED.where(col(TriggerRow.state) != TriggerState.DRAFT).order_by(col(TriggerRow.name)), _SavedTrigger)


def save(session: Session, text: str, *, made_by: str, override: str = "") -> tuple[TriggerRow, Trigger]:
    """Save a trigger, new or as the next version of the one of its name. It starts as a draft.

    The next version of one that is live goes live at once, so it needs what going live needs (`set_state`).
    """
    checked = checked_here(session, text)
    row = session.exec(select(TriggerRow).where(TriggerRow.name == checked.name)).first()
    if row is None:
        row = TriggerRow(
            id=id_of(checked.name),
            name=checked.name,
            state=TriggerState.DRAFT,
            version=0,
            changed_at=clock.now(),
        )
    elif version(session, row.id, row.version).source == text:
        return row, compiled(row.id, text)
    elif row.state == TriggerState.LIVE:
        override = _cleared(session, row, text, "", override)
        row.state_reason = _noted("", override) or row.state_reason
    before = _condition(session, row)
    row.version, row.changed_at = row.version + 1, clock.now()
    session.add(row)
    session.flush()
    session.add(
        TriggerVersion(
            trigger_id=row.id, version=row.version, source=text, made_by=made_by, made_at=clock.now(), override=override
        )
    )
    session.flush()
    backtest_runs.belong(session, row.id, row.version, text)
    discard(session, row.id, but=checked.condition_id)
    if row.state in LOOKING and checked.condition_id != before:
        backfills.start(session, row.id, checked, clock.now())
    interests.changed(session)
    return row, compiled(row.id, text)


def _condition(session: Session, row: TriggerRow) -> str:
    """What its newest version waits for; "" where there is none that this hub can read."""
    try:
        return compiled(row.id, version(session, row.id, row.version).source).condition_id
    except KinlineError:
        return ""


def checked_here(session: Session, text: str) -> Trigger:
    """The trigger, checked with what this hub has: all that it names is there. Raises `Invalid`."""
    return read_trigger(text, also=lambda made: _require(session, made))


def _require(session: Session, trigger: Trigger) -> None:
    """Raise `Invalid` where a calendar, template, endpoint, account or trigger that it names is not there."""
    calendar_use.require(session, trigger)
    references.check(session, trigger)


def set_state(session: Session, name: str, state: TriggerState, *, reason: str = "", override: str = "") -> TriggerRow:
    """Put a trigger to another state. Pausing keeps its armed waits; a draft looks at nothing.

    Live needs a back-test of this very text, or ``override``: why it goes without one. That is kept with the version,
    which then may go live again. Raises `Conflict` (``needs_backtest``).
    """
    row = named(session, name)
    if row.state == state:
        raise Conflict(f"The trigger “{row.name}” is {state} already.", code="already_so")
    if state is TriggerState.LIVE:
        saved = version(session, row.id, row.version)
        saved.override = _cleared(session, row, saved.source, saved.override, override)
        session.add(saved)
        reason = _noted(reason, saved.override)
    if state in LOOKING:
        _require(session, compiled(row.id, version(session, row.id, row.version).source))
    row.state, row.state_reason, row.changed_at = state, reason, clock.now()
    if state in LOOKING and row.live_since is None:
        row.live_since = clock.now()
    session.add(row)
    session.flush()
    if state in LOOKING:
        wake(session, row.id)
        backfills.start(session, row.id, compiled(row.id, version(session, row.id, row.version).source), clock.now())
    interests.changed(session)
    return row


def _cleared(session: Session, row: TriggerRow, text: str, before: str, override: str) -> str:
    """Why this text may go live without a back-test: "" where there is one. Raises `Conflict`; and `Invalid` where it would
    do more in an hour than the hub allows, and does not say how much it may."""
    if run := backtest_runs.latest(session, row.id, text):
        forecasts.refuse_storm(run.counts.forecast, compiled(row.id, text))
        return ""
    if found := override.strip() or before:
        return found
    raise Conflict(
        f"This version of “{row.name}” was never back-tested. Do that first (`kinline trigger backtest FILE`, or "
        f"POST /v1/triggers/{row.name}/backtest), or say why it goes live without (`--without-backtest`, `override`).",
        code="needs_backtest",
    )


def _noted(reason: str, override: str) -> str:
    """What the state says of an override."""
    return "; ".join(filter(None, [reason, f"live without a back-test: {override}" if override else ""]))


def id_of(name: str) -> str:
    """The id of the trigger of that name, saved or not."""
    return ids.derived("trigger", name)


def named(session: Session, name: str) -> TriggerRow:
    row = session.exec(select(TriggerRow).where((TriggerRow.name == name) | (TriggerRow.id == name))).first()
    if row is None:
        raise NotFound(f"There is no trigger “{name[:80]}”.", code="no_such_trigger")
    return row


def every(session: Session) -> list[TriggerRow]:
    return list(session.exec(select(TriggerRow).order_by(TriggerRow.name)))


def page(session: Session, *, state: str = "", after: str = "", limit: int = 50) -> list[TriggerRow]:
    """Triggers by name, after a name, in that state where one is named."""
    found = select(TriggerRow).where(TriggerRow.name > after)
    if state:
        found = found.where(TriggerRow.state == state)
    return list(session.exec(found.order_by(TriggerRow.name).limit(limit)))


def versions(session: Session, trigger_id: str) -> list[TriggerVersion]:
    """All versions, the newest first."""
    found = select(TriggerVersion).where(TriggerVersion.trigger_id == trigger_id)
    return list(session.exec(found.order_by(TriggerVersion.version.desc())))  # type: ignore[attr-defined]


def version(session: Session, trigger_id: str, number: int) -> TriggerVersion:
    found = session.get(TriggerVersion, (trigger_id, number))
    if found is None:
        raise NotFound("There is no such version of this trigger.", code="no_such_version")
    return found


def active(session: Session) -> list[Active]:
    """The live and shadow triggers, compiled, those first that were written first: names decide nothing."""
    return [_active(row) for row in _ACTIVE.rows(session)]


def _active(row: _SavedTrigger) -> Active:
    return Active(row.id, row.version, TriggerState(row.state), row.live_since, compiled(row.id, row.source))


def counting_in(session: Session, calendar: str) -> list[tuple[str, str]]:
    """Id and name of the triggers, drafts apart, that count in this working calendar."""
    return [
        (row.id, row.name)
        for row in _SAID.rows(session)
        if calendar in {kept for _, kept in compiled(row.id, row.source).calendars}
    ]


def looking(session: Session, name_or_id: str) -> Active | None:
    """That trigger, if it is live or in shadow."""
    row = _LOOKING.first(session, trigger=name_or_id)
    return _active(row) if row else None


def install_shipped(session: Session) -> list[str]:
    """Put the shipped life cycle live where this hub has no trigger of that name yet. Returns the new names."""
    known = {row.name for row in every(session)}
    new = {read_trigger(text).name: text for text in shipped_texts().values()}
    for name, text in sorted(new.items()):
        if name not in known:
            save(session, text, made_by="kinline")
            set_state(session, name, TriggerState.LIVE, override=SHIPPED)
    return sorted(set(new) - known)
