"""A person's history as deciding sees it: loaded over all their identities, as of now or of a time.

Dated facts (stages, tags) are read over all members of the root, so a merge changes what is seen and
rewrites nothing.
"""

from collections.abc import Iterable, Iterator
from typing import Any, TypedDict

import msgspec
from sqlmodel import Session

from kinline.history.organisations import organisations as organisations_of
from kinline.identity.persons import Span, members, spans
from kinline.scoring import rows as scores
from kinline.store import sql
from kinline.triggers import History, PersonState, Received, Seen, Trigger
from kinline.triggers.history import Dated
from kinline.waiting import policies
from kinline.waiting import waited as waits_of_person
from kinline.words import STAGES, Direction, Kind, Origin, Role, Standing, Track

#: A channel's flag for something in our name that nobody vouches for. Live, it breaks no silence of ours.
UNPROVED = '"ours_unproved"'
#: More than this many interactions are not looked at in one decision; the newest are.
LARGEST = 20_000
START = -(2**62)
AS_ALWAYS = 2**62


class Fact(msgspec.Struct, frozen=True):
    """A stage or a tag that holds from a step of an instant. ``imported_at``: when the history came which it rests on, if that
    was imported."""

    at: int
    id: str
    word: str  #: a track, or ``+`` / ``-`` for a tag
    value: str
    person: str = ""  #: of those joined, the one it was written for
    made_by: str = ""
    step: int = 0
    imported_at: int | None = None

    @property
    def is_tag(self) -> bool:
        return self.word in ("+", "-")

    @property
    def place(self) -> tuple[int, int, int, str]:
        """Its place among others. At one step the furthest stage comes last, and so stands; of a tag, that it is there."""
        return self.at, self.step, self._rank(self.value), self.id

    def told_of(self, person: PersonState) -> PersonState:
        """The person as this makes them."""
        if self.is_tag:
            changed = person.tags | {self.value} if self.word == "+" else person.tags - {self.value}
            return msgspec.structs.replace(person, tags=changed)
        others = {track: at for track, at in person.imported.items() if track != self.word}
        imported = others if self.imported_at is None else others | {self.word: self.imported_at}
        return msgspec.structs.replace(person, imported=imported, **{self.word: self.value})

    def _rank(self, value: str) -> int:
        return int(self.word == "+") if self.is_tag else STAGES[Track(self.word)].index(value)


class HistoryContext(TypedDict):
    """What a history has beside what the person did and got."""

    receipts: bool
    calendars: bool
    organisations: bool
    judgements: bool
    waited: bool


#: Stages that only somebody new gets.
BEGINNINGS = frozenset({"prospect", "lead", "fan"})


def load(
    session: Session, root: str, *, since: int = START, as_of: int = AS_ALWAYS, facts: Iterable[Fact] | None = None,
    receipts: bool = True, calendars: bool = True, organisations: bool = True, judgements: bool = True, waited: bool = True,
) -> History:  # fmt: skip
    """The history from ``since`` on, as it was known at ``as_of``. ``facts``: the stages and tags, where the caller has them.

    Without ``receipts`` it does not ask what providers reported, without ``calendars`` when we work, without
    ``organisations`` what others did who belong where the person belongs, without ``judgements`` what scorers and
    people made of it, without ``waited`` how they waited for us: few triggers look at that (`asked_by`).
    """
    people = members(session, root)
    own = seen_of(session, root, since=since, as_of=as_of, judgements=judgements)
    facts = facts_of(session, people, as_of) if facts is None else facts

    def read(member: str) -> Iterable[Seen]:
        return own if member == root else seen_of(session, member, since=since, as_of=as_of, judgements=judgements)

    return History.of(
        own,
        persons_over_time(facts, attributes(session, root, as_of)),
        received_by(session, people, since, as_of) if receipts else [],
        calendars=policies.working(session) if calendars else None,
        organisations=organisations_of(session, root, people, as_of, read) if organisations else (),
        waited=waits_of_person.of(session, [span.identity_id for span in spans(session, root)]) if waited else None,
    )


def asked_by(triggers: Iterable[Trigger]) -> HistoryContext:
    """What `load` has to bring for these triggers."""
    known = list(triggers)
    return HistoryContext(
        receipts=any("receipt" in trigger.words for trigger in known),
        calendars=any(trigger.calendars for trigger in known),
        organisations=any(trigger.of_organisations for trigger in known),
        judgements=any(trigger.looks_at_judgements for trigger in known),
        waited=any(trigger.of_us for trigger in known),
    )


