"""Saying something on X: an answer under a post, or a direct message.

A message that answers a post goes out as a reply to it; everything else goes to the person as a direct
message. X knows no idempotency key, so delivery is *at most once*: whatever may have arrived is `OutcomeUnknown`,
and `finding` asks X for it afterwards.
"""

import json
from collections.abc import Mapping

import msgspec

from kinline import ChannelError, HandleType, OutcomeUnknown, Outgoing, Post, Prepared, Sent, Thread
from kinline.http import HttpAnswer
from kinline_twitter.answers import decoded, reason, refusal
from kinline_twitter.calling import Caller
from kinline_twitter.costs import of_writing
from kinline_twitter.fields import ID, id_in, inside
from kinline_twitter.messages import message_id
from kinline_twitter.posts import post_id
from kinline_twitter.settings import TwitterSettings
from kinline_twitter.weight import LIMIT, weighted_length

LONGEST_MESSAGE = 10_000  #: characters of a direct message
MOST_NAMES = 5  #: people that one answer may name; more is a mention storm, which X suspends accounts for


def refused(detail: str, code: str) -> ChannelError:
    return ChannelError(detail, permanent=True, code=code)


def answered_post(outgoing: Outgoing) -> str:
    """The id of the post this answers, in the version we read; "" when it answers none."""
    sort, _, id = outgoing.answers.partition(":")
    read = inside(outgoing.answered, "facts", "tweet_id")
    told = id_in(read) if not isinstance(read, float) else ""
    return (told or id_in(id)) if sort == "tweet" else ""


def check(outgoing: Outgoing, settings: TwitterSettings) -> None:
    """Refuse, before anything is sent, what X would refuse."""
    if not settings.access_token:
        raise refused("This account has no access_token, so it cannot send.", "not_configured")
    if outgoing.to.type is not HandleType.X_ID or not ID.fullmatch(outgoing.to.value):
        raise refused("A message on X needs the account id of its reader; a handle can change owner.", "no_x_id")
    if not outgoing.text.strip():
        raise refused("The text is empty.", "empty")
    if not answered_post(outgoing):
        if len(outgoing.text) > LONGEST_MESSAGE:
            raise refused(f"A direct message holds {LONGEST_MESSAGE} characters at most.", "too_long")
        return
    _check_public(outgoing.text)


def _check_public(text: str) -> None:
    if len(text) > LONGEST_MESSAGE or (length := weighted_length(text)) > LIMIT:
        counted = len(text) if len(text) > LONGEST_MESSAGE else length
        raise refused(f"The post counts {counted} characters, X takes {LIMIT}.", "too_long")
    if sum(word.startswith("@") for word in text.split()) > MOST_NAMES:
        raise refused(f"The post names more than {MOST_NAMES} people.", "too_many_mentions")


def prepare_post(post: Post, settings: TwitterSettings) -> Prepared:
    """The JSON body of ``POST /2/tweets`` for a post that answers nobody."""
    if not settings.access_token:
        raise refused("This account has no access_token, so it cannot post.", "not_configured")
    if not post.text.strip():
        raise refused("The text is empty.", "empty")
    _check_public(post.text)
    prepared = _prepared({"text": post.text}, Thread(key=f"outgoing:{post.id}"), "/2/tweets")
    return msgspec.structs.replace(prepared, facts={**prepared.facts, "made_at": post.made_at})


def prepare(outgoing: Outgoing, settings: TwitterSettings) -> Prepared:
    """The JSON body of ``POST /2/tweets`` or ``POST /2/dm_conversations/with/:id/messages``."""
    check(outgoing, settings)
    post, key = answered_post(outgoing), f"outgoing:{outgoing.id}"
    if post:
        body = {"text": outgoing.text, "reply": {"in_reply_to_tweet_id": post}}
        return _prepared(body, Thread(key=key, parent=post), "/2/tweets")
    thread = Thread(key=key, parent=_conversation(settings.user_id, outgoing.to.value), private=True)
    return _prepared({"text": outgoing.text}, thread, f"/2/dm_conversations/with/{outgoing.to.value}/messages")


def _conversation(ours: str, theirs: str) -> str:
    return "dm:" + "-".join(sorted((ours, theirs), key=int)) if ID.fullmatch(ours) else ""


def _prepared(body: Mapping[str, object], thread: Thread, path: str) -> Prepared:
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Prepared(body=raw, media_type="application/json", thread=thread, facts={"path": path})


def send(prepared: Prepared, settings: TwitterSettings, deadline: float) -> Sent:
    """Hand it to X within ``deadline`` seconds."""
    path = prepared.facts.get("path")
    if not settings.access_token or not isinstance(path, str):
        raise refused("This account has no access_token, or the message no path.", "not_configured")
    answer = Caller(settings).call("POST", path, content=prepared.body, deadline=deadline)
    if answer.ok:
        return _sent(answer, cost_of(prepared, settings))
    raise _failure(answer)


def cost_of(prepared: Prepared, settings: TwitterSettings) -> int:
    body = decoded(prepared.body)
    text = str(inside(body, "text") or "")
    sort = "message" if prepared.facts.get("path") != "/2/tweets" else "reply" if inside(body, "reply") else "post"
    return of_writing(text, settings, sort=sort)


def _sent(answer: HttpAnswer, cost: int) -> Sent:
    data = inside(decoded(answer.body), "data")
    for key, name in (("id", post_id), ("dm_event_id", message_id)):
        told = inside(data, key)
        if isinstance(told, str | int) and (id := id_in(told)):
            return Sent(source_id=name(id), cost=cost, limits=_limits(answer))
    raise OutcomeUnknown("X said yes, but not under which id.", code="no_id")


def _limits(answer: HttpAnswer) -> dict[str, object]:
    told = {name: answer.headers.get(f"x-rate-limit-{name}", "") for name in ("remaining", "limit", "reset")}
    return {name: int(value) for name, value in told.items() if ID.fullmatch(value)}


def _failure(answer: HttpAnswer) -> ChannelError:
    """What an answer other than 2xx means for trying again."""
    if answer.status == 403 and "duplicate" in reason(answer.body).lower():
        return OutcomeUnknown("X says this was posted before, so it probably was.", code="duplicate")
    if answer.status in (408, 425) or answer.status >= 500:
        return OutcomeUnknown(f"X answered {answer.status}; the post may be out.", code="server_error")
    return refusal(answer)
