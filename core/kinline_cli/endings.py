"""How a command ends: one number for programs, one clear sentence for people, and a traceback only when asked."""

import os
import sys
from enum import IntEnum

import click

#: Said at the end of ``kinline --help``.
EPILOG = (
    "Exit codes: 0 it worked. 1 it was refused, or there is a problem to look at. 2 the command was written wrongly. "
    "3 the hub is set up wrongly. 4 the database is away."
)


class Ending(IntEnum):
    """Exit codes. 130 is what shells expect of a command that Ctrl-C stopped."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    MISCONFIGURED = 3
    DATABASE_AWAY = 4
    INTERRUPTED = 130


def run(command: click.Command, arguments: list[str]) -> int:
    """Run a command to its end and return its exit code. Nothing is raised."""
    try:
        returned = command.main(arguments, prog_name="kinline", standalone_mode=False)
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        say("Stopped.")
        return Ending.INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Ending.OK
    except Exception as error:
        if "--debug" in arguments:
            raise
        return _refused(error)
    return returned if isinstance(returned, int) else Ending.OK


def say(sentence: str) -> None:
    """A sentence for the person at the terminal, beside the output that a program may read."""
    click.echo(sentence, err=True)


def _refused(error: Exception) -> int:
    # Only here, so that `kinline --help` need not load the store to be able to fail.
    from kinline.errors import KinlineError, Misconfigured, Unavailable

    if not isinstance(error, KinlineError):
        say(f"Something went wrong that nobody foresaw: {type(error).__name__}: {error}")
        say("Run it again with `kinline --debug …` and send us what it prints.")
        return Ending.REFUSED
    say(error.detail)
    if isinstance(error, Unavailable):
        return Ending.DATABASE_AWAY
    return Ending.MISCONFIGURED if isinstance(error, Misconfigured) else Ending.REFUSED
