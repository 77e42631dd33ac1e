"""Sending, against a small server on this machine that answers as X would, and worse."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import msgspec
import pytest

from kinline import ChannelError, Handle, HandleType, OutcomeUnknown, Outgoing, Post, Prepared
from kinline_twitter import TwitterChannel, outbound
from kinline_twitter.settings import TwitterSettings
from kinline_twitter.weight import weighted_length

CHANNEL = TwitterChannel()
ANN = Handle(HandleType.X_ID, "3001001001")


class FakeX:
    """What it should answer, and what it was asked."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 201, {}, b'{"data":{"id":"1800000000000000001"}}'  # type: ignore[var-annotated]
        self.asked: list[tuple[str, str, bytes]] = []
        self.hang_up = False
        self.wait = 0.0
        self.url = ""


@pytest.fixture
def x() -> Iterator[FakeX]:
    fake = FakeX()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            fake.asked.append((self.path, self.headers["authorization"], body))
            time.sleep(fake.wait)
            if fake.hang_up:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(fake.status)
            for name, value in fake.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(fake.body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Quiet(HTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), Answers)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


def settings(x: FakeX | None = None, **more: Any) -> TwitterSettings:
    return TwitterSettings(
        **{"user_id": "2244001100", "access_token": "token", "api_base": x.url if x else "https://x.example", **more}
    )


def answer(text: str = "Hello Ann", **more: Any) -> Outgoing:
    fields = {"id": "f1", "to": ANN, "answers": "tweet:17", "answered": {"facts": {"tweet_id": "18"}}, **more}
    return Outgoing(text=text, **fields)


def message(text: str = "Hello Ann", **more: Any) -> Outgoing:
    return answer(text, answers="dm:5", answered={}, **more)


def test_an_answer_to_a_post_goes_out_under_it(x: FakeX) -> None:
    prepared = CHANNEL.prepare(answer("Sorry, Ann ☕"), settings(x))
    sent = CHANNEL.send(prepared, settings(x))

    [(path, token, body)] = x.asked
    assert (path, token) == ("/2/tweets", "Bearer token")
    assert json.loads(body) == {"text": "Sorry, Ann ☕", "reply": {"in_reply_to_tweet_id": "18"}}
    assert sent.source_id == "tweet:1800000000000000001"
    assert prepared.thread is not None
    assert prepared.thread.parent == "18"


def test_anything_else_goes_out_as_a_direct_message(x: FakeX) -> None:
    x.body = b'{"data":{"dm_conversation_id":"1-2","dm_event_id":"77"}}'

    prepared = CHANNEL.prepare(message(), settings(x))
    sent = CHANNEL.send(prepared, settings(x))

    assert x.asked[0][0] == "/2/dm_conversations/with/3001001001/messages"
    assert json.loads(x.asked[0][2]) == {"text": "Hello Ann"}
    assert sent.source_id == "dm:77"
    assert prepared.thread is not None
    assert prepared.thread.parent == "dm:2244001100-3001001001"


def test_a_public_post_answers_nobody(x: FakeX) -> None:
    prepared = CHANNEL.prepare_post(Post(id="f1", text="We are open ☕"), settings(x))
    sent = CHANNEL.send(prepared, settings(x))

    assert (x.asked[0][0], json.loads(x.asked[0][2])) == ("/2/tweets", {"text": "We are open ☕"})
    assert sent.source_id == "tweet:1800000000000000001"


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "empty"), ("x" * 281, "too_long"), ("日" * 141, "too_long"), ("@a @b @c @d @e @f", "too_many_mentions")],
)
def test_a_public_post_that_x_would_refuse_is_refused_before(text: str, code: str) -> None:
    # R9
    with pytest.raises(ChannelError) as caught:
        CHANNEL.prepare_post(Post(id="f1", text=text), settings())

    assert (caught.value.code, caught.value.permanent) == (code, True)
    with pytest.raises(ChannelError):
        CHANNEL.prepare_post(Post(id="f1", text="Hello"), settings(access_token=""))


def test_preparing_is_pure() -> None:
    assert CHANNEL.prepare(answer(), settings()) == CHANNEL.prepare(answer(), settings())
    assert msgspec.json.decode(msgspec.json.encode(CHANNEL.prepare(answer(), settings())), type=Prepared)


@pytest.mark.parametrize(
    ("outgoing", "code"),
    [
        (answer("x" * 281), "too_long"),
        (answer("コ" * 141), "too_long"),
        (answer("x" * 100_000), "too_long"),
        (message("x" * 10_001), "too_long"),
        (answer(" \n "), "empty"),
        (message(""), "empty"),
        (answer("@a @b @c @d @e @f hello"), "too_many_mentions"),
        (answer(to=Handle(HandleType.X_HANDLE, "ann_example")), "no_x_id"),
        (answer(to=Handle(HandleType.X_ID, "1/../2")), "no_x_id"),
    ],
)
def test_what_x_would_refuse_is_refused_before(outgoing: Outgoing, code: str) -> None:
    with pytest.raises(ChannelError) as refusal:
        CHANNEL.check(outgoing, settings())

    assert (refusal.value.permanent, refusal.value.code) == (True, code)


