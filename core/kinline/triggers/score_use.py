"""Which parts of a trigger look at what people's words are judged to say, found in whatever was written."""

from collections.abc import Iterator
from itertools import product

import msgspec

from kinline.triggers.definition import ConditionDefinition, Did, Filter, SentimentIs, TopicIs
from kinline.triggers.expressions import compile_expression
from kinline.triggers.filters import JUDGED, Interest
from kinline.triggers.parts import many
from kinline.words import Direction

SAID_BY_PEOPLE = (Direction.INBOUND, Direction.AMONG)


def interests(part: object) -> frozenset[Interest]:
    """Which interactions have to be judged for it, as (kind, direction, channel): also those that only a ``not``, a
    ``without`` or a fall of long ago looks at. Without a direction, what people said."""
    found: set[Interest] = set()
    for each in _inside(part):
        wanted = each.said if isinstance(each, SentimentIs | TopicIs) else each if asked(each) else None
        if isinstance(wanted, Filter):
            directions = many(wanted.direction) or SAID_BY_PEOPLE
            found |= set(product(map(str, many(wanted.kind) or "*"), map(str, directions), many(wanted.channel) or "*"))
    return frozenset(found)


def asked(part: object) -> frozenset[str]:
    """Which judgements a filter asks for; none where it is no filter."""
    if not isinstance(part, Filter):
        return frozenset()
    written = {name for name in JUDGED if getattr(part, name, None)}
    names = compile_expression(part.where, "interaction", "").names if part.where else frozenset()
    return frozenset(written) | (names & JUDGED)


def on_sentiment_alone(condition: ConditionDefinition) -> bool:
    """Whether nothing but how something sounds makes it come about."""
    if isinstance(condition.sentiment, SentimentIs):
        return True
    if isinstance(condition.all, tuple):
        return all(on_sentiment_alone(part) or _wide(part) for part in condition.all if part.word != "not_") and any(
            on_sentiment_alone(part) for part in condition.all
        )
    if isinstance(condition.any, tuple):
        return any(on_sentiment_alone(part) for part in condition.any)
    did = condition.did
    return isinstance(did, Did) and _only_sentiment(did) and (did.count or 1) == 1


def _only_sentiment(did: Filter) -> bool:
    """A filter that asks how it sounds and, beside who and where, for nothing else."""
    if asked(did) != {"sentiment"}:
        return False
    return not did.where or compile_expression(did.where, "interaction", "").names == {"sentiment"}


def _wide(condition: ConditionDefinition) -> bool:
    """What adds nothing: that they said anything at all."""
    did = condition.did
    return isinstance(did, Did) and not did.where and not asked(did) and not did.count


def _inside(part: object) -> Iterator[object]:
    yield part
    if isinstance(part, msgspec.Struct):
        for name in part.__struct_fields__:
            yield from _inside(getattr(part, name))
    elif isinstance(part, tuple):
        for each in part:
            yield from _inside(each)
