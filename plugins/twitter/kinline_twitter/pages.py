"""Cutting what API v2 answers: pages with ``includes``, its streams, the X Activity API, flattened posts."""

from typing import Any

from kinline_twitter import activity, v2
from kinline_twitter.fields import Json, id_of, objects, within, words
from kinline_twitter.pieces import Pieces, item, unknown
from kinline_twitter.records import COMPLIANCE, reason_for

#: Keys that only a v2 post has.
POST_MARKS = frozenset(
    ("author_id", "edit_history_tweet_ids", "conversation_id", "referenced_tweets", "public_metrics", "edit_controls")
)


def page_of(page: Json) -> Pieces:
    """``{"data": …, "includes": …, "errors": …}`` of API v2, and its streams."""
    listed = page["data"] if isinstance(page["data"], list) else [page["data"]]
    includes = within(page, "includes")
    posts = [one for one in objects(listed) if _is_post(one)]
    users = _by_id([*objects(listed), *objects(includes.get("users"))])
    tweets = _by_id([*posts, *objects(includes.get("tweets"))])
    media = {words(one.get("media_key")): one for one in objects(includes.get("media"))}
    for one in [*listed, *objects(includes.get("tweets"))]:
        if isinstance(one, dict) and _is_post(one):
            yield item("v2_post", one, context=v2.context_of(one, users, tweets, media))
        else:
            yield from _single(one, users)
    yield from errors_of(page)
    if not listed:
        yield item("applied:empty page", {})


def errors_of(page: Json) -> Pieces:
    """Partial errors. A post that was asked for by its id and is not there was deleted, or its author was."""
    told = page.get("errors")
    gone = [one for one in objects(told) if _is_gone(one)]
    for one in gone:
        yield item("deletion", {"status": {"id": one.get("resource_id") or one.get("value")}})
    if told and gone != told:
        others = [one for one in told if one not in gone] if isinstance(told, list) else told
        yield item("applied:error answer", {"errors": others})


def _is_gone(error: Json) -> bool:
    return (
        words(error.get("type")).endswith("/problems/resource-not-found")
        and error.get("resource_type") in ("tweet", "post")
        and error.get("parameter") in ("ids", "id")
    )


def _is_post(it: Json) -> bool:
    return "event_type" not in it and "username" not in it and ("text" in it or not POST_MARKS.isdisjoint(it))


def _single(it: Any, users: Json) -> Pieces:
    if not isinstance(it, dict):
        yield unknown(it)
        return
    notice = next((key for key in it if key in COMPLIANCE), None)
    if isinstance(it.get("delete"), dict):
        yield item("stream_deletion", it)
    elif notice:
        yield item(f"applied:{COMPLIANCE[notice]}", it)
    elif activity.is_event(it):
        yield from activity.cut(it, users)
    elif it.get("event_type") == "MessageCreate":
        yield item("v2_message", it, users=_of_message(it, users))
    elif "event_type" in it:
        yield item("v2_event", it, users=_of_message(it, users))
    elif reason := reason_for(it):
        yield item(f"applied:{reason}", it)
    else:
        yield unknown(it)


def _of_message(event: Json, users: Json) -> Json:
    ends = {id_of(event, "sender_id"), *words(event.get("dm_conversation_id")).split("-")}
    return {id: {key: users[id].get(key) for key in ("id", "name", "username")} for id in sorted(ends) if id in users}


def flat(post: Json) -> Pieces:
    """A v2 post with its people and posts written into it, as `twarc flatten` does."""
    users = _by_id([within(post, "author"), within(post, "in_reply_to_user")])
    referenced = [one for one in objects(post.get("referenced_tweets")) if "author_id" in one]
    yield item("v2_post", post, context=v2.context_of(post, users, _by_id(referenced), {}))
    for one in referenced:
        if "text" in one:
            inner = _by_id([within(one, "author"), within(one, "in_reply_to_user")])
            yield item("v2_post", one, context=v2.context_of(one, inner, {}, {}))


def _by_id(listed: list[Json]) -> dict[str, Json]:
    return {str(one["id"]): one for one in listed if isinstance(one.get("id"), str | int)}
