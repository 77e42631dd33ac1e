"""The door as a process: real sockets, real signals."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kinline.accounts import connected
from kinline.hub import Hub

Message = Callable[..., dict[str, Any]]
Key = Callable[..., dict[str, str]]


def raw_call(address: str, sent: bytes, *, hang_up: bool = False) -> bytes:
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(sent)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received


def test_a_message_goes_through_a_real_socket(running: str, key: Key, message: Message) -> None:
    with httpx.Client(base_url=running, headers=key("admin")) as client:
        assert client.post("/v1/interactions", json=message()).status_code == 201
        [line] = client.get("/v1/people/email:ann@example.org/timeline").json()["entries"]

    assert line["text"] == "Where is my parcel?"


def test_a_body_over_the_limit_closes_the_connection(running: str, key: Key) -> None:
    # When a body without a length goes on and on
    head = b"POST /v1/interactions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += f"Authorization: {key('record')['Authorization']}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    received = raw_call(running, head + b"186a0\r\n%b\r\n" % (b"x" * 100_000) * 11)

    # Then it is refused and the connection closed
    assert received.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in received.lower()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/people/%00", 404), ("/v1/people/%2e%2e/keys", 404), ("/v1/people/../keys", 404), ("/v1//people", 404),
        ("/v1%2fpeople", 404), ("/v1/people/%c0%ae", 404), ("/v1/people/external:shop%2f42", 404),
    ],
)  # fmt: skip
def test_odd_paths_reach_no_route(running: str, key: Key, path: str, status: int) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {key('admin')['Authorization']}\r\n"

    received = raw_call(running, f"{head}Connection: close\r\n\r\n".encode())

    assert received.startswith(f"HTTP/1.1 {status}".encode())
    assert b"application/problem+json" in received


@pytest.mark.parametrize(
    "head",
    [
        "", "Host: a\r\nHost: localhost\r\n", "Host: localhost\r\nHost: localhost\r\n", "Host: evil.example\r\n",
        "Host: localhost@evil.example\r\n",
    ],
)  # fmt: skip
def test_a_host_must_be_there_once_and_be_ours(running: str, head: str) -> None:
    received = raw_call(running, f"GET /health/live HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode())

    assert received.startswith(b"HTTP/1.1 400")


def test_a_body_that_stops_coming_is_not_waited_for(running: str, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a door with little patience
    monkeypatch.setattr("kinline_api.call.PATIENCE", 0.3)

    # When half a body comes and then nothing
    head = "POST /v1/interactions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += f"Authorization: {key('record')['Authorization']}\r\nContent-Length: 1000\r\n\r\n{{"
    received = raw_call(running, head.encode())

    # Then the call is ended
    assert received.startswith(b"HTTP/1.1 408")
    assert b"too_slow" in received


def test_two_keys_are_none(running: str, key: Key) -> None:
    one, other = key("admin")["Authorization"], key("admin")["Authorization"]
    head = f"GET /v1/people HTTP/1.1\r\nHost: localhost\r\nAuthorization: {one}\r\nAuthorization: {other}\r\n"

    assert raw_call(running, f"{head}Connection: close\r\n\r\n".encode()).startswith(b"HTTP/1.1 401")


def test_who_hangs_up_early_is_recorded_whole_or_not_at_all(hub: Hub, running: str, key: Key, message: Message) -> None:
    # Given a caller who goes away after half a body, and one right after the whole
    body = json.dumps(message()).encode()
    head = f"POST /v1/interactions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"  # noqa: F541
    head += f"Authorization: {key('record')['Authorization']}\r\nContent-Length: {len(body)}\r\n\r\n"
    raw_call(running, head.encode() + body[:50], hang_up=True)
    raw_call(running, head.encode() + body, hang_up=True)

    # When the second comes again
    with httpx.Client(base_url=running, headers=key("record")) as client:
        answer = client.post("/v1/interactions", json=message())

    # Then it was recorded once
    assert (answer.status_code, answer.json()["state"]) in {(200, "duplicate"), (201, "recorded")}


@pytest.mark.alone
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_answers_what_it_accepted_and_ends_well(
    hub: Hub, key: Key, message: Message, stop: signal.Signals
) -> None:
    # Given a door in a process of its own
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "email", "inbox", {})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("KINLINE_")},
        "KINLINE_HOME": str(hub.settings.home), "KINLINE_DATABASE_URL": hub.settings.database,
        "KINLINE_SECRET": hub.settings.secret.get_secret_value(), "KINLINE_PORT": str(port),
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "kinline_api"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=key("record")) as client:
        deadline = time.monotonic() + 60
        while True:
            try:
                assert client.get("/health/ready").status_code == 200
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

        # When it is asked to stop right after a post
        posted = client.post("/v1/interactions", json=message())
        process.send_signal(stop)

    # Then the post is there, and the process ended well
    said, _ = process.communicate(timeout=20)
    assert (process.returncode, posted.status_code) == (0, 201), said.decode()
    assert b"Traceback" not in said
