"""The scorer that comes with Kinline: lists of words and phrases, for English and Spanish."""

from kinline import hookimpl
from kinline_lexicon.scorer import LexiconScorer

__all__ = ["LexiconScorer", "kinline_scorer"]


@hookimpl
def kinline_scorer() -> type[LexiconScorer]:
    return LexiconScorer
