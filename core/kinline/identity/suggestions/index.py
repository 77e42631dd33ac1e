"""The index by which identities that may be one person's find each other, kept up as they are met and named.

Every step is flat in cost: it reads what an identity is known by, and of its keys those only that few share
(`rules.HOT`). The keys and their counts change in one transaction, one at a time.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import bindparam, delete
from sqlmodel import Session, col, select

from kinline.handles import Handle
from kinline.identity.suggestions import rules
from kinline.identity.suggestions.keys import WEIGHED, Candidate, Key, KeyType
from kinline.store import locks, sql
from kinline.store.ask import Ask, Change, among
from kinline.store.models import Alias, Attribute, Identity, IdentityName, MatchCount, MatchKey, metadata
from kinline.words import HandleType

#: The advisory lock of PostgreSQL that those take who change the index.
MATCHING = 727277
#: Attributes that are compared (https://segment.com/docs/connections/spec/identify: traits).
BIRTHDAY, ADDRESS = "birthday", "address"
COMPARED = frozenset({BIRTHDAY, ADDRESS})
#: Names of one identity that are looked at; who has more shares them with others anyhow.
MOST_NAMES = 8
#: Keys of an identity that are kept; nobody who is one person has more.
MOST_KEYS = 200
_KEY = metadata.tables[str(MatchKey.__tablename__)]
_COUNT = metadata.tables[str(MatchCount.__tablename__)]


class _IndexedIdentity(msgspec.Struct, frozen=True):
    id: str
    type: str
    issuer: str
    value: str


class _Name(msgspec.Struct, frozen=True):
    identity_id: str
    name: str
    proved: int


class _Alias(msgspec.Struct, frozen=True):
    identity_id: str
    type: str
    value: str


class _Attribute(msgspec.Struct, frozen=True):
    identity_id: str
    name: str
    value: str
    at: int
    recorded_at: int
    id: str


class _Held(msgspec.Struct, frozen=True):
    key: str
    identity_id: str


class _Counted(msgspec.Struct, frozen=True):
    key: str
    count: int


_IDENTITIES = Ask(
    select(Identity.id, Identity.type, Identity.issuer, Identity.value).where(among(col(Identity.id), "identities")),
    _IndexedIdentity,
)
_NAMES = Ask(
    select(IdentityName.identity_id, IdentityName.name, IdentityName.proved).where(
        among(col(IdentityName.identity_id), "identities")
    ),
    _Name,
)
_ALIASES = Ask(
    select(Alias.identity_id, Alias.type, Alias.value).where(among(col(Alias.identity_id), "identities")), _Alias
)
_ATTRIBUTES = Ask(
    select(  # type: ignore[call-overload]  # no more than four are typed
        Attribute.identity_id, Attribute.name, Attribute.value, Attribute.at, Attribute.recorded_at, Attribute.id
    ).where(among(col(Attribute.identity_id), "identities"), col(Attribute.name).in_(sorted(COMPARED))),
    _Attribute,
)
_OF = Ask(select(MatchKey.key, MatchKey.identity_id).where(among(col(MatchKey.identity_id), "identities")), _Held)
_WITH = Ask(select(MatchKey.key, MatchKey.identity_id).where(among(col(MatchKey.key), "keys")), _Held)
_COUNTS = Ask(select(MatchCount.key, MatchCount.count).where(among(col(MatchCount.key), "keys")), _Counted)
_FORGET = Change(
    delete(MatchKey).where(col(MatchKey.key) == bindparam("gone"), col(MatchKey.identity_id) == bindparam("identity"))
)


def lock(session: Session) -> None:
    """Let one transaction at a time change the index: of two that did at once, neither would see the other's keys."""
    locks.hold(session, MATCHING)


def candidates(session: Session, identities: Iterable[str]) -> dict[str, Candidate]:
    """What is known of each of these identities."""
    wanted = sorted(set(identities))
    names = _names(session, wanted)
    beside = _grouped(_ALIASES.rows(session, identities=wanted))
    told = _told(session, wanted)
    return {
        row.id: Candidate(
            row.id,
            Handle(HandleType(row.type), row.value, row.issuer),
            *names.get(row.id, ((), ())),
            tuple(sorted((_handle(each) for each in beside.get(row.id, [])), key=str)),
            _text(told.get((row.id, BIRTHDAY))),
            _places(told.get((row.id, ADDRESS))),
        )
        for row in _IDENTITIES.rows(session, identities=wanted)
    }


