"""Filters: which interactions a condition looks at, as written and compiled to one cheap question per interaction."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from kinline.triggers.expressions import Expression, compile_expression
from kinline.triggers.history import Seen
from kinline.triggers.parts import Cel, Part, Word, many
from kinline.words import Direction, Kind, Role, Scored, Standing

Confidence = Annotated[float, Meta(ge=0, le=1)]


class Bounds(Part, frozen=True, kw_only=True):
    """What a number is compared with."""

    lt: float | None = None
    lte: float | None = None
    gt: float | None = None
    gte: float | None = None


class Compare(Bounds, frozen=True, kw_only=True):
    """Bounds for a number. An unknown number is within no bounds."""

    def __post_init__(self) -> None:
        if all(bound is None for bound in (self.lt, self.lte, self.gt, self.gte)):
            raise ValueError("compare with at least one of lt, lte, gt, gte")


class Filter(Part, frozen=True, kw_only=True):
    """Which interactions. Every line narrows; a list means one of them; what is unknown never matches.

    Without ``direction`` it looks at what the person did themselves. Notes, automatic mail and what was
    moderated away are passed over unless named.
    """

    kind: Kind | tuple[Kind, ...] = ()
    direction: Direction | tuple[Direction, ...] = ()
    channel: Word | tuple[Word, ...] = ()
    account: Word | tuple[Word, ...] = ()
    role: Role | tuple[Role, ...] = ()
    standing: Standing | tuple[Standing, ...] = ()
    topic: Word | tuple[Word, ...] = ()
    language: Word | tuple[Word, ...] = ()
    moderation: Word | tuple[Word, ...] = ()
    sentiment: Compare | None = None
    automatic: bool | Literal["any"] = False
    where: Cel = ""

    def said(self) -> str:
        """What it asks for, as it was written, for an explanation."""
        return ", ".join(f"{name}: {given}" for name in self.__struct_fields__ if (given := getattr(self, name)))


Side = Literal["us", "them", "anyone"]
Interest = tuple[str, str, str]  #: kind, direction, channel; "*" for any
Check = Callable[[Seen], bool]

_OURS = ((Direction.OUTBOUND, Role.RECIPIENT), (Direction.OUTBOUND, Role.MENTIONED))
_THEIRS = ((Direction.INBOUND, Role.AUTHOR), (Direction.AMONG, Role.AUTHOR))
#: Who acts, by direction and the person's part: to be an author is to do it, to receive ours is our doing.
_ACTS: dict[Side, frozenset[tuple[Direction, Role]]] = {
    "us": frozenset(_OURS),
    "them": frozenset(_THEIRS),
    "anyone": frozenset(product(Direction, (Role.AUTHOR, Role.RECIPIENT, Role.MENTIONED))),
}
_ACTIVE = frozenset((*_OURS, *_THEIRS))

#: Kept on the timeline, and no act of anybody's: unless a filter names them.
MODERATED_AWAY = frozenset({"spam", "trash", "deleted", "rejected", "pingback", "trackback"})

_BOUNDS: tuple[tuple[str, Callable[[float, float], bool]], ...] = (
    ("lt", lambda value, bound: value < bound),
    ("lte", lambda value, bound: value <= bound),
    ("gt", lambda value, bound: value > bound),
    ("gte", lambda value, bound: value >= bound),
)


def _rating(seen: Seen) -> float | None:
    rating = seen.facts.get("rating")
    return float(rating) if isinstance(rating, int | float) and not isinstance(rating, bool) else None


#: Where an expression's variables come from. None and "" of `_MAY_BE_UNKNOWN` are left out: nobody knows.
_VALUES: dict[str, Callable[[Seen], Any]] = {
    "id": lambda seen: seen.id,
    "kind": lambda seen: seen.kind.value,
    "direction": lambda seen: seen.direction.value,
    "channel": lambda seen: seen.channel,
    "account": lambda seen: seen.account,
    "conversation": lambda seen: seen.conversation,
    "role": lambda seen: seen.role.value,
    "standing": lambda seen: seen.standing.value,
    "subject": lambda seen: seen.subject,
    "text": lambda seen: seen.text,
    "automatic": lambda seen: seen.automatic,
    "topic": lambda seen: seen.topic or None,
    "language": lambda seen: seen.language or None,
    "moderation": lambda seen: seen.moderation or None,
    "sentiment": lambda seen: seen.sentiment,
    "rating": _rating,
    "facts": lambda seen: seen.facts,
}
_WORTH_TELLING = ("topic", "language", "moderation", "sentiment", "rating")
JUDGED = frozenset(map(str, Scored))


@dataclass(frozen=True)
class Matcher:
    """A compiled filter. ``own`` is the trigger's id: what it caused itself, it does not look at."""

    filter: Filter
    own: str
    acts: frozenset[tuple[Direction, Role]]
    kinds: frozenset[Kind] | None
    checks: tuple[Check, ...]
    where: Expression | None
    told: tuple[str, ...] = field(default=())

    def matches(self, seen: Seen) -> bool:
        if (seen.direction, seen.role) not in self.acts:
            return False
        if seen.kind is Kind.NOTE if self.kinds is None else seen.kind not in self.kinds:
            return False
        if seen.caused_by and self.own in seen.caused_by:
            return False
        for check in self.checks:
            if not check(seen):
                return False
        return self.where is None or self.where.holds(_values(seen, self.where.names))

    def read(self, seen: Seen) -> dict[str, Any]:
        """The judgements it relied on, and who judged, for the evidence. Never the text itself."""
        found = {f"interaction.{name}": value for name, value in _values(seen, self.told).items()}
        for name in JUDGED.intersection(self.told).intersection(seen.judged):
            found |= told(seen, name)
        return found

    def interests(self) -> frozenset[Interest]:
        """Which interactions can match at all, as (kind, direction, channel)."""
        kinds = sorted(self.kinds) if self.kinds is not None else ["*"]
        directions = sorted({direction for direction, _ in self.acts})
        channels = many(self.filter.channel) or ("*",)
        return frozenset(
            (str(kind), str(direction), channel) for kind, direction, channel in product(kinds, directions, channels)
        )


