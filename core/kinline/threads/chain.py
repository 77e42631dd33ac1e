"""What one interaction says of its place in a conversation."""

import msgspec

from kinline import ids
from kinline.threads.edges import Mail
from kinline.words import Visibility


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of one interaction: its own first, then those that it is known to stand with, upwards.

    ``below`` are those of them that stand below another. ``plain``: of keys with a topic, the key of the same thing
    without one. ``mail`` is there where keys are what senders write; where it is private too, those alone join nothing.
    """

    interaction: str
    channel: str
    instance: str
    keys: tuple[str, ...]
    below: frozenset[str]
    visibility: Visibility
    plain: dict[str, str] = {}
    mail: Mail | None = None

    @property
    def own(self) -> str:
        return self.keys[0]

    @property
    def by_edges(self) -> bool:
        """Whether who sees whom decides where it belongs, and not its keys."""
        return self.mail is not None and self.visibility is Visibility.ADDRESSED


def thread_key_id(channel: str, instance: str, key: str, topic: str = "") -> str:
    """The id of a key of a provider instance; under a topic it is another than under the next."""
    return ids.derived("thread", channel, instance, key, *([topic] if topic else []))


def key_of(interaction: str) -> str:
    """The key under which a private mail stands in its conversation: nobody but itself can name it."""
    return ids.derived("thread", interaction)


def conversation_id(top_key: str) -> str:
    return ids.derived("conversation", top_key)
