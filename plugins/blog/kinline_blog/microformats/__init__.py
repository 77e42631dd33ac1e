"""Microformats of a page: who said what, marked with classes in its HTML.

By the text at microformats.org/wiki/microformats2-parsing, with the classic formats that it takes along. Why not the
library mf2py: it reads 84 of the 140 documents of the common test suite exactly, fetches pages itself, and its HTML
parser takes 15 seconds for 8,000 elements inside one another, and four times that for twice as many.
"""

from collections.abc import Iterator
from typing import Any

from selectolax.lexbor import LexborNode

from kinline_blog import page
from kinline_blog.microformats import implied, includes, rels, values
from kinline_blog.microformats.budget import Budget
from kinline_blog.microformats.dates import day
from kinline_blog.microformats.names import classic_properties, classic_roots, properties, roots
from kinline_blog.microformats.nodes import attribute, children

Item = dict[str, Any]


def read(html: str, url: str) -> dict[str, Any]:
    """All items and relations of the page at ``url``, as microformats2 JSON.

    Raises `Unreadable` for a page beyond all limits. ``html`` values are as they were written: clean them to show them.
    """
    tree = page.read(html)
    base = page.base(tree, url)
    relations, by_url = rels.read(tree, base)
    items: list[Item] = []
    if tree.root is not None:
        includes.resolve(tree)
        values.make_absolute(tree, base)
        budget = Budget(tree.root)
        items = list(_items(tree.root, base, budget))
    return {"items": items, "rels": relations, "rel-urls": by_url}


def _items(node: LexborNode, base: str, budget: Budget) -> Iterator[Item]:
    """The topmost items of a part of the page."""
    if roots(node) or classic_roots(node):
        yield _Building(node, base, budget).item()
        return
    for child in children(node):
        yield from _items(child, base, budget)


class _Building:
    """One item while it is read."""

    def __init__(self, node: LexborNode, base: str, budget: Budget, types: list[str] | None = None) -> None:
        self.node, self.base, self.budget = node, base, budget
        self.classic = not roots(node)
        self.types = types or roots(node) or classic_roots(node)
        self.properties: dict[str, list[Any]] = {}
        self.children: list[Item] = []
        self.kinds: set[str] = set()
        self.first: dict[tuple[str, str], Any] = {}  # by kind and name
        self.day = ""

    def item(self) -> Item:
        for child in children(self.node):
            self._read(child)
        if not self.classic:
            self._imply()
        item: Item = {"type": self.types, "properties": self.properties}
        identity = attribute(self.node, "id")
        if identity and not self.classic:
            item["id"] = identity
        if self.children:
            item["children"] = self.children
        return item

    def _read(self, node: LexborNode) -> None:
        named = classic_properties(node, self.types) if self.classic else properties(node)
        implied = ["h-item"] if self.classic and ("p", "item") in named else None
        if roots(node) or classic_roots(node) or implied:
            inside = _Building(node, self.base, self.budget, roots(node) or classic_roots(node) or implied)
            nested = inside.item()
            self.kinds.add("h")
            for kind, name in named:
                self._add(kind, name, {**nested, **self._value(node, kind, inside)})
            if not named:
                self.children.append(nested)
            return
        for kind, name in named:
            self._add(kind, name, self._plain(node, kind))
        for child in children(node):
            self._read(child)

    def _add(self, kind: str, name: str, value: Any) -> None:
        self.kinds.add(kind)
        self.properties.setdefault(name, []).append(value)
        self.first.setdefault((kind, name), value)
        if kind == "dt" and isinstance(value, str):
            self.day = self.day or day(value)

    def _plain(self, node: LexborNode, kind: str) -> values.Value:
        self.budget.spend(node)
        if kind == "p":
            return values.plain(node, self.base, classic=self.classic)
        if kind == "u":
            return values.url(node, self.base, classic=self.classic)
        if kind == "dt":
            return values.date(node, self.day, classic=self.classic)
        found = values.embedded(node, self.base)
        self.budget.spend_text(found["html"])
        return found

    def _value(self, node: LexborNode, kind: str, inside: "_Building") -> dict[str, Any]:
        """What stands for an item where only a text is wanted: its name, or its address."""
        told = inside.first.get({"p": ("p", "name"), "u": ("u", "url")}.get(kind, ("", "")))
        if told is not None:
            return {"value": told}
        found = self._plain(node, kind)
        return dict(found) if isinstance(found, dict) else {"value": found}

    def _imply(self) -> None:
        told = self.kinds.copy()
        self.budget.spend(self.node)
        if "name" not in self.properties and not told & {"p", "e", "h"}:
            self._add("p", "name", implied.name(self.node, self.base))
        if told & {"u", "h"}:
            return
        photo, url = implied.photo(self.node, self.base), implied.url(self.node, self.base)
        if photo is not None and "photo" not in self.properties:
            self._add("u", "photo", photo)
        if url is not None and "url" not in self.properties:
            self._add("u", "url", url)
