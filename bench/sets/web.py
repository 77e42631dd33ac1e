"""Pages of the web: webmention endpoints, microformats, and exports of blogs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from kinline import Broken, Deletion, Interaction, Source
from kinline_blog import BlogChannel, discovery, microformats
from kinline_blog.settings import BlogSettings
from sets import Case, Cases, equal

ROCKS = "https://webmention.rocks/test/"


def endpoints(folder: Path) -> Cases:
    """The tests of webmention.rocks: each page has one right endpoint, in a place and form of its own."""
    tests = json.loads((folder / "discovery.json").read_text(encoding="utf-8"))
    for number, test in tests.items():
        fields = test["link_header"] if isinstance(test["link_header"], list) else [test["link_header"]]
        html = f"<html><head>{test['link_tag']}</head><body><p>{test['description']}</p></body></html>"
        url = f"{ROCKS}{number}"
        if number == "23":  # the page lies behind a redirect, and the endpoint is relative to where that leads
            url, html = f"{url}/page/landed", '<link rel="webmention" href="webmention">'
        found = discovery.endpoint(url, [one for one in fields if one], html)
        yield equal(f"{number}: {test['name']}", found, _expected(number, url))


def _expected(number: str, url: str) -> str:
    """The page itself in test 15, beside it in test 23, else one under its address; test 21 has a query."""
    if number == "23":
        return f"{ROCKS}23/page/webmention"
    if number == "15":
        return url
    return f"{url}/webmention{'?query=yes' if number == '21' else ''}"


def documents(folder: Path) -> Cases:
    """Exactly the JSON of each document."""
    for path in sorted(folder.rglob("*.json")):
        html = path.with_suffix(".html")
        if html.exists():
            url = "http://example.test" if "microformats-v2-unit" in path.parts else "http://example.com/"
            found = microformats.read(html.read_text(encoding="utf-8"), url)
            expected = json.loads(path.read_text(encoding="utf-8"))
            wrong = [] if found == expected else list(_differences(found, expected, ""))[:3]
            yield Case(str(path.relative_to(folder).with_suffix("")), "; ".join(wrong))


def _differences(found: object, expected: object, where: str) -> Iterator[str]:
    if isinstance(found, dict) and isinstance(expected, dict):
        for name in sorted(found.keys() | expected.keys()):
            yield from _differences(found.get(name), expected.get(name), f"{where}/{name}")
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            yield from _differences(one, other, f"{where}/{number}")
    elif found != expected:
        yield f"{where}: {str(found)[:120]!r} instead of {str(expected)[:120]!r}"


def exports(folder: Path) -> Cases:
    """Each comment of a Disqus and of a WordPress export under its id: its author, its parent; a deleted one is gone."""
    for name, read in (("disqus", _of_disqus), ("wordpress", _of_wordpress)):
        path = folder / "isso" / "tests" / f"{name}.xml"
        found, broken = _understood(path)
        yield Case(f"{name}: nothing broken", f"{broken} broken" if broken else "")
        root = ElementTree.parse(path).getroot()  # noqa: S314 - a file of the corpora
        for id, author, parent in read(root):
            yield equal(f"{name} {id}", (author, parent) in found.get(id, []), True)


Told = dict[str, list[tuple[str, str]]]


def _understood(path: Path) -> tuple[Told, int]:
    """By number: who wrote it, and the number of what it answers; of a deletion nobody."""
    found: Told = {}
    broken = 0
    channel, settings = BlogChannel(), BlogSettings()
    with path.open("rb") as raw:
        for piece in channel.parse(raw, Source(name=path.name), settings):
            if isinstance(piece, Broken):
                broken += 1
                continue
            for one in channel.normalise(piece, settings):
                if isinstance(one, Interaction) and one.thread:
                    parent = one.thread.parent if "/comment:" in one.thread.parent else ""
                    found.setdefault(_number(one.source_id), []).append((one.parties[0].name, _number(parent)))
                elif isinstance(one, Deletion):
                    found.setdefault(_number(one.source_id), []).append(("", ""))
    return found, broken


def _number(id: str) -> str:
    return id.rpartition(":")[2]


def _of_disqus(root: ElementTree.Element) -> Iterator[tuple[str, str, str]]:
    dsq, plain = "{http://disqus.com/disqus-internals}", "{http://disqus.com}"
    for post in root.iter(f"{plain}post"):
        parent = post.find(f"{plain}parent")
        author = post.findtext(f"{plain}author/{plain}name") or ""
        gone = post.findtext(f"{plain}isDeleted") == "true"
        above = parent.get(f"{dsq}id", "") if parent is not None else ""
        yield post.get(f"{dsq}id", ""), "" if gone else author, "" if gone else above


def _of_wordpress(root: ElementTree.Element) -> Iterator[tuple[str, str, str]]:
    wp = re.compile(r"\{http://wordpress\.org/export/[\d.]+/\}comment")
    for comment in root.iter():
        if wp.fullmatch(str(comment.tag)):
            prefix = str(comment.tag).removesuffix("comment")
            told = [comment.findtext(f"{prefix}comment_{name}") or "" for name in ("id", "author", "parent")]
            yield told[0], told[1].strip() or "Anonymous", "" if told[2] == "0" else told[2]
