"""The triggers that ship with the hub: the life cycle, both tracks, as data that anybody may replace.

Each is a file beside this one, written in the same language as yours.
"""

from functools import lru_cache
from importlib.resources import files

from kinline.triggers.definition import Definition
from kinline.triggers.reading import read


@lru_cache(maxsize=1)
def shipped() -> tuple[Definition, ...]:
    """All shipped triggers, by name."""
    return tuple(sorted((read(text) for text in shipped_texts().values()), key=lambda one: one.name))


def shipped_texts() -> dict[str, str]:
    """The files as they are written, comments and all, by file name."""
    folder = files(__name__)
    return {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".yaml")
    }
