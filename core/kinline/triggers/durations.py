"""Durations as people write them: ``90s``, ``30m``, ``2h``, ``3d``, ``1w``, or several together: ``1d12h``.

A day is 24 hours and a week seven days, whatever a time zone does: a silence of a day over the change to
summer time is 24 hours long.
"""

import re

from kinline.clock import DAY, HOUR, MINUTE, SECOND

UNITS = {"w": 7 * DAY, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND}
PATTERN = r"^([0-9]{1,5}w)?([0-9]{1,5}d)?([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$"
LONGEST = 5 * 366 * DAY
SAID = "a duration is a number and s, m, h, d or w, like 2h or 1d12h"

_whole = re.compile(PATTERN)
_piece = re.compile(r"([0-9]{1,5})([wdhms])")


class Duration:
    """A length of time: as it was written, and in microseconds. Two of one length are equal."""

    __slots__ = ("micros", "text")

    def __init__(self, text: str, micros: int) -> None:
        self.text = text
        self.micros = micros

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and other.micros == self.micros

    def __hash__(self) -> int:
        return hash(self.micros)

    def __repr__(self) -> str:
        return self.text


def span(value: object) -> Duration:
    """Read a duration. Raises ValueError with a sentence for its author."""
    if not isinstance(value, str) or not value or len(value) > 40 or not _whole.match(value):
        raise ValueError(f"{SAID}; this is {str(value)[:40]!r}")
    micros = sum(int(number) * UNITS[unit] for number, unit in _piece.findall(value))
    if not SECOND <= micros <= LONGEST:
        raise ValueError(f"a duration is between one second and five years; this is {value!r}")
    return Duration(value, micros)


def told(micros: int) -> str:
    """A length as its author would write it, in two units at most, rounded down: ``12d4h``. ``0s`` for nothing."""
    left, parts = max(micros, 0), list[str]()
    for unit in "dhms":
        number, left = divmod(left, UNITS[unit])
        if number or parts:
            parts.append(f"{number}{unit}" if number else "")
        if len(parts) == 2:
            break
    return "".join(parts) or "0s"