def _names(session: Session, identities: list[str]) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """The proved names of each, and the claimed ones."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for row in sorted(_NAMES.rows(session, identities=identities), key=lambda row: row.name):
        found.setdefault(row.identity_id, ([], []))[0 if row.proved else 1].append(row.name)
    return {
        each: (tuple(proved[:MOST_NAMES]), tuple(claimed[:MOST_NAMES])) for each, (proved, claimed) in found.items()
    }


def _told(session: Session, identities: list[str]) -> dict[tuple[str, str], object]:
    rows = sorted(_ATTRIBUTES.rows(session, identities=identities), key=lambda row: (row.at, row.recorded_at, row.id))
    return {(row.identity_id, row.name): msgspec.json.decode(row.value) for row in rows}


def _text(value: object) -> str:
    return value[:10] if isinstance(value, str) else ""


def _places(value: object) -> tuple[str, ...]:
    if not isinstance(value, dict):
        return ()
    return tuple(
        str(value[name]) for name in ("street", "city", "postalCode") if isinstance(value.get(name), str | int)
    )


def _handle(row: _Alias) -> Handle:
    issuer, slash, value = row.value.rpartition("/")
    external = row.type == HandleType.EXTERNAL and slash
    return Handle(HandleType(row.type), value if external else row.value, issuer if external else "")


def _grouped(rows: Iterable[_Alias]) -> dict[str, list[_Alias]]:
    found: dict[str, list[_Alias]] = {}
    for row in rows:
        found.setdefault(row.identity_id, []).append(row)
    return found


def renew(session: Session, known: Mapping[str, Candidate]) -> set[str]:
    """Bring the keys of these identities up to what is known of them. Returns those keys whose count moved so that it
    matters to all who hold them."""
    before: dict[str, set[str]] = {identity: set() for identity in known}
    for row in _OF.rows(session, identities=sorted(known)):
        before[row.identity_id].add(row.key)
    after = {identity: set(sorted(map(text, each.keys))[:MOST_KEYS]) for identity, each in known.items()}
    gone = [(key, identity) for identity, keys in before.items() for key in sorted(keys - after[identity])]
    new = [(key, identity) for identity, keys in after.items() for key in sorted(keys - before[identity])]
    _FORGET.run_many(session, [{"gone": key, "identity": identity} for key, identity in gone])
    sql.insert(session, _KEY, sorted(new))
    changes = Counter(key for key, _ in new)
    changes.subtract(key for key, _ in gone)
    sql.upsert(session, _COUNT, ("key", "count"), sorted((k, n) for k, n in changes.items() if n), _ADD)
    counts = counted(session, changes)
    return {key for key, change in changes.items() if _matters(key, counts.get(key, 0) - change, counts.get(key, 0))}


def _matters(key: str, before: int, after: int) -> bool:
    """That few hold a key now, or not any more; or, for those that weigh by it, how few."""
    if (before < rules.HOT) != (after < rules.HOT):
        return True
    return before != after < rules.HOT and key_of(key)[0] in WEIGHED


_ADD = "ON CONFLICT (key) DO UPDATE SET count = match_count.count + excluded.count"


def text(key: Key) -> str:
    """A key as the index holds it."""
    return f"{key[0].value}:{key[1]}"


def key_of(written: str) -> Key:
    kind, _, value = written.partition(":")
    return KeyType(kind), value


def keys_of(session: Session, identities: Iterable[str]) -> set[str]:
    """The keys that these identities hold."""
    return {row.key for row in _OF.rows(session, identities=sorted(set(identities)))}


def counted(session: Session, keys: Iterable[str]) -> dict[str, int]:
    """How many identities hold each of these keys."""
    return {row.key: row.count for row in _COUNTS.rows(session, keys=sorted(set(keys)))}


def holders(session: Session, keys: Iterable[str]) -> dict[str, list[str]]:
    """Who holds each of these keys. Ask for keys only that few hold."""
    found: dict[str, list[str]] = {}
    for row in _WITH.rows(session, keys=sorted(set(keys))):
        found.setdefault(row.key, []).append(row.identity_id)
    return found
