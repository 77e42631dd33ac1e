"""Settings of a channel account as they are typed: ``name=value``, read by the type that the channel declares."""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click

from kinline.contract.channel import AnyChannel
from kinline.errors import Invalid

set_option = click.option(
    "--set", "given", multiple=True, metavar="NAME=VALUE",
    help="Set one setting of the channel; NAME=@FILE reads it from a file, lists are separated by commas.",
)  # fmt: skip


def read(channel: AnyChannel, given: Iterable[str]) -> dict[str, Any]:
    """The settings in plain data. Raises `Invalid` naming the one that is wrong and what there is."""
    types = {field.encode_name: field.type for field in msgspec.structs.fields(channel.settings)}
    found = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or name not in types:
            raise Invalid(
                f"“{text[:60]}” is no setting of the {channel.name} channel: write NAME=VALUE with one of "
                f"{', '.join(types) or 'none, it has no settings'}.",
                code="invalid_settings",
            )
        found[name] = _value(channel, name, _content(value), types[name])
    return found


def _content(value: str) -> str:
    """Secrets need not stand in the shell's history: ``@FILE`` is what the file says. ``@@x`` is ``@x``."""
    if value.startswith("@@"):
        return value[1:]
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text().strip()
    except (OSError, ValueError) as error:
        raise Invalid(f"The setting cannot be read from {value[1:]}: {error}", code="invalid_settings") from None


def _value(channel: AnyChannel, name: str, text: str, kind: Any) -> Any:
    reason = ""
    for candidate in _readings(text):
        try:
            return msgspec.to_builtins(msgspec.convert(candidate, kind, strict=False))
        except msgspec.ValidationError as error:
            reason = reason or str(error)
    raise Invalid(f"The setting {name} of the {channel.name} channel: {reason}.", code="invalid_settings")


def _readings(text: str) -> list[Any]:
    """What a text can mean, the plainest first: itself, a list, JSON."""
    readings: list[Any] = [text, [part.strip() for part in text.split(",") if part.strip()]]
    with suppress(ValueError, RecursionError):
        readings.append(json.loads(text))
    return readings
