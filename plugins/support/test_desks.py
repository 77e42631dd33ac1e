"""Chatwoot and Zammad: the conformance suite over their samples, and the exact answer to each bad input."""

import hmac
import json
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
import yaml

from kinline import Request, Unreadable, VerificationFailed, clock
from kinline.testing import ChannelContract
from kinline.testing.channel_contract import understand
from kinline_support import SupportChannel

HERE = Path(__file__).parent
BAD = yaml.safe_load((HERE.parents[1] / "tests" / "bad_inputs" / "desks.yaml").read_text())
SECRET = "a secret for tests only"
NOW = 1_731_060_727 * clock.SECOND  # 2024-11-08T10:12:07Z
CHATWOOT = {"provider": "chatwoot", "desk": "https://desk.example.org", "account": "7", "webhook_secret": SECRET}
ZAMMAD = {"provider": "zammad", "desk": "https://desk.example.org", "webhook_secret": SECRET}
MAKES = {"chatwoot": CHATWOOT, "zammad": ZAMMAD}


class TestChatwoot(ChannelContract):
    channel = SupportChannel
    samples = HERE / "samples_chatwoot"
    settings: ClassVar[dict[str, Any]] = CHATWOOT
    signature_headers = ("x-chatwoot-signature", "x-chatwoot-timestamp")


class TestZammad(ChannelContract):
    channel = SupportChannel
    samples = HERE / "samples_zammad"
    settings: ClassVar[dict[str, Any]] = ZAMMAD
    signature_headers = ("x-hub-signature",)


def settings_of(make: str) -> Any:
    return msgspec.convert(MAKES[make], SupportChannel.settings)


def call_of(make: str, case: dict[str, Any]) -> Request:
    body = case.get("body", '{"event": "message_created"}').encode()
    signed, secret = case.get("sign", body.decode()).encode(), case.get("secret", SECRET).encode()
    stamp = str(case.get("stamp", NOW // clock.SECOND + case.get("at", 0)))
    if make == "chatwoot":
        right = f"sha256={hmac.digest(secret, stamp.encode() + b'.' + signed, sha256).hex()}"
        headers = {"x-chatwoot-signature": case.get("signature", right), "x-chatwoot-timestamp": stamp}
    else:
        right = f"sha1={hmac.digest(secret, signed, sha1).hex()}"
        headers = {"x-hub-signature": case.get("signature", right)}
    return Request(method="POST", headers=headers, query={}, body=body)


def cases(sort: str) -> list[Any]:
    return [pytest.param(make, case, id=f"{make}-{case['id']}") for make in MAKES for case in BAD[make][sort]]


@pytest.mark.parametrize(("make", "case"), cases("calls"))
def test_a_bad_call_is_refused_for_its_reason(make: str, case: dict[str, Any]) -> None:
    with clock.frozen(NOW):
        try:
            SupportChannel().verify(call_of(make, case), settings_of(make))
            found = "ok"
        except VerificationFailed as refusal:
            found = refusal.code

    assert found == case["answer"], case["why"]


def body_of(make: str, case: dict[str, Any]) -> bytes:
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    if "repeat" in case:
        left, times, right = case["repeat"]
        return f"{left * times}{right * times}".encode()
    if "message" in case:
        said = {"event": "message_created", "id": 1, "message_type": "incoming", "content": "x", "sender": {"id": 7}}
        more = {"created_at": "2024-11-08T10:12:07Z", "conversation": {"id": 501}}
        return json.dumps({**said, **more, **case["message"]}).encode()
    if "article" in case:
        said = {"id": 1, "ticket_id": 201, "sender": "Customer", "body": "x", "created_by_id": 71}
        ticket = {"id": 201, "number": "71201", "title": "x", "customer_id": 71}
        return json.dumps(
            {"ticket": ticket, "article": {"created_at": "2024-11-08T10:12:07Z", **said, **case["article"]}}
        ).encode()
    return str(case["body"]).encode()


@pytest.mark.parametrize(("make", "case"), cases("bodies"))
def test_a_bad_body_gets_its_answer(make: str, case: dict[str, Any]) -> None:
    try:
        found = next(iter(understand(SupportChannel(), body_of(make, case), settings_of(make))))
    except Unreadable as refusal:
        found = {"broken": refusal.code}

    if isinstance(case["answer"], str):
        assert found == {"broken": case["answer"]}, case["why"]
    else:
        first = json.loads(msgspec.json.encode(found[0]))
        assert {name: first.get(name) for name in case["answer"]} == case["answer"], case["why"]


@pytest.mark.parametrize("make", sorted(MAKES))
def test_without_a_secret_nobody_may_call(make: str) -> None:
    bare = msgspec.structs.replace(settings_of(make), webhook_secret="")
    with clock.frozen(NOW), pytest.raises(VerificationFailed) as refusal:
        SupportChannel().verify(call_of(make, {"secret": ""}), bare)

    assert refusal.value.code == "no_secret"


@pytest.mark.parametrize("make", sorted(MAKES))
def test_another_makes_body_is_set_aside_and_named(make: str) -> None:
    for path in sorted((HERE / "samples").glob("webhook-*.json")):
        [found] = understand(SupportChannel(), path.read_bytes(), settings_of(make))
        assert found["broken"] in ("unknown_shape", "unknown_event"), path.name


def test_a_desk_of_another_make_gives_other_people() -> None:
    settings = {make: settings_of(make) for make in MAKES}
    assert SupportChannel().instance(settings["chatwoot"]) == "desk.example.org/7"
    assert SupportChannel().gave("chatwoot:desk.example.org/7", "desk.example.org/7")
    assert not SupportChannel().gave("shop", "desk.example.org/7")
    assert not SupportChannel().gave("chatwoot:desk.example.org/8", "desk.example.org/7")
