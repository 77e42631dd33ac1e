"""The world behind the stand-in: people, their posts with all versions, their messages. Nothing of HTTP.

Ids are snowflakes, so they carry their time. An edit is a new id in the chain of its post; deleting any version deletes
the chain (docs.x.com, "Edit Posts"). A reply names whom it answers at its beginning, links become t.co links, and
``&<>`` come escaped, as X sends them.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from typing import Any

from kinline_twitter.fields import SNOWFLAKE_EPOCH, Json, seconds
from kinline_twitter.links import links

MENTION = re.compile(r"(?<!\w)@(\w{1,15})")
HASHTAG = re.compile(r"(?<!\w)#(\w+)")


class World:
    """What people do on the pretended X. ``now`` gives seconds; ``happened`` hears of everything they do."""

    def __init__(self, now: Callable[[], float] = seconds) -> None:
        self.now = now
        self.users: dict[str, Json] = {}
        self.posts: dict[str, Json] = {}  #: every version, by its id
        self.messages: list[Json] = []
        self.happened: Callable[[str, Json], None] = lambda what, thing: None
        self._number, self._links = 0, dict[str, str]()

    def new_id(self, ago: float = 0.0) -> str:
        """An id of now, or of some seconds ago; the last bits keep the order within a millisecond."""
        self._number = (self._number + 1) % 4096
        at = int((self.now() - ago) * 1000)
        return str((at - SNOWFLAKE_EPOCH << 22) + self._number)

    def person(self, username: str, name: str, id: str = "") -> str:
        made = id or self.new_id(86_400 * 365)
        self.users[made] = {"id": made, "username": username, "name": name, "created_at": moment(made)}
        return made

    def rename(self, who: str, username: str) -> None:
        """Take another handle; the old one may go to somebody else."""
        self.users[who]["username"] = username

    def named(self, username: str) -> str:
        return next((id for id, user in self.users.items() if user["username"].lower() == username.lower()), "")

    def post(
        self, who: str, text: str, *, answers: str = "", quotes: str = "", shares: str = "", ago: float = 0.0
    ) -> str:
        """Say something. Gives the id of the post."""
        id = self.new_id(ago)
        above = self.posts.get(answers)
        if above:
            text = f"@{self.users[above['author_id']]['username']} {text}"
        made: Json = {
            "id": id, "author_id": who, "created_at": moment(id), "edit_history_tweet_ids": [id], "lang": "en",
            "conversation_id": above["conversation_id"] if above else id, **self._written(text),
        }  # fmt: skip
        references = {"replied_to": answers, "quoted": quotes, "retweeted": shares}
        if told := [{"type": sort, "id": other} for sort, other in references.items() if other]:
            made["referenced_tweets"] = told
        if above:
            made["in_reply_to_user_id"] = above["author_id"]
        self.posts[id] = made
        self.happened("post", made)
        return id

    def edit(self, id: str, text: str) -> str:
        """Say it otherwise: another id, the same chain."""
        old = self.posts[id]
        while (new := self.new_id()) and moment(new) <= old["created_at"]:
            time.sleep(0.001)  # nobody edits within the millisecond
        chain = [*old["edit_history_tweet_ids"], new]
        self.posts[new] = {**old, "id": new, "created_at": moment(new), **self._written(text)}
        for version in chain:
            self.posts[version]["edit_history_tweet_ids"] = chain
        self.happened("post", self.posts[new])
        return new

    def delete(self, id: str) -> None:
        gone = self.posts[id]
        for version in gone["edit_history_tweet_ids"]:
            self.posts.pop(version, None)
        self.happened("delete", gone)

    def message(self, who: str, whom: str, text: str, *, ago: float = 0.0) -> Json:
        id = self.new_id(ago)
        made: Json = {
            "id": id, "event_type": "MessageCreate", "sender_id": who, **self._written(text),
            "dm_conversation_id": "-".join(sorted((who, whom), key=int)), "created_at": moment(id), "to": whom,
        }  # fmt: skip
        self.messages.append(made)
        self.happened("message", made)
        return made

    def like(self, who: str, id: str) -> None:
        self.happened("like", {"who": who, "post": self.posts[id]})

    def follow(self, who: str, whom: str, *, ends: bool = False) -> None:
        self.happened("unfollow" if ends else "follow", {"who": who, "whom": whom})

    def newest_versions(self) -> list[Json]:
        """Each post once, as it reads now, newest first."""
        shown = [one for one in self.posts.values() if one["edit_history_tweet_ids"][-1] == one["id"]]
        return sorted(shown, key=lambda one: int(one["id"]), reverse=True)

    def mentioning(self, who: str) -> list[Json]:
        """Posts of others that name this person, as the mentions timeline has them."""
        return [one for one in self.newest_versions() if one["author_id"] != who and who in self.named_in(one)]

    def named_in(self, post: Json) -> set[str]:
        return {one["id"] for one in post.get("entities", {}).get("mentions", []) if "id" in one}

    def _written(self, text: str) -> Json:
        """The text as X gives it back, and what is in it."""
        mentions = []
        for found in MENTION.finditer(text):
            known = self.named(found[1])
            mentions.append({"username": found[1], **({"id": known} if known else {})})
        entities: Json = {
            "mentions": mentions, "hashtags": [{"tag": found[1]} for found in HASHTAG.finditer(text)], "urls": []
        }  # fmt: skip
        for link in reversed(list(links(text))):
            start, end = link.start, link.end
            short = self._links.setdefault(text[start:end], f"https://t.co/{len(self._links):010d}")
            entities["urls"].insert(0, {"url": short, "expanded_url": text[start:end]})
            text = text[:start] + short + text[end:]
        return {"text": escape(text, quote=False), "entities": {key: told for key, told in entities.items() if told}}


def moment(id: str) -> str:
    """The time inside an id, as X writes times."""
    at = datetime.fromtimestamp(((int(id) >> 22) + SNOWFLAKE_EPOCH) / 1000, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def said(post: Any) -> str:
    """What somebody reads there, without the name in front: for tests, and for people who look."""
    text = str(post["text"])
    return re.sub(r"^(?:@\w+ )+", "", text)
