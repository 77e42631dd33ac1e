"""Every word of ``when``, by name: those that ship, and those of plugins."""

from kinline.contract.plugins import channels
from kinline.triggers.conditions.base import AnyConditionType
from kinline.triggers.conditions.combined import ALL, ANY, NOT
from kinline.triggers.conditions.did import DID
from kinline.triggers.conditions.habit import BROKEN_HABIT
from kinline.triggers.conditions.peer import ANSWERED_BY_PEER
from kinline.triggers.conditions.plugin import type_of
from kinline.triggers.conditions.receipt import RECEIPT
from kinline.triggers.conditions.sentiment import SENTIMENT
from kinline.triggers.conditions.sequence import SEQUENCE
from kinline.triggers.conditions.silence import SILENCE
from kinline.triggers.conditions.stage import STAGE
from kinline.triggers.conditions.time import TIME
from kinline.triggers.conditions.topic import TOPIC

#: A new condition that ships is a new name here.
SHIPPED: tuple[AnyConditionType, ...] = (
    DID, SILENCE, BROKEN_HABIT, SEQUENCE, ANSWERED_BY_PEER, STAGE, TIME, RECEIPT, SENTIMENT, TOPIC, ALL, ANY, NOT,
)  # fmt: skip


def condition_types() -> dict[str, AnyConditionType]:
    """All words that may stand in ``when``."""
    plugins = map(type_of, channels().conditions.values())
    return {each.word: each for each in (*SHIPPED, *plugins)}
