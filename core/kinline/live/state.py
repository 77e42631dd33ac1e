"""The row of a live account: who looks after it, how far it has come, what went wrong last.

A lease by the database's clock lets one process look after an account; only its holder writes (fencing).
"""

from functools import lru_cache

import msgspec
from sqlalchemy import bindparam, or_, select
from sqlmodel import Session

from kinline import clock
from kinline.clock import SECOND
from kinline.errors import ChannelError, KinlineError
from kinline.jobs.queue import database_now
from kinline.store import sql
from kinline.store.ask import Ask, Change, Count, new, setting
from kinline.store.models import AccountLive, metadata

_LIVE = metadata.tables[str(AccountLive.__tablename__)]
#: Seconds before an account that failed is looked at again, by failures in a row.
BACKOFF = (5, 15, 60, 300, 900, 1800)
#: What only a person can mend is tried again this seldom: somebody may have mended it at the provider.
HOPELESS = 3600


class Lost(Exception):
    """The lease is somebody else's now: stop, and write nothing."""


def ensure(session: Session, account_id: str) -> AccountLive:
    """The row of the account, made if there is none yet."""
    row = session.get(AccountLive, account_id)
    if row is None:
        sql.upsert(session, _LIVE, _COLUMNS, [(account_id, "", 0, "", 0, 0, "", "", "", 0, "{}", "", "", 0, "")], _KEEP)
        row = session.get_one(AccountLive, account_id)
    return row


_COLUMNS = (
    "account_id", "owner", "lease_until", "cursor", "wake", "failures", "error_kind", "error_code", "error_detail",
    "next_at", "limits", "history_state", "history_cursor", "history_bodies",
    "recheck_cursor",
)  # fmt: skip
_KEEP = "ON CONFLICT (account_id) DO NOTHING"
_ITS, _HELD = _LIVE.c.account_id == bindparam("account"), _LIVE.c.owner == bindparam("holder")
_CLAIM = Change(
    _LIVE.update()
    .where(_ITS, or_(_HELD, _LIVE.c.lease_until < bindparam("now")))
    .values(owner=bindparam("holder"), lease_until=bindparam("until"))
)
_RELEASE = Change(_LIVE.update().where(_ITS, _HELD).values(owner="", lease_until=0))
_WAKE = Change(_LIVE.update().where(_ITS).values(wake=1, next_at=0))
_FAILURES = Ask(select(_LIVE.c.failures.label("count")).where(_ITS), Count)


def claim(session: Session, account_id: str, owner: str, seconds: int) -> bool:
    """Take or keep the account for so many seconds. False: somebody else looks after it."""
    ensure(session, account_id)
    now = database_now(session)
    return _CLAIM.run(session, account=account_id, holder=owner, now=now, until=now + seconds * SECOND) == 1


def release(session: Session, account_id: str, owner: str) -> None:
    _RELEASE.run(session, account=account_id, holder=owner)


def write(session: Session, account_id: str, owner: str, **columns: object) -> None:
    """Change the row, as the holder of its lease. Raises `Lost`."""
    if _write(tuple(columns)).run(session, account=account_id, holder=owner, **new(**columns)) != 1:
        raise Lost


@lru_cache
def _write(names: tuple[str, ...]) -> Change:
    return Change(setting(_LIVE, names).where(_ITS, _HELD))


def wake(session: Session, account_id: str) -> None:
    """Have the account looked at as soon as somebody can, whatever it was waiting for."""
    ensure(session, account_id)
    _WAKE.run(session, account=account_id)


def succeeded(session: Session, account_id: str, owner: str) -> None:
    """It was looked at. Its holder decides when next; should they be gone, whoever comes may look at once."""
    now = clock.now()
    write(session, account_id, owner, polled_at=now, ok_at=now, wake=0, failures=0, error_kind="", next_at=0)


def failed(session: Session, account_id: str, owner: str, error: Exception) -> None:
    """Note what went wrong, for the account's health, and when to try again."""
    now = clock.now()
    failures = _FAILURES.one(session, account=account_id).count
    code, detail = (error.code, error.detail) if isinstance(error, KinlineError) else (type(error).__name__, str(error))
    write(
        session, account_id, owner, polled_at=now, wake=0, failures=failures + 1, error_kind=kind_of(error),
        error_code=code[:100], error_detail=_plain(detail), error_at=now, next_at=now + int(_pause(error, failures) * SECOND),
    )  # fmt: skip


def kind_of(error: Exception) -> str:
    """The class of an error, which says what helps: waiting, a person, or a mended channel."""
    match error:
        case ChannelError(code="over_cap"):
            return "over_cap"
        case ChannelError(code="not_authorised"):
            return "not_authorised"
        case ChannelError(permanent=True):
            return "refused"
        case ChannelError(retry_after=float() | int()):
            return "waiting"
        case ChannelError():
            return "unreachable"
    return "broken"


def _pause(error: Exception, failures: int) -> float:
    if isinstance(error, ChannelError):
        if error.retry_after is not None:
            return max(1.0, min(error.retry_after, 32 * 86_400))
        if error.permanent:
            return HOPELESS
    return BACKOFF[min(failures, len(BACKOFF) - 1)]


def limits(told: object) -> str:
    return msgspec.json.encode(told).decode()[:4000]


def _plain(text: str) -> str:
    """A reason as both databases can keep it."""
    return text[:1000].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
