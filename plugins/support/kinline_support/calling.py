"""Calling a desk: one client, and what each answer means for who called.

Reading and writing differ in one thing: a read without an answer is simply tried again; a write without one may have
been done, and is `OutcomeUnknown`. A desk that asks for patience for a few seconds gets it here, else the account rests.
"""

import json
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kinline import ChannelError, OutcomeUnknown, clock
from kinline.http import HttpAnswer, call
from kinline_support.decoding import decoded

#: Bytes of a page, seconds of one call, and how long we wait here when asked to.
LONGEST, DEADLINE, PATIENCE = 20_000_000, 15.0, 5.0


class Client(msgspec.Struct, frozen=True):
    """A desk's address and what proves us to it."""

    base: str
    headers: dict[str, str]

    def get(self, path: str) -> Any:
        """The JSON of a page. Raises `ChannelError`."""
        return self.page(path)[0]

    def page(self, path: str) -> tuple[Any, dict[str, Any]]:
        """The JSON of a page, and what the desk said of its limits."""
        url = path if path.startswith(self.base) else self.base + path
        answer = self._read(url, LONGEST)
        if not answer.ok:
            raise _refused(answer)
        found = decoded(answer.body)
        if not isinstance(found, dict | list):
            raise ChannelError("The desk answered with something that is no JSON.", code="unreadable_answer")
        return found, limits(answer)

    def file(self, url: str, longest: int) -> bytes:
        """An attached file. Another host than the desk's is looked up with care, gets no token, and may be down."""
        ours = urlsplit(url).netloc == urlsplit(self.base).netloc
        try:
            answer = call(
                "GET", url, headers=self.headers if ours else {}, deadline=DEADLINE, longest=longest, trusted=ours,
                redirects=3,
            )  # fmt: skip
        except ChannelError as error:
            code = "unreachable" if ours and error.code in ("unreachable", "no_answer") else "no_file"
            raise ChannelError(error.detail, code=code) from error
        if not answer.ok:
            raise _refused(answer)
        return answer.body

    def write(self, method: str, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
        """Do something there; the JSON of the answer. Raises `ChannelError` when it was surely not done."""
        content = json.dumps(body, ensure_ascii=False).encode()
        return self.post(method, path, content, {"content-type": "application/json", **(headers or {})})

    def post(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> Any:
        """`write` of a body that is no JSON: its headers say what it is."""
        more = {**self.headers, **headers}
        answer = call(method, self.base + path, headers=more, content=content, deadline=DEADLINE, trusted=True)
        if answer.ok:
            found = decoded(answer.body)
            if not isinstance(found, dict):
                raise OutcomeUnknown("The desk answered with something that is no JSON.", code="unreadable_answer")
            return found
        raise _not_written(answer)

    def _read(self, url: str, longest: int) -> HttpAnswer:
        for patient in (True, False):
            try:
                answer = call("GET", url, headers=self.headers, deadline=DEADLINE, longest=longest, trusted=True)
            except OutcomeUnknown as error:
                raise ChannelError(error.detail, code="unreachable") from error
            wait = retry_after(answer)
            if not (patient and answer.status == 429 and wait is not None and wait <= PATIENCE):
                break
            time.sleep(wait)
        return answer


def _not_written(answer: HttpAnswer) -> ChannelError:
    """A 5xx may have been done before it broke; one that asks us to come back was not (Zendesk: “503”, Retry-After)."""
    if answer.status >= 500 and not (answer.status == 503 and retry_after(answer) is not None):
        return OutcomeUnknown(f"The desk failed with {answer.status}: {said(answer)}", code="desk_failed")
    if answer.status in (401, 403):
        return ChannelError(_no_right(answer), retry_after=300, code="not_authorised")
    return _refused(answer)


def _refused(answer: HttpAnswer) -> ChannelError:
    status = answer.status
    if status in (401, 403):
        return ChannelError(_no_right(answer), permanent=True, code="not_authorised")
    if status == 429:
        wait = retry_after(answer)
        return ChannelError(
            "The desk asks us to slow down.", retry_after=60.0 if wait is None else wait, code="rate_limited"
        )
    if status >= 500 or status in (408, 409, 423, 425):
        return ChannelError(
            f"The desk failed with {status}: {said(answer)}", retry_after=retry_after(answer), code="desk_failed"
        )
    if status in (301, 302, 303, 307, 308):
        return ChannelError("The desk has moved: set its new address in `desk`.", permanent=True, code="moved")
    code = "not_found" if status in (404, 410) else "refused"
    return ChannelError(f"The desk refused it ({status}): {said(answer)}", permanent=True, code=code)


def _no_right(answer: HttpAnswer) -> str:
    return f"The desk does not accept the token, or it lacks a right ({answer.status}): {said(answer)}"


def retry_after(answer: HttpAnswer) -> float | None:
    """Seconds (RFC 9110, Retry-After: a number or a date). None: it does not say."""
    given = answer.headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return float(min(int(given[:9]), 86_400))
    try:
        at = clock.from_datetime(parsedate_to_datetime(given))
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, min((at - clock.now()) / clock.SECOND, 86_400.0))


def limits(answer: HttpAnswer) -> dict[str, Any]:
    """What the desk said of its limits, by the names that desks use."""
    names = ("x-rate-limit", "x-rate-limit-remaining", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")
    return {name: answer.headers[name][:40] for name in names if name in answer.headers}


def said(answer: HttpAnswer) -> str:
    """What the desk says went wrong, short, without anything that could be ours to keep secret."""
    found = decoded(answer.body) if answer.body else None
    if not isinstance(found, dict):
        return "no reason given"
    told = [found.get(name) for name in ("description", "error_human", "message", "error", "errors", "details")]
    return "; ".join(json.dumps(each, ensure_ascii=False)[:200] for each in told if each)[:400] or "no reason given"