def compile_filter(wanted: Filter, *, side: Side, own: str, pointer: str) -> Matcher:
    """Compile. ``side`` says whose acts are meant where the filter names no direction."""
    where = compile_expression(wanted.where, "interaction", f"{pointer}/where") if wanted.where else None
    used = (where.names if where else frozenset()) | {name for name in _WORTH_TELLING if getattr(wanted, name, None)}
    return Matcher(
        filter=wanted,
        own=own,
        acts=_acts(wanted, side),
        kinds=frozenset(many(wanted.kind)) or None,
        checks=tuple(_checks(wanted)),
        where=where,
        told=tuple(name for name in _WORTH_TELLING if name in used),
    )


def told(seen: Seen, what: str) -> dict[str, Any]:
    """A judgement for the evidence: the value, and who judged in which version and language, how surely."""
    judged = seen.judgement(what)
    if judged is None:
        return {}
    return {f"interaction.{what}": judged.value, f"interaction.{what}.judged": msgspec.to_builtins(judged)}


def verified(seen: Seen) -> bool:
    return seen.standing is Standing.VERIFIED


def _values(seen: Seen, names: Any) -> dict[str, Any]:
    return {name: value for name in names if (value := _VALUES[name](seen)) is not None}


def _acts(wanted: Filter, side: Side) -> frozenset[tuple[Direction, Role]]:
    directions, roles = many(wanted.direction), many(wanted.role)
    if roles:
        named = directions or tuple({direction for direction, _ in _ACTS[side]})
        return frozenset(product(named, roles))
    if not directions:
        return _ACTS[side]
    wide = _ACTS["anyone"] if side == "anyone" else _ACTIVE
    return frozenset(act for act in wide if act[0] in directions)


def _checks(wanted: Filter) -> list[Check]:
    checks: list[Check] = []
    for name in ("channel", "account", "standing", "topic"):
        if values := many(getattr(wanted, name)):
            checks.append(_one_of(name, frozenset(values)))
    if languages := many(wanted.language):
        checks.append(_language(frozenset(languages)))
    if wanted.automatic != "any":
        checks.append(_automatic(bool(wanted.automatic)))
    checks.append(_moderation(frozenset(many(wanted.moderation))))
    if wanted.sentiment is not None:
        checks.append(_within(wanted.sentiment))
    return checks


def _one_of(name: str, values: frozenset[str]) -> Check:
    return lambda seen: getattr(seen, name) in values


def _language(values: frozenset[str]) -> Check:
    """``es`` means es-MX too, as BCP 47 ranges do (RFC 4647, 3.3.1)."""
    return lambda seen: seen.language in values or seen.language.partition("-")[0] in values


def _automatic(wanted: bool) -> Check:
    return lambda seen: seen.automatic is wanted


def _moderation(wanted: frozenset[str]) -> Check:
    if wanted:
        return lambda seen: seen.moderation in wanted
    return lambda seen: seen.moderation not in MODERATED_AWAY


def _within(bounds: Compare) -> Check:
    inside = bounds_of(bounds)
    return lambda seen: seen.sentiment is not None and inside(seen.sentiment)


def bounds_of(bounds: Bounds) -> Callable[[float], bool]:
    """Whether a number lies within bounds."""
    tests = [(test, bound) for name, test in _BOUNDS if (bound := getattr(bounds, name)) is not None]
    return lambda value: all(test(value, bound) for test, bound in tests)
