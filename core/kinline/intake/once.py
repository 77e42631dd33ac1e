"""Calls that may be made once: the word that a provider puts into one call alone is remembered while its proof would hold.

Mailgun signs a time and a token, not what it sends: whoever saw one call could send anything under its signature. So a
token is spent with the first body that came with it, in the transaction that keeps the body; whatever comes with it
again is answered like the first, and kept nowhere.
"""

from collections.abc import Sequence
from hashlib import sha256

from sqlmodel import Session

from kinline import clock
from kinline.accounts.connected import AccountRef
from kinline.intake.receive import receive_all
from kinline.messages import Once, Source
from kinline.store import sql
from kinline.store.models import SeenToken, metadata

_SEEN = metadata.tables[str(SeenToken.__tablename__)]
Key = tuple[str, str]  #: an account, a digest of the token
Delivery = tuple[AccountRef, bytes, Source, Once | None]


def receive_once(session: Session, deliveries: Sequence[Delivery]) -> list[str]:
    """Keep these bodies, but none whose token was seen: of that, the intake of the first."""
    spent = _spent(session, deliveries)
    first: dict[Key, int] = {}
    for number, key in spent.items():
        first.setdefault(key, number)
    fresh = _fresh(session, deliveries, first)
    kept = [n for n in range(len(deliveries)) if n not in spent or (spent[n] in fresh and first[spent[n]] == n)]
    made = dict(zip(kept, receive_all(session, [deliveries[n][:3] for n in kept]), strict=True))
    for key in sorted(fresh):
        statement = "UPDATE seen_token SET intake_id = {p} WHERE account_id = {p} AND digest = {p}"
        sql.changed(session, statement, made[first[key]], *key)
    return [made[n] if n in made else _intake(session, spent[n]) for n in range(len(deliveries))]


def _spent(session: Session, deliveries: Sequence[Delivery]) -> dict[int, Key]:
    """The token of each delivery that has one. What has run out is forgotten: it proves nothing any more."""
    keys = {
        number: (account.id, sha256(once.token.encode("utf-8", "replace")).hexdigest())
        for number, (account, _, _, once) in enumerate(deliveries)
        if once is not None
    }
    if keys:
        sql.changed(session, "DELETE FROM seen_token WHERE until < {p}", clock.now())
    return keys


def _fresh(session: Session, deliveries: Sequence[Delivery], first: dict[Key, int]) -> set[Key]:
    """Those that nobody has seen. Another process that takes the same token at this moment waits for us, or we for it."""
    rows = [(*key, _until(deliveries[first[key]][3]), "") for key in sorted(first)]
    return {(account, digest) for account, digest in sql.insert_new(session, _SEEN, rows, 2)} if rows else set()


def _until(once: Once | None) -> int:
    return int(once.until * clock.SECOND) if once else 0


def _intake(session: Session, key: Key) -> str:
    statement = "SELECT intake_id FROM seen_token WHERE account_id = {p} AND digest = {p}"
    return str(sql.run(session, statement, *key)[0][0])
