"""What an action may look at, and what its words may speak of."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
from sqlmodel import Session

from kinline.catalogue.trigger_store import Active
from kinline.decide.new_rows import NewRows
from kinline.decide.rounds import holds
from kinline.hub import Hub
from kinline.identity.persons import view
from kinline.triggers import Action, Fire, History, PersonState, Seen


@dataclass(frozen=True)
class Acting:
    """All that an action may look at. ``first``: the number of the action to begin with; past 0 after a wait."""

    hub: Hub
    session: Session
    root: str
    decision_id: str
    trigger: Active
    fire: Fire
    history: History
    now: int
    first: int = 0
    led: tuple[str, ...] = ()  #: ids of the triggers that led here, this one last
    templates: dict[str, int] = field(default_factory=dict)  #: stored templates by version, as decided on
    begun: list[str] = field(default_factory=list)  #: names of triggers that an action wants started
    rows: NewRows = field(default_factory=NewRows)  #: what is written when all have acted
    beside: frozenset[str] = frozenset()  #: ids of the decisions of the same step: none of them came before another

    @property
    def at(self) -> int:
        """When what it does is true from: when it happened; after a wait, now."""
        return self.now if self.first else self.fire.at

    @property
    def by(self) -> str:
        return f"trigger:{self.trigger.compiled.name}"

    @cached_property
    def about(self) -> Seen | None:
        """The interaction that it is about."""
        return next((seen for seen in self.history.seen if seen.id == self.fire.evidence.about), None)

    @property
    def person(self) -> PersonState:
        return self.history.person_at(self.now)

    def holds(self, action: Action) -> bool:
        """Whether the action's ``if`` holds."""
        return holds(action, self.history, self.fire, self.now, at_once=not self.first)


def words(acting: Acting, *, among_us: bool = False) -> dict[str, Any]:
    """What a template of a trigger may speak of. ``among_us``: only we read it."""
    said = spoken(
        acting.session, acting.root, acting.person, acting.about, acting.fire.evidence.conversation, among_us=among_us
    )
    return said | {"trigger": {"name": acting.trigger.compiled.name}}


def spoken(
    session: Session, root: str, person: PersonState, about: Seen | None, conversation: str, *, among_us: bool = False
) -> dict[str, Any]:
    """What a stored template may speak of, whoever uses it. A name that somebody only typed never leaves the house."""
    shown = view(session, root)
    name = shown.name if among_us else shown.proved_name
    return {
        "person": {
            "name": name,
            "first_name": name.partition(" ")[0],
            "relationship": person.relationship,
            "business": person.business,
            **{key: value for key, value in person.attributes.items() if key not in ("name", "first_name")},
        },
        "interaction": msgspec.to_builtins(about) if about else {},
        "conversation": {"id": conversation},
        "trigger": {},
        "company": {},
    }
