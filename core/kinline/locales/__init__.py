"""The words of the hub in each language, as Project Fluent keeps them: ``<language>/*.ftl`` beside this file.

What people wrote goes in as a value: it is neither read nor translated.
"""

from functools import cache
from importlib import resources
from typing import Any

from fluent.runtime import FluentBundle, FluentResource, resolver
from fluent.runtime.types import FluentType, fluent_number

LANGUAGES = ("en", "es")

# A value may be a list of many things. The library's bound is against texts that grow by naming each other; ours do not.
resolver.MAX_PART_LENGTH = 1_000_000


def language_of(tag: str) -> str:
    """The language (BCP 47) that we have words in: this one, or English."""
    code = tag.partition("-")[0].lower()
    return code if code in LANGUAGES else LANGUAGES[0]


def say(language: str, name: str, /, **values: str | int) -> str:
    """The message ``name``, or ``name.attribute``, in this language, one of `LANGUAGES`. Raises `LookupError` where there
    is none, and `ValueError` where it wants a value that was not given."""
    bundle, (message, _, attribute) = _bundle(language), name.partition(".")
    found = bundle.get_message(message)
    pattern = found.attributes[attribute] if attribute else found.value
    assert pattern is not None  # noqa: S101 - a message of attributes alone is not asked for without one
    text, errors = bundle.format_pattern(pattern, {each: _value(value) for each, value in values.items()})
    if errors:
        raise ValueError(f"{name}: {errors[0]}")
    return str(text)


def has(name: str) -> bool:
    """Whether there is such a message, in every language."""
    message, _, attribute = name.partition(".")
    bundle = _bundle(LANGUAGES[0])
    return bundle.has_message(message) and (not attribute or attribute in bundle.get_message(message).attributes)


def _value(value: str | int) -> str | FluentType:
    return fluent_number(value, useGrouping=False) if isinstance(value, int | float) else value


def _hour(time: Any) -> FluentType:
    """``HOUR($time)`` of ``HH:MM``, for the languages where one o'clock is singular."""
    return fluent_number(int(time[:2]) if time[:2].isdecimal() else 0)


@cache
def _bundle(language: str) -> FluentBundle:
    bundle = FluentBundle([language], functions={"HOUR": _hour}, use_isolating=False)
    bundle.add_resource(FluentResource(resources.files(__name__).joinpath(language, "why.ftl").read_text("utf-8")))
    return bundle
