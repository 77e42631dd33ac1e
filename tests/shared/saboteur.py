"""A channel that does whatever a test taught it, also what no channel may do."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, ClassVar

from kinline.contract.channel import Ability, AccountSettings, Channel
from kinline.errors import VerificationFailed
from kinline.messages import Broken, Item, Request, Source
from kinline.testing.factories import InteractionFactory
from kinline.words import Kind


def message(word: str) -> list[Any]:
    return [InteractionFactory.build(source_id=word)]


class Saboteur(Channel[AccountSettings]):
    """Reads lines of text. Words a test taught it make it do what a channel must not do, until it is ``mended``."""

    name = "saboteur"
    title = "Saboteur"
    settings = AccountSettings
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.MESSAGE})
    can: ClassVar[frozenset[Ability]] = frozenset({Ability.IMPORT})
    personal_data = ("nothing",)

    def __init__(self) -> None:
        self.mended = False
        self.parsing: dict[str, Callable[[str], Any]] = {}
        self.meaning: dict[str, Callable[[str], Any]] = {}

    def verify(self, request: Request, settings: AccountSettings) -> None:
        raise VerificationFailed("Nobody may call a saboteur.")

    def parse(self, raw: BinaryIO, source: Source, settings: AccountSettings) -> Iterator[Item | Broken]:
        for line in raw:
            word = line.strip().decode()
            if not self.mended and word in self.parsing:
                self.parsing[word](word)
            yield Broken(code="torn", detail="cut off") if word == "broken" and not self.mended else Item(body=word)

    def normalise(self, item: Item, settings: AccountSettings) -> Sequence[Any]:
        word = str(item.body)
        meaning = message if self.mended else self.meaning.get(word, message)
        found: Sequence[Any] = meaning(word)
        return found
