"""What handlers answer with: bytes that are ready to go. An `Answer` is an ASGI application by itself."""

from typing import Any

import msgspec
from litestar.types import Receive, Scope, Send

JSON = "application/json"


class Answer:
    """A status, headers and a body, encoded once."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self, body: bytes, status: int = 200, media_type: str = JSON, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.body, self.status = body, status
        self.headers = [(b"content-length", b"%d" % len(body))]
        if status not in (204, 304):
            self.headers.append((b"content-type", media_type.encode()))
        if headers:
            self.headers += [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def made(result: Any, status: int) -> Answer:
    """The answer of whatever a handler returned: an `Answer` as it is, None as no content, the rest as JSON."""
    if isinstance(result, Answer):
        return result
    if result is None:
        return Answer(b"", 204)
    return Answer(msgspec.json.encode(result), status)
