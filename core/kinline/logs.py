"""Logs go to stderr: a line for people on a terminal, one JSON object a line otherwise. Stdout belongs to the output.

Whoever read them may be gone (a closed pipe, a full disk, a terminal that was shut): that must not stop the hub, so
a line that cannot be written is dropped.
"""

import logging
import sys
from contextlib import suppress
from typing import Any, TextIO

import structlog


class Lines:
    """Writes each line in one call, so that lines of several threads never mix."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError):  # ValueError: the file is closed
            self._file.write(line + "\n")
            self._file.flush()

    log = debug = info = warn = warning = error = exception = critical = fatal = failure = msg


class Libraries(logging.Handler):
    """What libraries log by the standard way, in lines of the same shape as ours."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # their words do not fit their arguments: that is for them to mend, not to stop us
            record.msg, record.args = f"{type(error).__name__} while writing {record.msg!r}", ()
            line = self.format(record)
        self._lines.msg(line)


def configure(level: int = logging.WARNING) -> None:
    """Set up structlog and the standard library's logging for this process. The last call counts."""
    sink = Lines(sys.stderr)
    told: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    shown: list[Any] = (
        # without local values: they hold secrets
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if sys.stderr.isatty()
        # JSON escapes what it quotes, so no line can forge another
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    structlog.configure(
        processors=[*told, *shown],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: sink,
        cache_logger_on_first_use=False,
    )
    libraries = Libraries(sink)
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shown],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *told],
        )
    )
    logging.basicConfig(handlers=[libraries], level=max(level, logging.WARNING), force=True)
