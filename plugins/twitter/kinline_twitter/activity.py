"""The X Activity API: ``{"data": {"event_type", "filter", "payload", "includes"}}``, by webhook or stream.

It replaces the Account Activity API (docs.x.com, "X Activity API event payload examples"). Users come bare or as
``{"data": …}``; an older spelling has PascalCase event types and ``includes`` beside ``data``.
"""

from typing import Any

from kinline import Item
from kinline_twitter import v2
from kinline_twitter.fields import Json, id_of, inside, objects, within, words
from kinline_twitter.pieces import Pieces, item

#: Events that are somebody's deed towards somebody, and the word that the older APIs have for them.
BETWEEN = {
    "follow.follow": "follow", "follow.unfollow": "unfollow", "mute.mute": "mute", "mute.unmute": "unmute",
    "block.block": "block", "block.unblock": "unblock",
}  # fmt: skip
#: Events that are understood and are nothing that anybody did towards us.
NOTICES = {
    "dm.indicate_typing": "typing signal", "oauth.revoke": "access revoked", "chat.conversation_join": "encrypted chat",
    "chat.received": "encrypted chat", "chat.sent": "encrypted chat", "news.new": "news",
}  # fmt: skip


#: Events that X tells only of people who said yes to our app: whoever they are about is one of us.
PRIVATE = ("dm.", "chat.", "like.", "mute.", "block.", "post.mention.", "post.reply.", "post.quote.", "post.repost.")


def is_event(it: Json) -> bool:
    return isinstance(it.get("payload"), dict) and "event_type" in it


def cut(event: Json, beside: Json) -> Pieces:
    """The items of one event. ``beside``: the users that the envelope had outside of it."""
    payload, includes = within(event, "payload"), within(event, "includes")
    users, ours = beside | _by_id(includes.get("users")), _subscribed(event)
    if "author_id" in payload and ("text" in payload or "note_tweet" in payload):
        yield from _posts(payload, includes, users, ours)
    elif "direct_message_events" in payload:
        yield from _messages(payload, ours)
    elif "direct_message_mark_read_events" in payload:
        for one in objects(payload["direct_message_mark_read_events"]):
            yield item("read", one, ours=ours)
    elif "dm_conversation_id" in payload and "text" in payload:
        yield item("v2_message", payload, ours=ours)
    else:
        yield _deed(event, users, ours)


def _deed(event: Json, users: dict[str, Json], ours: list[str]) -> Item:
    """Whatever is no post and no message."""
    word, payload = words(event.get("event_type")), within(event, "payload")
    watched = words(inside(event, "filter", "user_id"))
    if word == "post.delete":
        return item("deletion", {"status": payload, "timestamp_ms": payload.get("timestamp_ms")})
    if word == "like.create":
        return _like(event, users, ours)
    if word in BETWEEN:
        sides = {side: _bare(payload.get(side)) for side in ("source", "target")}
        return item("between", {**payload, **sides, "type": BETWEEN[word]}, ours=ours)
    if word in NOTICES or word.startswith(("spaces.", "broadcast.")):
        return item(f"applied:{NOTICES.get(word, 'live event')}", payload)
    if word.startswith("profile.update.") and watched in users:
        return item("applied:user record", users[watched])
    return item("v2_event", {"sender_id": watched, **event}, ours=ours)


def _posts(post: Json, includes: Json, users: dict[str, Json], ours: list[str]) -> Pieces:
    tweets = {id_of(one): one for one in objects(includes.get("tweets"))}
    media = {words(one.get("media_key")): one for one in objects(includes.get("media"))}
    for one in [post, *(tweet for id, tweet in tweets.items() if id != id_of(post) and "author_id" in tweet)]:
        yield item("v2_post", one, context=v2.context_of(one, users, tweets, media), ours=ours)


def _messages(payload: Json, ours: list[str]) -> Pieces:
    known = {id: _bare(user) for id, user in within(payload, "users").items()}
    for one in objects(payload["direct_message_events"]):
        create = within(one, "message_create")
        ends = (id_of(create, "sender_id"), id_of(within(create, "target"), "recipient_id"))
        yield item("message_event", one, users={id: known[id] for id in ends if id in known}, ours=ours)


def _like(event: Json, users: dict[str, Json], ours: list[str]) -> Item:
    """As the Account Activity API has it. Outbound, the watched person likes; inbound, somebody else in ``includes``."""
    payload, watched = within(event, "payload"), words(inside(event, "filter", "user_id"))
    author = id_of(payload, "liked_tweet_author_id")
    likers = [watched]
    if inside(event, "filter", "direction") == "inbound":
        likers = (
            [id_of(payload, "user_id")] if "user_id" in payload else [id for id in users if id not in (author, watched)]
        )
    if len(likers) != 1 or not likers[0]:
        return item("applied:like by nobody named", payload)
    post: Json = {
        "id": payload.get("liked_tweet_id"),
        **({"user": users.get(author, {"id": author})} if author else {}),
    }
    liker = users.get(likers[0], {"id": likers[0]})
    return item("like", {**payload, "user": liker, "favorited_status": post}, ours=ours)


def _subscribed(event: Json) -> list[str]:
    watched = inside(event, "filter", "user_id")
    private = words(event.get("event_type")).startswith(PRIVATE)
    return [watched] if private and isinstance(watched, str) else []


def _bare(user: Any) -> Json:
    return within(user, "data") or (user if isinstance(user, dict) else {})


def _by_id(listed: Any) -> dict[str, Json]:
    bare = [_bare(one) for one in listed] if isinstance(listed, list) else []
    return {id_of(one): one for one in bare if id_of(one)}
