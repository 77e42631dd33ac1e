"""What mailboxes behind an HTTP API share: calls with a token, what refusals mean, one mail at a time."""

from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec

from kinline import ChannelError, Connection, OutcomeUnknown, Sent, http
from kinline_email import kept
from kinline_email.providers import PRESETS
from kinline_email.settings import EmailSettings
from kinline_email.split import MAX_MAIL

DEADLINE = 15.0
LONG = 120.0  #: seconds for a whole mail, which may be large
PATIENCE = 30.0  #: seconds to wait where a provider does not say how long


class ApiMailbox(Connection):
    """Base of both. Subclasses name the provider and say how it words a rate limit."""

    watches = False
    provider: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, settings: EmailSettings) -> None:
        self.settings = settings
        self.base = (settings.api_url or PRESETS[self.provider].api_url).rstrip("/")
        self._named: dict[str, str] = {}
        if not settings.access_token:
            raise ChannelError(
                f"Nobody has authorised this account at {self.title} yet: kinline account authorise.",
                permanent=True, code="not_authorised",
            )  # fmt: skip

    def json(self, path: str, *, headers: dict[str, str] | None = None) -> Any:
        return self.object(self.checked(self.call("GET", path, headers=headers)).body)

    def object(self, body: bytes) -> dict[str, Any]:
        """A JSON object. Anything else is an answer that was spoilt on its way, and is asked for again."""
        try:
            found = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ChannelError(f"{self.title} answered with no JSON object.", code="no_answer")
        return found

    def call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, content: bytes | None = None,
        deadline: float = 0.0, longest: int = http.LONGEST,
    ) -> http.HttpAnswer:  # fmt: skip
        url = path if path.startswith(("http://", "https://")) else f"{self.base}{path}"
        if urlsplit(url)[:2] != urlsplit(self.base)[:2]:  # the token is for this host alone
            raise ChannelError(f"{self.title} names another host to go on at.", code="foreign_link")
        sent = {"authorization": f"Bearer {self.settings.access_token}", **(headers or {})}
        return http.call(
            method, url, headers=sent, content=content, deadline=deadline or DEADLINE, longest=longest, trusted=True
        )  # fmt: skip

    def checked(self, answer: http.HttpAnswer) -> http.HttpAnswer:
        if answer.ok:
            return answer
        raise self.refusal(answer)

    def refusal(self, answer: http.HttpAnswer) -> ChannelError:
        """What a refusal means. A rate limit passes; a token that is refused needs a person."""
        told = _words(answer.body)
        if answer.status == 429 or answer.status == 503 or self.is_rate_limit(answer):
            return ChannelError(
                f"{self.title} asks us to wait: {told}", retry_after=_seconds(answer), code="rate_limited"
            )
        if answer.status == 401:
            return ChannelError(
                f"{self.title} does not take our token any more: {told}", permanent=True, code="not_authorised"
            )
        return ChannelError(
            f"{self.title} answered {answer.status}: {told}", permanent=400 <= answer.status < 500 and answer.status != 408,
            code="provider_refused",
        )  # fmt: skip

    def is_rate_limit(self, answer: http.HttpAnswer) -> bool:
        return False

    def handed_over(self, answer: http.HttpAnswer) -> None:
        """Of a call that sends: a refusal is surely not sent; what a gateway says tells nothing."""
        if not answer.ok and answer.status in (500, 502, 504):
            raise OutcomeUnknown(f"{self.title} answered {answer.status} to the mail.", code="no_answer")
        self.checked(answer)

    def whole(self, path: str, what: str) -> bytes | kept.Piece:
        """A body of any allowed size, b"" where it has gone, or a piece that says why it is not to be had."""
        try:
            answer = self.call("GET", path, deadline=LONG, longest=MAX_MAIL * 3 // 2)  # base64 makes a third more
        except OutcomeUnknown as error:
            if error.code == "answer_too_long":
                return kept.lost(what, error.detail)
            raise
        if answer.status in (404, 410):
            return b""
        return self.checked(answer).body

    @classmethod
    def send(cls, prepared: Any, settings: EmailSettings, deadline: float) -> Sent:
        raise NotImplementedError


def objects(found: Any, name: str) -> list[dict[str, Any]]:
    """A list of objects in an answer; whatever else stands there is none."""
    listed = found.get(name) if isinstance(found, dict) else None
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def number(found: dict[str, Any], name: str) -> int:
    """A whole number in an answer; 0 where there is none."""
    told = found.get(name)
    return told if isinstance(told, int) else 0


def _seconds(answer: http.HttpAnswer) -> float:
    """Retry-After in seconds (RFC 9110, section 10.2.3)."""
    try:
        return max(1.0, float(answer.headers.get("retry-after", PATIENCE)))
    except ValueError:
        return PATIENCE


def _words(body: bytes) -> str:
    """The provider's own words for people, which both put into ``error.message``."""
    try:
        told = msgspec.json.decode(body)["error"]
        return str(told["message"] if isinstance(told, dict) else told)[:300]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        return "no reason given"
