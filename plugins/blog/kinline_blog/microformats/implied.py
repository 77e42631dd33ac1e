"""What an item says without saying it: the name, photo and address of the only element inside."""

from selectolax.lexbor import LexborNode

from kinline_blog.microformats.names import roots
from kinline_blog.microformats.nodes import attribute, children, text
from kinline_blog.microformats.values import Value, absolute, image

_NAMED = {"img": "alt", "area": "alt", "abbr": "title"}
_PICTURED = {"img": "src", "object": "data"}
_LINKED = {"a": "href", "area": "href"}


def name(node: LexborNode, base: str) -> str:
    for one in (node, _only(node), _only(_only(node))):
        attribute_name = _NAMED.get(one.tag or "") if one is not None else None
        told = attribute(one, attribute_name) if one is not None and attribute_name else None
        if told or (told is not None and one is node):
            return (told or "").strip()
    return text(node, base, images=True).strip()


def photo(node: LexborNode, base: str, *, described: bool = True) -> Value | None:
    found = _typed(node, _PICTURED)
    if found is None:
        return None
    return (
        image(found, base, described=described)
        if found.tag == "img"
        else absolute(attribute(found, "data") or "", base)
    )


def url(node: LexborNode, base: str) -> str | None:
    found = _typed(node, _LINKED)
    return absolute(attribute(found, _LINKED[found.tag or ""]) or "", base) if found is not None else None


def _typed(node: LexborNode, table: dict[str, str]) -> LexborNode | None:
    """The item itself, or the only element of its kind directly inside, or inside the only element inside."""
    if node.tag in table and attribute(node, table[node.tag]) is not None:
        return node
    for parent in (node, _only(node)):
        for tag, needed in table.items() if parent is not None else ():
            found = [child for child in children(parent) if child.tag == tag] if parent is not None else []
            if len(found) == 1 and attribute(found[0], needed) is not None and not roots(found[0]):
                return found[0]
    return None


def _only(node: LexborNode | None) -> LexborNode | None:
    """The only element inside, if it is no item of its own."""
    found = list(children(node)) if node is not None else []
    return found[0] if len(found) == 1 and not roots(found[0]) else None
