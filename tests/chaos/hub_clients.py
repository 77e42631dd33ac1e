"""Clients that post over HTTP and write down what was acknowledged to them. They are the oracle."""

import http.client
import json
import random
import threading
import time
from zlib import crc32

#: Few, so that the writes of several clients meet.
PEOPLE = 40


class Clients:
    """Threads that post interactions until stopped. What got no answer is posted again, as a good client does."""

    def __init__(self, ports: list[int], key: str, seed: int, *, count: int = 6) -> None:
        self.acknowledged: set[str] = set()
        self.unanswered = 0
        self.refused: list[tuple[int, bytes]] = []
        self._ports, self._key = ports, key
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(f"client{n}", random.Random(seed + n)), daemon=True)
            for n in range(count)
        ]  # fmt: skip

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _run(self, name: str, dice: random.Random) -> None:
        number = 0
        while not self._stop.is_set():
            source = f"{name}-{number}"
            while not self._posted(source, dice) and not self._stop.is_set():
                self.unanswered += 1
                time.sleep(dice.uniform(0, 0.05))
            number += 1

    def _posted(self, source: str, dice: random.Random) -> bool:
        """Post one, over a connection of its own. True: it was acknowledged."""
        connection = http.client.HTTPConnection("127.0.0.1", dice.choice(self._ports), timeout=20)
        try:
            body = json.dumps(interaction(source))
            connection.request("POST", "/v1/interactions", body, headers(self._key))
            answer = connection.getresponse()
            told = answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        if answer.status in (200, 201):
            self.acknowledged.add(source)
            return True
        if answer.status != 503:
            self.refused.append((answer.status, told))
        return False


def interaction(source: str) -> dict[str, object]:
    """Always the same for the same source id."""
    person = crc32(source.encode()) % PEOPLE
    author = {
        "role": "author",
        "handle": f"email:person{person}@example.org",
        "name": "Ann Archer",
        "standing": "verified",
    }
    return {
        "account": "inbox", "source_id": source, "kind": "message", "direction": "inbound",
        "occurred_at": "2026-03-02T09:00:00Z", "text": f"I am {source}", "parties": [author],
        "thread": {"key": source, "parent": f"thread-{person}"},
    }  # fmt: skip


def headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}


def resend(port: int, key: str, sources: list[str]) -> list[str]:
    """Post all of these again, in batches; returns the state of each."""
    states: list[str] = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for start in range(0, len(sources), 500):
        batch = [interaction(source) for source in sources[start : start + 500]]
        connection.request("POST", "/v1/interactions/batch", json.dumps({"interactions": batch}), headers(key))
        answer = json.loads(connection.getresponse().read())
        states += [line.get("state", line.get("error", {}).get("code", "")) for line in answer["results"]]
    connection.close()
    return states
