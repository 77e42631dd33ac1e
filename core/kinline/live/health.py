"""How an account is, in one answer: in words for people, in fields for programs."""

import itertools
from statistics import median
from typing import Any

import msgspec
from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline import clock
from kinline.accounts import connected, spend
from kinline.clock import SECOND
from kinline.contract.channel import Ability
from kinline.contract.plugins import channels
from kinline.secret import Secret
from kinline.store.ask import Ask, OneNumber
from kinline.store.models import Account, AccountLive, Intake

#: Arrivals whose gaps make an account's usual rhythm; fewer make none.
ARRIVALS, FEWEST = 100, 5
#: So many times its usual gap without anything is unusually quiet.
UNUSUAL = 10
_ARRIVALS = Ask(
    select(col(Intake.received_at).label("number"))
    .where(col(Intake.account_id) == bindparam("account"))
    .order_by(col(Intake.received_at).desc())
    .limit(ARRIVALS),
    OneNumber,
)


class Health(msgspec.Struct, frozen=True):
    """``verdict``: ok · paused · new · waiting · failing · needs_you · over_cap · quiet · behind. Seconds and times in UTC."""

    account: str
    channel: str
    verdict: str
    says: str  #: a sentence for a person
    in_sync: bool | None  #: None: nobody compared, or the channel cannot
    missing: int | None
    compared_at: str | None
    last_item_at: str | None  #: when the newest item reached us
    usual_gap: float | None  #: median seconds between arrivals
    quiet_for: float | None  #: seconds since the newest
    looked_at: str | None
    lag: float | None  #: seconds since the provider was last asked with success
    failures: int
    error: dict[str, Any] | None
    next_try_at: str | None
    limits: dict[str, Any]
    history: dict[str, Any] | None
    spent: dict[str, Any] | None
    token_expires_at: str | None


def health(session: Session, secret: Secret, account: Account) -> Health:
    """How this account is now."""
    row = session.get(AccountLive, account.id) or AccountLive(account_id=account.id)
    arrivals = _arrivals(session, account.id)
    gap, last = _usual(arrivals), max(arrivals, default=None)
    quiet = None if last is None else (clock.now() - last) / SECOND
    verdict, says = _verdict(account, row, gap, quiet)
    return Health(
        account=account.name, channel=account.channel, verdict=verdict, says=says,
        in_sync=None if row.missing is None else row.missing == 0 and not row.error_kind,
        missing=row.missing, compared_at=clock.to_text(row.compared_at),
        last_item_at=clock.to_text(last), usual_gap=gap, quiet_for=quiet, looked_at=clock.to_text(row.polled_at),
        lag=None if row.ok_at is None else (clock.now() - row.ok_at) / SECOND,
        failures=row.failures, error=_error(row), next_try_at=clock.to_text(row.next_at or None),
        limits=msgspec.json.decode(row.limits), history=_history(row), spent=_spent(session, secret, account),
        token_expires_at=_token(secret, account),
    )  # fmt: skip


def _arrivals(session: Session, account_id: str) -> list[int]:
    return [row.number for row in _ARRIVALS.rows(session, account=account_id)]


def _usual(arrivals: list[int]) -> float | None:
    """Bodies that came together are one arrival."""
    gaps = [(late - early) / SECOND for late, early in itertools.pairwise(arrivals)]
    apart = [gap for gap in gaps if gap >= 1]
    return round(median(apart), 1) if len(apart) >= FEWEST else None


def _verdict(account: Account, row: AccountLive, gap: float | None, quiet: float | None) -> tuple[str, str]:
    if account.state != connected.ACTIVE:
        return "paused", "It is paused: nothing is taken in or sent until it is resumed."
    if row.error_kind:
        return _failing(row)
    if row.missing:
        return "behind", f"{row.missing} of the newest items at the provider are not here yet."
    if gap and quiet and quiet > max(3600.0, gap * UNUSUAL):
        return "quiet", f"Nothing came for {_span(quiet)}; usually something comes every {_span(gap)}."
    if row.ok_at is None and quiet is None:
        return "new", "Nothing has come in yet."
    return "ok", "It works."


def _failing(row: AccountLive) -> tuple[str, str]:
    again = f" It is tried again at {clock.to_text(row.next_at)}."
    if row.error_kind in ("not_authorised", "refused"):
        return "needs_you", f"{row.error_detail} A person has to mend this.{again}"
    if row.error_kind == "over_cap":
        return "over_cap", row.error_detail
    if row.error_kind == "waiting":
        return "waiting", f"{row.error_detail}{again}"
    return "failing", f"{row.error_detail} It failed {row.failures} times in a row.{again}"


def _error(row: AccountLive) -> dict[str, Any] | None:
    if not row.error_kind:
        return None
    return {
        "kind": row.error_kind, "code": row.error_code, "detail": row.error_detail, "at": clock.to_text(row.error_at)
    }  # fmt: skip


def _history(row: AccountLive) -> dict[str, Any] | None:
    if not row.history_state:
        return None
    return {
        "state": row.history_state, "bodies": row.history_bodies, "expected": row.history_total,
        "began_at": clock.to_text(row.history_at), "ended_at": clock.to_text(row.history_ended_at),
    }  # fmt: skip


def _spent(session: Session, secret: Secret, account: Account) -> dict[str, Any] | None:
    found = spend.this_month(session, account.id)
    channel = channels().loaded.get(account.channel)
    cap = channel.cap(connected.settings_of(account, secret)) if channel else None
    if not found.cost and cap is None:
        return None
    return {**msgspec.structs.asdict(found), "cap": cap}


def _token(secret: Secret, account: Account) -> str | None:
    channel = channels().loaded.get(account.channel)
    if channel is None or Ability.OAUTH not in channel.can:
        return None
    ends = getattr(connected.settings_of(account, secret), "token_expires_at", 0)
    return clock.to_text(int(ends) * SECOND) if ends else None


def _span(seconds: float) -> str:
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"
