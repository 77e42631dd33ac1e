"""WordPress's own export (WXR, “WordPress eXtended RSS”): an RSS 2.0 file with posts and their comments.

The elements are those that ``export_wp()`` writes (wp-admin/includes/export.php), versions 1.0 to 1.2. Posts
come with their comments inside and are cut apart here: an item may have any number of them.
"""

from collections.abc import Iterator
from typing import Any

from kinline import Broken, Item
from kinline_blog.records import Record, Shape

AUTHOR, POST, COMMENT = "wxr.author", "wxr.post", "wxr.comment"

COMMENT_FIELDS = frozenset(
    f"wp:comment_{name}"
    for name in """id author author_email author_url date date_gmt content approved type parent user_id""".split()  # noqa: SIM905
)
POST_FIELDS = frozenset(
    """title link dc:creator content:encoded wp:post_id wp:post_date wp:post_date_gmt wp:post_modified_gmt wp:status
    wp:post_type wp:post_parent""".split()  # noqa: SIM905
)
AUTHOR_FIELDS = frozenset(f"wp:author_{name}" for name in ("id", "login", "display_name"))
SHAPE = Shape(
    "wxr",
    records={
        ("", "rss/channel"): "site",
        ("site", "wp:author"): AUTHOR,
        ("site", "item"): POST,
        (POST, "wp:comment"): COMMENT,
    },
    fields={
        "site": frozenset({"link", "wp:base_blog_url"}),
        AUTHOR: AUTHOR_FIELDS,
        POST: POST_FIELDS,
        COMMENT: COMMENT_FIELDS,
    },
)

MAX_AUTHORS = 10_000


class Cutter:
    """Passes the records of one file on as items, each with what it needs from the records around it."""

    def __init__(self) -> None:
        self._authors: dict[str, tuple[str, str]] = {}

    def take(self, record: Record) -> Iterator[Item | Broken]:
        if record.form == AUTHOR:
            if len(self._authors) < MAX_AUTHORS:
                known = record["wp:author_id"], record["wp:author_display_name"]
                self._authors[record["wp:author_login"]] = known
            yield _item(record, {"site": _base(record.above), "author": record.fields})
        elif record.form == POST and not record.told:
            yield self._post(record)
        elif record.form == COMMENT and record.above is not None:
            if not record.above.told:
                yield self._post(record.above)
            yield _item(record, {"site": _base(record.above.above), "post": _commented(record.above),
                                 "comment": record.fields})  # fmt: skip

    def _post(self, record: Record) -> Item | Broken:
        """A post goes before its comments; in WordPress's order of elements it is complete by then."""
        record.told = True
        ident, name = self._authors.get(record["dc:creator"], ("", ""))
        body = {"site": _base(record.above), "post": dict(record.fields), "author": {"id": ident, "name": name}}
        return _item(record, body)


def _item(record: Record, body: dict[str, Any]) -> Item | Broken:
    if record.undefined:
        return Broken(
            code="xml_entity", detail=f"Line {record.line}: the entity &{record.undefined}; is defined nowhere."
        )
    return Item(body={**body, "cut": True} if record.cut else body, form=record.form)


def _base(site: Record | None) -> str:
    return (site["wp:base_blog_url"] or site["link"])[:500] if site else ""


def _commented(post: Record) -> dict[str, str]:
    return {"id": post["wp:post_id"], "link": post["link"][:2000], "title": post["title"][:2000]}
