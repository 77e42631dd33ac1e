"""The one actor: it wakes up, looks at row N, and does what the row says."""

import dramatiq

from kinline import handlers
from kinline.hub import Hub


def declare(hub: Hub, broker: dramatiq.Broker, queue_name: str) -> "dramatiq.Actor[[str], None]":
    """The actor ``job.run`` on this broker. There is no retry: the broker has no such middleware, the row decides."""

    @dramatiq.actor(actor_name="job.run", queue_name=queue_name, broker=broker)
    def run(job_id: str) -> None:
        handlers.work(hub, job_id)

    return run
