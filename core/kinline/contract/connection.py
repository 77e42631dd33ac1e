"""A live connection of one account to its provider, and the stand-in for a provider."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from kinline.errors import ChannelError
from kinline.messages import Estimate, Fetched

#: Of these source ids, those that are here and not deleted, each with its `Interaction.moderation`.
Ours = Callable[[Sequence[str]], Mapping[str, str]]


class Connection(ABC):
    """Held open by one thread of the hub and used by that thread alone, until it is closed.

    Whatever goes wrong is a `ChannelError`: ``permanent`` when only a person can mend it (a password, a right, a
    consent that was withdrawn: code ``not_authorised``), ``retry_after`` when the provider asked us to wait. After one
    the hub closes the connection and opens another when it is time. Each call is bounded in time by the channel.
    """

    #: False: there is nothing to wait on here (no stream was asked for), so the hub waits by itself.
    watches: bool = True

    @abstractmethod
    def about(self) -> str:
        """What it reached, in a sentence for people: "Mailbox help@… with 3 folders, newest mail of today"."""

    @abstractmethod
    def fetch(self, cursor: str) -> Iterator[Fetched]:
        """Bring what is new since ``cursor`` ("": since now, or all the provider has that is unread), oldest first.

        Each piece is kept before the next is asked for, with its cursor; so after a crash it goes on there. The same
        thing brought twice does no harm. Marks and flags at the provider are set no earlier than for the piece before.
        """

    def wait(self, seconds: float) -> bool:
        """Wait until there is news, or so long. True: there is news. A channel without `Ability.WATCH` just waits."""
        time.sleep(seconds)
        return False

    def history(self, cursor: str) -> Iterator[Fetched]:
        """Bring the past in pieces, in any order, from ``cursor`` on ("": from its beginning). Ends when all is here."""
        raise ChannelError("This channel brings no history.", permanent=True, code="no_history")

    def estimate(self) -> Estimate:
        """What `history` would bring and cost."""
        return Estimate()

    def recent(self, count: int) -> Sequence[str] | None:
        """The source ids of the newest items at the provider, newest first, as `normalise` would name them.

        None: this account's provider is not asked, so nobody can say.
        """
        raise ChannelError("This channel cannot be compared.", permanent=True, code="cannot_compare")

    def recheck(self, cursor: str, ours: Ours) -> Iterator[Fetched]:
        """Look once more at a part of what is here, from ``cursor`` on ("": from its beginning), and bring what is gone
        there or stands otherwise than here. Bounded in calls: a look takes a part, and the looks go round and round.

        What is brought goes the way in like everything else. Nothing may be called gone of which the provider did not
        say so itself: a lost right or a broken list is no deletion.
        """
        raise ChannelError("This channel cannot be looked at again.", permanent=True, code="cannot_recheck")

    def spent(self) -> int:
        """What calls cost that brought no piece (comparing), in millionths, since this was asked last."""
        return 0

    def close(self) -> None:
        """Let go of it. Raises nothing, and waits for nobody."""
        return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Pretender(ABC):
    """A stand-in for a provider that cannot be had: a small server on this machine that speaks its protocol."""

    @abstractmethod
    def start(self, port: int = 0) -> dict[str, Any]:
        """Start serving on loopback, on that port or a free one. Gives the settings of an account that talks to it.

        Raises `OSError` where the port is taken.
        """

    @property
    @abstractmethod
    def port(self) -> int:
        """Where it serves, once it was started."""

    @abstractmethod
    def stop(self) -> None:
        """Stop serving."""
