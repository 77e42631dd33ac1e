"""What a text is about: the topic whose words and phrases weigh most. A question is what asks about nothing else."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from kinline_lexicon.lists import Phrases, entries

#: Of topics that weigh the same the earlier is meant: what somebody wants done before what they ask.
ORDER = ("cancellation", "refund", "complaint", "bug", "delivery", "invoice", "account", "order", "praise", "question")
#: What one word, and one phrase of several, weighs.
WORD, PHRASE = 1.0, 1.6
#: What a word or phrase of the operator's weighs: they know their trade.
OWN = 3.0
#: What a question mark weighs for a question.
ASKED = 1.2
#: What a mood, from and to, adds.
COMPLAINT = ((-1.0, -0.5, 1.6), (-0.5, -0.3, 0.8), (0.3, 1.0, -1.6))
PRAISE = ((0.6, 1.0, 1.2), (0.4, 0.6, 0.6), (-1.0, -0.1, -1.6))


class Topics:
    """The topics of one language: those that come along, without ``drop``, and those of the operator."""

    def __init__(self, words: Mapping[str, Any], own: Mapping[str, Iterable[str]], drop: frozenset[str]) -> None:
        shipped = {name: entries(listed) for name, listed in words["topics"].items() if name not in drop}
        lists = {name: {each: PHRASE if " " in each else WORD for each in listed} for name, listed in shipped.items()}
        for name, listed in own.items():
            lists[name] = lists.get(name, {}) | dict.fromkeys(listed, OWN)
        self._names = frozenset(lists)
        self._found = {name: Phrases(listed) for name, listed in lists.items()}
        self._order = {name: place for place, name in enumerate((*own, *ORDER))}
        self._may_begin = lru_cache(maxsize=50_000)(self._topics_of)

    def of(self, words: list[str], mood: float) -> tuple[str, float, float]:
        """The topic, what it weighs, and what the next one does; "" where there is none."""
        weights = self._weights(words)
        if "question" in self._names and any("?" in word for word in words):
            weights["question"] = weights.get("question", 0.0) + ASKED
        self._lean(weights, mood)
        if any(weight >= WORD for name, weight in weights.items() if name != "question"):
            weights.pop("question", None)
        ranked = sorted(weights, key=lambda name: (-weights[name], self._order.get(name, len(self._order))))
        if not ranked or weights[ranked[0]] <= 0:
            return "", 0.0, 0.0
        return ranked[0], weights[ranked[0]], weights[ranked[1]] if len(ranked) > 1 else 0.0

    def _weights(self, words: list[str]) -> dict[str, float]:
        """By topic; a word counts for each of them once, in the longest phrase that it begins or stands in."""
        weights: dict[str, float] = {}
        free: dict[str, int] = {}
        for place, word in enumerate(words):
            for name in self._may_begin(word):
                at = self._found[name].at(words, place) if free.get(name, 0) <= place else None
                if at:
                    weights[name] = weights.get(name, 0.0) + at[0]
                    free[name] = place + at[1]
        return weights

    def _topics_of(self, word: str) -> tuple[str, ...]:
        return tuple(name for name, phrases in self._found.items() if phrases.may_begin(word))

    def _lean(self, weights: dict[str, float], mood: float) -> None:
        """Who is cross complains, who is glad does not."""
        for name, leans in (("complaint", COMPLAINT), ("praise", PRAISE)):
            if name in self._names:
                more = next((weight for low, high, weight in leans if low <= mood <= high), 0.0)
                weights[name] = weights.get(name, 0.0) + more
