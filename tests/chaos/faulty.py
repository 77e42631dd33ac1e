"""Servers on loopback that fail once, in one named way, and behave from then on. They count what they took.

``reached`` is set at the point of the fault. With ``hold`` the server waits there, for ``go``, so that a test can kill
whoever is talking to it at that very moment.
"""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

#: Seconds that a hanging server hangs, and a late one takes: longer than any deadline here, shorter than a test.
LATE = 1.2
HANG = 8.0


class Faulty:
    """One fault, then good behaviour. ``taken`` counts the messages that had their effect."""

    def __init__(self, fault: str, *, hold: bool = False) -> None:
        self.fault, self.hold = fault, hold
        self.taken = 0
        self.reached, self.go = threading.Event(), threading.Event()
        self._over = threading.Event()
        self._first = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads: list[threading.Thread] = []
        if fault == "connection refused":
            self._listener.close()
        else:
            self._serve_in_thread(self._accept)

    def __enter__(self) -> "Faulty":
        return self

    def __exit__(self, *given: object) -> None:
        self._over.set()
        self.go.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def reopen(self) -> None:
        """Behind a refused connection there is somebody again."""
        self._first = False
        if self.fault == "connection refused":
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self._serve_in_thread(self._accept)

    def _serve_in_thread(self, work: Callable[..., None], *given: object) -> None:
        thread = threading.Thread(target=work, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            first, self._first = self._first, False
            self._serve_in_thread(self._talk, connection, self.fault if first else "")

    def _talk(self, connection: socket.socket, fault: str) -> None:
        with connection, suppress(OSError):
            connection.settimeout(HANG)
            self.talk(connection, fault)

    def talk(self, connection: socket.socket, fault: str) -> None:
        raise NotImplementedError

    def at(self, fault: str, name: str) -> bool:
        """Whether the fault of that name happens now; tells the test, and waits where it is wanted."""
        if fault != name:
            return False
        self.reached.set()
        if self.hold:
            self.go.wait(HANG)
        return True

    def hang(self) -> None:
        self._over.wait(HANG)

    @staticmethod
    def reset(connection: socket.socket) -> None:
        """Close with a RST instead of a FIN."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


#: What may happen to an answer after a message was taken.
SPOILT = (
    "hang after the final dot", "RST after the final dot", "half an answer", "nonsense after the dot",
    "250 after the deadline", "250, then RST",
)  # fmt: skip


class FaultySmtp(Faulty):
    """As much of a mail server as a sender talks to (RFC 5321)."""

    def talk(self, connection: socket.socket, fault: str) -> None:
        if not self._greeted(connection, fault):
            return
        reader = connection.makefile("rb")
        for line in reader:
            command = line[:4].upper()
            if command == b"QUIT":
                connection.sendall(b"221 bye\r\n")
                return
            if command != b"DATA":
                connection.sendall(self._answer_to(command, fault))
                continue
            if self.at(fault, "hang after DATA"):
                self.hang()
                return
            connection.sendall(b"354 go on\r\n")
            while reader.readline() not in (b".\r\n", b""):
                pass
            if not self._after_the_dot(connection, fault):
                return

    def _greeted(self, connection: socket.socket, fault: str) -> bool:
        """False: the connection is over."""
        if self.at(fault, "hang before the greeting"):
            self.hang()
            return False
        if self.at(fault, "421 at the greeting"):
            connection.sendall(b"421 too busy\r\n")
            return False
        fails = self.at(fault, "TLS fails")  # the other side expects a handshake and gets a greeting
        connection.sendall(b"220 hello\r\n")
        return not fails

    def _answer_to(self, command: bytes, fault: str) -> bytes:
        if command == b"RCPT" and self.at(fault, "4xx for the recipient"):
            return b"451 later\r\n"
        if command == b"RCPT" and self.at(fault, "5xx for the recipient"):
            return b"550 nobody here\r\n"
        return b"250 OK\r\n"

    def _after_the_dot(self, connection: socket.socket, fault: str) -> bool:
        """False: the connection is over."""
        for name, answer in REFUSALS.items():
            if self.at(fault, name):
                connection.sendall(answer)
                return False
        self.taken += 1
        for name in SPOILT:
            if self.at(fault, name):
                self._spoil(connection, name)
                return False
        connection.sendall(b"250 taken\r\n")
        return True

    def _spoil(self, connection: socket.socket, name: str) -> None:
        if name.startswith("hang"):
            self.hang()
        elif name == "half an answer":
            connection.sendall(b"25")
        elif name == "nonsense after the dot":
            connection.sendall(b"<html>OK</html>\r\n")
        elif name == "250 after the deadline":
            self._over.wait(LATE)
            connection.sendall(b"250 taken\r\n")
        elif name == "250, then RST":
            connection.sendall(b"250 taken\r\n")
            connection.recv(1)
            self.reset(connection)
        else:
            self.reset(connection)


REFUSALS = {
    "4xx for the mail": b"451 later\r\n",
    "5xx for the mail": b"554 spam\r\n",
    "421 after the dot": b"421 going down\r\n",
}


class FaultyHttp(Faulty):
    """A provider's API: one POST, one JSON answer. ``good`` is what it says when nothing is wrong.

    It answers no question: what a channel finds out by asking is tested with that channel.
    """

    def __init__(self, fault: str, good: bytes, *, hold: bool = False) -> None:
        self.good = good
        super().__init__(fault, hold=hold)

    def talk(self, connection: socket.socket, fault: str) -> None:
        if self.at(fault, "TLS fails"):
            return connection.sendall(b"HTTP/1.1 400 no\r\n\r\n")
        if self.at(fault, "hang before reading"):
            return self.hang()
        reader, size = connection.makefile("rb"), 0
        if reader.readline().startswith(b"GET"):  # what became of a message, it does not tell today
            return connection.sendall(_answer(b"503 later", b"{}"))
        while (line := reader.readline()).strip():
            if line.lower().startswith(b"content-length:"):
                size = int(line.partition(b":")[2])
        reader.read(size)
        for name, answer in ANSWERS.items():
            if self.at(fault, name):
                return connection.sendall(answer)
        self.taken += 1
        for name in (
            "hang after the request",
            "RST after the request",
            "half an answer",
            "200 with garbage",
            "200 after the deadline",
            "500",
            "200, then RST",
        ):
            if self.at(fault, name):
                return self._spoil(connection, name)
        return connection.sendall(_answer(b"200 OK", self.good))

    def _spoil(self, connection: socket.socket, name: str) -> None:
        whole = _answer(b"200 OK", self.good)
        match name:
            case "hang after the request":
                self.hang()
            case "half an answer":
                connection.sendall(whole[: -len(self.good) // 2])
            case "200 with garbage":
                connection.sendall(_answer(b"200 OK", b"<html>thank you"))
            case "500":
                connection.sendall(_answer(b"500 oops", b"{}"))
            case "200 after the deadline":
                self._over.wait(LATE)
                connection.sendall(whole)
            case "200, then RST":
                connection.sendall(whole)
                connection.recv(1)
                self.reset(connection)
            case _:
                self.reset(connection)


def _answer(status: bytes, body: bytes, more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%bConnection: close\r\n\r\n%b" % (
        status, len(body), more, body,
    )  # fmt: skip


#: Answers with which a request surely had no effect.
ANSWERS = {
    "400": _answer(b"400 no", b'{"title": "no"}'),
    "429 with Retry-After": _answer(b"429 wait", b"{}", b"Retry-After: 40\r\n"),
    "301": _answer(b"301 elsewhere", b"", b"Location: https://elsewhere.example/\r\n"),
}

SMTP_FAULTS = (
    "connection refused", "TLS fails", "hang before the greeting", "421 at the greeting", "4xx for the recipient",
    "5xx for the recipient", "hang after DATA", "4xx for the mail", "5xx for the mail", "421 after the dot",
    "hang after the final dot", "RST after the final dot", "half an answer", "nonsense after the dot",
    "250 after the deadline", "250, then RST",
)  # fmt: skip
HTTP_FAULTS = (
    "connection refused", "TLS fails", "hang before reading", "400", "429 with Retry-After", "301",
    "hang after the request", "RST after the request", "half an answer", "200 with garbage", "200 after the deadline",
    "500", "200, then RST",
)  # fmt: skip
