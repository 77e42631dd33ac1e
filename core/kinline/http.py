"""The one way out over HTTP: guarded addresses, one deadline over everything, bounded answers.

`call` is for channels and for everything else of ours; `stream` for an answer that has no end. ``trusted`` says that
an operator named the host in the settings; a host out of somebody's message is never trusted. Nothing is followed
unless ``redirects`` allows it, and every hop is guarded anew. Proxies of the environment are not used: they would
look addresses up for us.
"""

import socket
import ssl
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx
import msgspec

from kinline import addresses
from kinline.errors import ChannelError, OutcomeUnknown

#: Bytes of an answer that are read by default.
LONGEST = 2_000_000
USER_AGENT = "Kinline/1 (+https://kinline.invalid)"
TRIES = 2  #: addresses of a host that are tried
_ENCODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class HttpAnswer(msgspec.Struct, frozen=True):
    """What came back. ``headers`` by lower-case name; the first of several counts. ``url``: after redirects."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str
    every: tuple[tuple[str, str], ...] = ()  #: all headers, in order

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


def multipart(fields: Mapping[str, str], files: Sequence[tuple[str, tuple[str, bytes, str]]]) -> tuple[bytes, str]:
    """A form with files (RFC 7578), and its content type. A file is a field's name, then its name, content and type."""
    made = httpx.Request("POST", "http://form.invalid", data=dict(fields), files=list(files))
    return made.read(), made.headers["content-type"]


def call(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None,
    deadline: float = 15.0, longest: int = LONGEST, trusted: bool = False, redirects: int = 0, cut: bool = False,
) -> HttpAnswer:  # fmt: skip
    """Call, and read the answer, whatever its status. ``cut``: of one that is too long, take the beginning.

    Raises `ChannelError` when the request surely did not arrive (no such host, a private one, no connection), and
    `OutcomeUnknown` when it may have: no answer in ``deadline`` seconds, half an answer, one longer than ``longest``.
    """
    ends = _Deadline(deadline)
    sent = {"accept-encoding": "gzip", "user-agent": USER_AGENT, **(headers or {})}
    for _ in range(redirects + 1):
        answer = _one(method, _checked(url), sent, content, ends, longest, trusted, cut)
        where = answer.headers.get("location", "")
        if not (answer.status in (301, 302, 303, 307, 308) and where and redirects):
            return answer
        if answer.status == 303:
            method, content = "GET", None
        before, url = url, urljoin(url, where)
        if urlsplit(before).netloc != urlsplit(url).netloc:  # credentials are for the host they were meant for
            sent = {name: value for name, value in sent.items() if name.lower() not in ("authorization", "cookie")}
            trusted = False
    raise ChannelError(f"{url[:200]} redirects more than {redirects} times.", permanent=True, code="too_many_redirects")


def taken(answer: HttpAnswer, who: str) -> HttpAnswer:
    """The answer to something that must happen once, if it is a yes. ``who`` names the provider for people.

    Raises `ChannelError` where it surely did not happen: 429, with the time to wait, and any other 3xx and 4xx, for good.
    Raises `OutcomeUnknown` for 408, 425 and 5xx: a server that breaks may have done it before.
    """
    if answer.ok:
        return answer
    told = f"{who} answered {answer.status}"
    if answer.status in (408, 425) or answer.status >= 500 or answer.status < 300:
        raise OutcomeUnknown(f"{told}; it may have happened.", code="server_error")
    if answer.status == 429:
        after = answer.headers.get("retry-after", "")
        wait = float(after) if after.isascii() and after.isdigit() and len(after) < 10 else None
        raise ChannelError(f"{told}: it wants us to wait.", code="rate_limited", retry_after=wait)
    if answer.status < 400:
        raise ChannelError(f"{told}: its address is another one now. Set that.", permanent=True, code="redirected")
    raise ChannelError(f"{told}: it refuses this.", permanent=True, code="refused")


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or port == 0:
        raise ChannelError(f"{url[:200]} is no http or https address.", permanent=True, code="invalid_url")
    return url


@contextmanager
def stream(
    url: str, *, headers: Mapping[str, str] | None = None, opening: float = 15.0, idle: float = 30.0, trusted: bool = False
) -> Iterator[tuple[HttpAnswer, "Pieces"]]:  # fmt: skip
    """GET an answer that goes on for hours: its head within ``opening`` seconds, and its pieces as they come.

    What is no 2xx comes whole in the `HttpAnswer`, without pieces. Raises `ChannelError` as `call` does, and
    `OutcomeUnknown` when it breaks off or nothing comes for ``idle`` seconds.
    """
    ends = _Deadline(opening)
    sent = {"accept-encoding": "identity", "user-agent": USER_AGENT, **(headers or {})}
    with _translated(_checked(url)), _asked("GET", url, sent, None, ends, trusted) as answer:
        body = b"" if answer.is_success else _body(answer, LONGEST, ends)
        yield _answer(answer, body), Pieces(answer, ends, idle)


