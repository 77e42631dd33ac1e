"""The stand-in's filtered stream: rules, one connection, keep-alives, backfill, and X hanging up.

docs.x.com, "Filtered Stream" and "Handling disconnections": a line break every 20 seconds while nothing happens, one
connection for an app, 409 without rules, and an ``operational-disconnect`` error as the last line of a stream.
"""

import json
import queue
import threading
from collections.abc import Iterator

from kinline.pretend import FakeAnswer, FakeCall
from kinline_twitter import pretend_rules as rules
from kinline_twitter.fields import Json
from kinline_twitter.pretend_pages import TERM, Pages, matches
from kinline_twitter.pretend_world import World

GOODBYE = {
    "errors": [
        {
            "title": "operational-disconnect", "disconnect_type": "UpstreamOperationalDisconnect",
            "detail": "This stream has been disconnected upstream for operational reasons.",
            "type": f"{rules.PROBLEMS}operational-disconnect",
        }
    ]
}  # fmt: skip


class Streams:
    """``keep_alive`` seconds between line breaks; ``open`` while somebody listens."""

    def __init__(self, world: World, keep_alive: float = 20.0) -> None:
        self._world, self.keep_alive = world, keep_alive
        self.rules: dict[str, Json] = {}
        self._lines: queue.Queue[Json | None] = queue.Queue()
        self._asked: FakeCall | None = None
        self._over = threading.Event()

    @property
    def open(self) -> bool:
        return self._asked is not None

    def list_rules(self, asked: FakeCall, user: str) -> FakeAnswer:
        meta = {"sent": "2026-01-01T00:00:00.000Z", "result_count": len(self.rules)}
        return FakeAnswer({"data": list(self.rules.values()), "meta": meta} if self.rules else {"meta": meta})

    def change_rules(self, asked: FakeCall, user: str) -> FakeAnswer:
        told = asked.json()
        for id in (told.get("delete") or {}).get("ids", []):
            self.rules.pop(id, None)
        made, errors = [], []
        for rule in told.get("add") or []:
            value = str(rule.get("value", ""))
            if len(value) > 1024 or not all(TERM.fullmatch(term) for term in value.strip("()").split(" OR ")):
                errors.append({"value": value, "title": "Invalid Rule", "type": f"{rules.PROBLEMS}invalid-rules"})
            elif any(one["value"] == value for one in self.rules.values()):
                errors.append({"value": value, "title": "DuplicateRule", "type": f"{rules.PROBLEMS}duplicate-rules"})
            else:
                id = self._world.new_id()
                self.rules[id] = {"id": id, "value": value, **({"tag": rule["tag"]} if "tag" in rule else {})}
                made.append(self.rules[id])
        answer = {
            "meta": {"sent": "2026-01-01T00:00:00.000Z", "summary": {"created": len(made), "invalid": len(errors)}}
        }
        return FakeAnswer(answer | ({"data": made} if made else {}) | ({"errors": errors} if errors else {}), 201)

    def stream(self, asked: FakeCall, user: str) -> FakeAnswer:
        if not self.rules:
            return rules.problem(
                409, "RuleConfigurationIssue", "You must define rules before connecting to the stream."
            )
        if self.open:
            return rules.problem(
                429, "ConnectionException", "This stream is currently at the maximum allowed connection limit.",
                f"{rules.PROBLEMS}streaming-connection", connection_issue="TooManyConnections",
            )  # fmt: skip
        self._asked, self._lines, self._over = asked, queue.Queue(), threading.Event()
        since = self._world.now() - 60 * int(asked.one("backfill_minutes") or 0)
        for post in reversed(self._world.newest_versions()):
            if _at(post) > since:
                self.happened("post", post)
        return FakeAnswer(self._flow())

    def happened(self, what: str, post: Json) -> None:
        if what == "post" and self._asked is not None and (hit := self._matching(post)):
            page = Pages(self._world).shown([post], self._asked)
            self._lines.put({**page, "data": page["data"][0], "matching_rules": hit})

    def hang_up(self) -> None:
        """X ends the stream for reasons of its own."""
        self._lines.put(GOODBYE)
        self._lines.put(None)

    def end(self) -> None:
        self._over.set()

    def _matching(self, post: Json) -> list[Json]:
        found = []
        for rule in self.rules.values():
            terms = [TERM.fullmatch(term) for term in rule["value"].strip("()").split(" OR ")]
            if any(matches(self._world, post, term) for term in terms if term):
                found.append({"id": rule["id"], "tag": rule.get("tag", "")})
        return found

    def _flow(self) -> Iterator[bytes]:
        lines, over = self._lines, self._over
        quiet = 0.0
        try:
            yield b"\r\n"
            while not over.is_set():
                try:
                    line = lines.get(timeout=0.05)
                except queue.Empty:
                    quiet += 0.05
                    if quiet >= self.keep_alive:
                        quiet = 0.0
                        yield b"\r\n"
                    continue
                if line is None:
                    return
                yield json.dumps(line).encode() + b"\r\n"
        finally:
            self._asked = None


def _at(post: Json) -> float:
    from kinline_twitter.fields import SNOWFLAKE_EPOCH

    return float((int(post["id"]) >> 22) + SNOWFLAKE_EPOCH) / 1000
