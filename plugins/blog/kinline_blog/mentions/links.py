"""Does this page really link to ours? By its kind (Webmention, section 3.2.2): HTML, JSON or plain text."""

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kinline_blog import page

#: Where an address in HTML is a link: not in comments, scripts or as mere text. ``<link>`` is for machines.
LINKS = {
    "a": "href", "area": "href", "img": "src", "video": "src", "audio": "src", "source": "src", "iframe": "src",
    "object": "data", "blockquote": "cite", "q": "cite", "ins": "cite", "del": "cite", "data": "value",
}  # fmt: skip
SELECTOR = ", ".join(f"{tag}[{attribute}]" for tag, attribute in LINKS.items())
CHARSET = re.compile(r"charset\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9._-]{1,40})")
DEFAULT_PORTS = {"http": 80, "https": 443}


def text_of(body: bytes, media_type: str) -> str:
    """The text of a page, by the charset that its type or its first bytes name, else UTF-8."""
    named = CHARSET.search(media_type) or CHARSET.search(body[:2000].decode("latin-1"))
    try:
        return body.decode(named[1] if named else "utf-8", "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")


def is_html(media_type: str) -> bool:
    return media_type.partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml")


def linked(body: bytes, media_type: str, url: str, target: str) -> bool:
    """Whether it links to ``target``. Raises `Unreadable` for a page beyond all limits."""
    kind = media_type.partition(";")[0].strip().lower()
    if is_html(media_type):
        return _in_html(text_of(body, media_type), url, target)
    if kind == "application/json" or kind.endswith("+json"):
        return _in_json(body, target)
    return kind == "text/plain" and _in_text(text_of(body, media_type), target)


def _in_html(text: str, url: str, target: str) -> bool:
    tree = page.read(text)
    base = page.base(tree, url)
    for node in tree.css(SELECTOR):
        found = node.attributes.get(LINKS[node.tag or ""]) or ""
        if same(page.resolved(base, found), target):
            return True
    return False


def _in_json(body: bytes, target: str) -> bool:
    """One of its values is the address, exactly."""
    try:
        level: list[Any] = [msgspec.json.decode(body)]
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False
    while level:
        if any(isinstance(node, str) and same(node, target) for node in level):
            return True
        level = [
            child for node in level if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]  # fmt: skip
    return False


def _in_text(text: str, target: str) -> bool:
    """It stands there, and goes no further: /post is not in /post-2."""
    return any(same(word.strip("<>()[]\"'.,;!"), target) or word == target for word in text.split())


def same(found: str, target: str) -> bool:
    """Whether both are one address: letter by letter, but for what means nothing in the host."""
    return found == target or (bool(found) and _plain(found) == _plain(target))


def _plain(url: str) -> tuple[str, ...]:
    try:
        parts = urlsplit(url.strip())
        port = parts.port or DEFAULT_PORTS.get(parts.scheme.lower(), 0)
        return (
            parts.scheme.lower(),
            (parts.hostname or "").lower(),
            str(port),
            parts.path or "/",
            parts.query,
            parts.fragment,
        )
    except ValueError:
        return (url,)
