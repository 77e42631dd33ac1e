"""Parts of classic items that stand elsewhere in the page (include pattern, itemref, headers of tables).

They are copied into place before the items are read. Copies are few and small, and none is copied again.
"""

from selectolax.lexbor import LexborHTMLParser, LexborNode

from kinline_blog.microformats.names import CLASSIC_ROOTS
from kinline_blog.microformats.nodes import attribute, classes
from kinline_blog.page import walk

MAX_INCLUDES = 50
MAX_COPIED = 200  #: elements and texts of one copy
MAX_DEEP = 30


def resolve(tree: LexborHTMLParser) -> None:
    """Put copies where they are asked for."""
    wanted = tree.css("[itemref], a.include[href], object.include[data], td[headers]")[:MAX_INCLUDES]
    named = {attribute(node, "id"): node for node in tree.css("[id]")} if wanted else {}
    copies = [(node, copy) for node in wanted for copy in _copies(node, named)][:MAX_INCLUDES]
    for node, copy in copies:
        node.insert_child(copy)


def _copies(node: LexborNode, named: dict[str | None, LexborNode]) -> list[LexborNode]:
    """What this element asks for: only in classic items, and nothing that it stands in itself."""
    if not _is_classic(node):
        return []
    asked = [one.lstrip("#") for one in _asked(node)]
    found = [named[one] for one in asked if one in named]
    above = {parent.mem_id for parent in _above(node)}
    return [one.clone() for one in found if one.mem_id not in above and _is_small(one)]


def _asked(node: LexborNode) -> list[str]:
    if "include" in classes(node):
        return [attribute(node, "href") or attribute(node, "data") or ""]
    return (attribute(node, "itemref") or attribute(node, "headers") or "").split()[:10]


def _is_classic(node: LexborNode) -> bool:
    return any(not CLASSIC_ROOTS.keys().isdisjoint(classes(one)) for one in _above(node))


def _above(node: LexborNode) -> list[LexborNode]:
    """The element and all that it stands in."""
    found: list[LexborNode] = []
    one: LexborNode | None = node
    while one is not None:
        found.append(one)
        one = one.parent
    return found


def _is_small(node: LexborNode) -> bool:
    return all(count < MAX_COPIED and depth < MAX_DEEP for count, (_, depth) in enumerate(walk(node)))
