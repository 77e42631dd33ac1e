"""The stand-in's reads: timelines, look-ups, search and messages, in pages of X's shape.

Newest first, with ``next_token`` where there is more; only the fields that were asked for; what an expansion cannot
find is a partial error beside the data. The mentions timeline reaches back over 800 posts, that of a person over 3,200,
messages over 30 days, recent search over seven (docs.x.com).
"""

import base64
import re
from datetime import datetime
from typing import Any

from kinline.pretend import FakeAnswer, FakeCall
from kinline_twitter import pretend_rules as rules
from kinline_twitter.fields import SNOWFLAKE_EPOCH, Json
from kinline_twitter.pretend_world import World

MOST_MENTIONS, MOST_POSTS = 800, 3200
DAY = 86_400
TERM = re.compile(r"(conversation_id|from|to):(\w+)|@(\w+)")


class Pages:
    """``era`` moves when all page tokens given so far are to be old ones."""

    def __init__(self, world: World) -> None:
        self._world, self.era = world, 0

    def me(self, asked: FakeCall, user: str) -> FakeAnswer:
        fields = {"id", "name", "username", *asked.one("user.fields").split(",")}
        posts = [one for one in self._world.newest_versions() if one["author_id"] == user]
        told = {**self._world.users[user], "public_metrics": {"tweet_count": len(posts), "followers_count": 2}}
        return FakeAnswer({"data": {key: value for key, value in told.items() if key in fields}})

    def mentions(self, asked: FakeCall, user: str) -> FakeAnswer:
        return self._timeline(asked, self._world.mentioning(asked.groups[0])[:MOST_MENTIONS])

    def timeline(self, asked: FakeCall, user: str) -> FakeAnswer:
        if asked.groups[0] not in self._world.users:
            return FakeAnswer({"errors": [rules.missing(asked.groups[0], "id")]})
        posts = [one for one in self._world.newest_versions() if one["author_id"] == asked.groups[0]]
        return self._timeline(asked, posts[:MOST_POSTS])

    def lookup(self, asked: FakeCall, user: str) -> FakeAnswer:
        ids = asked.one("ids").split(",")
        found = [self._world.posts[id] for id in ids if id in self._world.posts]
        page = self.shown(found, asked)
        page["errors"] = [rules.missing(id, "ids") for id in ids if id not in self._world.posts] + page.get(
            "errors", []
        )
        return FakeAnswer({key: value for key, value in page.items() if value})

    def search(self, asked: FakeCall, user: str) -> FakeAnswer:
        query, since = asked.one("query"), asked.one("since_id")
        if not query or len(query) > 512:
            return rules.invalid("query", query, "The `query` query parameter is missing or too long")
        earliest = (int((self._world.now() - 7 * DAY) * 1000) - SNOWFLAKE_EPOCH) << 22
        if since and int(since) < earliest:
            return rules.invalid(
                "since_id",
                since,
                f"'since_id' must be a tweet id created after [7 days ago]. Use one larger than {earliest}",
            )
        terms = [TERM.fullmatch(term) for term in query.strip("()").split(" OR ")]
        if not all(terms):
            return rules.invalid("query", query, "There were errors processing your request: no viable alternative")
        found = [
            one for one in self._world.newest_versions()
            if int(one["id"]) > earliest and any(matches(self._world, one, term) for term in terms if term)
        ]  # fmt: skip
        return self._timeline(asked, found)

    def messages(self, asked: FakeCall, user: str) -> FakeAnswer:
        """Events of the last 30 days in which this user takes part, newest first."""
        other = asked.groups[0] if asked.groups else ""
        earliest = (int((self._world.now() - 30 * DAY) * 1000) - SNOWFLAKE_EPOCH) << 22
        events = [
            one for one in self._world.messages
            if user in (one["sender_id"], one["to"]) and other in ("", one["sender_id"], one["to"])
            and int(one["id"]) > earliest
        ]  # fmt: skip
        events.sort(key=lambda one: int(one["id"]), reverse=True)
        page, meta = self._cut(asked, events, 100)
        if meta is None:
            return self._stale(asked)
        fields = {"id", "event_type", "text", *asked.one("dm_event.fields").split(",")}
        told: Json = {"meta": meta}
        if page:
            told["data"] = [{key: value for key, value in one.items() if key in fields} for one in page]
        people = {one["sender_id"] for one in page} | {one["to"] for one in page}
        if {"sender_id", "participant_ids"} & set(asked.one("expansions").split(",")) and people:
            told["includes"] = {"users": self._users(people, asked)}
        return FakeAnswer(told)

    def _timeline(self, asked: FakeCall, posts: list[Json]) -> FakeAnswer:
        kept = [one for one in posts if _within(one, asked)]
        page, meta = self._cut(asked, kept, 10)
        if meta is None:
            return self._stale(asked)
        if page:
            meta |= {"newest_id": page[0]["id"], "oldest_id": page[-1]["id"]}
        told = self.shown(page, asked)
        return FakeAnswer({**told, "meta": meta} if page else {"meta": meta})

    def _cut(self, asked: FakeCall, listed: list[Json], usual: int) -> tuple[list[Json], Json | None]:
        """One page. No meta: the token is none of ours, or too old."""
        size, token = int(asked.one("max_results") or usual), asked.one("pagination_token") or asked.one("next_token")
        at = 0
        if token:
            below = self._read_token(token)
            if below is None:
                return [], None
            at = next((number for number, one in enumerate(listed) if int(one["id"]) < below), len(listed))
        page = listed[at : at + size]
        meta: Json = {"result_count": len(page)}
        if page and at + size < len(listed):
            meta["next_token"] = (
                base64.b32hexencode(f"{self.era}:{page[-1]['id']}".encode()).decode().rstrip("=").lower()
            )
        return page, meta

    def _read_token(self, token: str) -> int | None:
        try:
            padded = token.upper() + "=" * (-len(token) % 8)
            era, id = base64.b32hexdecode(padded).decode().split(":")
            return int(id) if int(era) == self.era else None
        except ValueError:
            return None

    def _stale(self, asked: FakeCall) -> FakeAnswer:
        token = asked.one("pagination_token") or asked.one("next_token")
        return rules.invalid(
            "pagination_token", token, f"The `pagination_token` query parameter value [{token}] is not valid"
        )

    def shown(self, posts: list[Json], asked: FakeCall) -> Json:
        """The posts with the fields that were asked for, and what the expansions bring."""
        wants, fields = set(asked.one("expansions").split(",")), asked.one("tweet.fields").split(",")
        shown = {"id", "text", "edit_history_tweet_ids", *fields}
        slim = [{key: value for key, value in one.items() if key in shown} for one in posts]
        told: Json = {"data": slim} if slim else {}
        referenced = [each["id"] for one in posts for each in one.get("referenced_tweets", [])]
        includes: dict[str, Any] = {}
        if "referenced_tweets.id" in wants:
            there = [self._world.posts[id] for id in dict.fromkeys(referenced) if id in self._world.posts]
            includes["tweets"] = [{key: value for key, value in one.items() if key in shown} for one in there]
            told["errors"] = [
                rules.missing(id, "referenced_tweets.id") for id in referenced if id not in self._world.posts
            ]
        people = self._expanded(posts, wants, includes.get("tweets", []))
        includes["users"] = self._users(people, asked)
        told["includes"] = {key: value for key, value in includes.items() if value}
        return {key: value for key, value in told.items() if value}

    def _expanded(self, posts: list[Json], wants: set[str], referenced: list[Json]) -> set[str]:
        people: set[str] = set()
        for one in posts:
            people |= {one["author_id"]} if "author_id" in wants else set()
            people |= self._world.named_in(one) if "entities.mentions.username" in wants else set()
            if "in_reply_to_user_id" in wants and "in_reply_to_user_id" in one:
                people.add(one["in_reply_to_user_id"])
        if "referenced_tweets.id.author_id" in wants:
            people |= {one["author_id"] for one in referenced if "author_id" in one}
        return people

    def _users(self, people: set[str], asked: FakeCall) -> list[Json]:
        fields = {"id", "name", "username", *asked.one("user.fields").split(",")}
        users = [self._world.users[id] for id in sorted(people) if id in self._world.users]
        return [{key: value for key, value in one.items() if key in fields} for one in users]


def matches(world: World, post: Json, term: re.Match[str]) -> bool:
    """Whether a post fits one term of a query or a rule. People may be named by id or by handle."""
    sort, value, mentioned = term.groups()
    if mentioned:
        return world.named(mentioned) in world.named_in(post)
    if sort == "conversation_id":
        return str(post["conversation_id"]) == value
    who = value if value in world.users else world.named(value)
    return (
        bool(who) and post["author_id" if sort == "from" else "in_reply_to_user_id"] == who
        if (sort == "from" or "in_reply_to_user_id" in post)
        else False
    )


def _within(post: Json, asked: FakeCall) -> bool:
    id, at = int(post["id"]), datetime.fromisoformat(post["created_at"])
    start, end = asked.one("start_time"), asked.one("end_time")
    return (
        id > int(asked.one("since_id") or 0)
        and id < int(asked.one("until_id") or 10**20)
        and (not start or at >= datetime.fromisoformat(start))
        and (not end or at < datetime.fromisoformat(end))
    )
