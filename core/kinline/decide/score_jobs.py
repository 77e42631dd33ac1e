"""The job of judging: many interactions at once, then a look at the people whom they concern."""

from collections.abc import Callable, Sequence

from sqlmodel import Session

from kinline.errors import KinlineError
from kinline.hub import Hub
from kinline.jobs import queue
from kinline.jobs.queue import Claimed
from kinline.scoring.judging import judge, written
from kinline.waiting import beside
from kinline.waiting import keep as waiting


def score(hub: Hub, jobs: Sequence[Claimed], also: Callable[[Session], None] | None = None) -> None:
    """Have the interactions of these jobs judged, and plan a look at their people; ``also`` is done in that transaction.

    A job with a ``since`` is one that a trigger waits for; the others are judged for the timeline alone. When the scorer
    cannot, their people are looked at without, and it raises what was wrong: the job comes again later, and so do they.
    """
    try:
        judge(hub, [job.key for job in jobs])
    except KinlineError:
        _look(hub, jobs, None)
        raise
    _look(hub, jobs, also)


def _look(hub: Hub, jobs: Sequence[Claimed], also: Callable[[Session], None] | None) -> None:
    with hub.store.write() as session:
        waiting.reconsider(session, beside.wanting(session, [job.key for job in jobs]))
        awaited = written(session, [job.key for job in jobs if job.since is not None])
        queue.plan(session, "person.decide", [news for each in awaited for news in each.people()])
        if also:
            also(session)
