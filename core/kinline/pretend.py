"""What stand-ins for providers are made of: a small HTTP server on loopback with routes and faults.

A stand-in speaks its provider's documented protocol, written from the provider's documentation, with its errors,
limits, pages and signatures. Tests make it fail in every way a provider fails; ``kinline up --pretend`` lets people
try a channel without an account there::

    class PretendDesk(PretendServer):
        def routes(self):
            return [("GET", r"/api/v2/tickets/([0-9]+)", self.ticket)]
"""

import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from kinline.contract.connection import Pretender

#: The largest body a stand-in reads.
LONGEST = 50_000_000
#: Seconds that a hanging stand-in hangs at most.
HANGS = 30.0


class FakeCall(msgspec.Struct, frozen=True):
    """A call as it reached the stand-in. ``groups`` are what the route's pattern caught."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]  #: names in lower case
    body: bytes
    groups: tuple[str, ...] = ()

    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    def one(self, name: str, otherwise: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [otherwise])[0]


class FakeAnswer(msgspec.Struct, frozen=True):
    """What the stand-in answers."""

    body: Any = b""  #: bytes as they are; an iterator of bytes piece by piece, as they come; else JSON
    status: int = 200
    headers: dict[str, str] = {}


class Fault(msgspec.Struct, frozen=True):
    """Instead of the next answer: ``told``; or ``drop`` the connection, ``hang``, send ``half`` of the answer.

    With ``after`` the call has its effect first and only its answer is spoilt.
    """

    told: FakeAnswer | None = None
    how: str = "tell"  #: tell | drop | hang | half
    after: bool = False


Route = tuple[str, str, Callable[[FakeCall], FakeAnswer]]


class PretendServer(Pretender):
    """Subclass it, give ``routes``, and in ``settings_for`` the settings with which an account talks to it."""

    def __init__(self) -> None:
        self.calls: list[FakeCall] = []
        self.faults: deque[Fault] = deque()
        self.lock = threading.RLock()  #: held while a route runs: routes need not think of threads
        self._over = threading.Event()
        self._server: ThreadingHTTPServer | None = None

    def routes(self) -> Sequence[Route]:
        raise NotImplementedError

    def settings_for(self, url: str) -> dict[str, Any]:
        raise NotImplementedError

    @property
    def port(self) -> int:
        if self._server is None:
            raise RuntimeError("the stand-in was not started")
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, port: int = 0) -> dict[str, Any]:
        handler = type("Handler", (_Handler,), {"stand_in": self})
        self._server = _Quiet(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="stand-in", daemon=True).start()
        return self.settings_for(self.url)

    def stop(self) -> None:
        self._over.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def answer(self, asked: FakeCall) -> FakeAnswer:
        """What the routes say; 404 where none fits."""
        with self.lock:
            self.calls.append(asked)
            for method, pattern, act in self.routes():
                found = re.fullmatch(pattern, asked.path)
                if found and method == asked.method:
                    return act(msgspec.structs.replace(asked, groups=found.groups()))
        return FakeAnswer({"error": "not found"}, 404)

    def hang(self) -> None:
        self._over.wait(HANGS)


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller who hung up, as callers do who have read enough, is no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    stand_in: PretendServer
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        asked = self._asked()
        fault = self.stand_in.faults.popleft() if self.stand_in.faults else None
        if fault is None:
            self._tell(self.stand_in.answer(asked))
            return
        told = self.stand_in.answer(asked) if fault.after or fault.how == "half" else FakeAnswer()
        if fault.how == "tell" and fault.told:
            self._tell(fault.told)
        elif fault.how == "half":
            self._tell(told, half=True)
        else:
            if fault.how == "hang":
                self.stand_in.hang()
            self.close_connection = True
            self.connection.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - the base class' names

    def _asked(self) -> FakeCall:
        parts = urlsplit(self.path)
        size = min(int(self.headers.get("content-length") or 0), LONGEST)
        headers = {name.lower(): value for name, value in self.headers.items()}
        return FakeCall(
            self.command, parts.path, parse_qs(parts.query, keep_blank_values=True), headers, self.rfile.read(size)
        )

    def _tell(self, told: FakeAnswer, *, half: bool = False) -> None:
        if isinstance(told.body, Iterator):
            self._stream(told)
            return
        body = told.body if isinstance(told.body, bytes) else msgspec.json.encode(told.body)
        self.send_response(told.status)
        headers = {"content-type": "application/json", **told.headers, "content-length": str(len(body))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if half else body)
        if half:
            self.close_connection = True

    def _stream(self, told: FakeAnswer) -> None:
        """An answer without an end: chunks (RFC 9112, section 7.1) until the pieces end or the caller has gone."""
        self.close_connection = True
        self.send_response(told.status)
        for name, value in {"content-type": "application/json", **told.headers, "transfer-encoding": "chunked"}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for piece in told.body:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            return

    def log_message(self, format: str, *args: Any) -> None:
        """A stand-in keeps its calls in ``calls`` and prints nothing."""


def until(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Wait until something is so. False: it was not so in time."""
    ends = time.monotonic() + seconds
    while not true():
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True
