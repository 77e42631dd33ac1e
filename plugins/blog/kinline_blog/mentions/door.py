"""The door for Webmentions: anybody may knock, so what is wrong is refused at once, and nobody may knock too often."""

import threading
from collections import OrderedDict

from kinline import Request, VerificationFailed, clock
from kinline.clock import SECOND
from kinline.errors import RateLimited
from kinline_blog.mentions import pair
from kinline_blog.settings import BlogSettings

#: Mentions that one host may send at once, and how many more for each minute (reflection).
BURST, PER_MINUTE = 20, 10
HOSTS = 10_000  #: remembered; who was forgotten may send a burst again


class Limits:
    """How much each host may still send, in this process: a full bucket that refills."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, host: str) -> float:
        """Take one. Returns the seconds to wait where there is none."""
        now = clock.now()
        with self._lock:
            left, at = self._left.pop(host, (float(BURST), now))
            left = min(float(BURST), left + max(0, now - at) / SECOND * PER_MINUTE / 60)
            wait = 0.0 if left >= 1 else (1 - left) * 60 / PER_MINUTE
            self._left[host] = (left - 1 if left >= 1 else left, now)
            while len(self._left) > HOSTS:
                self._left.popitem(last=False)
        return wait

    def clear(self) -> None:
        with self._lock:
            self._left.clear()


limits = Limits()


def admit(request: Request, settings: BlogSettings) -> None:
    """Raises `Malformed` (400), `RateLimited` (429), or `VerificationFailed` where no Webmentions are taken."""
    if not settings.webmention:
        raise VerificationFailed(
            "This account takes no Webmentions; set `webmention` in its settings.", code="no_webmention"
        )
    found = pair.read(request.body, settings)
    wait = limits.take(found.host)
    if wait:
        raise RateLimited(f"Too many Webmentions from {found.host}.", retry_after=wait, code="too_many_from_host")
