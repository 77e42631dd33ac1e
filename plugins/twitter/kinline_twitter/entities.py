"""Whom and what a text names, as X reads it (twitter-text 3): accounts, lists, hashtags, cashtags, links.

Positions count code points. Each pattern starts at its sign and looks at a bounded neighbourhood.
"""

import re
import unicodedata
from collections.abc import Iterator

import msgspec

from kinline_twitter.links import DIRECTIONS, LATIN, MAX_TEXT, SPACES, Link, links

__all__ = ["Cashtag", "Hashtag", "Link", "Mention", "answered", "cashtags", "hashtags", "links", "mentions"]

_MENTION = re.compile(r"[@＠]([A-Za-z0-9_]{1,20})(/[A-Za-z][A-Za-z0-9_-]{0,24})?")
_NOT_BEFORE_MENTION = re.compile(r"[A-Za-z0-9_!#$%&*@＠]")
_SHARED = re.compile(r"(?:^|[^A-Za-z0-9_+~.\-])rt:?$", re.IGNORECASE)
_NOT_AFTER_MENTION = re.compile(rf"[@＠{LATIN}]|://")
_ANSWERED = re.compile(rf"[{SPACES}{DIRECTIONS}]*[@＠]([A-Za-z0-9_]{{1,20}})")

#: What words in hashtags are made of, beside letters, marks and digits.
_JOINERS = frozenset(
    "_\u200c\u200d\ua67e\u05be\u05f3\u05f4\uff5e\u301c\u309b\u309c\u30a0\u30fb\u3003\u0f0b\u0f0c\u00b7"
)
_NOT_AFTER_HASHTAG = re.compile(r"[#＃]|://")

_CASHTAG = re.compile(
    rf"(?<![^{SPACES}{DIRECTIONS}])\$([A-Za-z]{{1,6}}(?:[._][A-Za-z]{{1,2}})?)"
    rf"(?=$|[{SPACES}!'#%&()*+,\\\-./:;<=>?@\[\]^_{{|}}~$])"
)


class Mention(msgspec.Struct, frozen=True):
    """``@name``, or ``@name/list``."""

    name: str
    start: int
    end: int
    list: str = ""  #: with its slash


class Hashtag(msgspec.Struct, frozen=True):
    tag: str
    start: int
    end: int


class Cashtag(msgspec.Struct, frozen=True):
    symbol: str
    start: int
    end: int


def mentions(text: str) -> Iterator[Mention]:
    """Everybody who is named, and the lists."""
    text = text[:MAX_TEXT]
    for found in _MENTION.finditer(text):
        if _may_mention(text, found.start()) and not _NOT_AFTER_MENTION.match(text, found.end()):
            yield Mention(found[1], found.start(), found.end(), found[2] or "")


def _may_mention(text: str, start: int) -> bool:
    """After no letter, digit or sign; or after RT, as people shared posts before there was a button."""
    if not start or not _NOT_BEFORE_MENTION.match(text[start - 1]):
        return True
    return _SHARED.search(text[max(0, start - 4) : start]) is not None


def answered(text: str) -> str:
    """The name a post begins with; empty where it begins otherwise."""
    found = _ANSWERED.match(text[:MAX_TEXT])
    return found[1] if found and not _NOT_AFTER_MENTION.match(text, found.end()) else ""


def hashtags(text: str) -> Iterator[Hashtag]:
    """All hashtags that are no part of a link."""
    text = text[:MAX_TEXT]
    taken = [(link.start, link.end) for link in links(text)]
    for found in re.finditer("[#＃]", text):
        while taken and taken[0][1] <= found.start():
            taken.pop(0)
        end = _tag_end(text, found.end())
        if end and _may_tag(text, found.start()) and not (taken and taken[0][0] < end):
            yield Hashtag(text[found.end() : end], found.start(), end)


def _tag_end(text: str, start: int) -> int:
    """Where the word after the sign ends; 0 where it has no letter, or something follows that makes it none."""
    end, lettered = start, False
    while end < len(text) and _is_word(text[end]):
        lettered = lettered or unicodedata.category(text[end])[0] in "LM"
        end += 1
    return end if lettered and not _NOT_AFTER_HASHTAG.match(text, end) and text[start] not in "\ufe0f\u20e3" else 0


def _may_tag(text: str, start: int) -> bool:
    """Not inside a word or an HTML entity; a variation selector ends an emoji."""
    before = text[start - 1] if start else " "
    return before in "\ufe0e\ufe0f" or not (before == "&" or _is_word(before))


def _is_word(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LM" or category == "Nd" or char in _JOINERS


def cashtags(text: str) -> Iterator[Cashtag]:
    """``$KIN``: what is traded under a short name."""
    for found in _CASHTAG.finditer(text[:MAX_TEXT]):
        yield Cashtag(found[1], found.start(), found.end())
