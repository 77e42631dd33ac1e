"""From a file to a trigger that acts, step by step."""

from pathlib import Path

import msgspec
import pytest
import yaml
from tests.cli.conftest import Kinline

from kinline.experiments.results import Against, ArmShown, Effect
from kinline_cli import experiment
from kinline_cli.endings import Ending

TRIGGER = """
name: thank-for-parcel-questions
about: Somebody asked where their parcel is.
when: {did: {kind: message, direction: inbound}}
do: [{tag: {add: asked}}]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "thank.yaml"
    path.write_text(TRIGGER)
    return path


def test_a_trigger_goes_from_a_file_to_live(cli: Kinline, file: Path) -> None:
    # When it is checked, tried out, saved, tried in shadow, put live and paused
    checked = cli("trigger", "check", file, "--json").json
    assert cli("trigger", "backtest", file).code == Ending.OK
    saved = cli("trigger", "save", file, "--json").json
    states = [cli("trigger", step, saved["name"], "--json").json["state"] for step in ("shadow", "live", "pause")]

    # Then each step says so
    assert checked["ok"] is True
    assert (saved["state"], saved["version"]) == ("draft", 1)
    assert states == ["shadow", "live", "paused"]

    # And it can be shown as it was written
    shown = cli("trigger", "show", saved["name"], "--json").json
    assert shown["shown"]["source"] == TRIGGER
    assert TRIGGER.strip() in cli("trigger", "show", saved["name"]).out


def test_saving_again_makes_a_version_only_when_something_changed(cli: Kinline, file: Path) -> None:
    cli("trigger", "save", file)
    same = cli("trigger", "save", file, "--json").json
    file.write_text(TRIGGER.replace("asked}", "asked-us}"))
    changed = cli("trigger", "save", file, "--json").json

    assert (same["version"], changed["version"]) == (1, 2)
    assert "version 1" in cli("trigger", "show", "thank-for-parcel-questions", "--version", "1").out


def test_every_bad_trigger_of_the_catalogue_is_told_where_it_is_wrong(cli: Kinline, file: Path) -> None:
    """R1, R2, R7, R10, R11, R12 and R16: the same answers as over HTTP."""
    bad = yaml.safe_load((Path(__file__).parents[1] / "bad_inputs" / "triggers.yaml").read_text("utf-8"))
    for case in bad["cases"]:
        text = case.get("text", bad["base"])
        for old, new in (case[name] for name in ("change", "change_too") if name in case):
            text = text.replace(old, new, 1)
        file.write_text(text, encoding="utf-8")

        ended = cli("trigger", "check", file, "--json")

        told = {name: ended.json.get(name) for name in ("code", "line", "column", "suggestion") if name in case}
        assert ended.code == Ending.REFUSED, case["is"]
        assert told == {name: case[name] for name in told}, case["is"]


def test_a_mistake_is_told_with_its_place(cli: Kinline, file: Path) -> None:
    file.write_text(TRIGGER.replace("kind:", "knid:"))

    for command in ("check", "save", "backtest"):
        ended = cli("trigger", command, file)
        assert ended.code == Ending.REFUSED
        assert f"{file}:4:14: `knid` is no word here" in ended.err
        assert "Did you mean kind?" in ended.err
    assert cli("trigger", "check", file, "--json").json["line"] == 4
    assert "thank-for-parcel-questions" not in cli("trigger", "list").out


def test_a_back_test_tells_whom_it_would_have_reached(cli: Kinline, mails: Path, file: Path) -> None:
    cli("import", "email", mails, "--set", "address=help@kinline.example")

    found = cli("trigger", "backtest", file, "--since", "2025-01-01", "--json").json
    nobody = cli("trigger", "backtest", file, "--since", "1d")

    assert [hit["name"] for hit in found["hits"]] == ["Ann", "Ann"]
    assert found["days"] == {"2025-03-01": 2}
    assert "It would have reached nobody." in nobody.out
    assert "Not known: consents" in nobody.err


def test_a_back_test_is_drawn_and_kept(cli: Kinline, mails: Path, file: Path, tmp_path: Path) -> None:
    cli("import", "email", mails, "--set", "address=help@kinline.example")

    told = cli("trigger", "backtest", file, "--since", "2025-01-01", "--picture", tmp_path / "bars.svg")

    assert "2025-02-26  " in told.out or "█" in told.out
    assert "2 times" in told.err
    assert (tmp_path / "bars.svg").read_text().startswith("<svg ")
    cli("trigger", "save", file)
    assert cli("trigger", "live", "thank-for-parcel-questions", "--json").json["state"] == "live"


def test_nothing_goes_live_untried_without_a_reason(cli: Kinline, file: Path) -> None:
    cli("trigger", "save", file)

    refused = cli("trigger", "live", "thank-for-parcel-questions")
    live = cli("trigger", "live", "thank-for-parcel-questions", "--without-backtest", "no history yet", "--json").json

    assert refused.code == Ending.REFUSED
    assert "never back-tested" in refused.err
    assert (live["state"], live["state_reason"]) == ("live", "live without a back-test: no history yet")


def test_bytes_that_are_no_text_are_no_trigger(cli: Kinline, file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00name")

    for command in ("check", "save", "backtest"):
        ended = cli("trigger", command, file)
        assert ended.code == Ending.REFUSED
        assert "Traceback" not in ended.err


def test_a_trigger_that_is_not_there_cannot_go_live(cli: Kinline) -> None:
    ended = cli("trigger", "live", "nope")

    assert ended.code == Ending.REFUSED
    assert "There is no trigger “nope”" in ended.err


def test_a_bare_hub_lists_the_shipped_life_cycle(bare: Kinline) -> None:
    rows = bare("trigger", "list", "--json").json

    assert {row["state"] for row in rows} == {"live"}
    assert "order-makes-customer" in {row["name"] for row in rows}


def test_there_is_no_why_of_nothing(cli: Kinline) -> None:
    ended = cli("why", "0" * 32)

    assert ended.code == Ending.REFUSED
    assert ended.out == ""


EXPERIMENT = TRIGGER.replace("do: [{tag: {add: asked}}]", "do: [{task: {team: care, title: Call}}]") + (
    "experiment: {hold_out: 20%, outcome: {did: {kind: order}, within: 30d}}\n"
)


def test_an_experiment_is_told_as_a_table_and_as_data(cli: Kinline, file: Path) -> None:
    file.write_text(EXPERIMENT)
    cli("trigger", "save", file)

    told = cli("trigger", "experiment", "thank-for-parcel-questions")
    data = cli("trigger", "experiment", "thank-for-parcel-questions", "--json").json

    assert "Hoped for: kind: order, within 30d." in told.out
    assert "not enough to tell" in told.out
    assert [arm["name"] for arm in data["arms"]] == ["hold-out", "acted"]
    file.write_text(TRIGGER.replace("thank", "greet"))
    cli("trigger", "save", file)
    assert cli("trigger", "experiment", "greet-for-parcel-questions").code == Ending.REFUSED


def test_intervals_are_drawn_around_nought() -> None:
    def arm(name: str, difference: float, low: float, high: float) -> ArmShown:
        against = Against(
            arm="hold-out",
            difference=difference,
            once=(low, high),
            any_time=(low, high),
            likely_more=0.5,
            verdict="more",
        )
        return ArmShown(
            name=name, share=0.5, assigned=9, open=0, early=0, counted=9, did=1, rate=0.1, interval=(0, 1), against=against
        )  # fmt: skip

    nobody = msgspec.structs.replace(arm("hold-out", 0, 0, 0), against=None)
    found = Effect(
        trigger="t", experiment="e", version=1, since_version=1, desired="", within="1d", at=None, by_chance=1,
        mismatch=False, left_out=0, mixed=0, notes=[], arms=[nobody, arm("a", 0.05, -0.1, 0.2), arm("warm", 0.1, 0.0, 0.1)],
    )  # fmt: skip

    assert list(experiment.picture(found)) == [
        "   a                 [--------------|-------o---------------------]",
        "warm                                [--------------o",
        "      -20.0%                        0                        +20.0%",
    ]
    assert list(experiment.picture(msgspec.structs.replace(found, arms=[nobody]))) == []


def test_the_schema_for_editors_is_printed(cli: Kinline) -> None:
    found = cli("trigger", "schema").json

    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert found["$defs"]["ConditionDefinition"]["properties"]["broken_habit"]["description"]


def test_a_calendar_that_is_not_there_is_told_as_editors_read_it(cli: Kinline, file: Path) -> None:
    file.write_text(TRIGGER.replace("did: {kind: message,", "silence: {of: us, for: 2h, clock: business-hours, after: {")
                    .replace("inbound}}", "inbound}}}"))  # fmt: skip

    refused = cli("trigger", "save", file)

    assert refused.code == Ending.REFUSED
    assert f"{file}:4:42: there is no calendar “default”" in refused.err


def test_what_is_usual_is_told_for_a_habit(cli: Kinline, file: Path) -> None:
    file.write_text(TRIGGER.replace("did: {kind: message, direction: inbound}", "broken_habit: {of: {kind: order}}"))

    assert cli("trigger", "rhythm", file, "--json").json == [{"people": 0, "gaps": 0, "usual": "", "spread": 1.0}]
    assert "usual" in cli("trigger", "rhythm", file).out
    file.write_text(TRIGGER)
    assert "no broken_habit" in cli("trigger", "rhythm", file).out
