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

log = structlog.get_logger(__name__)
#: A job that was woken and not claimed is woken again after this long.
AGAIN = 5 * SECOND
#: Jobs woken in one look. More wait in the database, where they are safe.
AT_ONCE = 200


def sweep(hub: Hub, actor: dramatiq.Actor[[str], None]) -> int:
    """One look: plan what is due, wake what is planned. Returns how many jobs were woken."""
    now = clock.now()
    planned = handlers.plan_due(hub)
    with hub.store.read() as session:
        found = queue.due(session, AT_ONCE, wake_again_after=AGAIN, now=now)
    if not found:
        return int(planned)
    with hub.store.write() as session:
        queue.woken(session, [job for job, _ in found], now)
    for job, _ in found:
        actor.send(job)
    return len(found)


class Sweeper(threading.Thread):
    """Sweeps until stopped; a full look is followed at once by the next, an empty one by a rest."""

    def __init__(self, hub: Hub, actor: dramatiq.Actor[[str], None]) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._hub, self._actor, self._stopped, self._poked = hub, actor, threading.Event(), threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                busy = sweep(self._hub, self._actor) > 0
            except (Unavailable, RedisError) as error:
                log.warning("sweep failed", reason=str(error))
                busy = False
            except Exception:  # a sweeper that dies stops everything; it says so and goes on
                log.exception("sweep failed")
                busy = False
            if busy:
                self._stopped.wait(0.02)
            else:
                self._poked.wait(self._hub.settings.sweep)
            self._poked.clear()

    def poke(self) -> None:
        """Look now: somebody in this process planned something."""
        self._poked.set()

    def stop(self) -> None:
        self._stopped.set()
        self._poked.set()
        self.join()
