"""What people are called: a name that was proved before one that somebody typed, and of those the newest.

Only a proved name may leave the house; what somebody typed into a form is shown to us, as claimed, and to nobody else.
"""

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from kinline.store.ask import Ask, among
from kinline.store.documents import read_document
from kinline.store.models import IdentityName, InteractionRow, Participant
from kinline.words import Role, Standing

#: So many of somebody's newest proved lines are looked at for the name they go by now.
LOOKED_AT = 20


class Names(msgspec.Struct, frozen=True):
    """The names of an identity, each list with the newest first; among names never dated the fullest."""

    proved: list[str] = []
    claimed: list[str] = []


class _NameRow(msgspec.Struct, frozen=True):
    identity_id: str
    name: str
    proved: int
    last_at: int

    @property
    def newest(self) -> tuple[int, int, str]:
        return self.last_at, len(self.name), self.name


class _SaidName(msgspec.Struct, frozen=True):
    sort_at: int
    doc: str


_NAMES = Ask(
    select(IdentityName.identity_id, IdentityName.name, IdentityName.proved, IdentityName.last_at).where(
        among(col(IdentityName.identity_id), "identities")
    ),
    _NameRow,
)
_LINES = Ask(
    select(Participant.sort_at, InteractionRow.doc)
    .join(InteractionRow, col(InteractionRow.id) == col(Participant.interaction_id))
    .where(
        col(Participant.identity_id) == bindparam("identity"),
        col(Participant.standing) == Standing.VERIFIED.value,
        col(Participant.role) == Role.AUTHOR.value,
    )
    .order_by(col(Participant.sort_at).desc(), col(Participant.sequence).desc(), col(Participant.interaction_id).desc())
    .limit(LOOKED_AT),
    _SaidName,
)


def names_of(session: Session, identities: Iterable[str]) -> dict[str, Names]:
    """The names of these identities; those of whom nobody said a name are left out."""
    rows: dict[str, list[_NameRow]] = {}
    for row in _NAMES.rows(session, identities=identities):
        rows.setdefault(row.identity_id, []).append(row)
    return {identity: _names(session, identity, found) for identity, found in rows.items()}


def proved_name(session: Session, identity: str) -> str:
    """What to call whoever holds this identity, in what goes out; "" where no name was proved."""
    found = names_of(session, [identity]).get(identity, Names())
    return found.proved[0] if found.proved else ""


def shown_name(found: Iterable[Names], otherwise: str) -> tuple[str, str]:
    """What we call somebody among ourselves, and how far that is proved: verified, claimed, or "" for ``otherwise``.

    Of several identities the first with a proved name counts, then the first with any.
    """
    known = list(found)
    for standing, listed in ((Standing.VERIFIED, "proved"), (Standing.CLAIMED, "claimed")):
        for names in known:
            if chosen := getattr(names, listed):
                return chosen[0], standing
    return otherwise, ""


def _names(session: Session, identity: str, rows: list[_NameRow]) -> Names:
    proved = [row for row in rows if row.proved]
    if len(proved) > 1:
        seen = _last_seen(session, identity)
        proved = [
            msgspec.structs.replace(row, last_at=max(row.last_at, seen.get(row.name, row.last_at))) for row in proved
        ]
    sure = {row.name for row in proved}
    return Names(_newest_first(proved), _newest_first([row for row in rows if row.name not in sure]))


def _newest_first(rows: list[_NameRow]) -> list[str]:
    return [row.name for row in sorted(rows, key=lambda row: row.newest, reverse=True)]


def _last_seen(session: Session, identity: str) -> Mapping[str, int]:
    """When their own newest proved lines carried which name. What this process, or another, took for known was not
    written down again."""
    found: dict[str, int] = {}
    for said in _LINES.rows(session, identity=identity):
        for party in read_document(said.doc).parties:
            if party.role == Role.AUTHOR and party.identity == identity and party.name:
                found.setdefault(party.name, said.sort_at)
    return found
