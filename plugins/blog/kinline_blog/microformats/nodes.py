"""What the readers of microformats ask of an element."""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborNode

from kinline_blog.page import resolved

MAX_WORDS = 100
_SPACE = re.compile("[ \t\n\f\r]+")
_UNREAD = frozenset({"script", "style", "template"})


def attribute(node: LexborNode, name: str) -> str | None:
    """An attribute; empty where it stands there without a value, None where it does not."""
    found = node.attributes
    return (found[name] or "") if name in found else None


def classes(node: LexborNode) -> list[str]:
    """Its classes, in their order."""
    return words(attribute(node, "class"))


def words(value: str | None) -> list[str]:
    """The words of an attribute, the first hundred. Between them stands the white space of HTML and no other."""
    return [one for one in _SPACE.split((value or "").strip(" \t\n\f\r"), MAX_WORDS) if one][:MAX_WORDS]


def is_element(node: LexborNode) -> bool:
    return not (node.tag or "-").startswith("-")


def children(node: LexborNode) -> Iterator[LexborNode]:
    """The elements directly inside."""
    child = node.child
    while child is not None:
        if is_element(child) and child.tag != "template":
            yield child
        child = child.next


def text(node: LexborNode, base: str = "", *, images: bool = False) -> str:
    """All text inside, as it stands, without scripts; with ``images`` each image by its text or its address."""
    pieces: list[str] = []
    _gather(node, base, images, pieces)
    return "".join(pieces)


def _gather(node: LexborNode, base: str, images: bool, pieces: list[str]) -> None:
    child = node.child
    while child is not None:
        if child.tag == "-text":
            pieces.append(child.text_content or "")
        elif child.tag == "img" and images:
            alt, src = attribute(child, "alt"), attribute(child, "src")
            pieces.append(alt if alt is not None else f" {resolved(base, src)} " if src else "")
        elif is_element(child) and child.tag not in _UNREAD:
            _gather(child, base, images, pieces)
        child = child.next
