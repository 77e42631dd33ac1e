"""A Redis of a test's own, to be killed, stopped, emptied and starved; and a proxy before it that loses replies."""

import contextlib
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from redis.exceptions import RedisError

from hub_processes import free_port
from kinline.testing.hubs import missing


class PrivateRedis:
    """Keeps nothing on disk: whoever kills it loses all that was in it."""

    def __init__(self) -> None:
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="kinline-redis-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> "Redis":
        return Redis(port=self.port, socket_timeout=5)

    def start(self) -> None:
        order = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                 "--maxmemory-policy", "noeviction", "--dir", self._folder.name]  # fmt: skip
        try:
            self._process = subprocess.Popen(order, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except FileNotFoundError:
            missing("redis-server", "install it")
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(RedisError), contextlib.closing(self.client) as client:
                client.ping()
                return
            time.sleep(0.02)
        raise AssertionError("Redis does not start")

    def kill(self) -> None:
        """As ``kill -9``."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def away(self, seconds: float) -> None:
        """Gone for so long, without losing anything: it stands still, and connections break off at its return."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._process.send_signal(signal.SIGCONT)

    def empty(self) -> None:
        with contextlib.closing(self.client) as client:
            client.flushall()

    def starve(self, seconds: float) -> None:
        """No memory for anything new, for a while."""
        with contextlib.closing(self.client) as client:
            client.config_set("maxmemory", "1kb")
            time.sleep(seconds)
            client.config_set("maxmemory", "0")

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._folder.cleanup()


class LossyProxy:
    """Passes bytes between workers and Redis. Armed, it loses one reply and hangs up: what was asked for has happened.

    ``lose("request")``: the reply to the next request that carries a message. ``lose("reply")``: the next reply that
    carries one.
    """

    MESSAGE = b"job.run"

    def __init__(self, behind: int) -> None:
        self._behind, self._armed, self._lock = behind, "", threading.Lock()
        self.lost = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, which: str) -> None:
        self.lost.clear()
        self._armed = which

    def close(self) -> None:
        self._server.close()
        for each in list(self._open):
            _hang_up(each)

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._server.accept()
            except OSError:
                return
            try:
                answerer = socket.create_connection(("127.0.0.1", self._behind), timeout=2)
                answerer.settimeout(None)
            except OSError:
                _hang_up(caller)
                continue
            pair = (caller, answerer)
            self._open.update(pair)
            marked = threading.Event()
            for source, sink, says in ((caller, answerer, "request"), (answerer, caller, "reply")):
                threading.Thread(target=self._pipe, args=(source, sink, says, marked), daemon=True).start()

    def _pipe(self, source: socket.socket, sink: socket.socket, says: str, marked: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if says == "request" and self._armed == "request" and self.MESSAGE in data:
                    marked.set()
                if says == "reply" and self._loses(data, marked):
                    break
                sink.sendall(data)
        for each in (source, sink):
            _hang_up(each)
            self._open.discard(each)

    def _loses(self, data: bytes, marked: threading.Event) -> bool:
        with self._lock:
            wanted = marked.is_set() if self._armed == "request" else self._armed == "reply" and self.MESSAGE in data
            if wanted:
                self._armed = ""
                self.lost.set()
            return wanted


def _hang_up(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@contextmanager
def lossy() -> Iterator[tuple[PrivateRedis, LossyProxy]]:
    redis = PrivateRedis()
    redis.start()
    proxy = LossyProxy(redis.port)
    try:
        yield redis, proxy
    finally:
        proxy.close()
        redis.close()
