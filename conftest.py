"""What Hypothesis draws: the same each time, and in `make fuzz` something else, and more of it.

`make test` has to say the same twice of the same code. What it misses by that, `make fuzz` looks for.
"""

from types import ModuleType

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True, database=None, deadline=None, print_blob=True)
settings.register_profile("fuzz", database=None, deadline=None, print_blob=True, max_examples=500)


#: Names of a module, or of fixtures, that say what its tests need.
MARKS = {
    "drawn": {"given", "hypothesis", "run_state_machine_as_test"},
    "server": {"Dovecot", "Postfix", "Redis", "dovecot", "postfix", "mailbox", "wordpress", "wordpress_server"},
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make fuzz` asks what draws, also inside of a test; `make quick` passes that over, and what needs a server."""
    for item in items:
        module = getattr(item, "module", None)
        names = {*getattr(item, "fixturenames", ()), *(vars(module) if isinstance(module, ModuleType) else ())}
        for mark in [mark for mark, found in MARKS.items() if found & names]:
            item.add_marker(mark)
