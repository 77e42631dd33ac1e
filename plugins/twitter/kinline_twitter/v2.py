"""Posts as API v2 writes them: flat, with the people and posts they name in ``includes``."""

from typing import Any

from kinline_twitter.fields import (
    Json,
    Person,
    id_in,
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
from kinline_twitter.v1 import attachment

#: What a reference is called, and which field of ours it fills.
REFERENCES = {"replied_to": "answers", "retweeted": "shares", "quoted": "quotes"}


def context_of(tweet: Json, users: dict[str, Json], tweets: dict[str, Json], media: dict[str, Json]) -> Json:
    """The part of ``includes`` that one post needs, so that its item can stand alone."""
    referenced = [tweets[id] for id in _referenced(tweet).values() if id in tweets]
    people = {_plain(one) for one in _people(tweet)} | {_plain(one.get("author_id")) for one in referenced}
    return {
        "users": {id: _slim(users[id]) for id in sorted(people) if id in users},
        "tweets": {
            id_of(one): {key: one[key] for key in ("author_id", "edit_history_tweet_ids") if key in one}
            for one in referenced
        },
        "media": {key: media[key] for key in _media_keys(tweet) if key in media},
    }


def _slim(user: Json) -> Json:
    return {key: user[key] for key in ("id", "name", "username") if key in user}


def _people(tweet: Json) -> list[Any]:
    mentions = objects(inside(tweet, "entities", "mentions"))
    return [tweet.get("author_id"), tweet.get("in_reply_to_user_id"), *(one.get("id") for one in mentions)]


def _plain(id: Any) -> str:
    return id_in(id) if not isinstance(id, float) else ""


def _referenced(tweet: Json) -> dict[str, str]:
    found = {}
    for one in objects(tweet.get("referenced_tweets")):
        field, id = REFERENCES.get(words(one.get("type"))), _plain(one.get("id"))
        if field and id:
            found[field] = id
    return found


def _media_keys(tweet: Json) -> list[str]:
    keys = inside(tweet, "attachments", "media_keys")
    return [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []


def post_of(tweet: Json, context: Json) -> Post:
    """Raises `Unreadable` with code ``missing_field`` or ``bad_id``."""
    id = required_id(tweet, "a post")
    entities = within(tweet, "note_tweet", "entities") or within(tweet, "entities")
    mentions = tuple(_mentions(entities, context))
    references = {field: _reference(one, context) for field, one in _referenced(tweet).items()}
    return Post(
        id=id,
        author=_known(required_id(tweet, f"post {id}", "author_id"), context),
        text=_text(tweet, id),
        created=tweet.get("created_at"),
        versions=versions_of(tweet, id),
        language=words(tweet.get("lang")),
        conversation=id_of(tweet, "conversation_id"),
        addressed=_addressed(tweet, context),
        mentions=mentions,
        hashtags=tuple(found for one in objects(entities.get("hashtags")) if (found := words(one.get("tag")))),
        links=tuple(found for one in objects(entities.get("urls")) if (found := words(one.get("expanded_url")))),
        media=tuple(_media(key, context) for key in _media_keys(tweet)),
        answers=references.get("answers"),
        shares=references.get("shares"),
        quotes=references.get("quotes"),
    )


def versions_of(tweet: Json, id: str) -> tuple[str, ...]:
    """All ids of an edited post, oldest first; nothing for one that was never edited."""
    listed = tweet.get("edit_history_tweet_ids")
    ids = sorted({found for one in listed if (found := id_in(one))} | {id}, key=int) if isinstance(listed, list) else []
    return tuple(ids) if len(ids) > 1 else ()


def _text(tweet: Json, id: str) -> str:
    for text in (inside(tweet, "note_tweet", "text"), tweet.get("text")):
        if isinstance(text, str):
            return said(text)
    raise missing(f"post {id}", "text")


def _known(id: str, context: Json) -> Person:
    return person(inside(context, "users", id)) or Person(id)


def _addressed(tweet: Json, context: Json) -> Person | None:
    id = id_of(tweet, "in_reply_to_user_id")
    return _known(id, context) if id else None


def _mentions(entities: Json, context: Json) -> list[Person]:
    found = []
    for one in objects(entities.get("mentions")):
        if id := id_of(one):
            known = _known(id, context)
            found.append(Person(id, known.name, known.handle or words(one.get("username"))))
    return found


def _reference(id: str, context: Json) -> Reference:
    there = within(context, "tweets", id)
    versions, author = versions_of(there, id), id_of(there, "author_id")
    return Reference(id=id, first=versions[0] if versions else "", author=_known(author, context) if author else None)


def _media(key: str, context: Json) -> Any:
    one = within(context, "media", key)
    return attachment(words(one.get("url")) or words(one.get("preview_image_url")), one.get("type"))
