"""What people do besides writing: like, follow, block; undo it; and delete.

A like and a follow are named by who and what, without a time, so that undoing them can name them too. Doing
it again makes the same name with a later ``changed_at``.
"""

import json
from datetime import datetime

from kinline import Applied, Deletion, Interaction, Kind, Normalised, Role, ids
from kinline_twitter import gnip
from kinline_twitter.fields import (
    Json,
    Ours,
    Person,
    id_of,
    missing,
    moment,
    party,
    person,
    required_id,
    within,
    words,
)
from kinline_twitter.messages import message_id
from kinline_twitter.posts import direction_of, post_id

#: What an event is called, and whether it starts or ends something. Others are `Kind.UNKNOWN`.
FOLLOWS = {"follow": True, "unfollow": False}
LIKES = {"favorite": True, "unfavorite": False}


def like_id(who: str, post: str) -> str:
    return f"like:{who}:{post}"


def follow_id(who: str, whom: str) -> str:
    return f"follow:{who}:{whom}"


def _at(event: Json) -> datetime | None:
    """To the second, so that all tellers agree: webhooks say milliseconds under one of two names, streams a date."""
    told = (moment(event.get(key)) for key in ("timestamp_ms", "created_timestamp", "created_at"))
    return next((at.replace(microsecond=0) for at in told if at is not None), None)


def like(event: Json, ours: Ours) -> Interaction:
    """An entry of ``favorite_events``."""
    who = _person(event, "user", "a like")
    return _like(who, within(event, "favorited_status"), event, ours)


def _like(who: Person, post: Json, event: Json, ours: Ours) -> Interaction:
    id = required_id(post, "a liked post")
    author = person(post.get("user"))
    parties = (party(Role.AUTHOR, who, ours), *([party(Role.RECIPIENT, author, ours)] if author else []))
    at = _at(event)
    return Interaction(
        source_id=like_id(who.id, id),
        kind=Kind.REACTION,
        direction=direction_of(parties),
        parties=parties,
        occurred_at=at,
        changed_at=at,
        url=f"https://x.com/i/status/{id}",
        about=post_id(id),
        facts={"reaction": "like", "tweet_id": id},
        flags=() if at else ("bad_date",),
    )


def between(event: Json, ours: Ours) -> Normalised:
    """Something that ``source`` did to ``target``: the webhook's ``type``, the stream's ``event``."""
    word = words(event.get("type")) or words(event.get("event"))
    source, target = _person(event, "source", f"a {word or 'nameless'} event"), person(event.get("target"))
    if word in FOLLOWS and target:
        return (
            _follow(source, target, event, ours)
            if FOLLOWS[word]
            else Deletion(source_id=follow_id(source.id, target.id), occurred_at=_at(event), reason=word)
        )
    if word in LIKES:
        return _liked(word, source, event, ours)
    if word == "user_update":
        return Applied(reason="user record", names=(party(Role.MENTIONED, source, ours),))
    return _unknown(word, source, target, event, ours)


def _liked(word: str, source: Person, event: Json, ours: Ours) -> Normalised:
    post = within(event, "target_object")
    if LIKES[word]:
        return _like(source, post, event, ours)
    liked = required_id(post, "a post no longer liked")
    return Deletion(source_id=like_id(source.id, liked), occurred_at=_at(event), reason=word)


def _follow(source: Person, target: Person, event: Json, ours: Ours) -> Interaction:
    parties, at = (party(Role.AUTHOR, source, ours), party(Role.RECIPIENT, target, ours)), _at(event)
    return Interaction(
        source_id=follow_id(source.id, target.id),
        kind=Kind.FOLLOW,
        direction=direction_of(parties),
        parties=parties,
        occurred_at=at,
        changed_at=at,
        url=f"https://x.com/i/user/{target.id}",
        flags=() if at else ("bad_date",),
    )


def _unknown(word: str, source: Person, target: Person | None, event: Json, ours: Ours) -> Interaction:
    """Somebody did something we have no word for (block, mute, a list …): kept, with the provider's word."""
    parties = (party(Role.AUTHOR, source, ours), *([party(Role.RECIPIENT, target, ours)] if target else []))
    at = _at(event)
    return Interaction(
        source_id=f"event:{ids.derived('x-event', json.dumps(event, sort_keys=True))}",
        kind=Kind.UNKNOWN,
        direction=direction_of(parties),
        parties=parties,
        occurred_at=at,
        facts={"event": word[:80]},
        flags=() if at else ("bad_date",),
    )


def joined_or_left(event: Json, users: Json, ours: Ours) -> Normalised:
    """``ParticipantsJoin`` and ``ParticipantsLeave`` of API v2, and what may come after them."""
    word, id = words(event.get("event_type")), id_of(event, "sender_id")
    if not id:
        return Applied(reason="conversation membership")
    return _unknown(word, person(users.get(id)) or Person(id), None, event, ours)


def deletion(event: Json) -> Deletion:
    """``tweet_delete_events`` of the webhook, ``{"delete": …}`` of the streams, in any of their shapes."""
    at = _at(event) or moment(event.get("event_at"))
    if liked := within(event, "favorite"):
        who, what = required_id(liked, "a deleted like", "user_id"), required_id(liked, "a deleted like", "tweet_id")
        return Deletion(source_id=like_id(who, what), occurred_at=at, reason="unfavorite")
    if message := within(event, "direct_message"):
        gone = message_id(required_id(message, "a deleted message"))
        return Deletion(source_id=gone, occurred_at=at, reason="delete")
    post = within(event, "status") or within(event, "tweet")
    if not post:
        raise missing("a deletion", "status")
    return Deletion(source_id=post_id(required_id(post, "a deleted post")), occurred_at=at, reason="delete")


def batch_deletion(line: Json) -> Deletion:
    """A line of a batch compliance result: ``{"id", "action": "delete", "reason", "redacted_at"}``."""
    return Deletion(
        source_id=post_id(required_id(line, "a compliance result")),
        occurred_at=moment(line.get("redacted_at")),
        reason=words(line.get("reason"))[:80],
    )


def activity_deletion(activity: Json) -> Deletion:
    """Gnip's ``"verb": "delete"``."""
    gone = within(activity, "object")
    return Deletion(
        source_id=post_id(gnip.required(gone, "a deleted activity")),
        occurred_at=moment(activity.get("postedTime")),
        reason="delete",
    )


def _person(event: Json, key: str, what: str) -> Person:
    if not isinstance(event.get(key), dict):
        raise missing(what, key)
    required_id(event[key], f"the {key} of {what}")
    found = person(event[key])
    if found is None:
        raise missing(what, key)
    return found
