"""The schema for editors: it takes what is good, refuses what is wrong by its shape, and explains every word."""

import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from kinline.triggers import as_data, read, schema
from kinline.triggers.shipped import shipped_texts
from kinline.triggers.yaml_positions import load
from kinline.words import Kind

PAGE = (Path(__file__).parents[2] / "docs" / "triggers.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
DATA = yaml.safe_load((Path(__file__).parents[1] / "bad_inputs" / "triggers.yaml").read_text("utf-8"))
#: Mistakes of the shape: a schema sees them all.
OF_SHAPE = {"unknown_condition", "unknown_field", "not_yet", "missing_field", "wrong_type"}
#: Wrong values that it sees too. It compares no two values and adds nothing up: the rest is seen on saving.
SEEN = {
    "R11 delay of minus one",
    "R16 unknown kind",
    "R16 unknown word for whom",
    "R16 both conditions at once",
    "a class for people only",
    "a clock that is none",
    "a group by another name",
    "a calendar without a name",
    "a habit shorter than itself",
    "a usual gap in words",
}


@pytest.fixture(scope="module")
def validator() -> Any:
    found = schema()
    jsonschema_rs.meta.validate(found)
    return jsonschema_rs.validator_for(found)


@pytest.mark.parametrize("text", [*EXAMPLES, *shipped_texts().values()], ids=lambda text: text.partition("\n")[0])
def test_every_example_and_every_shipped_trigger_is_valid(validator: Any, text: str) -> None:
    assert [each.message for each in validator.iter_errors(load(text).data)] == []
    assert validator.is_valid(_listed(as_data(read(text))))


def _wrong_by_shape() -> list[Any]:
    cases = [case for case in DATA["cases"] if "change" in case and (case["code"] in OF_SHAPE or case["is"] in SEEN)]
    assert {case["is"] for case in cases} >= SEEN
    return [pytest.param(case, id=case["is"]) for case in cases]


@pytest.mark.parametrize("case", _wrong_by_shape())
def test_what_is_wrong_by_its_shape_is_refused(validator: Any, case: dict[str, Any]) -> None:
    text = DATA["base"]
    for old, new in (case["change"], case.get("change_too", ["name", "name"])):
        text = text.replace(old, new, 1)

    assert not validator.is_valid(load(text).data)


def test_every_word_says_what_it_means_and_nothing_else_may_stand_there() -> None:
    parts = {name: part for name, part in schema()["$defs"].items() if "properties" in part}

    bare = {
        f"{n}.{word}"
        for n, part in parts.items()
        for word, it in part["properties"].items()
        if not it.get("description")
    }
    assert bare == set()
    assert {name for name, part in parts.items() if part["additionalProperties"] is not False} == set()
    assert {name for name, part in parts.items() if not part.get("description")} == set()


def test_the_schema_knows_every_condition_and_every_kind() -> None:
    condition, kinds = schema()["$defs"]["ConditionDefinition"], schema()["$defs"]["Kind"]["enum"]

    conditions = "did silence broken_habit sequence answered_by_peer stage time receipt all any not"
    assert set(condition["properties"]) >= set(conditions.split())
    assert (condition["minProperties"], condition["maxProperties"]) == (1, 1)
    assert set(kinds) == set(map(str, Kind))


def _listed(data: Any) -> Any:
    """Tuples as JSON has them."""
    if isinstance(data, dict):
        return {key: _listed(value) for key, value in data.items()}
    return [_listed(value) for value in data] if isinstance(data, list | tuple) else data


def test_the_schema_for_editors_knows_every_action() -> None:
    found = schema()["$defs"]

    assert set(found["ActionPart"]["properties"]) == {
        "message", "task", "tag", "stage", "attribute", "webhook", "start", "stop", "publish", "wait",
    }  # fmt: skip
    assert {"type": "string", "maxLength": 500} in found["ActionPart"]["properties"]["wait"]["anyOf"]
    assert set(found["Pause"]["required"]) == {"for"}
    assert found["Publish"]["properties"]["approval"]["default"] is True
