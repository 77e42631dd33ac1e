"""The page about triggers says what is so: its examples compile, and every word of the language stands in it."""

import json
import re
from pathlib import Path

import pytest

from kinline.triggers import actions, as_data, read, read_data, read_trigger
from kinline.triggers import definition as written
from kinline.triggers.expressions import INTERACTION, PERSON
from kinline.triggers.shipped import shipped_texts
from kinline.triggers.templates import FILTERS, ROOTS
from kinline.words import STAGES, Kind, Track

PAGE = (Path(__file__).parents[2] / "docs" / "triggers.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
PARTS = (
    written.Definition,
    written.ConditionDefinition,
    written.Did,
    written.Silence,
    written.BrokenHabit,
    written.Compare,
)
MORE_PARTS = (
    actions.ActionPart, actions.MessageAction, actions.TaskAction, actions.TagAction, actions.StageAction, actions.AttributeAction, actions.Webhook,
    actions.Start, actions.StopAction, actions.Publish, actions.Pause, written.Limits, written.SentimentIs, written.TopicIs,
)  # fmt: skip
EXPERIMENTS = (written.ExperimentDefinition, written.Variant, written.Desired)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.partition("\n")[0])
def test_every_example_compiles_without_a_warning(example: str) -> None:
    assert read_trigger(example).warnings == ()


@pytest.mark.parametrize("text", [*EXAMPLES, *shipped_texts().values()])
def test_a_definition_survives_being_plain_data(text: str) -> None:
    data = as_data(read(text))

    assert read_data(json.loads(json.dumps(data))) == read(text)


def test_every_word_of_the_language_stands_on_the_page() -> None:
    words = {name for part in (*PARTS, *MORE_PARTS, *EXPERIMENTS) for name in part.__struct_encode_fields__}
    words |= {*INTERACTION, *PERSON, *ROOTS, *FILTERS, *written.ONCE_WORDS, *map(str, Kind)}

    assert {word for word in words if not re.search(rf"\b{word}\b", PAGE)} == set()


def test_every_stage_and_every_shipped_move_stands_on_the_page() -> None:
    table = PAGE.partition("## The life cycle")[2]

    assert {stage for track in Track for stage in STAGES[track] if stage not in table} == set()
    assert table.count("\n| ") - 1 == len(shipped_texts())
