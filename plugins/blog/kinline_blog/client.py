"""WordPress's REST API as one user sees it (developer.wordpress.org/rest-api), and what its errors mean for us.

The user proves themselves by an application password (HTTP Basic; “Application Passwords”, WordPress 5.6). The API is
below ``/wp-json/``, and below ``/?rest_route=/`` where a blog has plain links.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from kinline import ChannelError, OutcomeUnknown, clock, http
from kinline_blog import fields
from kinline_blog.settings import BlogSettings

LONGEST = 64_000_000  #: bytes of an answer: a hundred of the longest comments, twice, every letter written as \\uXXXX
AGREES = 2.0  #: seconds that two clocks may differ which are set alike
ROUTES = ("/wp-json", "/?rest_route=")
NEW_LOGIN = (
    "Make a new application password in WordPress (Users → Profile) and put it into this account's settings; and see that "
    "the blog's web server passes the header Authorization on."
)
RIGHTS = "Give that user the role Editor in WordPress, or make an application password for one who has it."
#: Codes of refusals that no waiting mends, and what a person can do. The others are told in WordPress's own words.
FINAL = {
    "rest_comment_closed": "Comments are closed under this post.",
    "rest_comment_trash_post": "The post is in the trash.",
    "rest_comment_draft_post": "The post is a draft.",
    "rest_comment_invalid_post_id": "The post is not there any more.",
    "comment_duplicate": "The same words of ours stand there already.",
    "rest_trash_not_supported": "This blog has no trash (EMPTY_TRASH_DAYS is 0): call it spam, or delete it at the blog.",
}


class Told(msgspec.Struct, frozen=True):
    """An answer: ``value`` is its JSON, ``total`` how many there are in all, ``at`` the blog's own clock."""

    value: Any
    total: int = 0
    at: str = ""


class Client:
    """Calls one blog. Nothing is kept open between calls."""

    def __init__(self, settings: BlogSettings, *, deadline: float = 30.0) -> None:
        self._settings, self._deadline = settings, deadline
        self._base = (settings.api or settings.site).strip().rstrip("/")
        if "://" not in self._base:
            self._base = f"https://{self._base}"
        self._route = ""

    def get(self, path: str, **query: Any) -> Told:
        """Read one thing or a list. Raises `ChannelError`."""
        return self.call("GET", path, query=query)

    def call(self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: bytes = b"") -> Told:
        """Call, and read the answer. Raises `ChannelError`, and `OutcomeUnknown` where it may have had its effect."""
        answer = self._answer(method, self._url(path, query or {}), body)
        if not answer.ok:
            raise refusal(answer, self._settings, changing=method != "GET")
        total = fields.ident(answer.headers.get("x-wp-total", ""))
        return Told(_json(answer, changing=method != "GET"), int(total or 0), date_of(answer))

    def index(self) -> Told:
        """What the blog says of itself; finds out where its API is."""
        for route in ROUTES:
            answer = self._answer("GET", f"{self._base}{route}/", b"")
            told = _maybe(answer)
            if answer.ok and isinstance(told, dict) and "namespaces" in told:
                self._route = route
                return Told(told, at=date_of(answer))
            if answer.status >= 429 or (isinstance(told, dict) and answer.status in (401, 403)):
                raise refusal(answer, self._settings, changing=False)
        raise ChannelError(
            f"There is no WordPress REST API below {self._base}. See that the address is right, and that no plugin has "
            "switched the REST API off.",
            permanent=True, code="no_rest_api",
        )  # fmt: skip

    def _url(self, path: str, query: Mapping[str, Any]) -> str:
        if not self._route:
            self.index()
        wanted = urlencode([(name, str(value)) for name, value in query.items()])
        if self._route == ROUTES[0]:
            return f"{self._base}{self._route}/wp/v2/{path}" + (f"?{wanted}" if wanted else "")
        return f"{self._base}{self._route}{quote(f'/wp/v2/{path}', safe='/')}" + (f"&{wanted}" if wanted else "")

    def _answer(self, method: str, url: str, body: bytes) -> http.HttpAnswer:
        headers = {"accept": "application/json"}
        if self._settings.user:
            pair = f"{self._settings.user}:{self._settings.application_password}".encode()
            headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        if body:
            headers["content-type"] = "application/json"
        try:
            return http.call(
                method, url, headers=headers, content=body or None, deadline=self._deadline, longest=LONGEST,
                trusted=True, redirects=2 if method == "GET" else 0,
            )  # fmt: skip
        except OutcomeUnknown as error:
            if method != "GET":
                raise
            raise ChannelError(error.detail, code=error.code) from error  # reading changes nothing


def refusal(answer: http.HttpAnswer, settings: BlogSettings, *, changing: bool) -> ChannelError:
    """What a status that is no success means. ``changing``: the call may have had its effect all the same."""
    told = fields.record(_maybe(answer))
    code, words = fields.line(told.get("code"), 60), fields.line(told.get("message"), 200)
    said = f"The blog answered {answer.status}" + (f" ({code}: {words})." if code else ".")
    if answer.status == 429 or (answer.status == 503 and not code) or code == "comment_flood":
        return ChannelError(f"{said} It asks us to wait.", retry_after=_wait(answer), code="slow_down")
    if code in FINAL:
        return ChannelError(f"{FINAL[code]} {said}", permanent=True, code=code.removeprefix("rest_"))
    if answer.status in (401, 403):
        who = f"It does not let “{settings.user}” do this." if settings.user else "It lets only its users do this."
        cure = RIGHTS if answer.status == 403 else NEW_LOGIN  # whom WordPress knows gets 403, others 401
        return ChannelError(f"{said} {who} {cure}", permanent=True, code="not_authorised")
    if answer.status == 404:
        return ChannelError(said, permanent=True, code="not_there", said=code)
    if answer.status < 500:
        return ChannelError(said, permanent=True, code=code or "refused")
    if changing and code != "rest_comment_failed_create":
        return OutcomeUnknown(said, code="no_answer")
    return ChannelError(said, code="blog_failing")


def date_of(answer: http.HttpAnswer) -> str:
    """When the blog said this: by its own clock (RFC 9110, 6.6.1), which tells only seconds; by ours where both agree."""
    ours = clock.to_datetime(clock.now())
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except (ValueError, TypeError):
        theirs = ours
    at = ours if abs((ours - theirs).total_seconds()) < AGREES else theirs
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _wait(answer: http.HttpAnswer) -> float:
    """Seconds to wait, by Retry-After as a number or a date (RFC 9110, 10.2.3)."""
    given = answer.headers.get("retry-after", "").strip()
    if given.isdecimal() and len(given) < 8:
        return float(given)
    try:
        return max(1.0, (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 60.0


def _json(answer: http.HttpAnswer, *, changing: bool) -> Any:
    try:
        return msgspec.json.decode(_without_noise(answer.body))
    except (msgspec.DecodeError, RecursionError, ValueError):
        kind = OutcomeUnknown if changing else ChannelError
        raise kind("The blog's answer is no JSON; a plugin or a proxy changes it.", code="no_answer") from None


def _maybe(answer: http.HttpAnswer) -> Any:
    try:
        return msgspec.json.decode(_without_noise(answer.body))
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None


def _without_noise(body: bytes) -> bytes:
    """Badly kept plugins print a byte order mark or blank lines before everything."""
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")
