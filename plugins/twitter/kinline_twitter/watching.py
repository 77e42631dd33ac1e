"""Being woken by X: the filtered stream, read by a thread of its own.

It is an accelerator and nothing hangs on it: what it brings is kept, and the timelines are asked as well, so what was said
while it was down is not missed. X sends a line break every 20 seconds; after silence, an end or an error it connects again,
waiting as docs.x.com ("Handling disconnections") asks: 250 ms more each time after a broken line, from 5 seconds doubling
after an error, from a minute doubling after 429.
"""

import json
import queue
import threading
from urllib.parse import urlencode

from kinline import ChannelError, http
from kinline_twitter.answers import decoded, reason
from kinline_twitter.calling import POSTS, Caller, base_of
from kinline_twitter.fields import Json, objects, words
from kinline_twitter.settings import TwitterSettings

RULES = "/2/tweets/search/stream/rules"
STREAM = "/2/tweets/search/stream"
IDLE = 30.0  #: seconds of silence after which a stream is dead
LONGEST_LINE = 1_000_000
KEPT = 1000  #: lines that wait to be fetched; beyond it the timelines have to do


class Watch:
    """Listens from the moment it is made until `close`. ``state`` is for the account's health."""

    def __init__(self, settings: TwitterSettings, username: str) -> None:
        self._settings, self._username = settings, username
        self._lines: queue.Queue[bytes] = queue.Queue(KEPT)
        self._news, self._over = threading.Event(), threading.Event()
        self.state = "connecting"
        self.pause = 0.0
        self._pieces: http.Pieces | None = None
        threading.Thread(target=self._listen, name="x-stream", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        return self._news.wait(seconds)

    def taken(self) -> list[bytes]:
        """The posts that came since this was asked last, one JSON object each."""
        self._news.clear()
        found = []
        while not self._lines.empty():
            found.append(self._lines.get_nowait())
        return found

    def close(self) -> None:
        """Hang up at once: X allows an app one connection, and whoever comes next wants it."""
        self._over.set()
        if self._pieces is not None:
            self._pieces.stop()

    def _listen(self) -> None:
        failures = 0
        while not self._over.is_set():
            try:
                self._connected()
                failures, self.pause = 0, 0.0
            except ChannelError as error:
                failures += 1
                self.state, self.pause = f"down: {error.detail}", pause_after(error, failures)
            except Exception as error:  # whatever it is, the timelines go on; its health says so
                failures += 1
                self.state, self.pause = f"down: {type(error).__name__}", 320.0
            self._over.wait(self.pause)

    def _connected(self) -> None:
        base, token = base_of(self._settings), self._settings.bearer_token
        keep_rule(Caller(self._settings), self._settings, self._username)
        headers = {"authorization": f"Bearer {token}"}
        url = f"{base}{STREAM}?{urlencode(POSTS)}"
        with http.stream(url, headers=headers, idle=IDLE, trusted=True) as (answer, pieces):
            if not answer.ok:
                raise stream_refusal(answer)
            self.state, rest, self._pieces = "connected", b"", pieces
            for piece in pieces:
                *lines, rest = (rest + piece).split(b"\n")
                if len(rest) > LONGEST_LINE:
                    raise ChannelError("X sent a line without an end.", code="answer_too_long")
                for line in filter(None, (one.strip() for one in lines)):
                    self._came(line)

    def _came(self, line: bytes) -> None:
        told = decoded(line)
        if isinstance(told, dict) and "data" not in told and told.get("errors"):
            raise ChannelError(f"X ended the stream: {reason(line) or 'no reason given'}.", code="disconnected")
        if not self._lines.full():
            self._lines.put_nowait(line)
        self._news.set()


def stream_refusal(answer: http.HttpAnswer) -> ChannelError:
    said = f"X refused the stream with {answer.status}: {reason(answer.body) or 'no reason given'}."
    return ChannelError(said, code="rate_limited" if answer.status == 429 else "refused")


def pause_after(error: ChannelError, failures: int) -> float:
    """Seconds before connecting again."""
    if error.code == "rate_limited":
        return float(min(60 * 2 ** (failures - 1), 900))
    if error.code == "refused":
        return float(min(5 * 2 ** (failures - 1), 320))
    return min(0.25 * failures, 16.0)


def wanted(settings: TwitterSettings, username: str) -> str:
    """The rule: who names us, answers us, and what we write. People are named by id where X takes one."""
    return f"(@{username} OR to:{settings.user_id} OR from:{settings.user_id})"


def keep_rule(caller: Caller, settings: TwitterSettings, username: str) -> None:
    """Have exactly our rule under our tag; the rules of others are left alone. A new handle makes a new rule."""
    tag, value, token = f"kinline:{settings.user_id}", wanted(settings, username), settings.bearer_token
    listed = objects(caller.get("rules", RULES, {"max_results": "1000"}, token=token).value.get("data"))
    ours = [one for one in listed if words(one.get("tag")) == tag]
    if [words(one.get("value")) for one in ours] == [value]:
        return
    if ours:
        _change(caller, {"delete": {"ids": [words(one.get("id")) for one in ours]}}, token)
    _change(caller, {"add": [{"value": value, "tag": tag}]}, token)


def _change(caller: Caller, body: Json, token: str) -> None:
    answer = caller.call("POST", RULES, content=json.dumps(body).encode(), token=token)
    told = decoded(answer.body)
    if not answer.ok or (isinstance(told, dict) and told.get("errors") and "add" in body):
        raise ChannelError(f"X does not take the rule of the stream: {reason(answer.body)}.", code="refused")
