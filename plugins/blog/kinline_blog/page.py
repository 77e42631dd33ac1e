"""A page of somebody's site as a tree (HTML5 by lexbor), within limits.

The parser closes elements by looking through all that are open, so a page of many nested elements takes the square of
their number: 20,000 are a second. No page that people write has as many, or is as deep or as large.
"""

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from kinline import Unreadable

MAX_HTML = 1 << 20  #: characters; the W3C text on Webmention names a megabyte as enough
MAX_ELEMENTS = 20_000
MAX_DEPTH = 150
MAX_URL = 4_000

_OPENS = re.compile("<[a-zA-Z]")


def read(html: str) -> LexborHTMLParser:
    """The tree. Raises `Unreadable` with ``page_too_large`` or ``page_too_deep``."""
    if len(html) > MAX_HTML or sum(1 for _ in _OPENS.finditer(html)) > MAX_ELEMENTS:
        raise Unreadable(f"The page has over {MAX_HTML} characters or {MAX_ELEMENTS} elements.", code="page_too_large")
    tree = LexborHTMLParser(html.encode("utf-8", "replace"))
    if tree.root is not None and _is_deep(tree.root):
        raise Unreadable(f"The page is nested more than {MAX_DEPTH} levels deep.", code="page_too_deep")
    return tree


def _is_deep(root: LexborNode) -> bool:
    return any(depth > MAX_DEPTH for _, depth in walk(root))


def walk(root: LexborNode) -> Iterator[tuple[LexborNode, int]]:
    """A node and all below it in the order of the document, each with its depth. Without recursion."""
    node: LexborNode | None = root
    depth = 0
    while node is not None:
        yield node, depth
        if node.child is not None:
            node, depth = node.child, depth + 1
            continue
        while node is not None and node.next is None:
            if depth == 0:
                return
            node, depth = node.parent, depth - 1
        node = node.next if node is not None and depth else None


def base(tree: LexborHTMLParser, url: str) -> str:
    """What addresses of the page are relative to: its own, or what its ``<base>`` says."""
    found = tree.css_first("base[href]")
    return resolved(url, (found.attributes.get("href") if found else "") or "")


def resolved(base: str, reference: str) -> str:
    """The absolute address of a reference; the reference as it stands where there is none."""
    reference = reference.strip()[:MAX_URL]
    try:
        return urljoin(base, reference)
    except ValueError:
        return reference


def is_web(url: str) -> bool:
    """Whether this is an address that can be asked over HTTP."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
