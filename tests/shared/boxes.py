"""A channel whose provider is a box in memory, which a test fills, breaks and watches."""

import threading
from collections.abc import Iterator, Sequence
from typing import ClassVar

from kinline import Connection
from kinline.contract.channel import Ability, AccountSettings
from kinline.messages import Estimate, Fetched, Source
from saboteur import Saboteur


class PostBox(Connection):
    """A provider in memory: numbered lines; the cursor is the number of the last one that was kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.old: list[str] = []
        self.trouble: Exception | None = None
        self.cost = 0
        self.opened = 0
        self.news = threading.Event()
        self.asides = 0

    def about(self) -> str:
        return f"A box with {len(self.lines)} lines"

    def fetch(self, cursor: str) -> Iterator[Fetched]:
        yield from self._from(self.lines, cursor)

    def history(self, cursor: str) -> Iterator[Fetched]:
        yield from self._from(self.old, cursor)

    def _from(self, lines: list[str], cursor: str) -> Iterator[Fetched]:
        for number, line in enumerate(lines, 1):
            if self.trouble:
                raise self.trouble
            if number > int(cursor or 0):
                yield Fetched(
                    body=f"{line}\n".encode(), source=Source(name="box"), cursor=str(number), cost=self.cost,
                    limits={"left": 99},
                )  # fmt: skip

    def estimate(self) -> Estimate:
        return Estimate(items=len(self.old), cost=self.cost * len(self.old))

    def recent(self, count: int) -> Sequence[str]:
        return list(reversed(self.lines))[:count]

    def spent(self) -> int:
        return self.asides

    def wait(self, seconds: float) -> bool:
        assert self.watches, "nobody waits on what says that there is nothing to wait on"
        came = self.news.wait(min(seconds, 0.05))
        self.news.clear()
        return came


class Box(Saboteur):
    """The saboteur with a provider."""

    name = "box"
    can: ClassVar[frozenset[Ability]] = frozenset(
        {Ability.IMPORT, Ability.POLL, Ability.WATCH, Ability.HISTORY, Ability.COMPARE}
    )
    limit: int | None = None

    def __init__(self) -> None:
        super().__init__()
        self.box = PostBox()

    def connect(self, settings: AccountSettings) -> Connection:
        self.box.opened += 1
        return self.box

    def cap(self, settings: AccountSettings) -> int | None:
        return self.limit
