"""Logs are for whoever reads them; that nobody does any more stops nothing."""

import io
import json
import logging
import sys

import pytest
import structlog

from kinline import logs


@pytest.fixture(autouse=True)
def structlog_as_before() -> object:
    before = structlog.get_config()
    yield
    structlog.configure(**before)
    logging.basicConfig(force=True)


def test_a_line_for_a_closed_file_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given logs that went to a terminal that is gone
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    logs.configure()
    shown.close()

    # Then whoever logs goes on
    structlog.get_logger("test").warning("nobody reads this")


def test_no_line_can_forge_another(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    logs.configure()

    structlog.get_logger("test").warning("a", said='x"}\n{"event": "forged')

    assert shown.getvalue().count("\n") == 1


def test_what_libraries_log_is_json_too(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given logs that a program reads
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    logs.configure()

    # When a library logs an error with its traceback, and another has words that do not fit
    try:
        raise TimeoutError("nobody answers")
    except TimeoutError:
        logging.getLogger("library.part").exception("It went %s.", "wrong")
    logging.getLogger("library").warning("%d", "no number")

    # Then each is one line; the first says who, when, what, and how it came
    first, second = shown.getvalue().splitlines()
    told = json.loads(first)
    assert (told["level"], told["logger"], told["event"]) == ("error", "library.part", "It went wrong.")
    assert told["timestamp"].endswith("Z")
    assert told["exception"].endswith("TimeoutError: nobody answers")
    assert json.loads(second)["event"] == "TypeError while writing '%d'"
