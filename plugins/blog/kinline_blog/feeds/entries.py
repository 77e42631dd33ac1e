"""What the entries of a comment feed mean: each is a comment, known by its guid, or by what it says."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import BinaryIO

import msgspec

from kinline import Direction, HandleType, Interaction, Item, Kind, Normalised, Party, Role, Source, Thread, Unreadable
from kinline_blog import fields
from kinline_blog.feeds import document
from kinline_blog.feeds.document import Entry
from kinline_blog.markup import words
from kinline_blog.people import handle
from kinline_blog.settings import BlogSettings
from kinline_blog.site import address, canonical, scope, within

FORM = NAME = "feed"
MARK = "#comment-"  #: WordPress's comments are told by their numbers in its feeds too
LONGEST_GUID = 1_000


def is_one(source: Source) -> bool:
    """Whether an intake holds a feed, as our own look at it keeps it."""
    return source.name == NAME and "feed" in source.headers


def cut(raw: BinaryIO, source: Source) -> Iterator[Item]:
    """One item for each entry, the oldest first."""
    told = {"feed": source.headers["feed"], "at": source.headers.get("at", "")}
    for entry in reversed(document.read(raw.read(document.MAX_BODY + 1))):
        yield Item(body={**told, "entry": msgspec.to_builtins(entry)}, form=FORM)


def normalise(item: Item, settings: BlogSettings) -> Sequence[Normalised]:
    told = fields.record(item.body)
    try:
        entry = msgspec.convert(told.get("entry"), Entry)
    except msgspec.ValidationError:
        raise Unreadable("No entry of a feed.", code="unknown_shape") from None
    return [_comment(entry, fields.text(told.get("feed")), fields.moment(told.get("at")), settings)]


def key_of(entry: Entry, feed: str, settings: BlogSettings) -> str:
    """A number where the blog gives one, so that feed, export and REST tell of one comment; else the guid in its feed.

    Without a guid the entry is known by its link, and without that by all it says: then an edit is another comment.
    """
    where = scope(settings, settings.site, "")
    numbered = _number(entry.guid or entry.link, settings)
    if numbered:
        return where.key("comment", numbered)
    said = (entry.guid or entry.link)[:LONGEST_GUID] or _digest(entry)
    return where.key("feed", f"{canonical(feed[:200])} {said}")


def _number(reference: str, settings: BlogSettings) -> str:
    page, mark, number = reference.partition(MARK)
    return fields.ident(number) if mark and within(settings, page) else ""


def _digest(entry: Entry) -> str:
    return sha256("\0".join((entry.author, entry.published, entry.content)).encode()).hexdigest()[:32]


def _comment(entry: Entry, feed: str, seen_at: datetime | None, settings: BlogSettings) -> Interaction:
    where, key, link = scope(settings, settings.site, ""), key_of(entry, feed, settings), address(entry.link)
    at, flags = _when(entry, seen_at)
    updated = fields.moment(entry.updated)
    spoken = words(entry.content)
    page = link.partition("#")[0]
    post = where.key("post", canonical(page[:200])) if page else ""
    parent = _number(entry.answers, settings)
    above = where.key("comment", parent) if parent else post
    return Interaction(
        source_id=key,
        kind=Kind.COMMENT,
        direction=Direction.INBOUND,
        parties=(_author(entry),),
        occurred_at=at,
        changed_at=updated if updated and updated != at else None,  # all other sources know more of it
        text=spoken.text,
        html=spoken.html,
        url=link,
        thread=Thread(key=key, parent=above, ancestors=(post,) if parent and post else ()),
        answers=above,
        moderation="approved",
        facts={"post_link": page} if page else {},
        flags=(*flags, *spoken.flags),
    )


def _when(entry: Entry, seen_at: datetime | None) -> tuple[datetime | None, tuple[str, ...]]:
    """When it was said. A day in the future is no time at all."""
    at = fields.moment(entry.published) or fields.moment(entry.updated)
    if at is None or (seen_at and at > seen_at + timedelta(days=1)):
        return None, ("bad_date",)
    return at, ()


def _author(entry: Entry) -> Party:
    """Whoever typed that name; nobody proves it."""
    email, home = handle(HandleType.EMAIL, entry.author_email), handle(HandleType.URL, address(entry.author_url))
    return Party(role=Role.AUTHOR, handle=email or home, name=entry.author)
