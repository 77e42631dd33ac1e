"""Who said what about a page of ours, out of the microformats of the page that links to it.

The entry that names our page as what it answers, likes, shares or keeps is meant; else the one that links to it; else
the first. Its author is the card inside it, else that of the feed around it (indieweb.org/authorship, without asking
further pages). All of it is what the page claims.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urldefrag

import msgspec

#: What an entry can do to a page, the first that it says counts (indieweb.org/response).
DEEDS = {"in-reply-to": "reply", "like-of": "like", "repost-of": "repost", "bookmark-of": "bookmark"}
MENTION = "mention"
MAX_ENTRIES = 200


class Said(msgspec.Struct, frozen=True):
    """One entry about our page. Empty where it does not say."""

    deed: str  #: of `DEEDS`, or `MENTION`
    url: str = ""  #: its own address
    name: str = ""  #: its title, where it has one that is not its text
    text: str = ""
    html: str = ""  #: as it was written: clean it before it is shown
    published: str = ""
    author_name: str = ""
    author_url: str = ""
    author_photo: str = ""


def about(found: dict[str, Any], target: str) -> Said | None:
    """What the page, read by `microformats.read`, says about ``target``; None where it has no entry."""
    entries = [entry for _, entry in zip(range(MAX_ENTRIES), _entries(found["items"], {}), strict=False)]
    meant = [(_deed(entry, target), entry, feed) for entry, feed in entries]
    if not meant:
        return None
    deed, entry, feed = next(
        (one for one in meant if one[0]), next((one for one in meant if _links(one[1], target)), meant[0])
    )
    name, content = _first(entry, "name"), _first(entry, "content")
    text = _text(content) or _text(_first(entry, "summary")) or _text(name)
    return Said(
        deed=deed or MENTION,
        url=_text(_first(entry, "url")),
        name=_text(name) if " ".join(_text(name).split()) != " ".join(text.split()) else "",
        text=text,
        html=content.get("html", "") if isinstance(content, dict) else "",
        published=_text(_first(entry, "published")),
        **_author(entry, feed),
    )


def _entries(items: list[dict[str, Any]], feed: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each entry, and the feed that it stands in."""
    for item in items:
        if {"h-entry", "h-review", "h-event"} & set(item["type"]):
            yield item, feed
        yield from _entries(item.get("children", []), item if "h-feed" in item["type"] else feed)


def _deed(entry: dict[str, Any], target: str) -> str:
    for property, deed in DEEDS.items():
        if any(_is(_text(value), target) for value in entry["properties"].get(property, [])):
            return deed
    return ""


def _links(entry: dict[str, Any], target: str) -> bool:
    """Whether its text has our address; whoever receives a mention checks the link itself."""
    content = _first(entry, "content")
    return isinstance(content, dict) and target in content.get("html", "")


def _is(url: str, target: str) -> bool:
    return urldefrag(url)[0].rstrip("/") == urldefrag(target)[0].rstrip("/")


def _author(entry: dict[str, Any], feed: dict[str, Any]) -> dict[str, str]:
    author = _first(entry, "author") or _first(feed, "author")
    if isinstance(author, dict):
        return {f"author_{name}": _text(_first(author, name)) for name in ("name", "url", "photo")}
    is_url = str(author or "").startswith(("https://", "http://"))
    return {"author_url" if is_url else "author_name": author or ""}


def _first(item: dict[str, Any], property: str) -> Any:
    return next(iter(item.get("properties", {}).get(property, [])), None)


def _text(value: Any) -> str:
    """What stands for a value: of an item or an image its ``value``."""
    while isinstance(value, dict):
        value = value.get("value", "")
    return str(value or "")
