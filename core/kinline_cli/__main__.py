"""``python -m kinline_cli``: the same as ``kinline``, for a child process that must be of this very installation."""

from kinline_cli import main

main()
