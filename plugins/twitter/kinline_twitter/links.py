"""Where links stand in a text, as X finds them (twitter-text 3): with ``https://``, and bare names of known domains.

twitter-text does it with one nested pattern; here a text is cut into runs of characters that domains may have, and
each run is read label by label, so that no text is slow. Positions count code points.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import msgspec

MAX_TEXT = 100_000  #: characters that are read; X takes 25,000 at most
LONGEST_DOMAIN, LONGEST_LABEL = 253, 63  # RFC 1035 section 2.3.4
LONGEST_LINK = 4096
LONGEST_SHORT = 40  #: characters of the name that t.co gives

SPACES = "\t-\r \x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
DIRECTIONS = "\u202a-\u202e\u061c\u200e\u200f\u2066-\u2069"
NONCHARACTERS = "\ufffe\ufeff\uffff"
LATIN = "À-ÖØ-öø-ɏɓɔɖɗəɛɣɨɯɲʉʋʻ\u0300-\u036fḀ-ỿ"
CYRILLIC = "\u0400-\u04ff"

#: Characters of domains, and the three that join them; more than twice as many as a domain can have.
_RUN = re.compile(rf"[^!'#%&()*+,\\/:;<=>?@\[\]^{{|}}~${SPACES}{DIRECTIONS}{NONCHARACTERS}]{{1,600}}")
_SCHEME = re.compile(r"https?://$", re.IGNORECASE)
_NOT_BEFORE = re.compile(rf"[A-Za-z0-9@＠$#＃{NONCHARACTERS}]")
_ASCII_RUN = re.compile(rf"[-A-Za-z0-9{LATIN}]+(?:\.[-A-Za-z0-9{LATIN}]+)*\.?")
_ASCII_TOP = re.compile(r"xn--[-0-9a-z]+|[a-z]+", re.IGNORECASE)
_NOT_AFTER_TOP = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@+-")

_PATH = rf"A-Za-z0-9{LATIN}{CYRILLIC}!*';:=+,.$/%#\[\]\-–_~@|&"
_PATH_RUN = re.compile(rf"[{_PATH}]+|\((?:[{_PATH}]+|[{_PATH}]*\([{_PATH}]+\)[{_PATH}]*)\)")
_PATH_LOOSE = "!*';:,.$%[]–~@|&"
_PORT = re.compile(r":[0-9]{1,20}")
_QUERY = re.compile(r"\?[A-Za-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*")
_QUERY_LOOSE = "!?*'@();:+$%[].,~|"
_SHORT = re.compile(r"https?://t\.co/([A-Za-z0-9]+)(\?[A-Za-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*)?", re.IGNORECASE)


class Link(msgspec.Struct, frozen=True):
    """One link: what is written, and from where to where."""

    url: str
    start: int
    end: int


@cache
def _top_levels() -> tuple[frozenset[str], int]:
    """All names of top-level domains, and the length of the longest that is not ASCII."""
    listed = files("kinline_twitter").joinpath("top_level_domains.txt").read_text(encoding="utf-8")
    names = frozenset(line for line in listed.splitlines() if not line.startswith("#"))
    return names, max(len(name) for name in names if not name.isascii())


def links(text: str, *, bare: bool = True) -> Iterator[Link]:
    """All links, in order, never overlapping; ``bare`` also those without a scheme."""
    text = text[:MAX_TEXT]
    reached = at = 0
    while run := _RUN.search(text, at):
        length = _domain(run[0], text, run.start()) if "." in run[0] else 0
        if not length:
            at = run.end()
            continue
        scheme = _SCHEME.search(text, max(reached, run.start() - 8), run.start())
        start = scheme.start() if scheme else run.start()
        reached = _rest(text, run.start() + length)
        at = reached + 1  # one character must stand between two links
        if (start and _NOT_BEFORE.match(text[start - 1])) or not _fits(run[0][:length]):
            continue
        if scheme:
            yield from _with_scheme(text, start, reached)
        elif bare and run[0][0] not in "-_." and text[start - 1 : start] != "/":
            yield from _bare(text, run, length, reached)


def _with_scheme(text: str, start: int, end: int) -> Iterator[Link]:
    short = _SHORT.match(text, start, end)
    if short:
        end = start + len(short[0].rstrip(_QUERY_LOOSE) if short[2] else short[0])
    if end - start <= LONGEST_LINK and not (short and len(short[1]) > LONGEST_SHORT):
        yield Link(text[start:end], start, end)


def _bare(text: str, run: re.Match[str], length: int, end: int) -> Iterator[Link]:
    """The names in ASCII and Latin letters of a run: ``example.com`` between two words of Japanese."""
    for part in _ASCII_RUN.finditer(run[0][:length]):
        begin, size = run.start() + part.start(), part.end() - part.start()
        size = _domain(run[0][part.start() : part.end() + LONGEST_LABEL], text, begin, size)
        if size:
            stop = end if begin + size == run.start() + length else begin + size
            yield Link(text[begin:stop], begin, stop)


def _domain(run: str, text: str, at: int, last: int = MAX_TEXT) -> int:
    """How many characters of ``run``, which stands at ``at``, are a domain name: as many labels as can be.

    The top-level domain begins at ``last`` at the latest.
    """
    best, position, before = 0, 0, "_"
    for label in run.split("."):
        if position <= last and "_" not in before:
            top = _top(label, text, at + position)
            best = position + top if top else best
        if not _is_label(label):
            break
        before, position = label, position + len(label) + 1
    return best


def _top(label: str, text: str, at: int) -> int:
    """How many characters of this label, which stands at ``at``, are a top-level domain."""
    names, longest = _top_levels()
    in_ascii = _ASCII_TOP.match(label)
    if in_ascii and (in_ascii[0].lower() in names or in_ascii[0][:4].lower() == "xn--"):
        return in_ascii.end() if text[at + in_ascii.end() : at + in_ascii.end() + 1] not in _NOT_AFTER_TOP else 0
    for size in range(min(longest, len(label)), 0, -1):
        if label[:size] in names and text[at + size : at + size + 1] not in _NOT_AFTER_TOP:
            return size
    return 0


def _is_label(label: str) -> bool:
    return bool(label) and label[0] not in "-_" and label[-1] not in "-_"


def _fits(domain: str) -> bool:
    """Whether the name service could hold it, in its own spelling (RFC 3492)."""
    sizes = [_size(label) for label in domain.split(".")]
    return max(sizes) <= LONGEST_LABEL and sum(sizes) + len(sizes) - 1 <= LONGEST_DOMAIN


def _size(label: str) -> int:
    if len(label) > LONGEST_LABEL or label.isascii():
        valid = not label.lower().startswith("xn--") or label.isascii()
        return len(label) if valid else LONGEST_LABEL + 1
    if label.lower().startswith("xn--"):
        return LONGEST_LABEL + 1
    return len(label.encode("punycode")) + len("xn--")


def _rest(text: str, end: int) -> int:
    """Where port, path and query end that follow a domain."""
    port = _PORT.match(text, end)
    end = port.end() if port else end
    if text.startswith("/", end):
        end = _path(text, end)
    query = _QUERY.match(text, end)
    return end + len(query[0].rstrip(_QUERY_LOOSE)) if query else end


def _path(text: str, start: int) -> int:
    """A path keeps its balanced parentheses and loses punctuation at its end."""
    at = kept = start
    while found := _PATH_RUN.match(text, at):
        at = found.end()
        tight = found[0].rstrip(_PATH_LOOSE)
        kept = found.start() + len(tight) if tight else kept
    return max(kept, start + 1)
