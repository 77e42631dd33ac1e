"""The base of a subject: what answers to a message keep of its subject, whatever mail programs and gateways put around it."""

import re

#: Letters and digits of a base that count: mail programs cut long subjects.
LONGEST = 60
MOST = 20  #: marks that are taken off
#: ``Re:``, ``AW:``, ``Odg:``, ``回覆：``, ``Re[2]:`` and whatever else a short word before a colon may be: programs know far
#: more of them than any list has. That two messages are of one conversation never follows from their subjects alone.
_PREFIX = re.compile(r"\s*[^\W\d_]{1,12}\s{0,3}(?:\[\d{1,4}\]|\(\d{1,4}\))?\s{0,3}[:：]")
_MARK = re.compile(r"\s*(?:\[[^\[\]]{0,60}\]|\*{1,5}\s?[^\W\d_]{1,20}\s?\*{1,5}:?)\s*")
_MARK_BEHIND = re.compile(r"\s*\[[^\[\]]{0,60}\]\s*$")
_LETTERS = re.compile(r"\w+")


def base(subject: str) -> str:
    """The letters and digits of a subject without the short words before a colon that stand in front of it (``Re:``,
    ``[EXTERNAL]``), and without marks in brackets at either end; no upper and lower case. "" where nothing is left."""
    rest = subject[:1_000]
    for _ in range(MOST):
        found = _PREFIX.match(rest) or _MARK.match(rest)
        if found is None:
            break
        rest = rest[found.end() :]
    for _ in range(MOST):
        behind = _MARK_BEHIND.search(rest)
        if behind is None:
            break
        rest = rest[: behind.start()]
    return "".join(_LETTERS.findall(rest.casefold()))[:LONGEST]