@pytest.mark.parametrize("outgoing", [answer("x" * 280), answer("コ" * 140), message("x" * 10_000), answer("@a hi")])
def test_what_just_fits_may_go(outgoing: Outgoing) -> None:
    CHANNEL.check(outgoing, settings())


def test_without_a_token_nothing_goes_out() -> None:
    with pytest.raises(ChannelError) as refusal:
        CHANNEL.check(answer(), settings(access_token=""))

    assert refusal.value.code == "not_configured"


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "permanent"),
    [
        (400, b'{"detail":"bad"}', ChannelError, "refused", True),
        (401, b'{"title":"Unauthorized"}', ChannelError, "not_authorised", True),
        (402, b'{"title":"CreditsDepleted"}', ChannelError, "no_credits", True),
        (403, b'{"detail":"You may not"}', ChannelError, "refused", True),
        (404, b"", ChannelError, "refused", True),
        (301, b"", ChannelError, "refused", True),
        (429, b"{}", ChannelError, "rate_limited", False),
        (403, b'{"detail":"You are not allowed to create a Tweet with duplicate content."}', OutcomeUnknown, "duplicate", False),
        (403, b'{"errors":[{"message":"Status is a duplicate."}]}', OutcomeUnknown, "duplicate", False),
        (500, b"oops", OutcomeUnknown, "server_error", False),
        (503, b"[" * 60_000, OutcomeUnknown, "server_error", False),
        (200, b"<html>", OutcomeUnknown, "no_id", False),
        (201, b'{"data":{"id":1.8e18}}', OutcomeUnknown, "no_id", False),
        (200, b'{"data":[]}', OutcomeUnknown, "no_id", False),
    ],
)  # fmt: skip
def test_each_answer_is_told_for_what_it_is(
    x: FakeX, status: int, body: bytes, kind: type[ChannelError], code: str, permanent: bool
) -> None:
    x.status, x.body = status, body

    with pytest.raises(ChannelError) as refusal:
        CHANNEL.send(CHANNEL.prepare(answer(), settings(x)), settings(x))

    assert (type(refusal.value), refusal.value.code, refusal.value.permanent) == (kind, code, permanent)
    assert len(x.asked) == 1
    assert "token" not in refusal.value.detail


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"x-rate-limit-reset": "in ten minutes"}, 300, 600),
        ({"x-rate-limit-reset": "0"}, 1, 1),
        ({"x-rate-limit-reset": "9" * 20}, 86_400, 86_400),
        ({"retry-after": "30"}, 30, 30),
        ({"retry-after": "soon"}, 900, 900),
        ({}, 900, 900),
    ],
)
def test_a_full_limit_says_when_to_come_back(x: FakeX, headers: dict[str, str], low: float, high: float) -> None:
    if headers.get("x-rate-limit-reset") == "in ten minutes":
        headers = {"x-rate-limit-reset": str(int(time.time()) + 600)}
    x.status, x.headers = 429, headers

    with pytest.raises(ChannelError) as refusal:
        CHANNEL.send(CHANNEL.prepare(answer(), settings(x)), settings(x))

    assert refusal.value.retry_after is not None
    assert low <= refusal.value.retry_after <= high


def test_a_connection_that_breaks_after_the_handover_leaves_it_open(x: FakeX) -> None:
    x.hang_up = True

    with pytest.raises(OutcomeUnknown):
        CHANNEL.send(CHANNEL.prepare(answer(), settings(x)), settings(x))


def test_silence_after_the_handover_leaves_it_open(x: FakeX) -> None:
    x.wait = 1.0

    with pytest.raises(OutcomeUnknown):
        outbound.send(CHANNEL.prepare(answer(), settings(x)), settings(x), deadline=0.2)


def test_a_closed_port_was_surely_not_sent_and_may_be_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"

        with pytest.raises(ChannelError) as refusal:
            CHANNEL.send(CHANNEL.prepare(answer(), settings()), settings(api_base=closed))

    assert (type(refusal.value), refusal.value.permanent, refusal.value.code) == (ChannelError, False, "unreachable")


@pytest.mark.parametrize("base", ["http://api.example", "ftp://x", "", "http://[", "https://"])
def test_a_token_never_travels_in_the_clear(base: str) -> None:
    with pytest.raises(ChannelError) as refusal:
        CHANNEL.send(CHANNEL.prepare(answer(), settings()), settings(api_base=base))

    assert refusal.value.permanent


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("hello", 5),
        ("コーヒー", 8),
        ("see https://shop.example.com/a/very/long/path?with=query.", 28),
        ("see shop.com, or www.shop.example.com/x", 55),
        ("notes.txt and e.g. this, and 3.14", 33),
        ("mail ann@example.com", 20),
        ("👩‍👩‍👧‍👦🇪🇸1️⃣🙋🏽", 8),
        ("", 0),
    ],
)
def test_lengths_are_counted_as_x_counts_them(text: str, length: int) -> None:
    assert weighted_length(text) == length


@pytest.mark.alone
@pytest.mark.parametrize(
    "piece", ["a.", "http://", "a", "https://a.com/(", "あ", ".", "@", "👩\u200d", "-", "a-", "/?", "1️⃣"]
)
def test_counting_is_quick_on_hostile_texts(piece: str) -> None:
    began = time.perf_counter()

    weighted_length(piece * (100_000 // len(piece)))

    assert time.perf_counter() - began < 2
