"""What X's answers mean: which refusals pass, which need a person, and when to come back.

Statuses and problem types: docs.x.com, "Response Codes & Errors". 402 is what people report once the credits of an app
are used up.
"""

import json
from collections.abc import Mapping

from kinline import ChannelError
from kinline.http import HttpAnswer
from kinline_twitter.fields import ID, inside, seconds, words

A_WINDOW, A_DAY = 900.0, 86_400.0


def decoded(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def reason(raw: bytes) -> str:
    """Why X says no, in its own words."""
    answer = decoded(raw)
    errors = inside(answer, "errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    told = inside(first, "message") or inside(first, "detail") or inside(answer, "detail") or inside(answer, "title")
    return words(told)[:200]


def is_problem(raw: bytes, name: str) -> bool:
    return words(inside(decoded(raw), "type")).endswith(f"/problems/{name}")


def wait(headers: Mapping[str, str]) -> float:
    """Seconds until the window reopens: between one second and a day, fifteen minutes when X does not say."""
    reset, after = headers.get("x-rate-limit-reset", ""), headers.get("retry-after", "")
    if ID.fullmatch(reset):
        return min(max(int(reset) - seconds(), 1.0), A_DAY)
    return min(max(float(after), 1.0), A_DAY) if ID.fullmatch(after) else A_WINDOW


def refusal(answer: HttpAnswer) -> ChannelError:
    """An answer that is no 2xx, where nothing happened."""
    told = reason(answer.body) or "no reason given"
    if answer.status == 429 and is_problem(answer.body, "usage-capped"):
        said = f"The app has used up what X sold it for now: {told}."
        return ChannelError(said, code="usage_capped", retry_after=3600.0)
    if answer.status == 429:
        return ChannelError("X wants us to wait.", code="rate_limited", retry_after=wait(answer.headers))
    if answer.status == 401:
        said = "X does not know our consent any more. Authorise the account again."
        return ChannelError(said, permanent=True, code="not_authorised")
    if answer.status == 402:
        said = f"The credits of the app are used up; buy more in X's Developer Console. {told}"
        return ChannelError(said, permanent=True, code="no_credits")
    if answer.status in (408, 425) or answer.status >= 500:
        after = wait(answer.headers) if "retry-after" in answer.headers else None
        return ChannelError(f"X answered {answer.status}.", code="server_error", retry_after=after)
    return ChannelError(f"X refused it with {answer.status}: {told}.", permanent=True, code="refused")
