"""The sweeper: whatever is due and not picked up is woken, again and again. Losing all of Redis costs seconds."""

import threading

import dramatiq
import structlog
from redis.exceptions import RedisError

from kinline import clock, handlers
from kinline.clock import SECOND
from kinline.errors import Unavailable
from kinline.hub import Hub
from kinline.jobs import queue
from kinline_workers.broker import unfetched
from kinline_workers.outages import WORDS, Outages

log = structlog.get_logger(__name__)
#: A job that was woken and not claimed is woken again after this long.
AGAIN = 5 * SECOND
#: Messages that may stand in the queue. More jobs wait in the database, where they are safe: whoever wakes all of a
#: backlog again and again fills Redis, and workers that look at what was done long ago.
ROOM = 200
#: Seconds until the next look: after one that woke somebody, and after one that found the queue full.
SOON, FULL = 0.02, 0.1


def sweep(hub: Hub, actor: dramatiq.Actor[[str], None]) -> float | None:
    """One look: plan what is due, wake what is planned while there is room in the queue.

    Returns after how many seconds to look again; None: there is nothing to do.
    """
    planned = handlers.plan_due(hub)
    now = clock.now()
    with hub.store.read() as session:
        found = queue.due(session, ROOM, wake_again_after=AGAIN, now=now)
    if not found:
        return SOON if planned else None
    found = found[: max(0, ROOM - unfetched(actor.broker))]
    if not found:
        return FULL
    with hub.store.write() as session:
        queue.woken(session, [job for job, _ in found], now)
    for job, _ in found:
        actor.send(job)
    return SOON


class Sweeper(threading.Thread):
    """Sweeps until stopped; a full look is followed at once by the next, an empty one by a rest."""

    def __init__(self, hub: Hub, actor: dramatiq.Actor[[str], None], outages: Outages) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._hub, self._actor, self._outages = hub, actor, outages
        self._stopped, self._poked = threading.Event(), threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            rest = None
            try:
                rest = sweep(self._hub, self._actor)
            except RedisError as error:
                if self._outages.worth_saying():
                    log.warning(WORDS % error)
            except Unavailable as error:
                log.warning("sweep failed", reason=str(error))
            except Exception:  # a sweeper that dies stops everything; it says so and goes on
                log.exception("sweep failed")
            if rest is None:
                self._poked.wait(self._hub.settings.sweep)
            else:
                self._stopped.wait(rest)
            self._poked.clear()

    def poke(self) -> None:
        """Look now: somebody in this process planned something."""
        self._poked.set()

    def stop(self) -> None:
        self._stopped.set()
        self._poked.set()
        self.join()
