"""THE STORY of a look at the provider: fetch a piece, keep it with its cursor in one transaction, fetch the next.

Plugin code and network run between transactions, never inside one. What is kept is understood by a job, like a
webhook's body. A piece that was kept twice, because we died between, is a duplicate in the ledger and nothing more.
"""

import time
from collections.abc import Callable, Iterator

from sqlalchemy import bindparam, update
from sqlmodel import Session, col

from kinline import clock
from kinline.accounts import spend
from kinline.accounts.connected import ref
from kinline.accounts.ready import ReadyAccount
from kinline.contract.connection import Connection
from kinline.errors import ChannelError, KinlineError
from kinline.hub import Hub
from kinline.intake.receive import receive
from kinline.live import state
from kinline.messages import Fetched
from kinline.store.ask import Change
from kinline.store.models import AccountLive
from kinline.words import Origin

#: A look that takes longer goes on in the next one, from its cursor.
LONGEST_LOOK = 60.0
_ONE_MORE = Change(
    update(AccountLive)
    .where(col(AccountLive.account_id) == bindparam("account"))
    .values(history_bodies=col(AccountLive.history_bodies) + 1)
)


def look(hub: Hub, account: ReadyAccount, connection: Connection, owner: str) -> int:
    """Bring in what is new. Returns how many bodies it kept. Raises `ChannelError`, `Lost`."""
    cursor = _row(hub, account).cursor
    kept, _ = keep_all(hub, account, owner, connection.fetch(cursor), _live, LONGEST_LOOK)
    return kept


def look_back(hub: Hub, account: ReadyAccount, connection: Connection, owner: str, *, seconds: float) -> int:
    """Bring in a slice of the past, and note its end. Its origin is import, so nothing of it starts a follow-up."""
    cursor = _row(hub, account).history_cursor
    kept, ended = keep_all(hub, account, owner, connection.history(cursor), _past, seconds)
    if ended:
        with hub.store.write() as session:
            state.write(session, account.row.id, owner, history_state="done", history_ended_at=clock.now())
    return kept


def _row(hub: Hub, account: ReadyAccount) -> AccountLive:
    with hub.store.read() as session:
        return session.get_one(AccountLive, account.row.id)


Keeping = Callable[[Session, ReadyAccount, Fetched], dict[str, object]]


def _live(session: Session, account: ReadyAccount, piece: Fetched) -> dict[str, object]:
    if piece.body:
        receive(session, ref(account.row), piece.body, piece.source)
    return {"cursor": piece.cursor} if piece.cursor else {}


def _past(session: Session, account: ReadyAccount, piece: Fetched) -> dict[str, object]:
    if piece.body:
        receive(session, ref(account.row), piece.body, piece.source, origin=Origin.IMPORT)
        _ONE_MORE.run(session, account=account.row.id)
    return {"history_cursor": piece.cursor} if piece.cursor else {}


def keep_all(
    hub: Hub, account: ReadyAccount, owner: str, pieces: Iterator[Fetched], keep: Keeping, seconds: float
) -> tuple[int, bool]:
    """How many bodies were kept, and whether the channel came to its end (else its time was over)."""
    ends, kept = time.monotonic() + seconds, 0
    _afford(hub, account)
    for piece in _careful(account, pieces):
        with hub.store.write() as session:
            if not state.claim(session, account.row.id, owner, hub.settings.lease):
                raise state.Lost
            changes = keep(session, account, piece)
            if piece.limits:
                changes["limits"] = state.limits(piece.limits)
            if changes:
                state.write(session, account.row.id, owner, **changes)
            spend.add(session, account.row.id, reads=1, cost=piece.cost)
        kept += bool(piece.body)
        if time.monotonic() > ends:
            return kept, False
        if piece.cost:
            _afford(hub, account)
    return kept, True


def _afford(hub: Hub, account: ReadyAccount) -> None:
    with hub.store.read() as session:
        spend.afford(session, account.row.id, account.channel, account.settings)


def _careful(account: ReadyAccount, pieces: Iterator[Fetched]) -> Iterator[Fetched]:
    """What the channel brings; whatever else it raises is a `ChannelError`, and a foreign thing too."""
    try:
        for piece in pieces:
            if not isinstance(piece, Fetched):
                raise ChannelError(f"The channel brought a {type(piece).__name__}.", code="channel_broke")
            yield piece
    except KinlineError:
        raise
    except (Exception, SystemExit) as error:
        detail = f"The {account.channel.name} channel raised {type(error).__name__}: {error}"
        raise ChannelError(detail[:500], code="channel_broke") from error
