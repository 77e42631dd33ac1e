"""Recognising which payload of X this is, and cutting it into items.

Each item is ``{"is": the object, …}`` with what it needs to be understood alone: ``ours`` (the account a
webhook was for), ``users``, ``context``. Its form says which reader understands it. A post inside a post, or
inside the record of its author, becomes an item of its own when X sent it whole.
"""

from typing import Any

from kinline_twitter import gnip, pages, v1
from kinline_twitter.fields import Json, id_of, objects, within
from kinline_twitter.messages import is_message
from kinline_twitter.pieces import Pieces, item, unknown
from kinline_twitter.records import reason_for

#: Keys that only a v1 post has; one beside a text, or three without, make one.
POST_MARKS = frozenset(
    """truncated retweet_count favorite_count favorited retweeted in_reply_to_status_id in_reply_to_user_id
    in_reply_to_screen_name retweeted_status quoted_status is_quote_status extended_tweet extended_entities
    display_text_range full_text""".split()  # noqa: SIM905 - reads as a list of words
)
#: Pages of API v1.1: which key holds the objects.
PAGES = ("statuses", "results", "users", "lists", "events", "tweets")
#: The webhook's event lists and the form of their entries; posts and messages are looked at themselves.
ACTIVITY = {
    "favorite_events": "like",
    "follow_events": "between",
    "unfollow_events": "between",
    "block_events": "between",
    "unblock_events": "between",
    "mute_events": "between",
    "unmute_events": "between",
    "tweet_delete_events": "deletion",
    "direct_message_events": "message_event",
    "direct_message_mark_read_events": "read",
    "direct_message_indicate_typing_events": "applied:typing signal",
}


def cut(value: Any) -> Pieces:
    """The items of one JSON value, in its order."""
    if isinstance(value, list):
        yield from _list(value)
    elif isinstance(value, dict):
        yield from _object(value)
    else:
        yield unknown(value)


def _list(value: list[Any]) -> Pieces:
    if not value:
        yield item("applied:empty page", {})
    elif all(isinstance(one, int | str) for one in value):
        yield item("applied:id list", {"ids": value})
    else:
        for one in objects(value):
            yield from cut(one)
        if others := [one for one in value if not isinstance(one, dict)]:
            yield unknown(others)  # one refusal for all of them: a list of a million numbers is one mistake


def _object(it: Json) -> Pieces:
    page = next((key for key in PAGES if isinstance(it.get(key), list)), None)
    if "for_user_id" in it or "user_event" in it or not ACTIVITY.keys().isdisjoint(it) or "tweet_create_events" in it:
        yield from _webhook(it)
    elif page and "text" not in it and "screen_name" not in it:
        yield from _list(it[page])
    elif isinstance(it.get("message"), dict) and "for_user" in it:
        yield from cut(it["message"])
    elif isinstance(it.get("event"), dict):
        yield from cut(it["event"])
    elif isinstance(it.get("data"), list | dict):
        yield from pages.page_of(it)
    elif isinstance(it.get("errors"), list) and it["errors"] and it.keys() <= {"errors", "meta"}:
        yield from pages.errors_of(it)
    else:
        yield from _single(it, {})


def _single(it: Json, more: Json) -> Pieces:
    """One object of API v1.1, of a stream, or of Gnip; or a flat v2 post."""
    form = _form(it)
    if form == "v2_post":
        yield from pages.flat(it)
    elif form == "told_by_post":
        yield from _single(within(it, "target_object"), more)
    elif form:
        yield item(form, it, **more)
        yield from _nested(form, it, more)
    else:
        yield unknown(it)


def _form(it: Json) -> str:
    """Which reader understands this object; "" when none does."""
    keys = set(it)
    has_text = "text" in it or "full_text" in it
    marks = len(keys & POST_MARKS)
    candidates = (
        ("event" in it and "source" in it and it["event"] == "quoted_tweet", "told_by_post"),
        (isinstance(it.get("event"), str) and "source" in it, "between"),
        (isinstance(it.get("delete"), dict), "stream_deletion"),
        (isinstance(it.get("direct_message"), dict), "stream_message"),
        (is_message(it), "message_event"),
        (has_text and _has_ends(keys), "v1_message"),
        (keys >= {"action", "redacted_at", "id"}, "batch_deletion"),
        ("verb" in it and it["verb"] == "delete", "activity_deletion"),
        ("verb" in it and ("body" in it or "actor" in it), "activity"),
        (len(keys & pages.POST_MARKS) > 0 and ("text" in it or "id" in it) and not marks, "v2_post"),
        ((has_text and (marks > 0 or "user" in it)) or marks >= 3, "v1_post"),
    )
    found = next((form for holds, form in candidates if holds), "")
    reason = "" if found else reason_for(it)
    return found or (f"applied:{reason}" if reason else "")


def _has_ends(keys: set[str]) -> bool:
    return bool(keys & {"sender", "sender_id"}) and bool(keys & {"recipient", "recipient_id"})


def _nested(form: str, it: Json, more: Json) -> Pieces:
    """Whole posts inside this object."""
    if form == "v1_post":
        shared, quoted = within(it, "retweeted_status"), within(it, "quoted_status")
        inner = [shared] if id_of(within(shared, "quoted_status")) == id_of(quoted) else [shared, quoted]
    elif form == "activity":
        for one in (it.get("object"), it.get("twitter_quoted_status")):
            if isinstance(one, dict) and gnip.is_whole(one):
                yield from _single(one, more)
        return
    elif form == "applied:user record":
        inner = [{**within(it, "status"), "user": {key: it[key] for key in it if key != "status"}}]
    else:
        inner = [within(it, key) for key in ("favorited_status", "target_object")]
    for post in inner:
        if v1.is_whole(post):
            yield item("v1_post", post, **more)
            yield from _nested("v1_post", post, more)


def _webhook(body: Json) -> Pieces:
    more = {"ours": [body["for_user_id"]]} if isinstance(body.get("for_user_id"), str | int) else {}
    users = within(body, "users")
    for key, events in body.items():
        if key == "user_event":
            yield item("applied:access revoked", within(body, key))
        elif key.endswith("_events") and isinstance(events, list):
            for event in events:
                yield from _activity(key, event, users, more)


def _activity(key: str, event: Any, users: Json, more: Json) -> Pieces:
    if not isinstance(event, dict):
        yield unknown(event)
    elif key == "tweet_create_events":
        yield item("v1_post", event, **more)
        yield from _nested("v1_post", event, more)
    else:
        form = ACTIVITY.get(key, "between")
        with_users = {"users": _of_message(event, users)} if form == "message_event" else {}
        yield item(form, {"type": key, **event} if form == "between" else event, **more, **with_users)
        yield from _nested(form, event, more)


def _of_message(event: Json, users: Json) -> Json:
    message = within(event, "message_create")
    ends = (id_of(message, "sender_id"), id_of(within(message, "target"), "recipient_id"))
    return {
        id: {key: users[id][key] for key in ("id", "name", "screen_name") if key in users[id]}
        for id in ends
        if isinstance(users.get(id), dict)
    }
