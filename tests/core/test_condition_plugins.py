"""A plugin brings a word of its own for ``when``; whatever is wrong with it, everything else goes on."""

import itertools
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import jsonschema_rs
import pytest

import burst
from burst import HOUR, Burst
from kinline import Moment, hookimpl
from kinline.contract import plugins
from kinline.contract.condition import SHIPPED
from kinline.contract.plugins import channels, load
from kinline.errors import Invalid
from kinline.testing.condition_contract import START, ConditionContract, seen
from kinline.triggers import Fire, History, Wait, as_data, evaluate, read, read_data, read_trigger, schema
from kinline.triggers import compiled as stored
from kinline.triggers.conditions import condition_types

TEXT = "name: busy\nabout: A test.\nwhen: %s\ndo: [{task: {team: a, title: b}}]\n"
HISTORY = History.of([seen(0, 0), seen(1, 0.5), seen(2, 5)])


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(channels().conditions, "burst", Burst)
    monkeypatch.setattr(Burst, "taught", None)
    schema.cache_clear()
    stored.cache_clear()
    yield
    schema.cache_clear()
    stored.cache_clear()


class TestBurst(ConditionContract):
    condition = Burst
    samples = (({"count": 2}, (0, 0.5, 5), (0.5,)), ({"later": 2}, (0, 0.5), (2.5,)))


def fires(when: str, history: History = HISTORY, now: int = START + 9 * HOUR) -> list[int]:
    found = evaluate(read_trigger(TEXT % when), history, now)
    return [each.at - START for each in found if isinstance(each, Fire)]


@pytest.mark.usefixtures("installed")
def test_its_word_is_written_evaluated_and_explained_like_every_other() -> None:
    trigger = read_trigger(TEXT % "{burst: {count: 2}}")

    [fire] = evaluate(trigger, HISTORY, START + 9 * HOUR)

    assert isinstance(fire, Fire)
    assert (fire.at - START, fire.evidence.interactions) == (HOUR // 2, ("0", "1"))
    assert fire.evidence.read == {"burst.count": 2}
    assert trigger.concerns("message", "inbound", "email")
    assert not trigger.concerns("message", "outbound", "email")
    assert trigger.warnings == ()


@pytest.mark.usefixtures("installed")
def test_it_stands_beside_others_and_waits() -> None:
    assert fires("{all: [{did: {kind: message}}, {not: {burst: {count: 2}}}]}") == [0]
    [waits] = evaluate(read_trigger(TEXT % "{burst: {later: 20}}"), HISTORY, START + 9 * HOUR)
    assert isinstance(waits, Wait)
    assert waits.due_at == START + 20 * HOUR + HOUR // 2


@pytest.mark.usefixtures("installed")
def test_what_is_written_under_it_is_checked_kept_and_part_of_the_conditions_id() -> None:
    for wrong, pointer, code in (
        ("{burst: {coutn: 2}}", "/when/burst/coutn", "unknown_field"),
        ("{burst: {count: two}}", "/when/burst/count", "wrong_type"),
        ("{all: [{burst: {count: 13}}]}", "/when/all/0/burst", "wrong_value"),
        ("{brust: {}}", "/when/brust", "unknown_condition"),
    ):
        with pytest.raises(Invalid) as caught:
            read_trigger(TEXT % wrong)
        assert (caught.value.pointer, caught.value.code) == (pointer, code)

    one, other = (read_trigger(TEXT % f"{{burst: {{count: {count}}}}}") for count in (3, 4))
    assert one.condition_id != other.condition_id
    assert as_data(one.definition)["when"] == {"burst": {"count": 3}}
    assert read_data(as_data(one.definition)) == read(TEXT % "{burst: {count: 3}}")


@pytest.mark.usefixtures("installed")
def test_its_schema_stands_in_the_schema_of_triggers() -> None:
    validator = jsonschema_rs.validator_for(schema())
    data: dict[str, Any] = {"name": "a", "about": "b", "do": [{"tag": {"add": "x"}}]}

    assert validator.is_valid(data | {"when": {"burst": {"count": 2}}})
    assert not validator.is_valid(data | {"when": {"burst": {"cuont": 2}}})
    assert schema()["$defs"]["ConditionDefinition"]["properties"]["burst"]["description"] == "Much at once."


def _raises(given: Sequence[Any]) -> Any:
    raise RuntimeError("a bug")


def _exits(given: Sequence[Any]) -> Any:
    raise SystemExit(1)


HOSTILE = {
    "raises": _raises,
    "ends the process": _exits,
    "nothing": lambda given: None,
    "words": lambda given: ["now"],
    "endless": lambda given: itertools.repeat(Moment(at=START, interactions=("0",))),
    "a moment of nothing": lambda given: [Moment(at=START, interactions=())],
    "what was never seen": lambda given: [Moment(at=START, interactions=("stranger",))],
    "no time": lambda given: [Moment(at="soon", interactions=("0",))],  # type: ignore[arg-type]
    "before all times": lambda given: [Moment(at=-(2**70), interactions=("0",))],
    "an object to read": lambda given: [Moment(at=START, interactions=("0",), read={"x": object()})],  # type: ignore[dict-item]
}


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("does", HOSTILE.values(), ids=HOSTILE)
def test_one_that_fails_says_nothing_also_in_a_denial(does: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Burst, "taught", staticmethod(does))

    assert fires("{burst: {}}") == []
    assert fires("{all: [{did: {kind: message}}, {not: {burst: {}}}]}") == []
    assert fires("{did: {kind: message}}") != []


def test_a_stored_trigger_whose_plugin_is_gone_waits_for_it(installed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TEXT % "{any: [{burst: {count: 3}}, {did: {kind: message}}]}"
    before = stored("t", text).condition_id

    # When the plugin is not installed any more
    monkeypatch.delitem(channels().conditions, "burst")
    stored.cache_clear()

    # Then it is still read and the same, decides nothing, and no new one may be written
    gone = stored("t", text)
    assert (gone.condition_id, evaluate(gone, HISTORY, START + HOUR)) == (before, ())
    with pytest.raises(Invalid, match="there is no condition `burst`"):
        read_trigger(text)


def test_the_shipped_words_are_nobody_elses() -> None:
    assert {word for word, each in condition_types().items() if not each.from_plugin} == SHIPPED


class Did(Burst):
    name = "did"


class Old(Burst):
    contract = 0


class Wordless(Burst):
    words = dict  # type: ignore[assignment]


def plugin(monkeypatch: pytest.MonkeyPatch, given: Any) -> EntryPoint:
    module = ModuleType("plugin_condition")

    @hookimpl
    def kinline_condition() -> Any:
        return given

    vars(module)["kinline_condition"] = kinline_condition
    monkeypatch.setitem(__import__("sys").modules, "plugin_condition", module)
    return EntryPoint("bad", "plugin_condition", "kinline")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Did, "ships with the hub"),
        (Old, "contract 0"),
        (Wordless, "subclass of kinline.ConditionWords"),
        ("burst", "one subclass of kinline.Condition"),
    ],
)
def test_a_condition_that_is_none_is_left_out_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, given: Any, reason: str
) -> None:
    found = load([plugin(monkeypatch, given)])

    assert found.conditions == {}
    assert reason in found.failed[0].reason


def test_an_import_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "IMPORT_PATIENCE", 0.05)
    monkeypatch.setattr(EntryPoint, "load", lambda self: __import__("time").sleep(0.5))

    found = load([EntryPoint("slow", burst.__name__, "kinline")])

    assert "its import took longer" in found.failed[0].reason
