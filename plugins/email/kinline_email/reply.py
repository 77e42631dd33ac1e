"""What somebody wrote, without what they quoted and how they sign.

Careful on purpose: what is cut in error is lost to the reader of a timeline, what is left in error is only
long. So only known forms are cut, from the bottom, and a mail that has text keeps some. The whole text is
kept beside it. Plain string work and anchored patterns on short lines: no input makes it slow.
"""

import re
from collections.abc import Iterable

from kinline_email import signature
from kinline_email.phrases import (
    AUTHOR_FIELD,
    DATE_AND_ADDRESS,
    DATED,
    ENDS_WITH_ADDRESS,
    ENDS_WITH_BARE_ADDRESS,
    FIELD,
    FORWARD,
    RULE,
    STARTS,
    STARTS_WITH_ADDRESS,
    SURE_FIELD,
    TITLE,
    WROTE,
)

MAX_LINES = 20_000
MAX_LINE = 400  #: longer lines are nobody's introduction of a quotation
MAX_SIGNATURE = 2_000  #: characters
_LINES_ABOVE = 3  #: an introduction may be wrapped over as many lines
MAX_BLANK = 20
_DASHES = "-_*‐‑‒–—―"
_COLON = re.compile("[:：]")
_COLONS = (":", "：", ":\u202c", ":\u200f", ":\u200e")


def visible(text: str) -> str:
    """The text without quotations and signature; the text itself where nothing would remain."""
    return read(text)[0]


def read(text: str) -> tuple[str, str]:
    """What is `visible`, and the text without quotations alone, in which `signed` finds the signature."""
    lines = [line.rstrip() for line in text.split("\n", MAX_LINES)]
    kept = _without_quotes(lines)
    for candidate in (signature.without(kept), kept):
        found = "\n".join(candidate).strip("\n").rstrip()
        if found.strip():
            return found, "\n".join(kept)
    return "\n".join(lines).strip("\n").rstrip(), ""


def signed(unquoted: str, names: Iterable[str]) -> str:
    """Who signs, and what else a person says there; ``names`` are what the author is called.

    Without its delimiter, a telephone's "Sent from my …" and a mailing list's footer; empty where none is to be told.
    """
    return signature.personal(signature.split(unquoted, names)[1])[:MAX_SIGNATURE]


def _without_quotes(lines: list[str]) -> list[str]:
    """Drop introductions, quoted lines, and everything below a separator."""
    kept: list[str] = []
    lowest = max((number for number, line in enumerate(lines) if line.startswith(">")), default=-1)
    for number, line in enumerate(lines):
        if line.startswith((">", " >")):
            continue
        if len(line) <= MAX_LINE:
            if _is_separator(lines, number):
                break
            if DATE_AND_ADDRESS.fullmatch(line) and _quotes_follow(lines, number):
                continue
            if line.endswith(_COLONS) and _introduces(line[-260:]):
                introduction = _introduction(kept, line)
                if introduction >= 0 and _quotes_follow(lines, number):
                    del kept[len(kept) - introduction :]
                    continue
                if introduction >= 0 and lowest < number:  # else what is unmarked is somebody's answer
                    del kept[len(kept) - introduction :]
                    break
        kept.append(line)
    return kept


def _introduces(end: str) -> bool:
    return bool(WROTE.search(end) or ENDS_WITH_ADDRESS.search(end) or ENDS_WITH_BARE_ADDRESS.search(end))


def _is_separator(lines: list[str], number: int) -> bool:
    line = lines[number].strip()
    if line[:2].strip(_DASHES) == "" and line[-2:].strip(_DASHES) == "" and len(line) > 4:
        between = line.strip(_DASHES + " ")
        if TITLE.fullmatch(between) or (STARTS.match(between) and WROTE.search(between[-260:] + ":")):
            return True
        if RULE.fullmatch(line):
            return _is_field_block(lines, number + 1 + _blank(lines, number + 1))
    return _is_field_block(lines, number) or (line.endswith(_COLONS) and FORWARD.fullmatch(line) is not None)


def _is_field_block(lines: list[str], number: int) -> bool:
    """``From: … Sent: … To: … Subject: …``, three of them on neighbouring lines, as Outlook writes.

    Four where another comes first. Without ``Sent``, ``Subject`` or an address it may be a journey, at some date.
    """
    if number >= len(lines) or not _COLON.search(lines[number][:30]) or not FIELD.match(lines[number][:60]):
        return False
    block = [line[:MAX_LINE] for line in lines[number : number + 7]]
    fields = [line for line in block if FIELD.match(line[:60])]
    by_author = AUTHOR_FIELD.match(block[0][:60]) is not None
    authored = by_author or any(AUTHOR_FIELD.match(line[:60]) for line in fields)
    certain = any("@" in line or SURE_FIELD.match(line[:60]) for line in fields)
    return authored and certain and len(fields) >= (3 if by_author else 4)


def _introduction(kept: list[str], line: str) -> int:
    """How many kept lines above belong to this ``… wrote:``; -1 where it begins like no introduction."""
    if _begins(line, line):
        return 0
    whole = line
    for count in range(1, _LINES_ABOVE + 1):
        if count > len(kept) or not kept[-count].strip() or len(kept[-count]) > MAX_LINE:
            break
        whole = f"{kept[-count]} {whole}"
        if _begins(kept[-count], whole):
            return count
    return 0 if STARTS_WITH_ADDRESS.match(line) and WROTE.search(line[-260:]) else -1


def _begins(line: str, whole: str) -> bool:
    """People write "she wrote:" without a digit or an address; a program begins with a date, or a name and has one."""
    if STARTS.match(line):
        return any(char.isdigit() or char in "@<" for char in whole)
    return DATED.match(line) is not None


def _quotes_follow(lines: list[str], number: int) -> bool:
    following = number + 1 + _blank(lines, number + 1)
    return following < len(lines) and lines[following].startswith(">")


def _blank(lines: list[str], number: int) -> int:
    """How many blank lines stand there; more than a few are the end of whatever came before."""
    count = 0
    while count < MAX_BLANK and number + count < len(lines) and not lines[number + count].strip():
        count += 1
    return count
