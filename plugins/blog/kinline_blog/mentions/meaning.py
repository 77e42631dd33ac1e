"""What a page that links to ours means: an answer, a like, a share or a mention, by its microformats; or a deletion.

All of it is what that page claims: nobody proves that its author is who it says.
"""

import html
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from kinline import (
    Deletion,
    Direction,
    HandleType,
    Interaction,
    Item,
    Kind,
    Normalised,
    Party,
    Role,
    Source,
    Thread,
    Unreadable,
)
from kinline_blog import fields, microformats, said
from kinline_blog.markup import words
from kinline_blog.mentions import links
from kinline_blog.mentions.fetching import GONE, LONGEST, NAME
from kinline_blog.people import handle
from kinline_blog.settings import BlogSettings
from kinline_blog.site import address, canonical, scope

FORM = "webmention"
KINDS = {"reply": Kind.COMMENT, "like": Kind.REACTION, "repost": Kind.SHARE, "bookmark": Kind.SHARE}
TOLD = frozenset({"source", "target", "at", "status"})


def is_one(source: Source) -> bool:
    """Whether an intake holds the page of a Webmention, as `fetching` keeps it. Callers of webhooks cannot say so."""
    return source.name == NAME and source.headers.keys() >= TOLD


def cut(raw: BinaryIO, source: Source) -> Iterator[Item]:
    body = {**source.headers, "type": source.media_type, "page": raw.read(LONGEST)}
    yield Item(body=body, form=FORM)


def normalise(item: Item, settings: BlogSettings) -> Sequence[Normalised]:
    told = fields.record(item.body)
    source, target = address(told.get("source")), address(told.get("target"))
    at, page = fields.moment(told.get("at")), told.get("page")
    if not source or not target or at is None or not isinstance(page, bytes):
        raise Unreadable("No fetched page of a Webmention.", code="unknown_shape")
    key = scope(settings, settings.site, "").key(FORM, f"{source} {target}")
    if told.get("status") in [str(status) for status in GONE]:
        return [Deletion(source_id=key, occurred_at=at, reason=f"its page is gone ({told['status']})")]
    media_type, url = fields.text(told.get("type")), address(told.get("url")) or source
    if not links.linked(page, media_type, url, target):
        return [Deletion(source_id=key, occurred_at=at, reason="no_link_found: its page does not link to ours")]
    found = _said(page, media_type, url, target)
    return [_interaction(key, told, found, settings)]


def _said(page: bytes, media_type: str, url: str, target: str) -> said.Said | None:
    """What its microformats say. None: none are there, or the page is beyond what they are read in."""
    if not links.is_html(media_type):
        return None
    try:
        return said.about(microformats.read(links.text_of(page, media_type), url), target)
    except Unreadable:
        return None


def _interaction(key: str, told: fields.Record, found: said.Said | None, settings: BlogSettings) -> Interaction:
    source, target = str(told["source"]), str(told["target"])
    deed = found.deed if found else said.MENTION
    kind = KINDS.get(deed, Kind.MENTION)
    answering = kind in (Kind.COMMENT, Kind.MENTION)
    post = scope(settings, settings.site, "").key("post", fields.ident(told.get("post")) or canonical(target[:200]))
    spoken = words((found.html or html.escape(found.text)) if found else "")
    at = fields.moment(found.published) if found else None
    return Interaction(
        source_id=key,
        kind=kind,
        direction=Direction.INBOUND,
        parties=(_author(found, source),),
        occurred_at=at,
        changed_at=fields.moment(told["at"]),
        subject=fields.line(found.name) if found else "",
        text=spoken.text,
        html=spoken.html,
        url=source,
        thread=Thread(key=key, parent=post),
        answers=post if answering else "",
        about="" if answering else post,
        automatic="" if found else "webmention",  # a link on a page, and nobody who says a word to us
        moderation="webmention",
        facts={"post_link": target, "source_url": source, "type": deed},
        flags=(*(() if at else ("bad_date",)), *spoken.flags),
    )


def _author(found: said.Said | None, source: str) -> Party:
    """Whom the page names as its author, by their home page; else a name, and no person."""
    if found is None:
        return Party(role=Role.AUTHOR, name=fields.line(canonical(source[:200]).partition("/")[0], 200))
    home = handle(HandleType.URL, address(found.author_url))
    return Party(role=Role.AUTHOR, handle=home, name=fields.line(found.author_name, 200))
