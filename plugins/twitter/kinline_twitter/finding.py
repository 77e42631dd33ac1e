"""Asking X what became of a message that nobody saw arrive: is it among the newest of ours?

X gives a text back otherwise than it got it: the names of those answered in front, links as t.co links, ``&<>`` escaped.
So both sides are brought to one form first. Nothing older than the follow-up itself can be it.
"""

import re
import unicodedata
import uuid

from kinline import ChannelError, Prepared, Sent
from kinline_twitter.answers import decoded
from kinline_twitter.calling import MESSAGES, POSTS, Caller, Page
from kinline_twitter.costs import Costs
from kinline_twitter.fields import Json, id_of, inside, objects, said, words
from kinline_twitter.messages import message_id
from kinline_twitter.outbound import cost_of
from kinline_twitter.places import id_at
from kinline_twitter.posts import post_id
from kinline_twitter.settings import TwitterSettings

NAMES_IN_FRONT = re.compile(r"^(?:@\w{1,15}\s+){1,50}")
CLOCKS = 300.0  #: seconds that X's clock and ours may differ


def find_sent(prepared: Prepared, settings: TwitterSettings, caller: Caller | None = None) -> Sent | None:
    """The message as X has it, or None when it is not there. Raises `ChannelError` when X cannot be asked."""
    if not settings.user_id:
        raise ChannelError("This account has no user_id, so X cannot be asked.", permanent=True, code="not_configured")
    caller = caller or Caller(settings)
    body, since = decoded(prepared.body), _earliest(prepared)
    text, answers = str(inside(body, "text") or ""), words(inside(body, "reply", "in_reply_to_tweet_id"))
    if prepared.facts.get("path") == "/2/tweets":
        asked = {**POSTS, "max_results": "100", **({"since_id": since} if since else {})}
        page = caller.get("posts", f"/2/users/{settings.user_id}/tweets", asked)
        found = [one for one in page.data if _replies(one) == answers and _same(text, one)]
        return _told(found, page, prepared, settings, "owned")
    path = str(prepared.facts.get("path", "")).removesuffix("/messages") + "/dm_events"
    page = caller.get("message look-up", path, {**MESSAGES, "max_results": "100"})
    found = [
        one for one in page.data
        if id_of(one, "sender_id") == settings.user_id and int(id_of(one) or 0) >= int(since or 0) and _same(text, one)
    ]  # fmt: skip
    return _told(found, page, prepared, settings, "message")


def _told(found: list[Json], page: Page, prepared: Prepared, settings: TwitterSettings, charged: str) -> Sent | None:
    """The oldest that fits: a later one with the same words is somebody's own."""
    if not found:
        return None
    id = min((id_of(one) for one in found), key=int)
    name = post_id if prepared.facts.get("path") == "/2/tweets" else message_id
    cost = cost_of(prepared, settings) + Costs(settings).read(page, charged)
    return Sent(source_id=name(id), detail="found at X afterwards", cost=cost)


def _earliest(prepared: Prepared) -> str:
    """The first id that X can have given it: a follow-up's id (UUID version 7, RFC 9562) holds when it was made."""
    told = prepared.facts.get("made_at")
    if isinstance(told, float):
        return id_at(told - CLOCKS)
    key = prepared.thread.key if prepared.thread else ""
    try:
        made = uuid.UUID(key.removeprefix("outgoing:"))
    except ValueError:
        return ""
    return id_at((made.int >> 80) / 1000 - CLOCKS) if made.version == 7 else ""


def _replies(post: Json) -> str:
    above = [one for one in objects(post.get("referenced_tweets")) if one.get("type") == "replied_to"]
    return id_of(above[0]) if above else ""


def _same(text: str, there: Json) -> bool:
    theirs = words(inside(there, "note_tweet", "text")) or words(there.get("text"))
    for link in objects(inside(there, "entities", "urls")):
        theirs = theirs.replace(words(link.get("url")) or "\0", words(link.get("expanded_url")))
    return _plain(text) == _plain(said(theirs))


def _plain(text: str) -> str:
    return " ".join(NAMES_IN_FRONT.sub("", unicodedata.normalize("NFC", text).strip()).split())
