"""How a text sounds: words with values, turned by negation, strengthened, weakened, and weighed by where they stand."""

import re
from collections.abc import Iterator, Mapping
from math import sqrt
from typing import Any, NamedTuple

from kinline_lexicon.lists import Phrases, entries, plain, shipped, weighed

#: How far a negation reaches, in words.
REACH = 3
#: The sum at which a text sounds about three quarters as strong as can be.
EVEN = 10.0
_STOPS = re.compile(r"^[.,;:!?…()\"“”«»\[\]-]+$")
_SHOUTED = re.compile(r"\b[A-ZÁÉÍÓÚÑÜ]{4,}\b")


class Mood(NamedTuple):
    """``value``: -1 to 1. ``found``: how many words and signs said so. ``torn``: how far they contradict, 0 to 1."""

    value: float
    found: int
    torn: float


class Sentiment:
    """The sentiment of one language."""

    def __init__(self, words: Mapping[str, Any], own: Mapping[Any, Any]) -> None:
        lists: dict[Any, Any] = dict(words["sentiment"])
        irony = lists.pop("irony", {})
        self._phrases = Phrases(weighed(lists) | weighed(irony) | weighed(own))
        self._negators = frozenset(plain(each) for each in entries(words["negators"]))
        self._stronger = Phrases(dict.fromkeys(entries(words["stronger"]), 1.35))
        self._weaker = Phrases(dict.fromkeys(entries(words["weaker"]), 0.6))
        self._turning = Phrases(dict.fromkeys(entries(words["turning"]), 1.0))
        signs = weighed(shipped("emoji"))
        self._signs = {sign: value for sign, value in signs.items() if not sign.isascii()}
        self._faces = {sign: value for sign, value in signs.items() if sign.isascii()}

    def of(self, text: str, words: list[str]) -> Mood:
        """``words`` are the tokens of the text."""
        values = [*self._of_words(words), *self._of_signs(text)]
        total = sum(values)
        strength = sum(map(abs, values))
        if "!" in text:
            total *= 1.1
        if not text.isupper() and _SHOUTED.search(text):
            total *= 1.1
        value = max(-1.0, min(1.0, total / sqrt(total * total + EVEN)))
        return Mood(round(value, 2), len(values), 1 - abs(sum(values)) / strength if strength else 0.0)

    def _of_signs(self, text: str) -> Iterator[float]:
        """Each sign counts once, however often it stands there."""
        if not text.isascii():
            yield from (self._signs[sign] for sign in self._signs.keys() & set(text))
        yield from (value for bit in set(text.split()) if (value := self._faces.get(bit)))

    def _of_words(self, words: list[str]) -> Iterator[float]:
        found: list[tuple[int, float]] = []
        place, turned = 0, -1
        while place < len(words):
            at = self._phrases.at(words, place)
            if at is None:
                if self._turning.at(words, place):
                    turned = place
                place += 1
                continue
            value, length = at
            if value:
                found.append((place, value * self._around(words, place, length)))
            place += length
        for where, value in found:
            yield value * (1.0 if turned < 0 else 0.6 if where < turned else 1.3)

    def _around(self, words: list[str], place: int, length: int) -> float:
        """What the words before one do to it. A phrase has its own negation in it; two negations are one, as in Spanish."""
        factor, turned = 1.0, False
        for before in range(place - 1, max(place - 1 - REACH, -1), -1):
            word = words[before]
            if _STOPS.match(word):
                break
            turned = turned or word in self._negators
            if before >= place - 2 and self._stronger.of_word(word):
                factor *= 1.35
            elif before >= place - 2 and self._weaker.of_word(word):
                factor *= 0.6
        return factor * (-0.6 if turned and length == 1 else 1.0)
