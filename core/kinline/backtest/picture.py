"""A back-test as a picture: how often it fires over time, as SVG or as bars for a terminal."""

from collections.abc import Mapping
from datetime import date, timedelta
from xml.sax.saxutils import escape

import msgspec

from kinline import clock

#: Days in one bar: the first of these with which there are not too many bars.
WIDTHS = (1, 7, 28, 91, 364)
MOST = 62
WIDE, HIGH, LEFT, TOP, BOTTOM = 720, 220, 40, 34, 24
GOES, KEPT = "#2b6cb0", "#b7791f"  # told apart also by those who see few colours
BAR, HELD = "█", "░"


class Bar(msgspec.Struct, frozen=True):
    """From a day on: how often it fires, and how many of those a limit holds back."""

    day: date
    fired: int
    held: int


def bars(days: Mapping[str, int], held: Mapping[str, int], since: int, until: int) -> list[Bar]:
    """The whole time in bars of equal width, empty ones too."""
    first, last = _day(since), _day(until)
    if days:
        first, last = min(first, date.fromisoformat(min(days))), max(last, date.fromisoformat(max(days)))
    length = (last - first).days + 1
    width = next((width for width in WIDTHS if length <= width * MOST), WIDTHS[-1])
    counted = [[0, 0] for _ in range(-(-length // width))]
    for which, given in enumerate((days, held)):
        for day, count in given.items():
            counted[(date.fromisoformat(day) - first).days // width][which] += count
    return [Bar(first + timedelta(width * place), *counts) for place, counts in enumerate(counted)]


def svg(name: str, shown: list[Bar]) -> str:
    """A histogram. It stands alone: no script, no font, nothing from elsewhere; each bar tells its numbers."""
    top = max((bar.fired for bar in shown), default=0)
    step = (WIDE - LEFT - 8) / max(1, len(shown))
    fired, held = sum(bar.fired for bar in shown), sum(bar.held for bar in shown)
    title = f"{name}: {fired} times" + (f", {held} of them held back" if held else "")
    drawn = "".join(_bar(bar, LEFT + place * step, step, top) for place, bar in enumerate(shown))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" role="img" font-family="sans-serif" '
        f'font-size="12" fill="currentColor"><title>{escape(title)}</title>'
        f'<text x="{LEFT}" y="18">{escape(title)}</text><text x="{LEFT - 6}" y="{TOP + 10}" text-anchor="end">{top}</text>'
        f'<text x="{LEFT - 6}" y="{HIGH - BOTTOM}" text-anchor="end">0</text>{drawn}'
        f'<path d="M{LEFT} {HIGH - BOTTOM}H{WIDE - 8}" stroke="currentColor"/>{_dates(shown, step)}</svg>\n'
    )


def lines(shown: list[Bar], width: int = 50) -> list[str]:
    """The same for a terminal: a line for each bar, leaving out the empty ones before the first and after the last."""
    full = [place for place, bar in enumerate(shown) if bar.fired]
    if not full:
        return []
    top = max(bar.fired for bar in shown)
    return [_line(bar, top, width) for bar in shown[full[0] : full[-1] + 1]]


def _line(bar: Bar, top: int, width: int) -> str:
    long = -(-bar.fired * width // top)
    kept = min(long, -(-bar.held * width // top))
    said = f" ({bar.held} held back)" if bar.held else ""
    return f"{bar.day}  {BAR * (long - kept)}{HELD * kept} {bar.fired}{said}"


def _bar(bar: Bar, x: float, step: float, top: int) -> str:
    if not bar.fired:
        return ""
    room = HIGH - BOTTOM - TOP
    high, kept = room * bar.fired / top, room * bar.held / top
    base, wide = HIGH - BOTTOM, max(1.0, step - 1)
    said = f"{bar.day}: {bar.fired}" + (f", {bar.held} held back" if bar.held else "")
    rectangles = (
        f'<rect x="{x:.1f}" y="{base - high:.1f}" width="{wide:.1f}" height="{high - kept:.1f}" fill="{GOES}"/>'
    )
    if kept:
        rectangles += f'<rect x="{x:.1f}" y="{base - kept:.1f}" width="{wide:.1f}" height="{kept:.1f}" fill="{KEPT}"/>'
    return f"<g><title>{said}</title>{rectangles}</g>"


def _dates(shown: list[Bar], step: float) -> str:
    """The first, the last and some days between, so that they do not touch."""
    every = max(1, -(-len(shown) * 90 // (WIDE - LEFT)))
    return "".join(
        f'<text x="{LEFT + place * step:.1f}" y="{HIGH - 8}">{bar.day}</text>'
        for place, bar in enumerate(shown)
        if place % every == 0 and LEFT + place * step <= WIDE - 70
    )


def _day(at: int) -> date:
    return clock.to_datetime(at).date()
