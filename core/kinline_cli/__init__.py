"""The command line: it alone knows every door, and puts them together.

Start reading in `root` (the list of commands), then `opened` (how a command gets its hub). Each command is a
file of its own in `commands`; what takes more than a screen stands beside it.
"""

import sys

from kinline_cli.endings import run


def main() -> None:
    """The ``kinline`` command."""
    from kinline_cli.root import kinline

    sys.exit(run(kinline, sys.argv[1:]))


__all__ = ["main"]
