"""What else is stored about interactions, beside their own rows, that waiting has to know."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import and_, exists, func, literal, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from kinline.scoring import rows as scores
from kinline.store.ask import Ask, IdPair, among
from kinline.store.models import FollowUp, InteractionRow, MailAudience, MessageReference, ReceiptRow
from kinline.waiting import rules
from kinline.words import Direction, Kind, Origin, Scored

#: What is judged of somebody's words when they want an answer.
WANTING = frozenset({"question", "complaint"})
#: A provider's last word on somebody whom a message did not reach.
_FINAL = ("bounced", "rejected")
_Parent, _Child = aliased(MessageReference), aliased(MessageReference)


class LineRow(msgspec.Struct, frozen=True):
    """An interaction as it is stored, with its conversation."""

    id: str
    sort_at: int
    recorded_at: int
    kind: str
    direction: str
    channel: str
    origin: str
    automatic: str
    moderation: str
    deleted_at: int | None
    author_id: str | None
    answers_id: str | None
    followup_id: str | None
    content_hash: str
    doc: str
    conversation_id: str | None
    visibility: str | None


class _Sent(msgspec.Struct, frozen=True):
    id: str
    also_answers: str
    created_at: int


_ids = msgspec.json.Decoder(tuple[str, ...])
#: What mails answer: whoever has the nearest key that they name.
_PARENTS = Ask(
    select(col(_Child.interaction_id).label("one"), col(_Parent.interaction_id).label("other"))
    .join(_Parent, and_(col(_Parent.key_id) == col(_Child.key_id), col(_Parent.own) == 1))
    .where(among(col(_Child.interaction_id), "interactions"), col(_Child.own) == 0, col(_Child.place) == 1),
    IdPair,
)
_SENT = Ask(
    select(col(FollowUp.id), col(FollowUp.also_answers), col(FollowUp.created_at)).where(
        among(col(FollowUp.id), "followups")
    ),
    _Sent,
)
_FAILED = Ask(
    select(col(ReceiptRow.followup_id).label("one"), col(ReceiptRow.recipient).label("other")).where(
        among(col(ReceiptRow.followup_id), "followups"),
        col(ReceiptRow.permanent) == 1,
        col(ReceiptRow.report).in_(_FINAL),
        col(ReceiptRow.recipient).is_not(None),
    ),
    IdPair,
)
_ANSWERING = Ask(
    select(col(InteractionRow.id).label("one"), col(InteractionRow.id).label("other")).where(
        among(col(InteractionRow.id), "interactions"),
        col(InteractionRow.direction) != Direction.OUTBOUND.value,
        or_(
            col(InteractionRow.answers_id).is_not(None),
            exists().where(col(_Child.interaction_id) == col(InteractionRow.id), col(_Child.own) == 0),
        ),
    ),
    IdPair,
)
#: Mails in our name, out of history, that somebody to whom they went answered: so we did send them.
_ANSWERED = Ask(
    select(col(MailAudience.interaction_id).label("one"), func.min(col(_Child.interaction_id)).label("other"))
    .join(_Child, and_(col(_Child.key_id) == col(MailAudience.key_id), col(_Child.own) == 0))
    .join(InteractionRow, col(InteractionRow.id) == col(_Child.interaction_id))
    .where(
        among(col(MailAudience.interaction_id), "interactions"),
        col(_Child.place) == 1,
        col(InteractionRow.automatic) == "",
        col(_Child.author) != "",
        func.replace(col(MailAudience.seen), literal('"') + col(_Child.author) + '"', "") != col(MailAudience.seen),
    )
    .group_by(col(MailAudience.interaction_id)),
    IdPair,
)


def answering(session: Session, interactions: Iterable[str]) -> list[str]:
    """Those of these that somebody outside said to answer something: of them it matters whether they want an answer too."""
    return [row.one for row in _ANSWERING.rows(session, interactions=sorted(interactions))]


def wanting(session: Session, interactions: Iterable[str]) -> list[str]:
    """Those of them that were judged to want an answer."""
    found = answering(session, interactions)
    judged = scores.of(session, found) if found else {}
    return [each for each in found if any(row.what == Scored.TOPIC and row.value in WANTING for row in judged[each])]


class LineContext:
    """What stands beside some interactions. ``flags``: those of each; ``held``: who holds which identity."""

    def __init__(
        self, session: Session, rows: Sequence[LineRow], flags: Mapping[str, tuple[str, ...]], held: Mapping[str, str]
    ) -> None:
        self._sent = _sent(session, rows)
        self._answers = _answered_by(session, rows)
        self._failed = _failed(session, rows, held)
        self._vouched = _surely_sent(session, rows, flags)
        self._wanting = _wanting(session, rows, self._answers)

    def answers(self, row: LineRow) -> tuple[str, ...]:
        """What it answers: as its channel says, as a mail names it, and what one of us said that it answers too."""
        sent = self._sent.get(row.followup_id or "")
        also = _ids.decode(sent.also_answers) if sent else ()
        return tuple(dict.fromkeys([*self._answers[row.id], *also]))

    def written_at(self, row: LineRow) -> int | None:
        """When one of us wrote it here."""
        sent = self._sent.get(row.followup_id or "")
        return sent.created_at if sent else None

    def failed_to(self, row: LineRow) -> frozenset[str]:
        """The persons whom it surely never reached."""
        return self._failed.get(row.followup_id or "", frozenset())

    def is_vouched(self, row: LineRow) -> bool:
        """Whether it is of our history, nobody vouched for it, and whoever got it answered: so we did send it."""
        return row.id in self._vouched

    def wants_an_answer(self, row: LineRow) -> bool:
        """Whether it answers somebody and was judged to be a question or a complaint itself."""
        return row.id in self._wanting


def _sent(session: Session, rows: Sequence[LineRow]) -> dict[str, _Sent]:
    followups = sorted({row.followup_id for row in rows if row.followup_id})
    return {each.id: each for each in _SENT.rows(session, followups=followups)} if followups else {}


def _answered_by(session: Session, rows: Sequence[LineRow]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(
        list, {row.id: [row.answers_id] if row.answers_id else [] for row in rows}
    )
    unsaid = [row.id for row in rows if not row.answers_id and row.kind == Kind.MESSAGE]
    for pair in _PARENTS.rows(session, interactions=unsaid) if unsaid else ():
        found[pair.one].append(pair.other)
    return found


def _failed(session: Session, rows: Sequence[LineRow], held: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """The persons whom each of our messages surely never reached, by follow-up."""
    sent = sorted({row.followup_id for row in rows if row.followup_id})
    found: dict[str, set[str]] = defaultdict(set)
    for pair in _FAILED.rows(session, followups=sent) if sent else ():
        if pair.other in held:
            found[pair.one].add(held[pair.other])
    return {followup: frozenset(persons) for followup, persons in found.items()}


def _surely_sent(session: Session, rows: Sequence[LineRow], flags: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Those in our name that nobody vouched for, out of history, which their recipients answered."""
    doubtful = [row.id for row in rows if row.origin == Origin.IMPORT and not rules.UNSURE.isdisjoint(flags[row.id])]
    return {pair.one for pair in _ANSWERED.rows(session, interactions=doubtful)} if doubtful else set()


def _wanting(session: Session, rows: Sequence[LineRow], answers: Mapping[str, list[str]]) -> set[str]:
    """Those that answer something and were judged to want an answer themselves."""
    theirs = {row.id: row.content_hash for row in rows if row.direction != Direction.OUTBOUND and answers[row.id]}
    if not theirs:
        return set()
    return {
        interaction
        for interaction, judged in scores.of(session, theirs).items()
        if (topic := scores.current(judged, theirs[interaction]).get(Scored.TOPIC))
        and topic.judged().known() in WANTING
    }
