"""Which classes are items and properties: those of microformats2, and the classic ones before them.

The classic vocabularies and what they are called today: microformats.org/wiki/microformats2#v2_vocabularies.
"""

import re

from selectolax.lexbor import LexborNode

from kinline_blog.microformats.nodes import attribute, classes

_WORDS = r"(?:[a-z0-9]+-)?[a-z]+(?:-[a-z]+)*"
_ROOT = re.compile(f"h-{_WORDS}")
_PROPERTY = re.compile(f"(p|u|dt|e)-({_WORDS})")

CLASSIC_ROOTS = {
    "adr": "h-adr",
    "geo": "h-geo",
    "vcard": "h-card",
    "hfeed": "h-feed",
    "hentry": "h-entry",
    "hnews": "h-news",
    "hrecipe": "h-recipe",
    "hresume": "h-resume",
    "vevent": "h-event",
    "hreview": "h-review",
    "hreview-aggregate": "h-review-aggregate",
    "hproduct": "h-product",
}


def _table(text: str) -> dict[str, tuple[str, str]]:
    """``fn=p-name`` and ``u-url`` of a list, by the classic class."""
    found = {}
    for word in text.split():
        classic, _, today = word.rpartition("=")
        kind, _, name = today.partition("-")
        found[classic or name] = (kind, name)
    return found


CLASSIC_PROPERTIES = {
    "h-adr": _table("""p-post-office-box p-street-address p-extended-address p-locality p-region p-postal-code
        p-country-name"""),
    "h-geo": _table("p-latitude p-longitude"),
    "h-card": _table("""fn=p-name u-url u-photo u-logo u-email u-sound p-key u-uid dt-bday dt-rev p-tz p-class p-role
        title=p-job-title p-org p-organization-name p-organization-unit p-adr p-geo p-tel p-nickname p-note p-label
        p-category p-agent p-mailer p-sort-string p-given-name p-family-name p-additional-name p-honorific-prefix
        p-honorific-suffix"""),
    "h-feed": _table("p-author u-url u-photo p-category site-title=p-name site-description=p-summary"),
    "h-entry": _table("""entry-title=p-name entry-summary=p-summary entry-content=e-content dt-published dt-updated
        p-author p-category p-geo p-latitude p-longitude"""),
    "h-news": _table("p-entry p-geo p-latitude p-longitude p-source-org p-dateline"),
    "h-event": _table("""summary=p-name dtstart=dt-start dtend=dt-end dt-duration p-description u-url p-category
        p-location p-geo p-latitude p-longitude p-attendee p-contact p-organizer u-uid p-class p-status p-priority
        dt-dtstamp dt-created last-modified=dt-updated"""),
    "h-recipe": _table("""fn=p-name p-ingredient p-yield e-instructions dt-duration u-photo p-summary p-author
        dt-published p-nutrition p-category"""),
    "h-resume": _table("p-summary p-contact p-education p-experience p-skill p-affiliation"),
    "h-review": _table("""summary=p-name p-item u-photo u-url reviewer=p-author dtreviewed=dt-reviewed p-rating p-best
        p-worst description=e-content p-category"""),
    "h-review-aggregate": _table("summary=p-name p-item p-rating p-best p-worst p-average p-count p-votes u-url"),
    "h-product": _table("""fn=p-name u-photo p-brand p-category p-description u-identifier u-url p-review p-price"""),
    "h-item": _table("fn=p-name u-url u-photo"),
}
#: What a link's ``rel`` means in a classic item.
CLASSIC_RELS = {
    "h-feed": {"tag": ("p", "category")},
    "h-entry": {"bookmark": ("u", "url"), "tag": ("p", "category")},
    "h-news": {"principles": ("u", "principles")},
    "h-recipe": {"tag": ("p", "category")},
    "h-review": {"bookmark": ("u", "url"), "tag": ("p", "category")},
}


def roots(node: LexborNode) -> list[str]:
    """The types of an item of today that begins here, sorted."""
    return sorted({one for one in classes(node) if _ROOT.fullmatch(one)})


def classic_roots(node: LexborNode) -> list[str]:
    return sorted({CLASSIC_ROOTS[one] for one in classes(node) if one in CLASSIC_ROOTS})


def properties(node: LexborNode) -> list[tuple[str, str]]:
    """The kinds and names of the properties that stand here."""
    found = [_PROPERTY.fullmatch(one) for one in classes(node)]
    return [(one[1], one[2]) for one in found if one]


_CLASSIC = frozenset(CLASSIC_ROOTS).union(*CLASSIC_PROPERTIES.values())


def is_named(node: LexborNode, *, classic: bool) -> bool:
    """Whether an item or a property begins here."""
    if classic:
        return not _CLASSIC.isdisjoint(classes(node))
    return bool(roots(node) or properties(node))


def classic_properties(node: LexborNode, types: list[str]) -> list[tuple[str, str]]:
    found: dict[tuple[str, str], None] = {}
    rels = (attribute(node, "rel") or "").lower().split() if attribute(node, "href") is not None else []
    for type in types:
        table = CLASSIC_PROPERTIES.get(type, {})
        found |= dict.fromkeys(table[one] for one in classes(node) if one in table)
        known = CLASSIC_RELS.get(type, {})
        found |= dict.fromkeys(known[one] for one in rels if one in known)
    return list(found)
