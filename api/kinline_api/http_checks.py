"""What every call meets first: its request id, the host it names, the form of its path; and every answer last."""

import re
from urllib.parse import unquote

import structlog
from litestar.types import HTTPScope, Message, Send

from kinline import ids
from kinline.errors import KinlineError, Malformed, NotFound

log = structlog.get_logger(__name__)

REQUEST_ID = re.compile(rb"[A-Za-z0-9_.-]{1,64}")
#: A path that another program could read as another path, or that no route of ours can have.
_ODD_PATH = re.compile(r"//|/\.\.?(/|$)|[\x00-\x1f\\\ufffd]|.\Z(?<=/)")
_POLICY = b"default-src 'none'; frame-ancestors 'none'; sandbox"
SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", _POLICY),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


class HttpChecks:
    """Looks at the head of each call before any route is chosen."""

    def __init__(self, allowed_hosts: list[str]) -> None:
        self._hosts = {host.lower().encode() for host in allowed_hosts}
        self._known: set[bytes] = set()

    def refusal(self, scope: HTTPScope) -> KinlineError | None:
        """Why this call goes no further, or None. Sets the path so that ``%2F`` never parts it."""
        if not self._host_is_ours(scope):
            return Malformed("This hub does not answer to that host name.", code="invalid_host")
        if scope["method"] == "OPTIONS":
            scope["method"] = "-"  # type: ignore[typeddict-item]  # no CORS here: 405 with Allow, as for any other
        raw = scope.get("raw_path") or b""
        if b"%" in raw:
            scope["path"] = unquote(re.sub(r"%2[fF]", "%252F", raw.partition(b"?")[0].decode("latin-1")))
        if scope["path"] != "/" and _ODD_PATH.search(scope["path"]):
            return NotFound("There is nothing here.")
        return None

    def _host_is_ours(self, scope: HTTPScope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"host"]
        if len(given) != 1:
            return False
        if given[0] in self._known:
            return True
        host = re.sub(rb":[0-9]{1,5}\Z", b"", given[0]).lower()
        if host not in self._hosts and b"*" not in self._hosts:
            return False
        if len(self._known) < 100:
            self._known.add(given[0])
        return True


def request_id_of(scope: HTTPScope) -> str:
    """The caller's ``X-Request-Id`` where it is a decent one, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return value.decode() if REQUEST_ID.fullmatch(value) else ids.new()
    return ids.new()


def finished(send: Send, request_id: str) -> Send:
    """A ``send`` that adds to each answer what all answers have."""
    own = (b"x-request-id", request_id.encode())

    async def finish(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message["headers"] = list(message["headers"])
            present = {name for name, _ in headers}
            headers += [each for each in SAFE if each[0] not in present]
            headers.append(own)
        await send(message)

    return finish
