"""Which language a text is in: by py3langid (97 languages), and for a few words by words that only one of ours has."""

from collections.abc import Mapping

from py3langid.langid import LanguageIdentifier

from kinline_lexicon.lists import PLACES

MODEL = "data/model.npz.xz"
#: How sure the library has to be. On texts of others it was right in 99 of 100 from there on (docs/scorers.md).
SURE = 0.5
#: How sure we are when only words of one of our languages stand there, by how many.
BY_MARKERS = (0.0, 0.8, 0.9, 0.95)


class Languages:
    """``markers``: by language, words that are common in it and in no other of these."""

    def __init__(self, markers: Mapping[str, frozenset[str]]) -> None:
        self._identifier = LanguageIdentifier.from_model_file(MODEL, norm_probs=True)
        self._markers = {
            language: words - frozenset().union(*(other for name, other in markers.items() if name != language))
            for language, words in markers.items()
        }

    def of(self, text: str, words: list[str]) -> tuple[str, float]:
        """Its ISO 639-1 code and how sure that is; "" where it cannot be told. ``words`` are the tokens of the text."""
        words = [word for word in words if word[0].isalpha()]
        if not words:
            return "", 0.0
        language, sure = self._identifier.classify(PLACES.sub(" ", text).lower())
        if sure >= SURE:
            return str(language), 0.95 + 0.05 * float(sure)
        counted = {name: min(sum(word in own for word in words), 3) for name, own in self._markers.items()}
        first, *others = sorted(counted, key=lambda name: -counted[name])
        alone = counted[first] and not any(counted[other] for other in others)
        return (first, BY_MARKERS[counted[first]]) if alone else ("", 0.0)
