"""Is this ours? And if not, what is it, and what should the person do about it?"""

from kinline import Unreadable
from kinline_blog import disqus, wxr
from kinline_blog.records import Shape
from kinline_blog.stream import WORDPRESS

#: The first bytes of what people pick by mistake, and the cure.
MISTAKES = {
    b"\x1f\x8b": "a gzip file; unpack it first",
    b"PK\x03\x04": "a zip file; unpack it first",
    b"BZh": "a bzip2 file; unpack it first",
    b"\xfd7zXZ\x00": "an xz file; unpack it first",
    b"(\xb5/\xfd": "a Zstandard file; unpack it first",
    b"7z\xbc\xaf": "a 7-Zip file; unpack it first",
    b"%PDF": "a PDF",
    b"SQLite format 3": "an SQLite database",
}
#: Root elements met instead of ours.
ROOTS = {
    "rss": "an RSS feed, not an export; use Tools → Export in WordPress",
    "rdf:RDF": "an RSS feed, not an export; use Tools → Export in WordPress",
    "feed": "an Atom feed, not an export; use Tools → Export in WordPress",
    "html": "a web page",
    "opml": "a list of feeds",
    "urlset": "a sitemap",
    "disqus": "a Disqus export without its namespace",
}
MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def looks_like_json(head: bytes) -> bool:
    """True for JSON, False for XML. Raises `Unreadable` (``not_wxr``) for anything else, telling what it is."""
    for magic, seen in MISTAKES.items():
        if head.startswith(magic):
            raise _not_ours(seen)
    begin = head
    for mark in MARKS:
        begin = begin.removeprefix(mark)
    begin = begin.replace(b"\x00", b"").lstrip()[:1]
    if begin in (b"[", b"{"):
        return True
    if begin != b"<":
        raise _not_ours("empty" if not begin else "neither XML nor JSON")
    return False


def root_shape(root: str, namespaces: frozenset[str]) -> Shape:
    """Which export starts with this element. Raises `Unreadable` (``not_wxr``) if none does."""
    if root == "rss" and any(space.startswith(WORDPRESS) for space in namespaces):
        return wxr.SHAPE
    if root == "disqus:disqus":
        return disqus.SHAPE
    local = root.rpartition(" ")[2]
    raise _not_ours(ROOTS.get(local, f"an XML file of <{local[:60]}>"))


def _not_ours(seen: str) -> Unreadable:
    return Unreadable(f"No WordPress or Disqus export, and no WordPress comments: this is {seen}.", code="not_wxr")
