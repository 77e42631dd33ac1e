"""What the stand-ins for desks share: calling the webhook of who listens, in order or not, once or twice."""

import json
import random
import time
from collections.abc import Callable
from typing import Any

from kinline import clock
from kinline.http import call
from kinline.pretend import FakeAnswer, PretendServer


class PretendDesk(PretendServer):
    """A desk. ``listener`` is where its webhook goes ("": nowhere); what was not delivered yet waits in ``waiting``."""

    def __init__(self) -> None:
        super().__init__()
        self.listener = ""
        self.token, self.secret = "a-token-of-the-stand-in", "a-secret-of-the-stand-in"
        self.waiting: list[dict[str, Any]] = []
        self.revoked = False
        self.per_minute: int | None = None  #: calls a minute; more get 429
        self._called: list[float] = []

    # What people do at any desk. A key names a ticket; states are the desk's own words.

    def person_asks(self, subject: str, text: str, *, ago: int = 0, files: dict[str, bytes] | None = None) -> str:
        """Ann opens a ticket, so many seconds ago."""
        raise NotImplementedError

    def person_says(self, key: str, text: str) -> None:
        raise NotImplementedError

    def agent_says(self, key: str, text: str, *, public: bool = True, ago: int = 0) -> None:
        raise NotImplementedError

    def agent_puts(self, key: str, state: str) -> None:
        raise NotImplementedError

    def said(self, key: str) -> list[tuple[str, bool]]:
        """The texts in the ticket, and whether the person sees them."""
        raise NotImplementedError

    def standing(self, key: str) -> str:
        raise NotImplementedError

    def signed(self, body: bytes) -> dict[str, str]:
        """The headers that prove a webhook call."""
        raise NotImplementedError

    def tell(self, event: dict[str, Any]) -> None:
        """Something happened that webhooks tell."""
        self.waiting.append(event)

    def deliver(self, *, twice: bool = False, shuffled: random.Random | None = None) -> list[int]:
        """Call the listener with all that waits; gives the statuses. Documented of each desk: at least once, any order."""
        events, self.waiting = self.waiting * (2 if twice else 1), []
        if shuffled:
            shuffled.shuffle(events)
        return [self.post(json.dumps(event, ensure_ascii=False).encode()) for event in events if self.listener]

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> int:
        sent = {"content-type": "application/json", **(self.signed(body) if headers is None else headers)}
        return call("POST", self.listener, headers=sent, content=body, trusted=True).status

    def limited(self, calls: list[float], most: int | None) -> int | None:
        """Count a call against a limit a minute. Seconds to wait when it is one too many."""
        now = time.monotonic()
        calls[:] = [at for at in calls if at > now - 60]
        if most is not None and len(calls) >= most:
            return max(1, round(60 - (now - calls[0])))
        calls.append(now)
        return None

    def guarded(self, allowed: Callable[[], bool], then: Callable[[], FakeAnswer]) -> FakeAnswer:
        """The checks that every call passes: the token, the limit."""
        if self.revoked or not allowed():
            return FakeAnswer({"error": "Couldn't authenticate you"}, 401)
        wait = self.limited(self._called, self.per_minute)
        if wait is not None:
            return FakeAnswer({"error": "Rate limit exceeded"}, 429, {"retry-after": str(wait)})
        return then()


def now_text() -> str:
    """This second, as desks write it."""
    return str(clock.to_text(clock.now() // clock.SECOND * clock.SECOND))
