"""Every bad trigger gets its exact answer: code, place and suggestion."""

import contextlib
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kinline.errors import Invalid
from kinline.triggers import as_data, compile_trigger, read, read_data, read_trigger

DATA = yaml.safe_load((Path(__file__).parents[1] / "bad_inputs" / "triggers.yaml").read_text("utf-8"))
BASE: str = DATA["base"]


def _text(case: dict[str, Any]) -> str:
    if "text" in case:
        return str(case["text"])
    text = BASE
    for old, new in (case["change"], case.get("change_too", ["name", "name"])):
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def test_the_base_of_all_bad_triggers_is_good() -> None:
    assert read_trigger(BASE).name == "rescue-quiet-complaint"


@pytest.mark.parametrize("case", DATA["cases"], ids=lambda case: case["is"])
def test_a_bad_trigger_gets_its_exact_answer(case: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        read_trigger(_text(case))

    wrong = caught.value
    found = {"code": wrong.code, "pointer": wrong.pointer, **{k: v for k, v in wrong.more.items() if k != "within"}}
    assert found == {key: value for key, value in case.items() if key not in ("is", "change", "change_too", "text")}
    assert wrong.detail


WORDS = st.sampled_from(["did", "silence", "all", "not", "of", "for", "kind", "where", "task", "team", "title", "tag"])

BOMBS = {
    "braces": "{" * 60_000,
    "brackets": "[" * 60_000,
    "dashes": "- " * 30_000,
    "question marks": "? " * 30_000,
    "colons": "a: " * 20_000,
    "quotes": "'" * 60_001,
    "ampersands": "&a " * 20_000,
    "blanks": " " * 60_000,
    "deep all": "name: x\nabout: x\nwhen: " + "{all: [" * 1000 + "]}" * 1000,
    "no text": "\x00\x01",
    "a lone surrogate": "name: \ud800",
    "a long file": "#" * 70_000,
    "a long number": "name: " + "9" * 60_000,
    "output braces": "name: x\nabout: x\nwhen: {did: {}}\ndo: [{task: {team: x, title: '" + "{{" * 250 + "'}}]",
    "not utf-8": b"name: \xff",
}


@pytest.mark.alone
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=list(BOMBS))
def test_a_hostile_file_is_refused_at_once(bomb: str | bytes) -> None:
    begun = time.perf_counter()

    with pytest.raises(Invalid):
        read_trigger(bomb)

    assert time.perf_counter() - begun < 2


@given(st.integers(0, len(BASE)), st.text(max_size=12), st.integers(0, 40))
def test_a_trigger_with_anything_typed_into_it_is_read_or_refused(at: int, typed: str, lost: int) -> None:
    with contextlib.suppress(Invalid):
        read_trigger(BASE[:at] + typed + BASE[at + lost :])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)


@given(JSON, st.sampled_from(["name", "about", "when", "who", "do", "limits"]))
def test_a_trigger_of_any_data_is_read_or_refused(data: Any, field: str) -> None:
    with contextlib.suppress(Invalid):
        compile_trigger(read_data(as_data(read(BASE)) | {field: data}))


def test_a_thousand_levels_of_and_are_refused_also_as_data() -> None:
    deep: Any = {"did": {}}
    for _ in range(1000):
        deep = {"all": [deep]}

    with pytest.raises(Invalid) as caught:
        read_data({"name": "x", "about": "x", "when": deep, "do": []})

    assert caught.value.code == "too_deep"
