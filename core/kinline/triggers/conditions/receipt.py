"""``receipt``: a provider reported what became of a message of ours: delivered, read, bounced, rejected, complained.

It comes about once for each message and report, at the first such report.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from kinline.triggers.conditions.base import ConditionTerms, ConditionType, Sight
from kinline.triggers.filters import Interest
from kinline.triggers.history import Received
from kinline.triggers.outcomes import Evidence, Fire
from kinline.triggers.parts import Line, Part, Word, many

Report = Literal["delivered", "read", "bounced", "delayed", "rejected", "complained", "clicked"]


class ReceiptIs(Part, frozen=True, kw_only=True):
    """A provider reported what became of a message of ours. ``trigger``: only of messages that this one asked for."""

    report: Report | tuple[Report, ...]
    channel: Word | tuple[Word, ...] = ()
    trigger: Line = ""
    permanent: bool | None = None


#: As which kind of interaction the index of what triggers look at names them.
KIND = "receipt"


@dataclass(frozen=True)
class ReceiptCondition:
    reports: frozenset[str]
    channels: frozenset[str]
    trigger: str
    permanent: bool | None

    def outcomes(self, sight: Sight) -> Iterator[Fire]:
        told: set[str] = set()
        for received in sight.history.receipts:
            episode = f"{received.followup}:{received.report}"
            if self._meant(received) and episode not in told:
                told.add(episode)
                yield Fire(episode=episode, at=received.at, evidence=self._evidence(received))

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        """From the report on."""
        found = [each for each in sight.history.receipts if each.at <= at and self._meant(each)]
        return self._evidence(found[-1]) if found else None

    def interests(self) -> frozenset[Interest]:
        return frozenset((KIND, "*", channel) for channel in self.channels or {"*"})

    @property
    def lookback(self) -> int | None:
        return 0

    def _meant(self, received: Received) -> bool:
        return (
            received.report in self.reports
            and (not self.channels or received.channel in self.channels)
            and (not self.trigger or received.trigger == self.trigger)
            and (self.permanent is None or received.permanent is self.permanent)
        )

    def _evidence(self, received: Received) -> Evidence:
        return Evidence(
            interactions=(received.interaction,) if received.interaction else (),
            conversation=received.conversation,
            read={"receipt.report": received.report, "receipt.channel": received.channel},
        )


def compile_receipt(written: ReceiptIs, pointer: str, terms: ConditionTerms) -> ReceiptCondition:
    return ReceiptCondition(
        reports=frozenset(many(written.report)),
        channels=frozenset(many(written.channel)),
        trigger=written.trigger,
        permanent=written.permanent,
    )


RECEIPT = ConditionType(
    word="receipt",
    shape=ReceiptIs,
    compile=compile_receipt,
    says="A provider reported what became of a message of ours.",
    fields={
        "report": "What was reported; one or several.",
        "trigger": "Only messages that the trigger of this name asked for.",
        "permanent": "true: trying again cannot help; false: it may.",
    },
    narrow=True,
)
