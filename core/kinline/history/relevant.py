"""Who has anything that a trigger looks at: one statement for a page of persons, so that the others are not read at all."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlmodel import Session, col

from kinline.history.load_many import HeldIdentities
from kinline.store.ask import Ask, Id, among
from kinline.store.models import Attribute, FollowUp, Participant, StageRow, WaitingRow
from kinline.triggers import Trigger
from kinline.triggers.conditions.receipt import KIND
from kinline.triggers.definition import Silence, Time
from kinline.triggers.lint import conditions
from kinline.triggers.parts import many
from kinline.waiting.rules import Level
from kinline.words import ASKING


def _having(column: object, *where: object) -> Ask[Id]:
    return Ask(select(col(column).label("id")).distinct().where(among(col(column), "those"), *where), Id)  # type: ignore[arg-type]


_DID_ANY = _having(Participant.identity_id)
_DID = _having(Participant.identity_id, among(col(Participant.kind), "kinds"))
_WAIT_FOR_US = _having(
    WaitingRow.who,
    col(WaitingRow.ended_at).is_(None), col(WaitingRow.level) == Level.DIRECT.value, col(WaitingRow.imported) == 0,
)  # fmt: skip
_KNOWN = _having(Attribute.identity_id, among(col(Attribute.name), "names"))
_MOVED = _having(StageRow.person_id)
_SENT_TO = _having(FollowUp.person_id)


def concerned(session: Session, trigger: Trigger, people: dict[str, HeldIdentities]) -> dict[str, HeldIdentities]:
    """Those of these persons who may be in the middle of what it looks at."""
    identities = sorted({each for held in people.values() for each in held.identities})
    members = sorted({each for held in people.values() for each in held.members})
    found = {row.id for row in _of_identities(session, trigger, identities)}
    if "stage" in trigger.words:
        found |= {row.id for row in _MOVED.rows(session, those=members)}
    if "receipt" in trigger.words:
        found |= {row.id for row in _SENT_TO.rows(session, those=members)}
    return {root: held for root, held in people.items() if not found.isdisjoint([*held.identities, *held.members])}


def _of_identities(session: Session, trigger: Trigger, identities: list[str]) -> Iterable[Id]:
    names = sorted({part.time.attribute for part in conditions(trigger.definition.when) if isinstance(part.time, Time)})
    if names:
        yield from _KNOWN.rows(session, those=identities, names=names)
    kinds = {kind for kind, _, _ in trigger.interests() if kind != KIND}
    if _only_silences_of_ours(trigger):
        yield from _WAIT_FOR_US.rows(session, those=identities)
    elif "*" in kinds:
        yield from _DID_ANY.rows(session, those=identities)
    elif kinds:
        yield from _DID.rows(session, those=identities, kinds=sorted(kinds))


def _only_silences_of_ours(trigger: Trigger) -> bool:
    """It waits for us to answer what asks us: then only those count who wait."""
    parts = list(conditions(trigger.definition.when))
    return all(
        isinstance(part.silence, Silence) and part.silence.of == "us" and ASKING.issuperset(many(part.silence.after.kind))
        and not many(part.silence.after.direction)
        for part in parts
    )  # fmt: skip
