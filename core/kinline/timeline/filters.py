"""Which lines of a timeline somebody wants to see."""

import msgspec


class Filters(msgspec.Struct, frozen=True):
    """What to show. ``text`` is a substring, without regard to case."""

    channel: str = ""
    kind: str = ""
    direction: str = ""
    since: int | None = None
    until: int | None = None
    text: str = ""

    @property
    def everything(self) -> bool:
        return not (self.channel or self.kind or self.direction or self.text)

    @property
    def equal(self) -> list[tuple[str, str]]:
        """What a line must be: column and value. The first is the one whose index is walked."""
        named = (("kind", self.kind), ("channel", self.channel), ("direction", self.direction))
        return [(name, value) for name, value in named if value]

    def between(self, since: int, until: int) -> tuple[int, int]:
        """What they leave of the time from ``since`` to ``until``."""
        low = since if self.since is None else max(since, self.since)
        return low, until if self.until is None else min(until, self.until)


NO_FILTERS = Filters()
