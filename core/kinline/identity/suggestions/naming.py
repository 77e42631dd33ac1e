"""Names of people, folded for comparing: in any script, any order of words, with the short forms of first names.

What is compared never replaces a name as it was given.
"""

import re
from functools import cache, lru_cache

import msgspec
from anyascii import anyascii
from nicknames import NickNamer
from rapidfuzz.distance import DamerauLevenshtein

#: Two words are one but for a slip of the pen at so many changes for each of their letters, or fewer.
SLIP = 0.26
#: Words that stand beside a name and are none of it.
TITLES = frozenset(
    """mr mrs ms miss mx sir dr prof phd md jr sr ii iii iv dipl ing mag herr frau madame monsieur mme mlle senor
    senora sra via the team support""".split()  # noqa: SIM905 - reads as a list of words
)
#: Short forms that we look a word up under; the table has names with dozens.
MOST_FORMS = 8
_ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]|<[^>]*>|\".*?\"")
_WORD = re.compile(r"[a-z0-9]+")
_HAN = re.compile(r"[\u3400-\u9fff\uac00-\ud7af]{2,5}")


class Name(msgspec.Struct, frozen=True, cache_hash=True):
    """A name as it is compared. ``words`` are folded and in order of the alphabet, initials left out."""

    shown: str  #: as it was given
    words: tuple[str, ...]
    initials: str = ""
    whole: bool = False  #: it tells a first and a last name, so that two people seldom share it

    @property
    def key(self) -> str:
        return " ".join(self.words)


@lru_cache(maxsize=20_000)
def read(text: str) -> Name:
    """What of this text is a name. An address in the place of a name is none."""
    text = text.strip()
    plain = _ASIDE.sub(" ", text)
    if "@" in plain or "://" in plain:
        return Name(text, ())
    folded = anyascii(plain).lower().replace("'", "").replace("`", "")
    words = [word for word in _WORD.findall(folded) if word not in TITLES]
    long = tuple(sorted({word for word in words if len(word) > 1 and not word.isdigit()}))
    initials = "".join(sorted(word for word in words if len(word) == 1))
    han = bool(_HAN.fullmatch(plain.strip()))
    return Name(text, long, initials, han or len(long) > 1)


@lru_cache(maxsize=4_000)
def keys(name: Name) -> frozenset[str]:
    """What a whole name is found by: itself, and itself with a short form put into its long one."""
    found = {name.key}
    for place, word in enumerate(name.words):
        for form in long_forms(word):
            found.add(" ".join(sorted((*name.words[:place], form, *name.words[place + 1 :]))))
    return frozenset(found)


def is_first_name(word: str) -> bool:
    """Whether the table of first names knows it."""
    return bool(long_forms(word) or _nicknames().nicknames_of(word))


@lru_cache(maxsize=20_000)
def long_forms(word: str) -> tuple[str, ...]:
    """The first names that this is short for: robert of rob."""
    return tuple(sorted(_nicknames().canonicals_of(word))[:MOST_FORMS])


def likeness(one: Name, other: Name) -> str:
    """How two whole names agree: ``same``, ``short``, ``part``, ``slip``, ``one_word`` or, where they do not, ``other``.

    ``short``: but for a short form; ``part``: one leaves out words of the other, two stay; ``slip``: but for spelling;
    ``one_word``: one word is the same, and the other is no more than like it.
    """
    if one.words == other.words:
        return "same"
    same = set(one.words) & set(other.words)
    left, right = sorted(set(one.words) - same), sorted(set(other.words) - same)
    if not left or not right:
        return "part" if len(same) > 1 else "one_word"
    if len(left) != len(right):
        left, right = _longer(left), _longer(right)
    pairs = [_alike(a, b) for a, b in zip(left, right, strict=False)]
    if "" in pairs and len(left) == len(right) == 2:  # the words may stand in another order
        pairs = [_alike(left[0], right[1]), _alike(left[1], right[0])]
    if "" not in pairs:
        return "short" if same and set(pairs) == {"short"} else "slip"
    return "one_word" if same else "other"


def _longer(words: list[str]) -> list[str]:
    return sorted(words, key=len, reverse=True)


@lru_cache(maxsize=50_000)
def _alike(one: str, other: str) -> str:
    """Whether two words are one first name, or one word with a slip."""
    if one in long_forms(other) or other in long_forms(one) or set(long_forms(one)) & set(long_forms(other)):
        return "short"
    if DamerauLevenshtein.distance(one, other) <= SLIP * max(len(one), len(other)):
        return "slip"
    return ""


@cache
def _nicknames() -> NickNamer:
    return NickNamer()
