"""The fast way of reading a body refuses whatever the slow one does."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinline.errors import KinlineError
from kinline_api.json_body import BodyDecoder, plain
from kinline_api.typed import InteractionIn, read_interaction

TEXTS = st.text(alphabet=st.sampled_from('ab":,{}[]\\ \t\u00e91 0/u'), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
BLANKS = st.text(alphabet=" \t\n\r", max_size=2)
slow = BodyDecoder(InteractionIn)


def verdict(read: Any, raw: bytes) -> str:
    try:
        read(raw)
    except KinlineError as error:
        return error.code
    return "fine"


@settings(max_examples=400)
@given(
    members=st.lists(st.tuples(st.sampled_from(["text", "subject", "facts", "parties"]), TEXTS | VALUES), max_size=4),
    blanks=st.lists(BLANKS, min_size=3, max_size=3),
)
def test_fast_and_slow_agree_on_every_body(members: list[tuple[str, Any]], blanks: list[str]) -> None:
    # Given a body with fields that may stand twice, with blanks anywhere
    before, after, between = blanks
    fixed = '"account":"a","source_id":"s","kind":"message","direction":"inbound"'
    rest = "".join(
        f",{before}{json.dumps(name)}{after}:{between}{json.dumps(value, ensure_ascii=False)}"
        for name, value in members
    )
    raw = f"{{{fixed}{rest}}}".encode()

    # Then both ways of reading say the same, but for which of two mistakes comes first
    fast, careful = verdict(read_interaction, raw), verdict(slow.read, raw)
    assert (fast == "fine") == (careful == "fine"), (fast, careful, raw)


@pytest.mark.parametrize(
    "raw",
    [b'{"a":{"b":[1,2,"x:y"]},"c":"\xc3\xa9"}', b'{"text":"12345678901234567 :-"}'.replace(b" :-", b"")],
)
def test_a_usual_body_is_plain(raw: bytes) -> None:
    assert plain(raw)


@pytest.mark.parametrize(
    "raw", [b'{"a" :1}', b'{"a"\n:1}', b'{"a":"\\u0041"}', b'{"a":1234567890123456789}', b"[" * 65]
)
def test_a_suspicious_body_is_not(raw: bytes) -> None:
    assert not plain(raw)


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "raw",
    [b'{"text":"' + b'\\"' * 500_000, b"\\" * 1_000_000, b'"' * 1_000_000, b'{"a":' * 200_000, b'"":' * 300_000],
)
def test_a_hostile_megabyte_is_refused_in_a_moment(raw: bytes) -> None:
    assert verdict(read_interaction, raw) in ("json_invalid", "json_too_deep", "unknown_field")
