"""For tests of tests: break the hub, and see that a test sees it."""

import importlib.util
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from _pytest.outcomes import Failed
from hypothesis import Phase, settings

TESTS = Path(__file__).parents[1]
#: Where Hypothesis keeps what `settings` said of a test.
SETTINGS = "_hypothesis_internal_use_settings"


@cache
def checks_of(path: str) -> Any:
    """The module of another test file."""
    spec = importlib.util.spec_from_file_location(f"checked_{Path(path).stem}", TESTS / path)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def fails(test: Callable[..., object], *given: object, **more: object) -> None:
    """The check must turn red. Which is the smallest input that does it is nobody's question here."""
    laws: Any = test
    if hasattr(laws, SETTINGS):
        setattr(laws, SETTINGS, settings(getattr(laws, SETTINGS), phases=(Phase.explicit, Phase.generate)))
    with pytest.raises((AssertionError, Failed)):
        test(*given, **more)
