"""After an import: what the new history means for people's stages, and who may be one with whom, worked out here and now.

Only people are looked at, and what has to be judged before; whatever else is planned is a worker's. What a running worker
has been woken for is left to it.
"""

from collections.abc import Callable

from kinline import clock, handlers
from kinline.clock import SECOND
from kinline.hub import Hub
from kinline.identity.meeting import MATCH
from kinline.store import sql

_DUE = "FROM job WHERE actor = {p} AND state = 'pending' AND run_at <= {p} AND (woken_at IS NULL OR woken_at < {p})"
#: A job that a worker was woken for is the worker's for this long.
THEIRS = 10 * SECOND
DECIDE = "person.decide"


def waiting(hub: Hub) -> int:
    """How many people are to be looked at."""
    now = clock.now()
    with hub.store.read() as session:
        counts = (sql.run(session, f"SELECT count(*) {_DUE}", each, now, now - THEIRS) for each in (DECIDE, MATCH))
        return sum(int(count) for [(count,)] in counts)


def catch_up(hub: Hub, step: Callable[[int], None]) -> int:
    """Look at everybody who waits for it, once what they wrote is judged. Returns of how many the stages were."""
    _work(hub, handlers.SCORE, lambda count: None)
    _work(hub, MATCH, step)
    return _work(hub, DECIDE, step)


def _work(hub: Hub, actor: str, step: Callable[[int], None]) -> int:
    done = 0
    while True:
        now = clock.now()
        with hub.store.read() as session:
            rows = sql.run(session, f"SELECT id {_DUE} ORDER BY run_at LIMIT 100", actor, now, now - THEIRS)
        worked = set[str]()
        for (job,) in rows:
            if job not in worked:
                now_done = handlers.work(hub, job) - worked
                worked |= now_done
                step(len(now_done))
        done += len(worked)
        if not worked:
            return done
