"""Posts and direct messages as API v1.1 writes them (also premium search, streams and the old v1)."""

from typing import Any

from kinline import Attachment
from kinline_twitter.fields import (
    Json,
    Person,
    id_of,
    inside,
    missing,
    objects,
    person,
    required_id,
    said,
    within,
    words,
)
from kinline_twitter.posts import Post, Reference

#: The kinds of media, in both versions of the API.
MEDIA = {"photo": "image/jpeg", "video": "video/mp4", "animated_gif": "video/mp4"}


def post_of(tweet: Json) -> Post:
    """Raises `Unreadable` with code ``missing_field`` or ``bad_id``."""
    id = required_id(tweet, "a post")
    whole = _whole(tweet)
    mentions = mentions_of(whole)
    return Post(
        id=id,
        author=author_of(tweet, id),
        text=_text(tweet, whole, id),
        created=tweet.get("created_at"),
        versions=_versions(tweet, id),
        cut=whole is tweet and tweet.get("truncated") is True and "full_text" not in tweet,
        sketched="entities" not in whole and "entities" not in tweet,
        language=words(tweet.get("lang")),
        answers=_reference(tweet, "in_reply_to_status_id", "in_reply_to_status"),
        addressed=_addressed(tweet, mentions),
        shares=_reference(tweet, "retweeted_status_id", "retweeted_status"),
        quotes=_reference(tweet, "quoted_status_id", "quoted_status"),
        mentions=mentions,
        hashtags=tuple(found for one in _entities(whole, "hashtags") if (found := words(one.get("text")))),
        links=tuple(found for one in _entities(whole, "urls") if (found := words(one.get("expanded_url")))),
        media=tuple(_media(one) for one in _all_media(whole)),
    )


def author_of(tweet: Json, id: str) -> Person:
    if not isinstance(tweet.get("user"), dict):
        raise missing(f"post {id}", "user")
    required_id(tweet["user"], f"the user of post {id}")
    found = person(tweet["user"])
    if found is None:
        raise missing(f"post {id}", "user")
    return found


def is_whole(tweet: Any) -> bool:
    """Whether a post inside another one says enough to stand alone: X sends some of them in part."""
    return isinstance(tweet, dict) and bool(id_of(tweet)) and person(tweet.get("user")) is not None and _has_text(tweet)


def _has_text(tweet: Json) -> bool:
    return isinstance(tweet.get("text"), str) or isinstance(tweet.get("full_text"), str)


def _whole(tweet: Json) -> Json:
    """Long posts keep their whole text and entities one level down."""
    extended = within(tweet, "extended_tweet")
    return extended if isinstance(extended.get("full_text"), str) else tweet


def _text(tweet: Json, whole: Json, id: str) -> str:
    for text in (whole.get("full_text"), inside(tweet, "note_tweet", "text"), tweet.get("text")):
        if isinstance(text, str):
            return said(text)
    raise missing(f"post {id}", "text")


def _versions(tweet: Json, id: str) -> tuple[str, ...]:
    """All ids of an edited post. Enterprise payloads tell the first one and, besides, the list."""
    history = within(tweet, "edit_history")
    listed = history.get("edit_tweet_ids") or history.get("initial_tweet_id")
    told = [id_of({"id": one}) for one in (listed if isinstance(listed, list) else [listed])]
    ids = sorted({one for one in (*told, id) if one}, key=int)
    return tuple(ids) if len(ids) > 1 else ()


def _reference(tweet: Json, key: str, nested: str) -> Reference | None:
    inner = within(tweet, nested)
    id = id_of(inner) or id_of(tweet, key)
    if not id:
        return None
    versions = _versions(inner, id) if inner else ()
    return Reference(id=id, first=versions[0] if versions else "", author=person(inner.get("user")))


def _addressed(tweet: Json, mentions: tuple[Person, ...]) -> Person | None:
    id = id_of(tweet, "in_reply_to_user_id")
    if not id:
        return None
    named = next((who.name for who in mentions if who.id == id), "")
    return Person(id, named, words(tweet.get("in_reply_to_screen_name")))


def _entities(whole: Json, sort: str) -> list[Json]:
    return objects(inside(whole, "entities", sort))


def mentions_of(whole: Json) -> tuple[Person, ...]:
    """Those named whose id X tells; it puts null or -1 where the account is gone."""
    return tuple(found for one in _entities(whole, "user_mentions") if (found := person(one)) is not None)


def _all_media(whole: Json) -> list[Json]:
    return objects(inside(whole, "extended_entities", "media")) or _entities(whole, "media")


def _media(one: Json) -> Attachment:
    return attachment(words(one.get("media_url_https")) or words(one.get("media_url")), one.get("type"))


def attachment(url: str, sort: Any) -> Attachment:
    """A picture or film that stays where it is; its note says where."""
    known = MEDIA.get(words(sort), "application/octet-stream")
    return Attachment(name=url.rpartition("/")[2] or "media", media_type=known, note=f"remote: {url}" if url else "")
