"""A worker process: dramatiq's worker threads, a sweeper, and who looks after the live accounts, until somebody says stop."""

import signal
import threading

import dramatiq
import structlog

from kinline import handlers
from kinline.hub import Hub
from kinline_workers.actors import declare
from kinline_workers.broker import QUEUE, broker_for, check_redis
from kinline_workers.keepers import Keepers
from kinline_workers.outages import stand_before
from kinline_workers.sweeper import Sweeper

log = structlog.get_logger(__name__)


class Running:
    """A started worker. ``stop`` finishes the jobs in hand."""

    def __init__(self, hub: Hub) -> None:
        check_redis(hub.settings)
        self._hub = hub
        self._broker = broker_for(hub.settings)
        actor = declare(hub, self._broker, QUEUE)
        self._worker = dramatiq.Worker(self._broker, worker_threads=hub.settings.worker_threads, worker_timeout=100)
        self._sweeper = Sweeper(hub, actor, stand_before(QUEUE))
        self._keepers = Keepers(hub, self._sweeper.poke)

    def start(self) -> "Running":
        handlers.remember_scoring(self._hub)
        self._worker.start()
        self._sweeper.start()
        self._keepers.start()
        return self

    def stop(self) -> None:
        self._keepers.stop()
        self._sweeper.stop()
        self._worker.stop(timeout=20_000)
        self._broker.close()


def run_until_stopped(hub: Hub) -> None:
    """Work until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    running = Running(hub).start()
    log.info("worker ready", redis=not hub.settings.embedded, threads=hub.settings.worker_threads)
    stop.wait()
    running.stop()
