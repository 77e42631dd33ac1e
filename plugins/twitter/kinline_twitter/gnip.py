"""Posts as Gnip's activity streams wrote them (Activity Streams 1.0, enterprise search and PowerTrack)."""

import re

from kinline import Unreadable
from kinline_twitter.fields import Json, Person, inside, missing, objects, said, within, words
from kinline_twitter.posts import Post, Reference
from kinline_twitter.v1 import attachment, mentions_of

LAST_DIGITS = re.compile(r"[:/]([0-9]{1,20})$")
NAME_IN_LINK = re.compile(r"//[^/]{1,60}/([A-Za-z0-9_]{1,50})/status")


def post_of(activity: Json) -> Post:
    """Raises `Unreadable` with code ``missing_field`` or ``bad_id``."""
    id = required(activity, "an activity")
    entities = within(activity, "long_object", "twitter_entities") or within(activity, "twitter_entities")
    mentions = mentions_of({"entities": entities})
    shared = activity.get("verb") == "share"
    return Post(
        id=id,
        author=_author(activity, id),
        text=_text(activity, id),
        created=activity.get("postedTime"),
        language=words(activity.get("twitter_lang")),
        answers=_answered(activity),
        addressed=_addressed(activity, mentions),
        shares=_reference(activity.get("object")) if shared else None,
        quotes=_reference(activity.get("twitter_quoted_status")),
        mentions=mentions,
        hashtags=tuple(found for one in objects(entities.get("hashtags")) if (found := words(one.get("text")))),
        links=tuple(found for one in objects(entities.get("urls")) if (found := words(one.get("expanded_url")))),
        media=tuple(
            attachment(words(one.get("media_url_https")), one.get("type"))
            for one in objects(inside(activity, "twitter_extended_entities", "media"))
        ),
    )


def required(it: Json, what: str) -> str:
    """The digits at the end of ``tag:search.twitter.com,2005:ID`` or ``id:twitter.com:ID``."""
    if it.get("id") is None:
        raise missing(what, "id")
    found = last_digits(it.get("id"))
    if not found:
        raise Unreadable(f"The id of {what} does not end in digits.", code="bad_id")
    return found


def last_digits(value: object) -> str:
    found = LAST_DIGITS.search(words(value)[-200:])
    return found[1].lstrip("0") if found else ""


def is_whole(activity: object) -> bool:
    """Whether an activity inside another one says enough to stand alone."""
    return (
        isinstance(activity, dict)
        and bool(last_digits(activity.get("id")))
        and bool(last_digits(inside(activity, "actor", "id")))
        and isinstance(activity.get("body"), str)
    )


def _author(activity: Json, id: str) -> Person:
    actor = activity.get("actor")
    if not isinstance(actor, dict):
        raise missing(f"activity {id}", "actor")
    required(actor, f"the actor of activity {id}")
    return _actor(actor)


def _actor(actor: Json) -> Person:
    return Person(last_digits(actor.get("id")), words(actor.get("displayName")), words(actor.get("preferredUsername")))


def _text(activity: Json, id: str) -> str:
    for text in (inside(activity, "long_object", "body"), activity.get("body")):
        if isinstance(text, str):
            return said(text)
    raise missing(f"activity {id}", "body")


def _answered(activity: Json) -> Reference | None:
    id = last_digits(inside(activity, "inReplyTo", "link"))
    return Reference(id=id) if id else None


def _addressed(activity: Json, mentions: tuple[Person, ...]) -> Person | None:
    """The link of what it answers has only a handle; the id of that handle stands among the mentions, or nowhere."""
    found = NAME_IN_LINK.search(words(inside(activity, "inReplyTo", "link"))[:300])
    handle = found[1].lower() if found else ""
    return next((who for who in mentions if handle and who.handle.lower() == handle), None)


def _reference(activity: object) -> Reference | None:
    if not isinstance(activity, dict) or not (id := last_digits(activity.get("id"))):
        return None
    actor = within(activity, "actor")
    return Reference(id=id, author=_actor(actor) if last_digits(actor.get("id")) else None)
