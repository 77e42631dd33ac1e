"""The relations of a page (microformats2 parsing, section "parse a hyperlink element for rel microformats")."""

from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from kinline_blog.microformats.nodes import attribute, text, words
from kinline_blog.page import resolved

_FURTHER = ("media", "hreflang", "type", "title")


def read(tree: LexborHTMLParser, base: str) -> tuple[dict[str, list[str]], dict[str, dict[str, Any]]]:
    """The addresses of each relation, and what is said of each address."""
    relations: dict[str, dict[str, None]] = {}
    by_url: dict[str, dict[str, Any]] = {}
    for node in tree.css("a[rel][href], area[rel][href], link[rel][href]"):
        named = words(attribute(node, "rel"))
        url = resolved(base, attribute(node, "href") or "")
        for one in named:
            relations.setdefault(one, {})[url] = None
        if named:
            _tell(by_url.setdefault(url, {"rels": set()}), named, node)
    for told in by_url.values():
        told["rels"] = sorted(told["rels"])
    return {name: list(urls) for name, urls in relations.items()}, by_url


def _tell(told: dict[str, Any], named: list[str], node: LexborNode) -> None:
    told["rels"].update(named)
    if "text" not in told:
        said = text(node)
        told |= {"text": said} if said or node.tag == "a" else {}
    for name in _FURTHER:
        value = attribute(node, name)
        if value:
            told.setdefault(name, value)
