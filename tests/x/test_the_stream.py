"""The filtered stream: it wakes us, it breaks, it comes back, and nothing hangs on it."""

import json
import threading

import msgspec
import pytest

from kinline.errors import ChannelError
from kinline.hub import Hub
from kinline.pretend import until
from kinline_twitter.calling import Caller
from kinline_twitter.pretend import APP_TOKEN, PretendX
from kinline_twitter.settings import TwitterSettings
from kinline_twitter.watching import RULES, Watch, keep_rule, pause_after, wanted

from .conftest import Company


def settings(x: PretendX, **more: object) -> TwitterSettings:

    return msgspec.convert({**x.settings, "stream": True, **more}, TwitterSettings)


def test_news_come_in_by_the_stream_long_before_the_next_look(hub: Hub, x: PretendX) -> None:
    # Given an account that looks every ten minutes, and listens
    company = Company(hub, x, poll_every=600, stream=True)
    x.streams.keep_alive = 0.1
    spoken: list[str] = []

    def heard() -> bool:
        if x.streams.open and not spoken:
            spoken.append(x.world.post(x.ann, "Are you there, @exampleroasters?"))
        rows = company.sql("SELECT 1 FROM intake WHERE account_id = {p}", company.account)
        return bool(spoken and rows)

    # When Ann says something
    company.looks(until=heard)

    # Then it is here, once, and health knows of the stream
    assert company.says() == ["Are you there, @exampleroasters?"]
    assert company.health().limits["stream"] == "connected"
    assert [rule["tag"] for rule in x.streams.rules.values()] == [f"kinline:{x.us}"]


def test_what_was_said_while_the_stream_was_down_is_not_missed(hub: Hub, x: PretendX) -> None:
    # Given an app whose one connection somebody else holds
    company = Company(hub, x, poll_every=1, stream=True)
    x.streams.rules["1"] = {"id": "1", "value": "@nobody"}
    other = Watch(settings(x), "exampleroasters")
    assert until(lambda: x.streams.open)

    x.world.post(x.ann, "Hello, @exampleroasters")
    company.looks(until=lambda: "stream" in company.health().limits and "down" in company.health().limits["stream"])
    other.close()

    assert company.says() == ["Hello, @exampleroasters"]


def test_a_stream_that_x_ends_is_opened_again(x: PretendX) -> None:
    watch = Watch(settings(x), "exampleroasters")
    assert until(lambda: x.streams.open)

    x.streams.hang_up()
    assert until(lambda: watch.state.startswith("down"))
    assert "operational reasons" in watch.state
    assert until(lambda: x.streams.open and watch.state == "connected")
    x.world.post(x.ann, "Hello, @exampleroasters")

    assert watch.wait(5)
    [line] = watch.taken()
    assert json.loads(line)["data"]["text"] == "Hello, @exampleroasters"
    watch.close()


def test_who_stops_listening_hangs_up_at_once(x: PretendX) -> None:
    watch = Watch(settings(x), "exampleroasters")
    assert until(lambda: watch.state == "connected")

    watch.close()

    assert until(lambda: "x-stream" not in {thread.name for thread in threading.enumerate()}, 5)


def test_our_rule_follows_our_handle_and_leaves_those_of_others(x: PretendX) -> None:
    caller, ours = Caller(settings(x)), settings(x)
    keep_rule(caller, ours, "exampleroasters")
    x.streams.rules["9"] = {"id": "9", "value": "@somebody", "tag": "theirs"}
    keep_rule(caller, ours, "exampleroasters")
    assert len([call for call in x.calls if (call.method, call.path) == ("POST", RULES)]) == 1

    keep_rule(caller, ours, "roasters")

    values = {rule["value"] for rule in x.streams.rules.values()}
    assert values == {"@somebody", wanted(ours, "roasters")}


@pytest.mark.parametrize(
    ("code", "pauses"),
    [
        ("no_answer", [0.25, 0.5, 0.75, 16.0]),
        ("refused", [5, 10, 20, 320]),
        ("rate_limited", [60, 120, 240, 900]),
    ],
)
def test_who_is_refused_comes_back_more_slowly_each_time(code: str, pauses: list[float]) -> None:
    error = ChannelError("no", code=code)

    assert [pause_after(error, failures) for failures in (1, 2, 3, 100)] == pauses


def test_without_the_apps_token_there_is_no_stream(hub: Hub, x: PretendX) -> None:
    company = Company(hub, x, stream=True, bearer_token="")

    company.looks()

    assert company.health().verdict == "ok"
    assert not [call for call in x.calls if call.headers["authorization"] == f"Bearer {APP_TOKEN}"]
