"""The bad-input catalogue, as far as it concerns this channel. The cases stand in ``tests/bad_inputs/twitter.yaml``."""

import base64
import hashlib
import hmac
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from kinline import Broken, Interaction, Reply, Request, Source, Unreadable, VerificationFailed
from kinline.errors import KinlineError, Malformed
from kinline_twitter import TwitterChannel
from kinline_twitter.settings import TwitterSettings

CASES = yaml.safe_load((Path(__file__).parents[2] / "tests" / "bad_inputs" / "twitter.yaml").read_text("utf-8"))
CHANNEL = TwitterChannel()
SETTINGS = TwitterSettings(user_id="2", consumer_secret="secret")
HEADER = "x-twitter-webhooks-signature"


def cases(section: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", CASES[section], ids=[case["case"] for case in CASES[section]])


def signed(body: bytes, secret: str) -> str:
    return "sha256=" + base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


@cases("webhooks")
def test_a_webhook_call_is_believed_only_when_signed(case: dict[str, Any]) -> None:
    body = case["body"].encode()
    signatures = {"right": signed(body, "secret"), "other": signed(body, "another secret")}
    given = signatures.get(case["signature"], case["signature"])
    call = Request(method="POST", headers={HEADER: given} if given else {}, query={}, body=body)

    try:
        CHANNEL.verify(call, SETTINGS)
        answer = "accepted"
    except KinlineError as refusal:
        answer = refusal.code

    assert answer == case["answer"]


def test_without_a_secret_nobody_is_believed() -> None:
    body = b"{}"
    call = Request(method="POST", headers={HEADER: signed(body, "")}, query={}, body=body)

    with pytest.raises(VerificationFailed):
        CHANNEL.verify(call, TwitterSettings())
    with pytest.raises(VerificationFailed):
        CHANNEL.handshake(Request(method="GET", headers={}, query={"crc_token": "a"}, body=b""), TwitterSettings())


@cases("challenges")
def test_a_challenge_is_answered_or_refused(case: dict[str, Any]) -> None:
    query = {key: "x" * 10_000 if value == "10kB" else value for key, value in case["query"].items()}
    call = Request(method="GET", headers={}, query=query, body=b"")

    try:
        found = CHANNEL.handshake(call, SETTINGS)
        assert isinstance(found, Reply)
        answer = json.loads(found.body)["response_token"]
    except Malformed as refusal:
        assert refusal.status == 400  # noqa: PT017 - the valid challenge is no error
        answer = refusal.code

    assert answer == case["answer"]


def test_a_lone_surrogate_in_a_challenge_is_refused() -> None:
    with pytest.raises(Malformed):
        CHANNEL.handshake(Request(method="GET", headers={}, query={"crc_token": "\udcff"}, body=b""), SETTINGS)


def test_a_post_is_no_challenge() -> None:
    call = Request(method="POST", headers={}, query={"crc_token": "a"}, body=b"")

    assert CHANNEL.handshake(call, SETTINGS) is None


@cases("payloads")
def test_a_payload_gives_exactly_these_items(case: dict[str, Any]) -> None:
    answers: list[str] = []
    recorded: list[Interaction] = []
    for piece in CHANNEL.parse(io.BytesIO(case["body"].encode()), Source(), SETTINGS):
        if isinstance(piece, Broken):
            answers.append(piece.code)
            continue
        try:
            [found] = CHANNEL.normalise(piece, SETTINGS)
        except Unreadable as refusal:
            answers.append(refusal.code)
        else:
            answers.append(getattr(found, "source_id", ""))
            recorded += [found] if isinstance(found, Interaction) else []

    assert answers == case["answer"]
    for key, seen in (
        ("flags", [list(one.flags) for one in recorded]),
        ("times", [one.occurred_at.isoformat() if one.occurred_at else None for one in recorded]),
    ):
        assert key not in case or seen == case[key]


@pytest.mark.parametrize("case", [case for case in CASES["payloads"] if case["case"].startswith(("W17", "W20"))])
def test_a_replay_names_the_same_things(case: dict[str, Any]) -> None:
    raw = case["body"].encode()

    first = [str(piece) for piece in CHANNEL.parse(io.BytesIO(raw), Source(), SETTINGS)]
    after_a_year = [str(piece) for piece in CHANNEL.parse(io.BytesIO(raw), Source(), SETTINGS)]

    assert first == after_a_year
