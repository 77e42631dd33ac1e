"""A scorer that says what stands in square brackets, as ``[complaint -0.8 en 0.9]``, and does worse where it was taught."""

from collections.abc import Iterable, Sequence
from threading import Event
from typing import Any, ClassVar

from kinline import Score, Scored, Scorer, Writing


class Parrot(Scorer):
    """``teach`` makes it raise, hang or give something else at a word."""

    name = "parrot"
    gives: ClassVar[frozenset[Scored]] = frozenset(Scored)
    version = "1"
    taught: ClassVar[dict[str, Any]] = {}
    heard: ClassVar[list[list[str]]] = []
    free: ClassVar[Event] = Event()

    def score(self, writings: Sequence[Writing]) -> Sequence[Iterable[Score]]:
        self.heard.append([each.text for each in writings])
        return [self._one(each.text) for each in writings]

    def _one(self, text: str) -> Iterable[Score]:
        for word, lesson in self.taught.items():
            if word in text:
                found: Iterable[Score] = lesson()
                return found
        if "[" not in text:
            return ()
        topic, mood, language, confidence = text.partition("[")[2].partition("]")[0].split()
        values: dict[Scored, float | str] = {
            Scored.TOPIC: topic,
            Scored.SENTIMENT: float(mood),
            Scored.LANGUAGE: language,
        }
        sure = float(confidence)
        return [Score(what=what, value=value, confidence=sure, language=language) for what, value in values.items()]

    @classmethod
    def hang(cls) -> Iterable[Score]:
        """Until somebody sets ``free``."""
        cls.free.wait(20)
        return ()


class NextParrot(Parrot):
    """The same in a greater version: it takes complaints for praise."""

    version = "1.10"

    def _one(self, text: str) -> Iterable[Score]:
        return super()._one(text.replace("complaint", "praise"))
