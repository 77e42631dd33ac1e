"""Standard Webhooks: who sent a call, and when."""

import base64
from collections.abc import Iterator

import pytest

from kinline import VerificationFailed, clock, signatures
from kinline.errors import Misconfigured

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-six bytes").decode()
OTHER = "whsec_" + base64.b64encode(b"another of twenty-six bytes!").decode()
NOW = 1_800_000_000
BODY = '{"text": "Grüße"}'.encode()


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with clock.frozen(NOW * clock.SECOND):
        yield


def signed(at: int = NOW) -> dict[str, str]:
    return signatures.headers([SECRET], "msg_1", at, BODY)


def test_a_call_that_we_signed_is_ours() -> None:
    assert signatures.verify([SECRET], signed(), BODY) == "msg_1"


@pytest.mark.parametrize("secret", [SECRET.removeprefix("whsec_"), SECRET.rstrip("="), f" {SECRET} "])
def test_a_secret_is_read_as_people_paste_it(secret: str) -> None:
    assert signatures.verify([secret], signed(), BODY) == "msg_1"


def test_while_a_secret_is_changed_the_old_and_the_new_are_good() -> None:
    both = signatures.headers([OTHER, SECRET], "msg_1", NOW, BODY)

    assert signatures.verify([SECRET], both, BODY) == "msg_1"
    assert signatures.verify([OTHER, SECRET], signed(), BODY) == "msg_1"


def test_signatures_of_versions_we_do_not_know_are_passed_over() -> None:
    given = signed()
    given["webhook-signature"] = f"v2,abc v1a,{given['webhook-signature'][3:]} {given['webhook-signature']}"

    assert signatures.verify([SECRET], given, BODY) == "msg_1"


@pytest.mark.parametrize("off", [-301, 301])
def test_a_call_that_is_no_longer_or_not_yet_true_is_refused(off: int) -> None:
    with pytest.raises(VerificationFailed) as refused:
        signatures.verify([SECRET], signed(at=NOW + off), BODY)

    assert refused.value.code == "stale"


@pytest.mark.parametrize("off", [-300, 300])
def test_five_minutes_are_still_now(off: int) -> None:
    assert signatures.verify([SECRET], signed(at=NOW + off), BODY)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"webhook-id": "msg_2"}, "wrong_signature"),
        ({"webhook-timestamp": str(NOW + 1)}, "wrong_signature"),
        ({"webhook-signature": "v1,AAAA"}, "wrong_signature"),
        ({"webhook-signature": "v1,\udcff"}, "wrong_signature"),
        ({"webhook-signature": "v1,ä " * 5_000}, "wrong_signature"),
        ({"webhook-id": ""}, "no_signature"),
        ({"webhook-timestamp": ""}, "no_signature"),
        ({"webhook-signature": ""}, "no_signature"),
        ({"webhook-timestamp": "now"}, "bad_signature"),
        ({"webhook-timestamp": "٣"}, "bad_signature"),
        ({"webhook-timestamp": "9" * 4_000}, "bad_signature"),
        ({"webhook-id": "a\nb"}, "bad_signature"),
    ],
)
def test_a_call_that_was_changed_on_the_way_is_refused(changed: dict[str, str], code: str) -> None:
    with pytest.raises(VerificationFailed) as refused:
        signatures.verify([SECRET], signed() | changed, BODY)

    assert refused.value.code == code


def test_another_body_and_another_secret_are_refused() -> None:
    with pytest.raises(VerificationFailed):
        signatures.verify([SECRET], signed(), BODY + b" ")
    with pytest.raises(VerificationFailed):
        signatures.verify([OTHER], signed(), BODY)
    with pytest.raises(VerificationFailed):
        signatures.verify([], signed(), BODY)


@pytest.mark.parametrize("secret", ["", "whsec_", "not base64!", "whsec_ä"])
def test_a_secret_that_is_none_is_said_to_be_none(secret: str) -> None:
    with pytest.raises(Misconfigured):
        signatures.verify([secret], signed(), BODY)


def test_an_id_cannot_be_read_as_part_of_the_time() -> None:
    with pytest.raises(ValueError, match="full stop"):
        signatures.headers([SECRET], "msg.1", NOW, BODY)
