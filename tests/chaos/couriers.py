"""Three channels that post over HTTP, one of each delivery class, and the provider that they post to.

The provider writes down what it did before it answers. It honours an idempotency key where it is asked to, and
sometimes takes a message and hangs up instead of answering.
"""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, BinaryIO, ClassVar

from kinline import http
from kinline.contract.channel import Ability, AccountSettings, Channel
from kinline.contract.plugins import channels
from kinline.errors import VerificationFailed
from kinline.followups import send
from kinline.messages import Item, Normalised, Outgoing, Prepared, Request, Sent, Source, Thread
from kinline.words import Delivery, HandleType, Kind


class CourierSettings(AccountSettings, frozen=True, kw_only=True):
    url: str = ""


class Courier(Channel[CourierSettings]):
    """Carries a message to a provider, under the follow-up's id."""

    title = "Courier"
    settings = CourierSettings
    kinds = frozenset({Kind.MESSAGE})
    can: ClassVar[frozenset[Ability]] = frozenset({Ability.SEND})
    reaches = frozenset({HandleType.EMAIL})
    personal_data = ()

    def __init__(self, delivery: Delivery) -> None:
        self.name, self.delivery = f"courier_{delivery}", delivery  # type: ignore[misc]

    def verify(self, request: Request, settings: CourierSettings) -> None:
        raise VerificationFailed("nobody calls")

    def parse(self, raw: BinaryIO, source: Source, settings: CourierSettings) -> Iterator[Item]:
        yield from ()

    def normalise(self, item: Item, settings: CourierSettings) -> Sequence[Normalised]:
        return []

    def prepare(self, outgoing: Outgoing, settings: CourierSettings) -> Prepared:
        body = json.dumps({"id": outgoing.id, "to": outgoing.to.value, "text": outgoing.text}).encode()
        return Prepared(body=body, media_type="application/json", thread=Thread(key=f"courier:{outgoing.id}"))

    def send(self, prepared: Prepared, settings: CourierSettings) -> Sent:
        headers = {"content-type": "application/json", "idempotency-key": json.loads(prepared.body)["id"]}
        url = f"{settings.url}/{self.delivery}"
        http.taken(http.call("POST", url, headers=headers, content=prepared.body, deadline=2, trusted=True), "It")
        return Sent(source_id=headers["idempotency-key"])


def register() -> None:
    """Have them beside the channels that are installed; tries follow each other quickly."""
    for delivery in Delivery:
        channels().loaded[f"courier_{delivery}"] = Courier(delivery)
    send.RETRIES = (1, 1, 1, 1, 1)


class Provider:
    """``effects`` counts what was done, by follow-up; ``hung_up`` how often it did something and said nothing."""

    def __init__(self, seed: int, *, hangs_up: float = 0.05, slowest: float = 0.03) -> None:
        self.effects: Counter[str] = Counter()
        self.recipients: dict[str, set[str]] = {}
        self.hung_up = 0
        self.handed = threading.Event()
        self._dice, self._lock = random.Random(seed), threading.Lock()
        self._hangs_up, self._slowest = hangs_up, slowest

    def takes(self, delivery: str, message: dict[str, str]) -> tuple[bool, float]:
        """Do it, unless it was done under this key; returns whether to answer, and after how long."""
        with self._lock:
            self.recipients.setdefault(message["to"], set()).add(message["id"])
            if delivery != Delivery.ONCE or not self.effects[message["id"]]:
                self.effects[message["id"]] += 1
            answers = self._dice.random() >= self._hangs_up
            self.hung_up += not answers
            wait = self._dice.uniform(0, self._slowest)
        self.handed.set()
        return answers, wait

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve on a free port of this machine; gives the address."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message: dict[str, str] = json.loads(self.rfile.read(int(self.headers["content-length"])))
            answers, wait = provider.takes(self.path.strip("/"), message)
            threading.Event().wait(wait)
            if answers:
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()
            self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None: ...

    class Quiet(Handler):
        def handle(self) -> None:
            try:
                super().handle()
            except (OSError, ValueError):  # its sender was killed, perhaps in the middle of a word
                self.close_connection = True

        def finish(self) -> None:
            try:
                super().finish()
            except OSError:
                self.close_connection = True

    return Quiet
