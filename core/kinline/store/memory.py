"""What this process saw committed and nobody ever takes away, so that it is neither asked for nor written again.

Identities and the names they were seen with are such facts: they are never deleted. Another process can only add to
them. Whoever does take them away (a backup put back) does it while no hub runs, or calls `Memory.forget`.
"""

from collections.abc import Hashable, Iterable
from typing import TypeVar

from sqlmodel import Session

Fact = TypeVar("Fact", bound=Hashable)
#: More facts than this are not kept in memory: all are forgotten, and learned again.
MOST = 20_000
_MEMORY, _TOLD = "kinline_memory", "kinline_told"


class Memory:
    """The facts that one store is sure of. Used from many threads: each step is one operation on a set."""

    def __init__(self) -> None:
        self._sure: set[Hashable] = set()

    def attach(self, session: Session) -> None:
        """Let a writing session use it."""
        session.info[_MEMORY], session.info[_TOLD] = self, []

    def keep(self, session: Session) -> None:
        """The session has committed: what it was told holds from now on."""
        told = session.info[_TOLD]
        if len(self._sure) + len(told) > MOST:
            self._sure = set()
        self._sure.update(told)

    def forget(self) -> None:
        self._sure = set()

    def unsure(self, facts: Iterable[Fact]) -> set[Fact]:
        return {fact for fact in facts if fact not in self._sure}


def unsure(session: Session, facts: Iterable[Fact]) -> set[Fact]:
    """Those facts that may not be in the database yet."""
    memory: Memory | None = session.info.get(_MEMORY)
    return memory.unsure(facts) if memory else set(facts)


def tell(session: Session, facts: Iterable[Hashable]) -> None:
    """These are in the database once this session commits, if not before."""
    session.info.get(_TOLD, []).extend(facts)
