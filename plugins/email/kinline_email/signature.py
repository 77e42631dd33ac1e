"""How somebody signs: where the text ends and the signature begins.

Three marks count, from the surest down: a delimiter line (RFC 3676 section 4.3, and what people type for it),
a closing ("Kind regards,"), and the sender's own name, each near the end and with only short lines below.
Only the last lines are looked at, each a fixed number of times.
"""

import re
from collections.abc import Iterable

from kinline_email.phrases import CLOSING, LIST_FOOTER, MOBILE, PROGRAM, RULE

MAX_SIGNATURE = 12  #: filled lines
MAX_LINE = 90  #: characters; a longer line is text
MAX_MOBILE = 3
MAX_FOOTER = 6  #: filled lines of a mailing list's footer

_DELIMITER = re.compile(r"\s?(?:--|__|[—–]{1,3})\s?")
#: Also a rule in a text, as people write it in Markdown; so it counts only above a way to reach somebody.
_SHORT_RULE = re.compile(r"\s?(?:---|___)\s?")
_RULE = re.compile(r"\s?[-_=*~]{4,80}\s?")
#: ``-Ann`` or ``— Ann Example`` alone at the end: a name, and no point of a list.
_DASHED_NAME = re.compile(r"(?:[-~]|--|[–—]\s?)[^\W\d_][\w.'’]{1,30}(?: [^\W\d_][\w.'’]{0,30}){0,2}")
_CONTACT = re.compile(
    r"\+?\d[\d ()./-]{5,20}\d|@|\bwww\.|https?://|\b[a-z0-9-]{2,40}\.(?:com|org|net|de|fr|io|co)\b", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]{2,}")


def without(lines: list[str]) -> list[str]:
    """The lines without what is surely a signature: below a delimiter, a telephone's mark, a list's footer."""
    end = len(lines)
    for _ in range(4):  # one under the other: a name, a signature, a telephone's mark, a list's footer
        cut = _sure(lines, end)
        if cut < 0:
            break
        end = _filled_end(lines, cut)
    return lines[: _filled_end(lines, end)]


def _sure(lines: list[str], end: int) -> int:
    """Where the lowest sure signature begins, above ``end``; -1 where there is none."""
    end = _filled_end(lines, end)
    if _is_dashed_name(lines, end - 1):
        return end - 1
    filled = 0
    for number in range(end - 1, max(-1, end - 4 * MAX_SIGNATURE), -1):
        line = lines[number]
        if not line.strip():
            continue
        if len(line) < 200 and _begins(lines, number, filled):
            return number
        filled += 1
        if filled > MAX_SIGNATURE:
            break
    return -1


def _begins(lines: list[str], number: int, below: int) -> bool:
    line = lines[number]
    if _DELIMITER.fullmatch(line) or (below < MAX_MOBILE and MOBILE.fullmatch(line)):
        return True
    if _SHORT_RULE.fullmatch(line):
        return _has_contact([one[:MAX_LINE] for one in lines[number + 1 : number + 1 + MAX_SIGNATURE]])
    if below < MAX_MOBILE and PROGRAM.fullmatch(line) and number and not lines[number - 1].strip():
        return True
    return below <= MAX_FOOTER and RULE.fullmatch(line) is not None and _names_a_list(lines, number + 1)


def _names_a_list(lines: list[str], number: int) -> bool:
    return number < len(lines) and len(lines[number]) < 200 and LIST_FOOTER.fullmatch(lines[number]) is not None


def _is_dashed_name(lines: list[str], number: int) -> bool:
    """The last line, alone in its paragraph, and something written above."""
    if number < 2 or lines[number - 1].strip() or not _DASHED_NAME.fullmatch(lines[number].strip()[:200]):
        return False
    return lines[number].strip()[0] not in "-" or lines[number].strip()[1:2].isupper()


def split(text: str, names: Iterable[str] = ()) -> tuple[str, str]:
    """The text, and the signature under it; the second is empty where none is to be told.

    ``names`` are what the sender is called: names and addresses.
    """
    lines = text.rstrip().split("\n")
    start = _start(lines, _words(names))
    body = "\n".join(lines[:start]).rstrip()
    if start >= len(lines) or not body:
        return text.rstrip(), ""
    return body, "\n".join(lines[start:]).strip()


def personal(signature: str) -> str:
    """What of a signature is about the person: without marks that a program sets."""
    kept: list[str] = []
    for line in signature.split("\n"):
        if RULE.fullmatch(line):
            break
        marks = (_DELIMITER, _SHORT_RULE, MOBILE, PROGRAM)
        if not any(mark.fullmatch(line[:200]) for mark in marks):
            kept.append(line)
    return "\n".join(kept).strip()


def _start(lines: list[str], words: frozenset[str]) -> int:
    """The line where the signature begins: the topmost mark from which only short lines follow."""
    sure = len(without(lines))
    end, filled, found = _filled_end(lines, sure), 0, sure
    for number in range(end - 1, max(0, end - 4 * MAX_SIGNATURE), -1):
        line = lines[number].strip()
        if not line:
            continue
        if len(line) > MAX_LINE or filled >= MAX_SIGNATURE:
            break
        if _is_mark(lines, number, end, words):
            found = number
        filled += 1
    return found


def _is_mark(lines: list[str], number: int, end: int, words: frozenset[str]) -> bool:
    line = lines[number].strip()
    below = [one.strip() for one in lines[number + 1 : end] if one.strip()]
    if CLOSING.fullmatch(line):
        return len(below) <= 3 or _has_contact(below)
    if _RULE.fullmatch(line):
        return bool(below) and _has_contact(below)
    return _is_name(line, words) and (len(below) <= 2 or _has_contact(below))


def _has_contact(lines: list[str]) -> bool:
    return any(_CONTACT.search(line) for line in lines)


def _is_name(line: str, words: frozenset[str]) -> bool:
    """A line of a few words that begins with the sender's name, and is no sentence or greeting."""
    found = _WORD.findall(line.casefold())
    return bool(found) and len(line.split()) <= 6 and found[0] in words and line[-1] not in ",?!:;"


def _words(names: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for name in names:
        found |= set(_WORD.findall(name[:200].casefold().partition("@")[0]))
    return frozenset(found)


def _filled_end(lines: list[str], end: int) -> int:
    while end and not lines[end - 1].strip():
        end -= 1
    return end