class Pieces:
    """What comes over a stream. `stop` ends it from another thread, at once."""

    def __init__(self, answer: httpx.Response, ends: "_Deadline", idle: float) -> None:
        self._answer, self._ends, self._idle = answer, ends, idle

    def __iter__(self) -> Iterator[bytes]:
        self._ends.renew(self._idle)
        with _translated(str(self._answer.url)):
            for piece in self._answer.iter_raw() if self._answer.is_success else ():
                yield piece
                self._ends.renew(self._idle)

    def stop(self) -> None:
        line = self._answer.extensions.get("network_stream")
        held = line.get_extra_info("socket") if line is not None else None
        with suppress(OSError):
            if isinstance(held, socket.socket):
                socket.socket.shutdown(
                    held, socket.SHUT_RDWR
                )  # of TLS too the line beneath, as another thread reads it


def _one(
    method: str, url: str, headers: Mapping[str, str], content: bytes | None, ends: "_Deadline", longest: int, trusted: bool,
    cut: bool,
) -> HttpAnswer:  # fmt: skip
    with _translated(url), _asked(method, url, headers, content, ends, trusted) as answer:
        return _answer(answer, _body(answer, longest, ends, cut))


@contextmanager
def _asked(
    method: str, url: str, headers: Mapping[str, str], content: bytes | None, ends: "_Deadline", trusted: bool
) -> Iterator[httpx.Response]:
    with (
        httpx.Client(transport=_Guarded(ends, trusted), trust_env=False, timeout=ends.left) as client,
        client.stream(method, url, headers=dict(headers), content=content) as answer,
    ):
        yield answer


def _answer(answer: httpx.Response, body: bytes) -> HttpAnswer:
    every = tuple((name.lower(), value) for name, value in answer.headers.multi_items())
    return HttpAnswer(answer.status_code, dict(reversed(every)), body, str(answer.url), every)


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """What httpx raises, said as what it means for trying again."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise ChannelError(f"{_host(url)} could not be reached: {error}", code="unreachable") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        raise ChannelError(f"{url[:200]} cannot be called: {error}", permanent=True, code="invalid_url") from error
    except httpx.HTTPError as error:
        raise OutcomeUnknown(f"{_host(url)} gave no answer ({type(error).__name__}).", code="no_answer") from error


def _host(url: str) -> str:
    return urlsplit(url).netloc[:100]


class _Deadline:
    """When all of a call must be over; a stream renews it with each piece."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def renew(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._ends

    @property
    def left(self) -> float:
        return max(0.05, self._ends - time.monotonic())


def _body(answer: httpx.Response, longest: int, ends: _Deadline, cut: bool = False) -> bytes:
    """The body, unpacked by ourselves: httpx would unpack a small bomb in one piece (292 kB gave 67 MB)."""
    window = _ENCODINGS.get(answer.headers.get("content-encoding", "").strip().lower())
    unpacker = zlib.decompressobj(window) if window else None
    body = bytearray()
    try:
        for piece in answer.iter_raw():
            body += unpacker.decompress(piece, longest + 1 - len(body)) if unpacker else piece
            if len(body) > longest and cut:
                return bytes(body[:longest])
            if len(body) > longest:
                raise OutcomeUnknown(f"The answer is longer than {longest} bytes.", code="answer_too_long")
            if ends.over:
                raise httpx.ReadTimeout("over the deadline")
    except zlib.error as error:
        raise OutcomeUnknown("The answer is packed wrongly.", code="no_answer") from error
    return bytes(body)


class _Guarded(httpx.HTTPTransport):
    """httpx over connections that look at the address first and end at the deadline."""

    def __init__(self, ends: _Deadline, trusted: bool) -> None:
        super().__init__(verify=_tls(), trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls(), max_connections=1, network_backend=_Backend(ends, trusted)
        )


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, ends: _Deadline, trusted: bool) -> None:
        self._ends, self._trusted, self._inner = ends, trusted, httpcore.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        failed: Exception | None = None
        for literal in addresses.resolved(host, port, trusted=self._trusted)[:TRIES]:
            try:
                stream = self._inner.connect_tcp(literal, port, min(5.0, self._ends.left), local_address)
                return _Stream(stream, self._ends)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError(f"{host} has no address")

    def connect_unix_socket(self, *given: Any, **more: Any) -> httpcore.NetworkStream:
        raise httpcore.UnsupportedProtocol("no sockets of this machine")

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline, however slowly the other side drips."""

    def __init__(self, inner: httpcore.NetworkStream, ends: _Deadline) -> None:
        self._inner, self._ends = inner, ends

    def _wait(self, error: type[Exception]) -> float:
        if self._ends.over:
            raise error("over the deadline")
        return self._ends.left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._wait(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._wait(httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        wait = self._wait(httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, wait), self._ends)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
