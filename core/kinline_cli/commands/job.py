"""``kinline job``: the work that waits, and the work that was given up and can be planned again."""

import msgspec
import rich_click as click

from kinline import clock
from kinline.errors import NotFound
from kinline.jobs import queue
from kinline.jobs.listing import ShownJob, listed
from kinline.words import JobState
from kinline_cli import printing
from kinline_cli.opened import opened

_STATES = (JobState.DEAD, JobState.PENDING, JobState.RUNNING)


@click.group()
def job() -> None:
    """Show the work that was given up, with its error, and plan it again."""


@job.command(name="list")
@click.option(
    "--state", default=JobState.DEAD.value, type=click.Choice([*map(str, _STATES)]),
    help="Show those that were given up (dead), that wait, or that run.",
)  # fmt: skip
@click.option("--limit", default=200, type=click.IntRange(1, 10_000), help="How many jobs to show at most.")
@printing.json_option
def list_(state: str, limit: int, as_json: bool) -> None:
    """List jobs that were given up, each with its last error, or those in another state."""
    with opened() as hub, hub.store.read() as session:
        rows = [_shown(each) for each in listed(session, JobState(state), limit)]
    if as_json:
        printing.json_list(rows)
        return
    columns = ("id", "actor", "about", "attempts", "run_at", "error")
    shown = [
        [printing.short(row[column], 90) if column == "error" else row[column] for column in columns] for row in rows
    ]
    printing.table(columns, shown, empty=_EMPTY[JobState(state)])


@job.command()
@click.argument("job_id", metavar="[JOB]", required=False)
@click.option("--all", "everything", is_flag=True, help="Plan everything again that was given up.")
@printing.json_option
def retry(job_id: str | None, everything: bool, as_json: bool) -> None:
    """Plan one JOB again that was given up, or all, after the cause was mended.

    A worker takes it up within seconds, and tries as often as if it were new. Work that was planned anew
    meanwhile is done once.
    """
    if bool(job_id) == everything:
        raise click.UsageError("Name one job, or say --all.")
    with opened() as hub, hub.store.write() as session:
        count = queue.retry(session, job_id)
    if job_id and not count:
        raise NotFound(f"No job “{job_id[:60]}” was given up: see `kinline job list`.", code="no_such_job")
    if as_json:
        printing.json({"planned_again": count})
    else:
        printing.line(f"Planned again: {count} of those that were given up." if count else _EMPTY[JobState.DEAD])


_EMPTY = {
    JobState.DEAD: "No job was given up.", JobState.PENDING: "No job waits.", JobState.RUNNING: "No job runs.",
}  # fmt: skip


def _shown(each: ShownJob) -> dict[str, object]:
    row = msgspec.structs.asdict(each)
    about = row.pop("key").partition(":")[2]
    return {**row, "about": about, "run_at": clock.to_text(each.run_at), "created_at": clock.to_text(each.created_at)}
