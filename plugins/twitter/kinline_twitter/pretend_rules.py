"""What X checks before it answers: who asks, with which parameters, how often. And how it says no.

Shapes of errors: docs.x.com, "Response Codes & Errors". Limits: "X API Rate Limits". Scopes and parameters: X's OpenAPI
description, version of August 2026.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from kinline.pretend import FakeAnswer, FakeCall
from kinline_twitter.fields import Json, seconds

PROBLEMS = "https://api.x.com/2/problems/"
WINDOW = 900
#: What fields and expansions may be asked for; more exist, and we use none of them.
FIELDS = {
    "tweet.fields": frozenset(
        """id text author_id created_at conversation_id edit_history_tweet_ids entities in_reply_to_user_id lang
        referenced_tweets attachments note_tweet public_metrics edit_controls""".split()  # noqa: SIM905
    ),
    "user.fields": frozenset(("id", "name", "username", "created_at", "public_metrics", "protected")),
    "media.fields": frozenset(("url", "type", "preview_image_url", "alt_text", "media_key")),
    "dm_event.fields": frozenset(
        (
            "id",
            "text",
            "event_type",
            "created_at",
            "sender_id",
            "dm_conversation_id",
            "participant_ids",
            "attachments",
            "entities",
        )
    ),
    "expansions": frozenset(
        """author_id referenced_tweets.id referenced_tweets.id.author_id in_reply_to_user_id
        entities.mentions.username attachments.media_keys sender_id participant_ids""".split()  # noqa: SIM905
    ),
    "event_types": frozenset(("MessageCreate", "ParticipantsJoin", "ParticipantsLeave")),
    "exclude": frozenset(("replies", "retweets")),
}
ID = re.compile(r"[0-9]{1,19}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
SHOWING = ("tweet.fields", "user.fields", "media.fields", "expansions")
PAGES = ("max_results", "pagination_token", "since_id", "until_id", "start_time", "end_time", *SHOWING)


class Endpoint(msgspec.Struct, frozen=True):
    """One method and path. ``limit``: calls in fifteen minutes and token. ``app``: an app's token will do."""

    method: str
    path: str
    limit: int
    scopes: tuple[str, ...] = ()
    user: bool = True
    app: bool = False
    takes: tuple[str, ...] = ()
    results: tuple[int, int, int] = (5, 100, 10)  #: fewest and most per page, and how many where nobody says
    answer: str = ""  #: which method of the stand-in


READING = ("tweet.read", "users.read")
WITH = r"/2/dm_conversations/with/([0-9]{1,19})"
MESSAGES = ("max_results", "pagination_token", "event_types", "dm_event.fields", *SHOWING)
RULES = "/2/tweets/search/stream/rules"
ENDPOINTS = (
    Endpoint("GET", "/2/users/me", 75, READING, takes=SHOWING, answer="me"),
    Endpoint("GET", r"/2/users/([0-9]+)/mentions", 300, READING, app=True, takes=PAGES, answer="mentions"),
    Endpoint("GET", r"/2/users/([0-9]+)/tweets", 900, READING, app=True, takes=(*PAGES, "exclude"), answer="timeline"),
    Endpoint("GET", "/2/tweets", 5000, READING, app=True, takes=("ids", *SHOWING), answer="lookup"),
    Endpoint("GET", "/2/tweets/search/recent", 300, READING, app=True, takes=(*PAGES, "query", "next_token", "sort_order"),
             results=(10, 100, 10), answer="search"),
    Endpoint("GET", "/2/dm_events", 15, (*READING, "dm.read"), takes=MESSAGES, results=(1, 100, 100), answer="messages"),
    Endpoint("GET", WITH + "/dm_events", 15, (*READING, "dm.read"), takes=MESSAGES, results=(1, 100, 100),
             answer="messages"),
    Endpoint("POST", "/2/tweets", 100, (*READING, "tweet.write"), answer="write_post"),
    Endpoint("DELETE", r"/2/tweets/([0-9]{1,19})", 50, (*READING, "tweet.write"), answer="delete_post"),
    Endpoint("POST", WITH + "/messages", 15, (*READING, "dm.write"), answer="write_message"),
    Endpoint("GET", RULES, 450, user=False, app=True, takes=("ids", "max_results", "pagination_token"),
             results=(1, 1000, 1000), answer="list_rules"),
    Endpoint("POST", RULES, 100, user=False, app=True, takes=("dry_run", "delete_all"), answer="change_rules"),
    Endpoint("GET", "/2/tweets/search/stream", 50, user=False, app=True,
             takes=("backfill_minutes", "start_time", "end_time", *SHOWING), answer="stream"),
    Endpoint("GET", "/2/webhooks", 450, user=False, app=True, answer="list_webhooks"),
    Endpoint("POST", "/2/webhooks", 450, user=False, app=True, answer="add_webhook"),
    Endpoint("PUT", r"/2/webhooks/([0-9]+)", 450, user=False, app=True, answer="check_webhook"),
    Endpoint("DELETE", r"/2/webhooks/([0-9]+)", 450, user=False, app=True, answer="remove_webhook"),
    Endpoint("POST", "/2/activity/subscriptions", 500, app=True, answer="subscribe"),
    Endpoint("GET", "/2/activity/subscriptions", 500, app=True, answer="subscriptions"),
)  # fmt: skip


