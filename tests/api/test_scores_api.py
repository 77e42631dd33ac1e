"""How an interaction is judged, over HTTP: read, shown on the timeline, and corrected by hand."""

from typing import Any

import pytest
from litestar.testing import TestClient

from kinline.hub import Hub
from kinline.scoring.judging import judge
from kinline_api.app import Application

Door = TestClient[Application]


@pytest.fixture
def about(hub: Hub, door: Door, message: Any) -> str:
    """Ann's complaint, judged by the scorer that comes with the hub."""
    text = "My parcel has not arrived and nobody answers. This is unacceptable!"
    interaction: str = door.post("/v1/interactions", json=message(text=text)).json()["id"]
    judge(hub, [interaction])
    return interaction


def test_what_a_scorer_found_is_read_with_its_version(door: Door, about: str) -> None:
    scores = door.get(f"/v1/interactions/{about}/scores").json()["scores"]

    found = {each["what"]: each for each in scores}
    assert found["topic"] | {"at": "", "confidence": 1} == {
        "what": "topic", "value": "complaint", "confidence": 1, "language": "en", "scorer": "lexicon", "version": "1",
        "at": "", "by": "", "counts": True,
    }  # fmt: skip
    assert found["sentiment"]["value"] < -0.5
    assert door.get(f"/v1/interactions/{about}").json()["scores"] == scores


def test_the_timeline_shows_what_is_known(door: Door, about: str) -> None:
    [entry] = door.get("/v1/people/email:ann@example.org/timeline").json()["entries"]

    assert (entry["judged"]["topic"], entry["judged"]["language"]) == ("complaint", "en")


def test_a_human_corrects_it_and_nothing_is_rewritten(door: Door, about: str) -> None:
    before = door.get(f"/v1/interactions/{about}/scores").json()["scores"]

    answer = door.post(f"/v1/interactions/{about}/scores", json={"what": "topic", "value": "delivery", "agent": "Cleo"})

    assert answer.status_code == 201
    *rest, last = answer.json()["scores"]
    assert [each | {"counts": True} for each in rest] == before
    assert [each["counts"] for each in rest if each["what"] == "topic"] == [False]
    told = {name: last[name] for name in ("what", "value", "confidence", "scorer", "by", "counts")}
    assert told == {
        "what": "topic",
        "value": "delivery",
        "confidence": 1,
        "scorer": "person",
        "by": "Cleo",
        "counts": True,
    }
    [entry] = door.get("/v1/people/email:ann@example.org/timeline").json()["entries"]
    assert entry["judged"]["topic"] == "delivery"


def test_a_human_may_say_that_nobody_can_tell(door: Door, about: str) -> None:
    door.post(f"/v1/interactions/{about}/scores", json={"what": "topic", "value": None})

    [entry] = door.get("/v1/people/email:ann@example.org/timeline").json()["entries"]
    assert "topic" not in entry["judged"]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"what": "mood", "value": 1}, "unknown_value", "/what"),
    ({"what": "sentiment", "value": 1.01}, "wrong_value", "/value"),
    ({"what": "sentiment", "value": "bad"}, "wrong_value", "/value"),
    ({"what": "topic", "value": 3}, "wrong_value", "/value"),
    ({"what": "topic", "value": ""}, "wrong_value", "/value"),
    ({"what": "topic", "value": "x" * 101}, "wrong_value", "/value"),
    ({"what": "topic", "value": "a\u0007b"}, "wrong_value", "/value"),
    ({"what": "language", "value": "Spanish"}, "wrong_value", "/value"),
    ({"what": "topic"}, "required", "/value"),
]


def test_a_wrong_correction_is_refused(door: Door, about: str) -> None:
    for body, code, pointer in WRONG:
        answer = door.post(f"/v1/interactions/{about}/scores", json=body)

        problem = answer.json()
        assert (answer.status_code, problem["code"], problem.get("pointer")) == (422, code, pointer), body


def test_of_what_says_nothing_nothing_can_be_said(door: Door, message: Any) -> None:
    like = door.post("/v1/interactions", json=message(text="", source_id="like")).json()["id"]

    answer = door.post(f"/v1/interactions/{like}/scores", json={"what": "topic", "value": "praise"})

    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_interaction")


def test_who_may_not_see_it_neither_reads_nor_corrects(door: Door, about: str, key: Any) -> None:
    assert door.patch("/v1/accounts/inbox", json={"teams": ["south"]}).status_code == 200
    outside = key("read", "desk", teams=("north",))

    for answer in (
        door.get(f"/v1/interactions/{about}/scores", headers=outside),
        door.post(f"/v1/interactions/{about}/scores", json={"what": "topic", "value": "praise"}, headers=outside),
    ):
        assert answer.status_code == 404
