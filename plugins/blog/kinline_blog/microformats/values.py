"""What one property says (microformats2 parsing, section "parse an element for properties")."""

from collections.abc import Iterator
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from kinline_blog.microformats import dates
from kinline_blog.microformats.names import is_named
from kinline_blog.microformats.nodes import attribute, children, classes, text
from kinline_blog.page import resolved

Value = str | dict[str, Any]

_LINKS = {
    "a": "href",
    "area": "href",
    "link": "href",
    "audio": "src",
    "video": "src",
    "source": "src",
    "iframe": "src",
    "object": "data",
}
_ADDRESSES = ("href", "src", "cite", "data", "poster", "action", "formaction", "longdesc")


def plain(node: LexborNode, base: str, *, classic: bool = False) -> str:
    """``p-*``"""
    pattern = value_class(node, classic)
    if pattern is not None:
        return pattern
    told = _attribute_of(
        node, {"abbr": "title", "link": "title", "data": "value", "input": "value", "img": "alt", "area": "alt"}
    )
    return told if told is not None else text(node, base, images=True).strip()


def url(node: LexborNode, base: str, *, classic: bool = False) -> Value:
    """``u-*``; an image with its text, which classic formats do not tell."""
    if node.tag == "img" and attribute(node, "src") is not None:
        return image(node, base, described=not classic)
    told = _attribute_of(node, _LINKS)
    if told is None and node.tag == "video":
        told = attribute(node, "poster")
    if told is None:
        told = value_class(node, classic)
    if told is None:
        told = _attribute_of(node, {"abbr": "title", "data": "value", "input": "value"})
    return absolute(text(node, base).strip() if told is None else told, base)


def image(node: LexborNode, base: str, *, described: bool = True) -> Value:
    source, alt = absolute(attribute(node, "src") or "", base), attribute(node, "alt")
    return {"value": source, "alt": alt} if alt is not None and described else source


def date(node: LexborNode, implied: str, *, classic: bool = False) -> str:
    """``dt-*``; ``implied`` is the date that a time without one means."""
    parts = dates.Parts()
    for element in _valued(node, classic):
        parts.take(_value_of(element, dated=True))
    found = parts.told(implied)
    if found:
        return found
    told = _attribute_of(
        node,
        {"time": "datetime", "ins": "datetime", "del": "datetime", "abbr": "title", "data": "value", "input": "value"},
    )
    return told if told is not None else text(node).strip()


def embedded(node: LexborNode, base: str) -> dict[str, Any]:
    """``e-*``: its HTML, which is what somebody wrote (clean it before it is shown), and its text."""
    return {"html": (node.inner_html or "").strip(), "value": text(node, base, images=True).strip()}


def make_absolute(tree: LexborHTMLParser, base: str) -> None:
    """Let every address in the page be whole, so that it stays right where the HTML is quoted."""
    for element in tree.css("[" + "], [".join(_ADDRESSES) + "]"):
        for name in _ADDRESSES:
            told = attribute(element, name)
            if told is not None and element.tag != "base":
                element.attrs[name] = absolute(told, base)


def absolute(reference: str, base: str) -> str:
    return resolved(base, reference)


def _attribute_of(node: LexborNode, table: dict[str, str]) -> str | None:
    name = table.get(node.tag or "")
    return attribute(node, name) if name else None


def value_class(node: LexborNode, classic: bool) -> str | None:
    """What the parts of class ``value`` say, together; None where there is none."""
    found = [_value_of(element) for element in _valued(node, classic)]
    return "".join(found) if found else None


def _valued(node: LexborNode, classic: bool) -> Iterator[LexborNode]:
    """The topmost elements of class ``value`` or ``value-title``, not inside another property or item."""
    for child in children(node):
        named = classes(child)
        if "value" in named or "value-title" in named:
            yield child
        elif not is_named(child, classic=classic):
            yield from _valued(child, classic)


def _value_of(element: LexborNode, *, dated: bool = False) -> str:
    if "value-title" in classes(element):
        return attribute(element, "title") or ""
    table = {"img": "alt", "area": "alt", "data": "value", "abbr": "title"}
    if dated:
        table |= {"time": "datetime", "ins": "datetime", "del": "datetime"}
    told = _attribute_of(element, table)
    if told is None:
        return "" if element.tag in ("img", "area") else text(element).strip()
    return told
