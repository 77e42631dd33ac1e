"""Progress bars on long work: on a terminal, on stderr, and nowhere else."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kinline_cli.printing import console


@contextmanager
def of_bytes(what: str, total: Callable[[], int]) -> Iterator[Callable[[int, int], None]]:
    """A bar over bytes that also counts items. ``total`` is asked only when somebody watches."""
    if not sys.stderr.isatty():
        yield lambda size, items: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[items]:,} items"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task, counted = bar.add_task(what, total=total() or None, items=0), 0

        def step(size: int, items: int) -> None:
            nonlocal counted
            counted += items
            bar.update(task, advance=size, items=counted)

        yield step


@contextmanager
def of_things(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar over things that can be counted."""
    if not sys.stderr.isatty() or not total:
        yield lambda count: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.update(task, advance=count)


class Stopwatch:
    """Seconds since it was made, never zero."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        return max(time.perf_counter() - self._started, 1e-6)
