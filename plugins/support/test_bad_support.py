"""Each bad input gets exactly the answer that tests/bad_inputs/support.yaml gives it."""

import hmac
import json
import time
from base64 import b64encode
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from kinline import Interaction, Request, Unreadable, VerificationFailed, clock
from kinline.testing.channel_contract import understand
from kinline_support import SupportChannel, decoding
from kinline_support.settings import SupportSettings

SETTINGS = SupportSettings(desk="desk.example.org", webhook_secret="a secret for tests only")
BAD = yaml.safe_load((Path(__file__).parents[2] / "tests" / "bad_inputs" / "support.yaml").read_text())
NOW = 1_731_060_727 * clock.SECOND  # 2024-11-08T10:12:07Z


def call_of(case: dict[str, Any]) -> Request:
    body = case.get("body", '{"type": "zen:event-type:ticket.created"}').encode()
    stamp = str(case.get("stamp", clock.to_text(NOW + case.get("at", 0) * clock.SECOND)))
    secret = case.get("secret", SETTINGS.webhook_secret).encode()
    right = b64encode(hmac.digest(secret, stamp.encode() + case.get("sign", body.decode()).encode(), sha256)).decode()
    signature = case.get("prefix", "") + case.get("signature", right)
    headers = {"x-zendesk-webhook-signature": signature, "x-zendesk-webhook-signature-timestamp": stamp}
    return Request(method="POST", headers=headers, query={}, body=body)


def body_of(case: dict[str, Any]) -> bytes:
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    if "repeat" in case:
        left, times, right = case["repeat"]
        return f"{left * times}{right * times}".encode()
    if "event" in case:
        return event(**case["event"])
    if "replace" in case:
        old, digits = case["replace"]
        return str(case["body"]).replace(old, f'"id": {"9" * digits}').encode()
    return str(case["body"]).encode()


def event(time: Any = "2024-11-08T10:12:07Z", comment_id: Any = 1400) -> bytes:
    comment = {"id": comment_id, "body": "It leaks.", "is_public": True, "author": {"id": "7", "is_staff": False}}
    found = {"type": "zen:event-type:ticket.comment_added", "time": time, "detail": {"id": "1", "requester_id": "7"}}
    return json.dumps({**found, "event": {"comment": comment}}).encode()


def verdict_on(call: Request) -> str:
    try:
        SupportChannel().verify(call, SETTINGS)
    except VerificationFailed as refusal:
        return refusal.code
    return "ok"


def answer_to(raw: bytes) -> Any:
    try:
        [found] = understand(SupportChannel(), raw, SETTINGS)
    except Unreadable as refusal:
        return refusal.code
    return found["broken"] if isinstance(found, dict) else json.loads(msgspec.json.encode(found[0]))


@pytest.mark.parametrize("case", BAD["calls"], ids=lambda case: str(case["id"]))
def test_a_bad_call_is_refused_for_its_reason(case: dict[str, Any]) -> None:
    with clock.frozen(NOW):
        found = verdict_on(call_of(case))

    assert found == case["answer"], case["why"]


@pytest.mark.parametrize("case", BAD["bodies"], ids=lambda case: str(case["id"]))
def test_a_bad_body_gets_its_answer(case: dict[str, Any]) -> None:
    found = answer_to(body_of(case))

    if isinstance(case["answer"], str):
        assert found == case["answer"], case["why"]
    else:
        assert {name: found.get(name) for name in case["answer"]} == case["answer"], case["why"]


def test_without_a_secret_nobody_may_call() -> None:
    with clock.frozen(NOW), pytest.raises(VerificationFailed) as refusal:
        SupportChannel().verify(call_of({"secret": ""}), SupportSettings())

    assert refusal.value.code == "no_secret"


def test_a_document_over_the_limit_is_refused_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_DOCUMENT", 1000)
    whole = json.dumps({"tickets": [{"id": number} for number in range(200)]}, indent=1).encode()

    with pytest.raises(Unreadable, match="JSON Lines") as refusal:
        list(understand(SupportChannel(), whole, SETTINGS))

    assert refusal.value.code == "too_large"


def test_a_document_is_not_read_past_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_DOCUMENT", 1000)
    body = BytesIO(b"{\n" + b" " * 100_000)

    with pytest.raises(Unreadable):
        next(decoding.values(body))

    assert body.tell() <= 1002


def test_a_line_over_the_limit_is_left_out_and_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_LINE", 1000)
    lines = [{"id": 1, "subject": "a", "status": "new"}, {"id": 2, "x": "y" * 200_000}, {"id": 3, "requester_id": 4}]
    raw = b"\n".join(json.dumps(line).encode() for line in lines)

    first, second, third = understand(SupportChannel(), raw, SETTINGS)

    assert (first[0]["what"], first[0]["state"]) == ("ticket", "open")
    assert second == {"broken": "too_large"}
    assert third[0]["what"] == "ticket"


def test_hostile_text_is_bounded_and_quick() -> None:
    attack = {
        "id": 1,
        "author_id": 3,
        "body": "<" * 100_000,
        "html_body": "<div>" * 100_000,
        "created_at": "2024-01-01T00:00:00" + "0" * 100_000,
        "via": {"channel": " " * 100_000},
        "attachments": [{}] * 100_000 + [{"file_name": "x" * 100_000, "size": 10**17}] * 500,
    }
    raw = json.dumps({"ticket": {"id": 1, "requester_id": 2, "subject": " " * 100_000}, "comments": [attack]}).encode()

    *_, found = understand(SupportChannel(), raw, SETTINGS)

    made = msgspec.convert({k: v for k, v in found[0].items() if k != "what"}, Interaction)
    assert len(made.text) == 100_000
    assert made.flags == ("bad_date", "side_guessed", "html_left_out")
    assert len(made.attachments) <= 200


@pytest.mark.alone
@pytest.mark.parametrize(
    "attack", ["<div>" * 200_000, "".join(f"<b id={n}><p>" for n in range(1_000)), "\xa0" * 900_000, "&" * 900_000]
)
def test_html_made_to_be_slow_is_left_out_or_bounded(attack: str) -> None:
    before = time.process_time()
    comment = {"id": 1, "author_id": 2, "html_body": attack, "body": "hello", "created_at": "2024-01-01T00:00:00Z"}
    raw = json.dumps({"ticket": {"id": 1, "requester_id": 2}, "comments": [comment]}).encode()

    *_, [found] = understand(SupportChannel(), raw, SETTINGS)

    assert "html_left_out" in found["flags"]
    assert found["text"] == "hello"
    assert time.process_time() - before < 5


def test_text_beyond_a_million_characters_is_cut_and_marked() -> None:
    long = "é" * 1_000_001
    comment = {"id": 1, "author_id": 2, "body": long, "html_body": long, "created_at": "2024-01-01T00:00:00Z"}
    raw = json.dumps({"ticket": {"id": 1, "requester_id": 2}, "comments": [comment]}).encode()

    *_, [found] = understand(SupportChannel(), raw, SETTINGS)

    assert len(found["text"]) == 1_000_000
    assert found["flags"] == ("text_cut", "html_left_out")
    assert "html" not in found
