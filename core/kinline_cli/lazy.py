"""A group that loads a command's module when that command runs, and not to list its name in the help."""

from importlib import import_module
from typing import Any

import click
from rich_click import RichCommand, RichGroup


class LazyGroup(RichGroup):
    """Commands by name, with where each stands (``module:attribute``) and its sentence for the list."""

    def __init__(self, *args: Any, lazy: dict[str, tuple[str, str]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A stand-in that has the name and the sentence: all that a list needs."""
        if cmd_name not in self.lazy:
            return None
        return RichCommand(name=cmd_name, help=self.lazy[cmd_name][1])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.load(name) if name in self.lazy else command, rest

    def load(self, name: str) -> click.Command:
        """The command itself."""
        module, _, attribute = self.lazy[name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command
