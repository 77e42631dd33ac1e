"""WordPress's REST comments (developer.wordpress.org/rest-api/reference/comments): a page of them, or one.

A public answer has neither mail addresses nor states other than approved; with ``context=edit`` it has both.
"""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import msgspec

from kinline import Broken, Deletion, Item, Normalised, Unreadable
from kinline_blog import fields, hooks
from kinline_blog.comment import Comment, Post, interaction
from kinline_blog.people import Who, issuer
from kinline_blog.settings import BlogSettings
from kinline_blog.site import Scope, address, scope

COMMENT, EVENT = "rest.comment", "rest.event"

MAX_BODY = 64 << 20  #: bytes of one JSON document
MAX_DEPTH = 64
MAX_CONTENT = 1 << 20  #: characters of one comment; what is longer is cut

#: How REST addresses begin behind the blog's own, with and without pretty links.
ROUTES = ("/wp-json/", "/index.php?rest_route=", "/?rest_route=")


def cut(head: bytes, raw: BinaryIO) -> Iterator[Item | Broken]:
    """The comments of a document, each on its own: one that is broken does not spoil its neighbours."""
    body = head + raw.read(MAX_BODY + 1 - len(head))
    if len(body) > MAX_BODY:
        raise Unreadable(f"JSON of over {MAX_BODY >> 20} MB; ask for smaller pages.", code="too_large")
    body = body.removeprefix(b"\xef\xbb\xbf")
    if not body.lstrip().startswith(b"["):
        yield _one(_decoded(body, Any))
        return
    pieces = _decoded(body, list[msgspec.Raw])
    for position, piece in enumerate(pieces):
        try:
            yield _one(_decoded(bytes(piece), Any))
        except Unreadable as refusal:
            if position == 0 and refusal.code == "not_comments":
                raise
            yield Broken(code=refusal.code, detail=f"Entry {position + 1} of the list: {refusal.detail}")


def _decoded(body: bytes, sort: Any) -> Any:
    try:
        value = msgspec.json.decode(body, type=sort)
    except RecursionError:
        raise Unreadable(f"JSON nested over {MAX_DEPTH} deep.", code="json_too_deep") from None
    except (msgspec.DecodeError, ValueError) as error:
        raise Unreadable(f"No readable JSON: {error}.", code="not_json") from None
    if sort is Any and _is_deep(value):
        raise Unreadable(f"JSON nested over {MAX_DEPTH} deep.", code="json_too_deep")
    return value


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [child for node in level if isinstance(node, dict | list) for child in _children(node)]
        if not level:
            return False
    return True


def _children(node: dict[str, Any] | list[Any]) -> list[Any]:
    return list(node.values()) if isinstance(node, dict) else node


def _one(value: Any) -> Item:
    told = fields.record(value)
    if isinstance(told.get("event"), str):
        return Item(body=told, form=EVENT)
    if hooks.is_plugin(told):
        return Item(body=hooks.of_plugin(told), form=EVENT)
    if told.get("deleted") is True and isinstance(told.get("previous"), dict):  # REST's answer to a DELETE
        return Item(body={"event": "comment.deleted", "comment": told["previous"]}, form=EVENT)
    return _comment_item(value)


def _comment_item(value: Any) -> Item:
    told = fields.record(value)
    if "id" in told and "slug" not in told and ("author_name" in told or "post" in told):
        return Item(body=told, form=COMMENT)
    raise Unreadable(f"No WordPress comments: this is {_seen(value)}.", code="not_comments")


def _seen(value: Any) -> str:
    """What stands there instead, for whoever chose the wrong file."""
    if not isinstance(value, dict):
        return f"a JSON {SORTS.get(type(value), 'value')}"
    if isinstance(value.get("code"), str) and "message" in value:
        return f"an error answer, “{fields.line(value['code'], 60)}”"
    if isinstance(value.get("type"), str) and "slug" in value:
        return f"a WordPress {fields.line(value['type'], 40)}"
    return f"a JSON object with {', '.join(fields.line(key, 40) for key in list(value)[:8]) or 'nothing in it'}"


SORTS = {str: "text", bool: "true or false", int: "number", float: "number", list: "list", type(None): "null"}


def normalise(item: Item, settings: BlogSettings) -> Sequence[Normalised]:
    return [of_comment(fields.record(item.body), settings)]


def of_comment(
    told: fields.Record,
    settings: BlogSettings,
    *,
    site: str = "",
    changed_at: Any = None,
    post: Any = None,
    me: Any = None,
) -> Normalised:
    """One comment. ``site``, ``changed_at``, its ``post`` and our own user id (``me``) are known where it was asked for."""
    link = address(told.get("link"))
    where = _where(told, site, settings)
    at, flags = fields.when(told.get("date_gmt"), told.get("date"))
    content = fields.record(told.get("content"))
    said = fields.text(content.get("raw")) or fields.text(content.get("rendered"))
    whole = "author_email" in told
    return interaction(
        Comment(
            scope=where,
            id=fields.ident(told.get("id")),
            parent=fields.ident(told.get("parent")),
            post=_post(told, link, fields.record(post)),
            who=Who(
                name=fields.line(told.get("author_name"), 200),
                email=fields.text(told.get("author_email")),
                url=fields.text(told.get("author_url")),
                account=fields.ident(told.get("author")),
                issuer=issuer(where),
                ours=fields.ident(me) != "" and fields.ident(me) == fields.ident(told.get("author")),
                stranger=where.foreign,
            ),
            at=at,
            changed_at=changed_at or (at if whole else None),  # the whole comment outranks its public view
            state=fields.text(told.get("status")),
            sort=fields.text(told.get("type")),
            content=said[:MAX_CONTENT],
            url=link,
            cut=len(said) > MAX_CONTENT,
            flags=flags,
        ),
        settings,
    )


def _post(told: fields.Record, link: str, about: fields.Record) -> Post:
    return Post(
        id=fields.ident(told.get("post")),
        title=fields.line(about.get("title")),
        link=address(about.get("link")) or link.partition("#")[0],
    )


def deletion(told: fields.Record, settings: BlogSettings, *, site: str, at: Any) -> Deletion:
    ident = fields.ident(told.get("id"))
    if not ident:
        raise Unreadable("A deletion of no comment.", code="no_id")
    return Deletion(
        source_id=_where(told, site, settings).key("comment", ident), occurred_at=at, reason="deleted at the blog"
    )


def _where(told: fields.Record, site: str, settings: BlogSettings) -> Scope:
    return scope(settings, site or _base(told), address(told.get("link")))


def _base(told: fields.Record) -> str:
    """The blog's address out of the comment's own REST address; blogs in a folder are told apart by it."""
    selves = fields.record(told.get("_links")).get("self")
    own = address(fields.record(selves[0]).get("href")) if isinstance(selves, list) and selves else ""
    for route in ROUTES:
        base, found, _ = own.partition(route)
        if found:
            return base
    return ""
