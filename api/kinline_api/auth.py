"""Who may call: API keys, their scopes, their teams, their rate. Deny is the default."""

import base64
import time
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from kinline.accounts import keys
from kinline.accounts.keys import Holder
from kinline.accounts.reader import AccessScope, reader_for
from kinline.errors import Forbidden, RateLimited, Unauthorized
from kinline.hub import Hub

#: Routes that need no key say so with this word. There is no other way to need none.
OPEN = "open"
#: Seconds a key is believed without looking again: a revoked one is refused everywhere within 5 s.
BELIEVED = 2.0
#: More keys than this are not remembered.
REMEMBERED = 10_000


InThread = Callable[[Callable[[bytes], "AuthenticatedKey"], bytes], Awaitable["AuthenticatedKey"]]


class AuthenticatedKey(msgspec.Struct, frozen=True):
    """A key that was found valid, whom it is, and what it may read."""

    holder: Holder
    reader: AccessScope
    until: float


class Authenticator:
    """Remembers valid keys for a moment. Used in the event loop only; looks keys up in a thread."""

    def __init__(self, hub: Hub, in_thread: InThread) -> None:
        self._hub, self._in_thread = hub, in_thread
        self._valid: dict[bytes, AuthenticatedKey] = {}
        self._buckets: dict[str, tuple[float, float]] = {}
        self._rate = hub.settings.rate_limit

    async def authenticate(self, headers: Iterable[tuple[bytes, bytes]], scope: str) -> AuthenticatedKey:
        """The key of whoever calls. Raises `Unauthorized`, `Forbidden` or `RateLimited`."""
        given = _authorization(headers)
        found = self._valid.get(given)
        if found is None or found.until < time.monotonic():
            found = await self._in_thread(self._look_up, given)
            if len(self._valid) >= REMEMBERED:
                self._valid.clear()
            self._valid[given] = found
        if self._rate:
            self._count(found.holder.key_id)
        if not found.holder.may(scope):
            raise Forbidden(f"This needs a key with the scope “{scope}”.", code="scope_required")
        return found

    def forget(self) -> None:
        """A key changed: look all of them up again."""
        self._valid.clear()

    def _look_up(self, given: bytes) -> AuthenticatedKey:
        with self._hub.store.read() as session:
            holder = keys.holder_of(session, _key(given))
            return AuthenticatedKey(holder, reader_for(session, holder.teams), time.monotonic() + BELIEVED)

    def _count(self, key_id: str) -> None:
        """A token bucket for each key: ``rate`` calls a second, as many of them at once."""
        now, most = time.monotonic(), max(1.0, self._rate)
        tokens, at = self._buckets.get(key_id, (most, now))
        tokens = min(most, tokens + (now - at) * self._rate)
        if tokens < 1:
            self._buckets[key_id] = tokens, now
            raise RateLimited(
                f"This key may call {self._rate:g} times a second.", retry_after=(1 - tokens) / self._rate
            )
        self._buckets[key_id] = tokens - 1, now


def _key(given: bytes) -> str:
    """The key that a header carries: as a bearer token, or as the user name of HTTP Basic (RFC 7617), as clients of
    other systems send theirs. "" where there is none."""
    kind, _, text = given.partition(b" ")
    if kind.lower() == b"bearer":
        return text.decode("ascii", "replace")
    try:
        user, _, password = base64.b64decode(text.strip(), validate=True).partition(b":")
    except ValueError:
        return ""
    return user.decode("ascii", "replace") if kind.lower() == b"basic" and not password else ""


def _authorization(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    found = [value for name, value in headers if name == b"authorization"]
    if len(found) != 1 or len(found[0]) > 200:
        raise Unauthorized("This needs a valid API key: Authorization: Bearer kl_…", code="invalid_key")
    return found[0]
