"""What the records of a WordPress export mean: comments, the posts they stand under, the blog's authors."""

import re
from collections.abc import Sequence
from typing import Any

from kinline import Applied, Direction, Interaction, Item, Kind, Normalised, Party, Role, Thread
from kinline_blog import fields
from kinline_blog.comment import Comment, Post, interaction
from kinline_blog.markup import words
from kinline_blog.people import Who, issuer, user
from kinline_blog.settings import BlogSettings
from kinline_blog.site import Scope, address, canonical, scope
from kinline_blog.wxr import AUTHOR, COMMENT, POST

BY_NUMBER = re.compile(r"[?&](?:p|page_id)=([0-9]{1,20})(?:&|#|$)")

#: The post types that are read by people as something published. All others are the blog's furniture.
PUBLISHED = frozenset({"post", "page"})


def normalise(item: Item, settings: BlogSettings) -> Sequence[Normalised]:
    return [READERS[item.form](fields.record(item.body), settings)]


def _comment(body: fields.Record, settings: BlogSettings) -> Normalised:
    told, about = fields.record(body.get("comment")), fields.record(body.get("post"))
    where, link = _where(body, fields.text(about.get("link")), settings)
    at, flags = fields.when(told.get("wp:comment_date_gmt"), told.get("wp:comment_date"))
    return interaction(
        Comment(
            scope=where,
            id=fields.ident(told.get("wp:comment_id")),
            parent=fields.ident(told.get("wp:comment_parent")),
            post=Post(id=_post_id(about.get("id"), link), title=fields.line(about.get("title")), link=link),
            who=Who(
                name=fields.line(told.get("wp:comment_author"), 200),
                email=fields.text(told.get("wp:comment_author_email")),
                url=fields.text(told.get("wp:comment_author_url")),
                account=fields.ident(told.get("wp:comment_user_id")),
                issuer=issuer(where),
                stranger=where.foreign,
            ),
            at=at,
            changed_at=at,  # an export knows all of a comment: it outranks a public REST answer, which has no time
            state=fields.text(told.get("wp:comment_approved")),
            sort=fields.text(told.get("wp:comment_type")),
            content=fields.text(told.get("wp:comment_content")),
            cut=body.get("cut") is True,
            flags=flags,
        ),
        settings,
    )


def _post(body: fields.Record, settings: BlogSettings) -> Normalised:
    told = fields.record(body.get("post"))
    sort, status = fields.text(told.get("wp:post_type")), fields.text(told.get("wp:status"))
    if sort not in PUBLISHED or status != "publish":
        return Applied(reason=f"{sort[:40] or 'untyped'} record, {status[:40] or 'of no status'}")
    where, link = _where(body, fields.text(told.get("link")), settings)
    ident = _post_id(told.get("wp:post_id"), link)
    if not ident:
        return Applied(reason=f"{sort} record without an id")
    said = words(fields.text(told.get("content:encoded")), cut=body.get("cut") is True)
    at, flags = fields.when(told.get("wp:post_date_gmt"), told.get("wp:post_date"))
    key = where.key("post", ident)
    return Interaction(
        source_id=key,
        kind=Kind.ARTICLE,
        direction=Direction.AMONG if where.foreign else Direction.OUTBOUND,
        parties=(_writer(body, where, fields.line(told.get("dc:creator"), 200)),),
        occurred_at=at,
        changed_at=fields.moment(told.get("wp:post_modified_gmt")),
        sequence=int(ident) if ident.isdigit() and len(ident) <= 18 else 0,
        subject=fields.line(told.get("title")),
        text=said.text,
        html=said.html,
        url=link,
        thread=Thread(key=key),
        facts={"post_id": ident, "type": sort},
        flags=(*flags, *(("other_site",) if where.foreign else ()), *said.flags),
    )


def _author(body: fields.Record, settings: BlogSettings) -> Normalised:
    told = fields.record(body.get("author"))
    where, _ = _where(body, "", settings)
    name = fields.line(told.get("wp:author_display_name"), 200) or fields.line(told.get("wp:author_login"), 200)
    account = user(where, fields.ident(told.get("wp:author_id")))
    line = Party(role=Role.AUTHOR, handle=account, name=name, ours=True)
    return Applied(reason="author record", names=(line,) if account and not where.foreign else ())


def _writer(body: fields.Record, where: Scope, login: str) -> Party:
    """Posts of the blog are ours, whoever wrote them; posts of another site make nobody."""
    known = fields.record(body.get("author"))
    name = fields.line(known.get("name"), 200) or login
    if where.foreign:
        return Party(role=Role.AUTHOR, name=name)
    return Party(role=Role.AUTHOR, handle=user(where, fields.ident(known.get("id"))), name=name, ours=True)


def _where(body: fields.Record, link: str, settings: BlogSettings) -> tuple[Scope, str]:
    shown = address(link)
    return scope(settings, fields.text(body.get("site")), shown), shown


def _post_id(value: Any, link: str) -> str:
    """The post's number; else the number in its plain link; else where it stands on the web."""
    number = BY_NUMBER.search(link)
    return fields.ident(value) or (fields.ident(number[1]) if number else "") or canonical(link[:200])


READERS = {AUTHOR: _author, POST: _post, COMMENT: _comment}