def seen_of(
    session: Session, root: str, *, since: int = START, as_of: int = AS_ALWAYS, judgements: bool = True
) -> list[Seen]:
    """What one person did and got, each interaction once: as its author, where they are. In no order."""
    found = [row for span in spans(session, root) for row in _seen(session, span, since, as_of)]
    known = scores.of(session, {row[0] for row in found}) if judgements else {}
    seen = [_one(row, known.get(row[0], ()), as_of) for row in found]
    return list({one.id: one for one in sorted(seen, key=lambda one: one.role == Role.AUTHOR)}.values())


def persons_over_time(facts: Iterable[Fact], known: dict[str, Any]) -> tuple[Dated, ...]:
    """Who the person was from when on, by the dated facts."""
    now = PersonState(attributes=known)
    dated: list[Dated] = [(START, 0, now)]
    for fact in _as_one(facts):
        now = fact.told_of(now)
        dated.append((fact.at, fact.step, now))
    return tuple(dated)


def attributes(session: Session, root: str, as_of: int = AS_ALWAYS) -> dict[str, Any]:
    """What is known about the person; of each attribute the newest value counts, and null is none."""
    rows = sql.select_in(
        session,
        "SELECT name, value FROM attribute WHERE identity_id {in} AND recorded_at <= {p} ORDER BY at, id",
        [span.identity_id for span in spans(session, root)],
        as_of,
    )
    newest = {name: msgspec.json.decode(value) for name, value in rows}
    return {name: value for name, value in newest.items() if value is not None}


def stages(session: Session, root: str) -> dict[Track, str]:
    """The stage on each track now."""
    found = {track: names[0] for track, names in STAGES.items()}
    for fact in _as_one(facts_of(session, members(session, root))):
        if not fact.is_tag:
            found[Track(fact.word)] = fact.value
    return found


def tags(session: Session, root: str) -> list[str]:
    present: set[str] = set()
    for fact in sorted(facts_of(session, members(session, root)), key=lambda each: each.place):
        if fact.word == "+":
            present.add(fact.value)
        elif fact.word == "-":
            present.discard(fact.value)
    return sorted(present)


def _as_one(facts: Iterable[Fact]) -> Iterator[Fact]:
    """The facts of all who are joined, in order, as those of one person.

    Before they were joined, one of them may have been a customer while another, unknown, was taken for somebody
    new. That beginning does not take the customer back; what was decided since they are one does.
    """
    reached: dict[str, Fact] = {}
    for fact in sorted(facts, key=lambda each: each.place):
        held = reached.get(fact.word)
        if held is None or not _begins_apart(fact, held):
            reached[fact.word] = fact
            yield fact


def _begins_apart(fact: Fact, held: Fact) -> bool:
    if fact.is_tag or fact.value not in BEGINNINGS or not fact.made_by.startswith("trigger:"):
        return False
    order = STAGES[Track(fact.word)]
    return bool(fact.person) and fact.person != held.person and order.index(fact.value) < order.index(held.value)


def facts_of(session: Session, people: list[str], as_of: int = AS_ALWAYS) -> list[Fact]:
    """The stages and tags of all who are joined, as they were known at ``as_of``."""
    moved = sql.select_in(
        session,
        "SELECT s.at, s.id, s.track, s.stage, s.person_id, s.made_by, s.step, "
        "CASE WHEN i.origin = 'import' THEN i.recorded_at END FROM stage s "
        "LEFT JOIN decision d ON d.id = s.decision_id LEFT JOIN interaction i ON i.id = d.cause_id "
        "WHERE s.person_id {in} AND s.recorded_at <= {p}",
        people,
        as_of,
    )
    tagged = sql.select_in(
        session,
        "SELECT at, id, present, tag, step, person_id FROM tag WHERE person_id {in} AND recorded_at <= {p}",
        people,
        as_of,
    )
    return [Fact(*row) for row in moved] + [
        Fact(at, each, "+" if there else "-", tag, person, step=step) for at, each, there, tag, step, person in tagged
    ]


def received_by(session: Session, people: list[str], since: int = START, as_of: int = AS_ALWAYS) -> list[Received]:
    """What providers reported of our messages to these people."""
    rows = sql.select_in(
        session,
        "SELECT r.at, r.id, f.id, r.report, r.channel, r.permanent, coalesce(t.name, ''), coalesce(f.interaction_id, ''), "
        "coalesce(c.merged_into, c.id, ''), r.recorded_at FROM followup f JOIN receipt r ON r.followup_id = f.id "
        "LEFT JOIN trigger_rule t ON t.id = f.trigger_id LEFT JOIN interaction i ON i.id = f.interaction_id "
        "LEFT JOIN thread_key k ON k.id = i.thread_key_id LEFT JOIN conversation c ON c.id = k.conversation_id "
        "WHERE f.person_id {in} AND r.at >= {p} AND r.recorded_at <= {p} ORDER BY r.at, r.id LIMIT {p}",
        people, since, as_of, LARGEST,
    )  # fmt: skip
    names = (
        "at",
        "id",
        "followup",
        "report",
        "channel",
        "permanent",
        "trigger",
        "interaction",
        "conversation",
        "recorded_at",
    )
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [Received(**{**each, "permanent": bool(each["permanent"])}) for each in found]


