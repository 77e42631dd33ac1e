"""One call, as a handler sees it."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager

from litestar.types import HTTPScope, Receive
from sqlmodel import Session

from kinline.accounts.keys import Holder
from kinline.accounts.reader import EVERYTHING, AccessScope
from kinline.errors import Malformed, TooLarge, UnsupportedMedia
from kinline.hub import Hub
from kinline.identity import persons
from kinline_api.app_state import AppState
from kinline_api.problems import TooSlow

#: Seconds a whole body may take to arrive.
PATIENCE = 30.0
NOBODY = Holder("", "", frozenset(), ())


class Call:
    """Who calls, with what, and the hub to ask. ``holder`` and ``reader`` are set once the key was checked."""

    __slots__ = ("app_state", "holder", "reader", "receive", "scope")

    def __init__(self, app_state: AppState, scope: HTTPScope, receive: Receive) -> None:
        self.app_state, self.scope, self.receive = app_state, scope, receive
        self.holder: Holder = NOBODY
        self.reader: AccessScope = EVERYTHING

    @property
    def hub(self) -> Hub:
        return self.app_state.hub

    @property
    def made_by(self) -> str:
        """Who did it, for the logs of merges, consents and the like."""
        return f"key:{self.holder.key_id}"

    def read(self) -> AbstractContextManager[Session]:
        return self.hub.store.read()

    def write(self) -> AbstractContextManager[Session]:
        return self.hub.store.write()

    def headers(self) -> Iterator[tuple[str, str]]:
        return ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in self.scope["headers"])

    def header(self, name: str) -> str | None:
        """A header that may be there once. Raises `Malformed` when it is there twice."""
        wanted = name.lower().encode()
        found = [value for given, value in self.scope["headers"] if given == wanted]
        if len(found) > 1:
            raise Malformed(f"The header {name} is there twice.", code="duplicate_header")
        return found[0].decode("latin-1") if found else None

    async def take(self, limit: int) -> bytes:
        """The whole body, never more than ``limit`` bytes of it."""
        return await take(self.scope, self.receive, limit)

    def person(self, session: Session, text: str) -> str:
        """The root of the person that a path names, by id or handle. A slash in a handle is written ``%2F``."""
        return persons.find(session, text.replace("%2F", "/"), region=self.hub.settings.phone_region or None)

    def person_named(self, session: Session, text: str) -> str:
        """The very person that a path names, whoever they are joined with."""
        return persons.named(session, text.replace("%2F", "/"), region=self.hub.settings.phone_region or None)


async def take(scope: HTTPScope, receive: Receive, limit: int) -> bytes:
    """The whole body, never more than ``limit`` bytes of it. Raises `TooLarge`, `TooSlow` or `Malformed`."""
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or len(value) > 15 or int(value) > limit):
            raise _too_large(limit)
    pieces, size = [], 0
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise Malformed("The body ended early.", code="body_incomplete")
                pieces.append(message["body"])
                size += len(message["body"])
                if size > limit:
                    raise _too_large(limit)
                if not message["more_body"]:
                    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    except TimeoutError:
        raise TooSlow(f"The body took longer than {PATIENCE:g} s to arrive.") from None


def need_json(scope: HTTPScope) -> None:
    """Raise `UnsupportedMedia` unless the body says that it is JSON in UTF-8, not compressed."""
    kind = b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            kind = value
        elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise UnsupportedMedia("Send the body as it is, without Content-Encoding.", code="unsupported_encoding")
    if kind != b"application/json" and not _is_json(kind.decode("latin-1").lower()):
        raise UnsupportedMedia("Send JSON: Content-Type: application/json (UTF-8).")


def _is_json(kind: str) -> bool:
    media, *more = (part.strip() for part in kind.split(";"))
    return media == "application/json" and all(part in ("", "charset=utf-8", 'charset="utf-8"') for part in more)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"A body here has {limit} bytes at most.")
