"""The one way out over HTTP: guarded, bounded in time and size."""

import gzip
import ipaddress
import time
from collections.abc import Iterator
from typing import Any

import pytest

from kinline import addresses, http
from kinline.errors import ChannelError, OutcomeUnknown
from kinline.pretend import FakeAnswer, FakeCall, Fault, PretendServer


class Site(PretendServer):
    def settings_for(self, url: str) -> dict[str, Any]:
        return {}

    def routes(self) -> list[Any]:
        return [
            ("GET", "/ok", lambda asked: FakeAnswer({"key": asked.headers.get("authorization", "")})),
            ("GET", "/there", lambda asked: FakeAnswer(status=302, headers={"location": "/ok"})),
            ("GET", "/circle", lambda asked: FakeAnswer(status=302, headers={"location": "/circle"})),
            ("GET", "/inside", lambda asked: FakeAnswer(status=302, headers={"location": "http://[::1]:1/"})),
            ("GET", "/bomb", self.bomb),
            ("GET", "/endless", lambda asked: FakeAnswer(self.endless())),
            ("GET", "/large", lambda asked: FakeAnswer(b"x" * 3_000_000)),
        ]

    def endless(self) -> Iterator[bytes]:
        yield b"one\n"
        yield b"two\n"
        self.hang()

    def bomb(self, asked: FakeCall) -> FakeAnswer:
        return FakeAnswer(gzip.compress(b"\0" * 100_000_000), headers={"content-encoding": "gzip"})


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    found.start()
    yield found
    found.stop()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "192.0.0.192", "224.0.0.1", "0.0.0.0", "::1", "::",
        "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "2002:7f00:1::", "fec0::1", "fe80::1",
        "fd00::1", "ff02::1", "2001:db8::1", "2001:0:7f00:1::",
    ],
)  # fmt: skip
def test_an_address_that_may_be_inside_is_not_public(address: str) -> None:
    assert not addresses.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::1"])
def test_an_ordinary_address_is_public(address: str) -> None:
    assert addresses.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "2130706433", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
def test_a_host_out_of_a_message_that_is_ours_is_never_called(site: Site, host: str) -> None:
    port = site.url.rpartition(":")[2]

    with pytest.raises(ChannelError) as refusal:
        http.call("GET", f"http://{host}:{port}/ok")

    assert (refusal.value.code, refusal.value.permanent, site.calls) == ("private_address", True, [])


@pytest.mark.parametrize(
    "url", ["ftp://example.org", "file:///etc/passwd", "http://a:b@example.org/", "http://", "x", "http://a:99999/"]
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ChannelError) as refusal:
        http.call("GET", url)

    assert (refusal.value.code, refusal.value.permanent) == ("invalid_url", True)


def test_redirects_are_followed_only_when_allowed_and_never_into_the_house(site: Site) -> None:
    key = {"Authorization": "hush"}
    assert http.call("GET", site.url + "/there", trusted=True).status == 302
    found = http.call("GET", site.url + "/there", headers=key, trusted=True, redirects=1)
    assert (found.body, found.url) == (b'{"key":"hush"}', site.url + "/ok")
    with pytest.raises(ChannelError, match="redirects more than"):
        http.call("GET", site.url + "/circle", trusted=True, redirects=3)
    with pytest.raises(ChannelError, match="not on the public internet"):
        http.call("GET", site.url + "/inside", trusted=True, redirects=3)


@pytest.mark.parametrize("path", ["/bomb", "/large"])
def test_an_answer_without_end_is_cut(site: Site, path: str) -> None:
    with pytest.raises(OutcomeUnknown, match="longer than"):
        http.call("GET", site.url + path, trusted=True)


@pytest.mark.alone
@pytest.mark.parametrize("how", ["hang", "half", "drop"])
def test_no_answer_in_time_is_not_known(site: Site, how: str) -> None:
    site.faults.append(Fault(how=how))
    began = time.monotonic()

    with pytest.raises(OutcomeUnknown):
        http.call("GET", site.url + "/ok", trusted=True, deadline=0.5)

    assert time.monotonic() - began < 2


def test_who_is_not_there_surely_got_nothing() -> None:
    with pytest.raises(ChannelError) as refusal:
        http.call("POST", "http://127.0.0.1:1/", content=b"x", trusted=True)

    assert not isinstance(refusal.value, OutcomeUnknown)
    assert refusal.value.code == "unreachable"


def test_an_answer_without_an_end_comes_in_pieces_until_it_falls_silent(site: Site) -> None:
    came: list[bytes] = []
    with http.stream(f"{site.url}/endless", idle=0.3, trusted=True) as (answer, pieces), pytest.raises(OutcomeUnknown):
        came.extend(pieces)

    assert (answer.status, b"".join(came)) == (200, b"one\ntwo\n")


def test_a_stream_that_is_refused_gives_the_refusal(site: Site) -> None:
    with http.stream(f"{site.url}/nothing", trusted=True) as (answer, pieces):
        assert (answer.status, list(pieces)) == (404, [])
    with pytest.raises(ChannelError, match="public internet"), http.stream(f"{site.url}/endless"):
        pass


@pytest.mark.parametrize("path", ["/large", "/bomb"])
def test_of_a_long_answer_the_beginning_can_be_had(site: Site, path: str) -> None:
    answer = http.call("GET", f"{site.url}{path}", trusted=True, longest=1000, cut=True)

    assert (answer.status, len(answer.body)) == (200, 1000)
