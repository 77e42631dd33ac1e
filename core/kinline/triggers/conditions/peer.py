"""``answered_by_peer``: somebody else, not one of us, answered what this person said.

The person's own act that was answered must be on their history, and the answer an interaction of somebody outside that
names them and is not meant for us: whatever its direction, for in a brand's thread on X an answer names the brand too. It
comes about at the first such answer to each. A fan who helps a customer is seen this way.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from kinline.triggers.conditions.base import ConditionTerms, ConditionType, Sight
from kinline.triggers.durations import Duration
from kinline.triggers.filters import MODERATED_AWAY, Filter, Interest, Matcher, compile_filter, verified
from kinline.triggers.history import Seen
from kinline.triggers.outcomes import Evidence, Fire
from kinline.triggers.parts import Part
from kinline.words import Direction, Role


class AnsweredByPeer(Part, frozen=True, kw_only=True):
    """Somebody else than us answered what the person said. ``asked``: what was answered; ``within``: how soon."""

    asked: Filter = Filter()
    within: Duration | None = None


_NAMED = frozenset({Role.RECIPIENT, Role.MENTIONED})


@dataclass(frozen=True)
class PeerCondition:
    asked: Matcher
    within: int | None
    verified_only: bool

    def outcomes(self, sight: Sight) -> Iterator[Fire]:
        return (
            Fire(episode=question.id, at=answer.at, evidence=self._evidence(question, answer))
            for question, answer in self._answers(sight)
        )

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        """From the first answer on."""
        found = [(question, answer) for question, answer in self._answers(sight) if answer.at <= at]
        return self._evidence(*found[-1]) if found else None

    def interests(self) -> frozenset[Interest]:
        """The answers; and what was asked, for it may come later than they."""
        answers = {("*", str(direction), "*") for direction in (Direction.AMONG, Direction.INBOUND)}
        return frozenset(answers) | self.asked.interests()

    @property
    def lookback(self) -> int | None:
        return self.within

    def _answers(self, sight: Sight) -> list[tuple[Seen, Seen]]:
        return sight.once(self, lambda: list(self._walk(sight)))

    def _walk(self, sight: Sight) -> Iterator[tuple[Seen, Seen]]:
        questions = {seen.id: seen for seen in sight.history.seen if self._asks(seen)}
        for seen in sight.history.seen:
            question = questions.get(seen.answers)
            if question is None or not _helps(seen):
                continue
            if self.within is None or seen.at <= question.at + self.within:
                del questions[question.id]
                yield question, seen

    def _asks(self, seen: Seen) -> bool:
        return self.asked.matches(seen) and (not self.verified_only or verified(seen))

    def _evidence(self, question: Seen, answer: Seen) -> Evidence:
        return Evidence(
            interactions=(question.id, answer.id),
            about=question.id,
            conversation=question.conversation,
            read=self.asked.read(question),
            proved=verified(question),
        )


def _helps(seen: Seen) -> bool:
    """Somebody outside said it to them. What is addressed to us besides is a word to us, and no answer of theirs."""
    if seen.automatic or seen.role not in _NAMED or seen.moderation in MODERATED_AWAY:
        return False
    return seen.direction is Direction.AMONG or (seen.direction is Direction.INBOUND and not seen.to_us)


def compile_peer(written: AnsweredByPeer, pointer: str, terms: ConditionTerms) -> PeerCondition:
    return PeerCondition(
        asked=compile_filter(written.asked, side="them", own=terms.own, pointer=f"{pointer}/asked"),
        within=written.within.micros if written.within else None,
        verified_only=terms.verified_only and not written.asked.standing,
    )


ANSWERED_BY_PEER = ConditionType(
    word="answered_by_peer",
    shape=AnsweredByPeer,
    compile=compile_peer,
    says="Somebody else than us answered what the person said.",
    fields={
        "asked": "What of theirs was answered. Without it, anything they did.",
        "within": "How soon it must have been answered.",
    },
    starts=lambda written: written.asked,
)
