"""The scorer: language first, then the lists of that language. A language without lists is told and nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Any, ClassVar

import msgspec

from kinline import Score, Scored, Scorer, Writing
from kinline_lexicon.languages import Languages
from kinline_lexicon.lists import entries, plain, shipped, tokens
from kinline_lexicon.own import Own, read_own
from kinline_lexicon.sentiment import Mood, Sentiment
from kinline_lexicon.topics import Topics

LANGUAGES = ("en", "es")
#: The rules' version. Whoever changes a list or a rule counts it up; `kinline score --again` then judges anew.
VERSION = "1"


class LexiconScorer(Scorer):
    """Sentiment, topic and language by lists of words, for English and Spanish."""

    name = "lexicon"
    gives: ClassVar[frozenset[Scored]] = frozenset(Scored)

    def __init__(self, own: Mapping[str, Any]) -> None:
        self._own: Own = read_own(own, LANGUAGES)
        mark = blake2b(msgspec.json.encode(self._own, order="sorted"), digest_size=4).hexdigest() if own else ""
        self.version = f"{VERSION}+{mark}" if mark else VERSION
        self._sentiments = {each: Sentiment(shipped(each), self._own.sentiment_of(each)) for each in LANGUAGES}
        self._topics = {
            each: Topics(shipped(each), self._own.topics_of(each), frozenset(self._own.drop)) for each in LANGUAGES
        }

    @cached_property
    def _languages(self) -> Languages:
        """Made when it is first needed: it takes memory."""
        return Languages({each: frozenset(map(plain, entries(shipped(each)["markers"]))) for each in LANGUAGES})

    def score(self, writings: Sequence[Writing]) -> Sequence[Iterable[Score]]:
        return [list(self._one(each)) for each in writings]

    def _one(self, writing: Writing) -> Iterable[Score]:
        text = f"{writing.subject}. {writing.text}" if writing.subject else writing.text
        told = writing.language.partition("-")[0].lower()
        words = tokens(text)
        language, sure = (told, 1.0) if told in LANGUAGES else self._languages.of(text, words)
        if not language:
            return
        yield Score(what=Scored.LANGUAGE, value=language, confidence=round(sure, 2), language=language)
        if language not in LANGUAGES:
            return
        mood = self._sentiments[language].of(text, words)
        yield Score(what=Scored.SENTIMENT, value=mood.value, confidence=round(sure * _sure(mood), 2), language=language)
        topic, weight, next_one = self._topics[language].of(words, mood.value)
        if topic:
            confidence = round(sure * min(0.95, 0.35 + 0.12 * weight + 0.12 * (weight - next_one)), 2)
            yield Score(what=Scored.TOPIC, value=topic, confidence=confidence, language=language)


def _sure(mood: Mood) -> float:
    """How often it is right when it says so, as measured on texts of others (docs/scorers.md)."""
    return 0.3 + 0.62 * abs(mood.value) if mood.found else 0.46
