"""The stand-in's writes: posting, replying, deleting, direct messages, with the refusals of docs.x.com.

Self-serve apps may answer only who named or quoted them ("Manage Posts", reply restrictions), and one cashtag is the
most. The same words twice are refused with 403, in the words that people report from the live API.
"""

import re
from typing import Any

import msgspec

from kinline.pretend import FakeAnswer, FakeCall
from kinline_twitter import pretend_rules as rules
from kinline_twitter.fields import Json
from kinline_twitter.pretend_world import World
from kinline_twitter.weight import LIMIT, weighted_length

KNOWN = frozenset(("text", "reply", "quote_tweet_id", "media", "reply_settings", "edit_options", "poll", "geo"))
CASHTAG = re.compile(r"(?<!\w)\$[A-Za-z]{1,6}\b")
LONGEST_MESSAGE = 10_000
DUPLICATE_HOURS = 24


class Writes:
    """``closed``: who takes no messages from us."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._said: dict[tuple[str, str, str], float] = {}
        self.closed: set[str] = set()

    def write_post(self, asked: FakeCall, user: str) -> FakeAnswer:
        told = _json(asked)
        if isinstance(told, FakeAnswer):
            return told
        if strange := sorted(set(told) - KNOWN):
            return rules.invalid(strange[0], "", f"$.{strange[0]}: is not defined in the schema")
        text, answers = (
            told.get("text", ""),
            str(msgspec.json.decode(asked.body).get("reply", {}).get("in_reply_to_tweet_id", "")),
        )
        refused = self._refused_text(text) or self._refused_reply(answers, user, text)
        if refused:
            return refused
        self._said[user, text, answers] = self._world.now()
        id = self._world.post(user, text, answers=answers)
        made = self._world.posts[id]
        return FakeAnswer({"data": {key: made[key] for key in ("id", "text", "edit_history_tweet_ids")}}, 201)

    def _refused_text(self, text: Any) -> FakeAnswer | None:
        if not isinstance(text, str) or not text.strip():
            return rules.invalid("text", str(text), "$.text: is missing but it is required")
        if weighted_length(text) > LIMIT:
            return rules.forbidden(
                "Your Tweet text is too long. For more information, see the character counting page."
            )
        if len(CASHTAG.findall(text)) > 1:
            return rules.forbidden("A post may hold one cashtag at most.")
        return None

    def _refused_reply(self, answers: str, user: str, text: str) -> FakeAnswer | None:
        above = self._world.posts.get(answers)
        if answers and above is None:
            return rules.forbidden("You attempted to reply to a Tweet that is deleted or not visible to you.")
        if above and above["author_id"] != user and not self._summoned(above, user):
            return rules.forbidden(
                "Reply to this conversation is not allowed: its author has not mentioned or quoted you."
            )
        before = self._said.get((user, text, answers))
        if before is not None and self._world.now() - before < DUPLICATE_HOURS * 3600:
            return rules.forbidden("You are not allowed to create a Tweet with duplicate content.")
        return None

    def _summoned(self, above: Json, user: str) -> bool:
        quoted = [one["id"] for one in above.get("referenced_tweets", []) if one["type"] == "quoted"]
        ours = [id for id in quoted if self._world.posts.get(id, {}).get("author_id") == user]
        return user in self._world.named_in(above) or bool(ours)

    def delete_post(self, asked: FakeCall, user: str) -> FakeAnswer:
        found = self._world.posts.get(asked.groups[0])
        if found is None:
            return FakeAnswer({"data": {"deleted": False}})
        if found["author_id"] != user:
            return rules.forbidden("You are not authorized to delete this Tweet.")
        self._world.delete(found["id"])
        return FakeAnswer({"data": {"deleted": True}})

    def write_message(self, asked: FakeCall, user: str) -> FakeAnswer:
        told, whom = _json(asked), asked.groups[0]
        if isinstance(told, FakeAnswer):
            return told
        text = told.get("text")
        if set(told) - {"text", "attachments"} or not isinstance(text, str) or not text:
            return rules.invalid("text", str(text), "$.text: does not have a value of at least 1 character")
        if len(text) > LONGEST_MESSAGE:
            return rules.forbidden("The text of your Direct Message is over the max character limit.")
        if whom not in self._world.users or whom in self.closed:
            return rules.forbidden("You do not have permission to DM one or more participants.")
        made = self._world.message(user, whom, text)
        return FakeAnswer({"data": {"dm_conversation_id": made["dm_conversation_id"], "dm_event_id": made["id"]}}, 201)


def _json(asked: FakeCall) -> Json | FakeAnswer:
    if not asked.headers.get("content-type", "").startswith("application/json"):
        return rules.problem(415, "Unsupported Media Type", "The content-type must be application/json.")
    try:
        told = asked.json()
    except ValueError:
        told = None
    return told if isinstance(told, dict) else rules.problem(400, "Bad Request", "The body is no JSON object.")
