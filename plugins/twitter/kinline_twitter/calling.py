"""Asking X: one GET, its page, and how often we may ask again.

X tells with every answer how many calls of this kind are left until when (``x-rate-limit-*``). We keep to it: no call
beyond it, and once half is gone the rest is spread evenly over the window.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from kinline import ChannelError, http
from kinline_twitter.answers import decoded, refusal
from kinline_twitter.fields import ID, Json, objects, seconds, within, words
from kinline_twitter.settings import TwitterSettings

LOOPBACK = ("localhost", "127.0.0.1", "::1")
LONGEST = 8_000_000  #: bytes of a page; a hundred posts with all their people are under one
#: What is asked of posts and people. Counts of likes are not: they change with every look.
POSTS = {
    "tweet.fields": "author_id,created_at,conversation_id,edit_history_tweet_ids,entities,in_reply_to_user_id,lang,"
    "referenced_tweets,attachments,note_tweet",
    "expansions": "author_id,referenced_tweets.id,referenced_tweets.id.author_id,in_reply_to_user_id,"
    "entities.mentions.username,attachments.media_keys",
    "user.fields": "name,username",
    "media.fields": "url,type,preview_image_url,alt_text",
}
MESSAGES = {
    "dm_event.fields": "created_at,sender_id,dm_conversation_id,participant_ids,text,event_type,entities",
    "expansions": "sender_id,participant_ids",
    "user.fields": "name,username",
}


class StaleToken(ChannelError):
    """X takes this page token no more; the place it stood for is found another way."""


class Window(msgspec.Struct, frozen=True):
    """What X said of one kind of call."""

    limit: int
    left: int
    reset: int
    asked: float

    def opens(self, now: float) -> float:
        """Seconds until it may be asked again at all."""
        return self.reset - now if self.left <= 0 and self.reset > now else 0.0

    def is_due(self, now: float) -> bool:
        """Whether it is this call's turn: half of a window may go at once, the rest is spread over what is left of it."""
        spacing = (self.reset - self.asked) / (self.left + 1)
        return 2 * self.left > self.limit or now >= self.reset or now - self.asked + 1 >= spacing


class Page(msgspec.Struct, frozen=True):
    """One answer: the bytes as they came, and what is in them."""

    raw: bytes
    value: Json

    @property
    def data(self) -> list[Json]:
        found = self.value.get("data")
        return [found] if isinstance(found, dict) else objects(found)

    @property
    def meta(self) -> Json:
        return within(self.value, "meta")


class Caller:
    """Asks for one account. ``windows`` are what X said so far, by our own word for the kind of call."""

    def __init__(self, settings: TwitterSettings, deadline: float = 15.0, now: Callable[[], float] = seconds) -> None:
        self._settings, self._deadline, self.now = settings, deadline, now
        self.windows: dict[str, Window] = {}
        self.notes: dict[str, str] = {}  #: what else health should show beside the limits

    def is_due(self, sort: str) -> bool:
        return sort not in self.windows or self.windows[sort].is_due(self.now())

    def opens_in(self, sort: str) -> float:
        """Seconds until X takes such a call again; 0: now."""
        return self.windows[sort].opens(self.now()) if sort in self.windows else 0.0

    def get(self, sort: str, path: str, query: Mapping[str, str], *, token: str = "") -> Page:
        """Raises `ChannelError`; `StaleToken` where only the page token was refused."""
        if left := self.opens_in(sort):
            raise ChannelError("X wants us to wait.", code="rate_limited", retry_after=left)
        answer = self.call("GET", f"{path}?{urlencode(query)}", token=token)
        self._note(sort, answer.headers)
        if not answer.ok:
            if answer.status == 400 and "pagination_token" in query:
                raise StaleToken("X takes the page token no more.", code="stale_token")
            raise refusal(answer)
        value = decoded(answer.body)
        if not isinstance(value, dict):
            raise ChannelError("X answered something that is no JSON object.", code="no_answer")
        return Page(answer.body, value)

    def call(
        self, method: str, path: str, *, content: bytes | None = None, token: str = "", deadline: float | None = None
    ) -> http.HttpAnswer:  # fmt: skip
        headers = {"authorization": f"Bearer {token or self._settings.access_token}", "accept": "application/json"}
        if content is not None:
            headers["content-type"] = "application/json"
        return http.call(
            method, base_of(self._settings) + path, headers=headers, content=content, longest=LONGEST, trusted=True,
            deadline=deadline or self._deadline,
        )  # fmt: skip

    def limits(self) -> dict[str, Any]:
        """For the account's health."""
        return self.notes | {
            sort: {"left": one.left, "of": one.limit, "until": clock_time(one.reset)}
            for sort, one in self.windows.items()
        }

    def _note(self, sort: str, headers: Mapping[str, str]) -> None:
        told = [headers.get(f"x-rate-limit-{name}", "") for name in ("limit", "remaining", "reset")]
        if all(ID.fullmatch(one) for one in told):
            limit, left, reset = map(int, told)
            self.windows[sort] = Window(limit, left, min(reset, int(self.now()) + 86_400), self.now())


def base_of(settings: TwitterSettings) -> str:
    """The address of the API. Refused when a token would travel in the clear, or when there is no token."""
    if not settings.access_token and not settings.bearer_token:
        raise ChannelError("This account has no access_token: authorise it.", permanent=True, code="not_authorised")
    try:
        base = urlsplit(settings.api_base)
        good = bool(base.hostname) and (base.scheme == "https" or base.hostname in LOOPBACK)
    except ValueError:
        good = False
    if not good:
        said = "The api_base is not https; the access token would be readable on the way."
        raise ChannelError(said, permanent=True, code="insecure_base")
    return settings.api_base.rstrip("/")


def clock_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def next_token(page: Page) -> str:
    return words(page.meta.get("next_token"))