_LINES = (
    "SELECT i.id, i.sort_at, i.recorded_at, i.kind, i.direction, i.channel, i.automatic, i.origin, i.sequence, i.moderation, "
    "i.doc, i.answers_id, p.role, p.standing, coalesce(c.merged_into, c.id, ''), d.chain, f.trigger_id, i.content_hash, "
    "(SELECT min(a.name) FROM copy o JOIN account a ON a.id = o.account_id "
    "WHERE o.source_id = i.source_id AND o.interaction_id = i.id) "
    "FROM participant p JOIN interaction i ON i.id = p.interaction_id "
    "LEFT JOIN thread_key k ON k.id = i.thread_key_id LEFT JOIN conversation c ON c.id = k.conversation_id "
    "LEFT JOIN followup f ON f.id = i.followup_id LEFT JOIN decision d ON d.id = f.decision_id "
)
_SEEN = (
    _LINES
    + "WHERE p.identity_id = {p} AND p.sort_at >= {p} AND p.sort_at < {p} AND i.recorded_at <= {p} AND i.deleted_at IS NULL "
    "ORDER BY p.sort_at DESC LIMIT {p}"
)


def _seen(session: Session, span: Span, since: int, as_of: int) -> list[tuple[Any, ...]]:
    rows = sql.run(session, _SEEN, span.identity_id, max(since, span.since), span.until, as_of, LARGEST)
    return [row for row in rows if _is_proved(row)]


def among(
    session: Session, identities: Iterable[str], since: int, until: int, kinds: Iterable[Kind] = ()
) -> Iterator[tuple[str, Seen]]:
    """What these identities took part in, later than ``since`` and up to ``until``, each with whose it is."""
    only = f"AND p.kind IN ({', '.join(repr(str(kind)) for kind in sorted(kinds))}) " if kinds else ""
    rows = sql.select_in(
        session,
        f"{_LINES.replace('SELECT ', 'SELECT p.identity_id, ', 1)}WHERE p.identity_id {{in}} AND p.sort_at > {{p}} "
        f"AND p.sort_at <= {{p}} {only}AND i.deleted_at IS NULL",
        identities, since, until,
    )  # fmt: skip
    known = scores.of(session, {row[1] for row in rows})
    return ((row[0], _one(row[1:], known.get(row[1], ()), AS_ALWAYS)) for row in rows)


def lines_among(
    session: Session, identities: Iterable[str], since: int, *, judgements: bool
) -> Iterator[tuple[str, Seen]]:
    """What these identities took part in from ``since`` on, as deciding sees it, each with whose it is."""
    rows = sql.select_in(
        session,
        f"{_LINES.replace('SELECT ', 'SELECT p.identity_id, ', 1)}WHERE p.identity_id {{in}} AND p.sort_at >= {{p}} "
        "AND i.deleted_at IS NULL",
        identities, since,
    )  # fmt: skip
    rows = [row for row in rows if _is_proved(row[1:])]
    known = scores.of(session, {row[1] for row in rows}) if judgements else {}
    return ((row[0], _one(row[1:], known.get(row[1], ()), AS_ALWAYS)) for row in rows)


def _is_proved(row: tuple[Any, ...]) -> bool:
    return not (row[7] == Origin.LIVE and UNPROVED in row[10])


def _one(row: tuple[Any, ...], judgements: Iterable[scores.StoredScore], as_of: int) -> Seen:
    (each, at, recorded, kind, direction, channel, automatic, origin, sequence, moderation, doc, answers, role, standing,
     conversation, chain, trigger, digest, account) = row  # fmt: skip
    said = msgspec.json.decode(doc)
    judged = scores.judgements(judgements, digest, said, as_of)
    return Seen(
        id=each, at=at, recorded_at=recorded, kind=Kind(kind), direction=Direction(direction), channel=channel,
        account=account or "", conversation=conversation, role=Role(role), standing=Standing(standing), automatic=bool(automatic),
        origin=Origin(origin), sequence=sequence, subject=said.get("subject", ""), text=said.get("text", ""),
        moderation=moderation, facts=said.get("facts", {}), answers=answers or "", judged=judged,
        to_us=any(party.get("ours") and party.get("role") == Role.RECIPIENT for party in said.get("parties", ())),
        caused_by=frozenset(msgspec.json.decode(chain)) if chain else frozenset([trigger] if trigger else []),
        **{name: value for name, each in judged.items() if (value := each.known()) is not None},  # type: ignore[arg-type]
    )  # fmt: skip
