"""What somebody said as HTML: cleaned to an allow-list, or as plain text."""

from html import unescape
from typing import TypeGuard

import nh3

from kinline_support.fields import MAX_TEXT

#: Repairing badly nested HTML costs the square of its tags and more (100,000 times ``<div>``: 20 seconds), so
#: HTML with more tags is left out; the plain text says the same.
MAX_TAGS = 2_000
#: The same of signs that are written as entities, in one text (400,000 no-break spaces: 5 seconds).
MAX_ESCAPED = 50_000

#: No images: they are remote, and loading one tells its sender that somebody read the page.
TAGS = nh3.ALLOWED_TAGS - {"img", "map", "area"}

#: Where a new line begins in the plain text.
_BREAKS = ("<br", "<p", "<div", "<li", "</p>", "</div>")


def plain(html: object) -> str:
    """The text of it, without tags; "" where it is too much to be cleaned."""
    return unescape(nh3.clean(html, tags=set())).strip() if may_be_cleaned(html) else ""


def plain_lines(html: object) -> str:
    """The text of it with its line breaks, for desks that give nothing but HTML."""
    if not may_be_cleaned(html):
        return ""
    for mark in _BREAKS:
        html = html.replace(mark, "\n" + mark)
    lines = (" ".join(line.split()) for line in unescape(nh3.clean(html, tags=set())).split("\n"))
    return "\n".join(line for line in lines if line)


def cleaned(html: object) -> tuple[str, bool]:
    """The cleaned HTML, and whether it had to be left out."""
    if not may_be_cleaned(html):
        return "", isinstance(html, str)
    found = nh3.clean(html, tags=TAGS).strip()
    return ("", True) if len(found) > MAX_TEXT else (found, False)


def may_be_cleaned(html: object) -> TypeGuard[str]:
    if not isinstance(html, str) or len(html) > MAX_TEXT or html.count("<") > MAX_TAGS:
        return False
    return html.count("&") + html.count("\xa0") <= MAX_ESCAPED