def problem(status: int, title: str, detail: str, type: str = "about:blank", **more: Any) -> FakeAnswer:
    """An error as X writes them."""
    return FakeAnswer({"title": title, "detail": detail, "type": type, "status": status, **more}, status)


def invalid(name: str, value: str, message: str) -> FakeAnswer:
    return FakeAnswer(
        {
            "errors": [{"parameters": {name: [value]}, "message": message}], "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.", "type": f"{PROBLEMS}invalid-request",
        },
        400,
    )  # fmt: skip


def forbidden(detail: str) -> FakeAnswer:
    return problem(403, "Forbidden", detail)


def missing(id: str, parameter: str) -> Json:
    """A partial error: one of several things is not there."""
    return {
        "value": id, "resource_id": id, "resource_type": "tweet", "parameter": parameter, "title": "Not Found Error",
        "detail": f"Could not find tweet with {parameter}: [{id}].", "type": f"{PROBLEMS}resource-not-found",
    }  # fmt: skip


def wrong_parameter(endpoint: Endpoint, query: dict[str, list[str]]) -> FakeAnswer | None:
    """The first parameter that X would refuse."""
    for name, values in query.items():
        value = values[0]
        if name not in endpoint.takes:
            return invalid(name, value, f"The query parameter [{name}] is not one of [{','.join(endpoint.takes)}]")
        if len(values) > 1:
            return invalid(name, value, f"Duplicate query parameter [{name}]")
        if said := _wrong(endpoint, name, value):
            return invalid(name, value, said)
    return None


def _wrong(endpoint: Endpoint, name: str, value: str) -> str:
    if name in FIELDS:
        strange = [each for each in value.split(",") if each not in FIELDS[name]]
        return f"The `{name}` query parameter value [{strange[0]}] is not one of the known ones" if strange else ""
    if name == "max_results":
        fewest, most, _ = endpoint.results
        good = value.isdigit() and fewest <= int(value) <= most
        return "" if good else f"The `max_results` query parameter value [{value}] is not between {fewest} and {most}"
    if name in ("since_id", "until_id") and not ID.fullmatch(value):
        return f"The `{name}` query parameter value [{value}] does not match ^[0-9]{{1,19}}$"
    if name in ("start_time", "end_time") and not TIME.fullmatch(value):
        return f"The `{name}` query parameter value [{value}] is not a valid RFC3339 date-time"
    if name == "backfill_minutes" and value not in tuple("012345"):
        return f"The `backfill_minutes` query parameter value [{value}] is not between 0 and 5"
    if name == "ids" and not (0 < len(value.split(",")) <= 100 and all(map(ID.fullmatch, value.split(",")))):
        return "The `ids` query parameter is not 1 to 100 ids"
    return ""


class Limiter:
    """Windows of fifteen minutes for each endpoint and token, told in three headers with every answer."""

    def __init__(self, now: Callable[[], float] = seconds) -> None:
        self.now = now
        self.limits: dict[str, int] = {}  #: a test's own, by the name of what answers
        self._used: dict[tuple[str, str], tuple[int, int]] = {}

    def count(self, endpoint: Endpoint, token: str) -> tuple[dict[str, str], bool]:
        """The headers, and whether the call may go on."""
        limit = self.limits.get(endpoint.answer, endpoint.limit)
        key = (endpoint.answer, token)
        reset, used = self._used.get(key, (0, 0))
        if self.now() >= reset:
            reset, used = int(self.now()) + WINDOW, 0
        self._used[key] = (reset, used + 1)
        left = max(0, limit - used - 1)
        told = {"limit": limit, "remaining": left, "reset": reset}
        return {f"x-rate-limit-{name}": str(value) for name, value in told.items()}, used < limit

    def reopen(self) -> None:
        """Let the window pass."""
        self._used.clear()


def too_many() -> FakeAnswer:
    return problem(429, "Too Many Requests", "Too Many Requests")


def authenticated(
    asked: FakeCall, endpoint: Endpoint, granted: frozenset[str] | None, is_app: bool
) -> FakeAnswer | None:
    """The refusal, or None: whoever asks may. ``granted``: the scopes of the token, None for an unknown one."""
    if is_app and not endpoint.app:
        return problem(
            403, "Unsupported Authentication",
            "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.",
            f"{PROBLEMS}unsupported-authentication",
        )  # fmt: skip
    if granted is None and not is_app:
        return problem(401, "Unauthorized", "Unauthorized")
    if not is_app and not endpoint.user:
        return problem(
            403, "Unsupported Authentication", "Authenticating with OAuth 2.0 User Context is forbidden for this endpoint.",
            f"{PROBLEMS}unsupported-authentication",
        )  # fmt: skip
    if granted is not None and not is_app and (lacking := set(endpoint.scopes) - granted):
        return forbidden(f"Your token lacks the scope {sorted(lacking)[0]}.")
    return None
