"""What a source says of people: attributes, other handles, organisations. Only what proves joins persons (docs/decisions/0005).

A source that the operator trusts for both types of handle proves that they are one person's; else it is suggested to a
human. Two users of one issuer are two people, whatever a shared device or address says: that is suggested too.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from sqlmodel import Session

from kinline import clock
from kinline.errors import Conflict
from kinline.identity import attributes, merges, organisations, persons
from kinline.identity.locking import one_at_a_time
from kinline.identity.parties import Who, identify
from kinline.identity.suggestions.rows import suggest_pair
from kinline.messages import Party, Profile
from kinline.record.recording import Outcome, Recording
from kinline.store import sql
from kinline.words import HandleType, ItemState, Standing


def lines(what: Profile) -> list[Who]:
    """Everybody it names whom we can know, the one it is about first."""
    return [line for party in (what.who, *what.also) if (line := _line(party))]


def alone(session: Session, recordings: Sequence[Recording]) -> None:
    """Keep others from joining persons meanwhile, where one of these may join some; before anything else is held."""
    pairs = [pair for each in recordings if isinstance(each.what, Profile) for pair in _proved(each.what)]
    if any(not _joined(session, one, other) for one, other in pairs):
        one_at_a_time(session)


def tell(session: Session, recording: Recording) -> Outcome:
    """Keep what it says. Everybody it names was met before."""
    what = recording.what
    assert isinstance(what, Profile)  # noqa: S101 - the caller sorted the others out
    about = _line(what.who)
    if about is None or about.identity_id is None:
        return Outcome(ItemState.APPLIED, None, "it is about nobody whom we could know")
    at = recording.arrived_at if what.at is None else clock.from_datetime(what.at)
    source = f"account:{recording.account.name}"
    told = attributes.keep(session, about.identity_id, what.known, said=what.source_id, source=source, at=at)
    if what.organisation and organisations.belongs(
        session, about.identity_id, what.issuer, what.organisation, what.organisation_name, at=at, source=source
    ):
        told.append("an organisation")
    told += [f"{how} {other.identity}" for other in lines(what)[1:] if (how := _one(session, recording, about, other))]
    if not told:
        return Outcome(ItemState.DUPLICATE, None, "known of this person")
    return Outcome(ItemState.APPLIED, None, f"a profile: {', '.join(told)}"[:500])


def _one(session: Session, recording: Recording, about: Who, other: Who) -> str:
    """They are said to be one: joined, suggested, or "" where nothing is new."""
    one, two = str(about.identity_id), str(other.identity_id)
    if _joined(session, one, two):
        return ""
    name = recording.account.name
    if _verified(about) and _verified(other) and not _another_user(session, about, other):
        evidence = {"proof": "trusted account", "account": name, "said": recording.what.source_id}  # type: ignore[union-attr]
        with suppress(Conflict):  # somebody decided that they are two
            left, right = persons.holder_of(session, one), persons.holder_of(session, two)
            merges.merge(session, left, right, evidence=evidence, made_by=f"account:{name}")
            return "joined with"
        return ""
    suggest_pair(session, one, two, "said_to_be_one", account=name, one=str(about.identity), other=str(other.identity))
    return "maybe"


def _another_user(session: Session, about: Who, other: Who) -> bool:
    """Whether the other's person goes by another id of the issuer that this one has an id of."""
    if about.identity is None or about.identity.type is not HandleType.EXTERNAL:
        return False
    rows = sql.run(
        session,
        "SELECT 1 FROM person p JOIN identity_link l ON l.person_id = p.id AND l.withdrawn_at IS NULL "
        "JOIN identity i ON i.id = l.identity_id WHERE p.root_id = {p} AND i.type = 'external' AND i.issuer = {p} "
        "AND i.id NOT IN ({p}, {p}) LIMIT 1",
        persons.of_identity(session, str(other.identity_id)), about.identity.issuer, about.identity_id, other.identity_id,
    )  # fmt: skip
    return bool(rows)


def _joined(session: Session, one: str, other: str) -> bool:
    """Whether one person answers for both; people whom nobody met yet are two."""
    rows = sql.select_in(
        session,
        "SELECT l.identity_id, p.root_id FROM identity_link l JOIN person p ON p.id = l.person_id "
        "WHERE l.identity_id {in} AND l.withdrawn_at IS NULL",
        [one, other],
    )
    roots = [{root for identity, root in rows if identity == each} for each in (one, other)]
    return bool(roots[0] & roots[1])


def _proved(what: Profile) -> Iterable[tuple[str, str]]:
    proved = [str(line.identity_id) for line in lines(what) if _verified(line)]
    yield from ((proved[0], other) for other in proved[1:])


def _verified(line: Who) -> bool:
    return line.party.standing is Standing.VERIFIED


def _line(party: Party) -> Who | None:
    known = identify(party.handle) if party.handle and not party.ours else None
    if known is None or known.blocked or known.handle.type is HandleType.X_HANDLE:
        return None
    return Who(party, known.handle, known.id)
