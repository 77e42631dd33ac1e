"""Brokers: Redis in production, in this process when embedded. Both only carry "look at row N".

The settings are those of docs/promises.md: no retries, no delays (a delayed message can be stranded or
doubled), a heartbeat and maintenance that bring a dead worker's messages back in seconds, a small prefetch.
"""

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import Callbacks, ShutdownNotifications, TimeLimit
from redis import Redis
from redis.exceptions import RedisError

from kinline.errors import Misconfigured
from kinline.settings import Settings

QUEUE = "kinline"
HEARTBEAT = 15_000  #: milliseconds
#: Of a million commands, how many look for messages of dead workers.
MAINTENANCE = 100_000
#: A job that runs longer than this is interrupted; its lease runs out soon after.
LONGEST = 10 * 60 * 1000


def broker_for(settings: Settings) -> dramatiq.Broker:
    """The broker these settings ask for. Never sends anything that is not an id."""
    middleware = [ShutdownNotifications(), Callbacks(), TimeLimit(time_limit=LONGEST)]
    if settings.embedded:
        return StubBroker(middleware=middleware)
    return RedisBroker(  # type: ignore[no-untyped-call]
        url=settings.redis_url,
        middleware=middleware,
        heartbeat_timeout=HEARTBEAT,
        maintenance_chance=MAINTENANCE,
        dead_message_ttl=24 * 3600 * 1000,
    )


def unfetched(broker: dramatiq.Broker) -> int:
    """How many messages stand in the queue that no worker has fetched. Raises `RedisError`."""
    if isinstance(broker, StubBroker):
        size: int = broker.queues[QUEUE].qsize()
        return size
    assert isinstance(broker, RedisBroker)  # noqa: S101 - there are these two
    return int(broker.client.llen(f"{broker.namespace}:{QUEUE}"))


def check_redis(settings: Settings) -> None:
    """Refuse a Redis that may drop messages silently: with another policy, 1768 of 2000 were gone."""
    if settings.embedded:
        return
    client = Redis.from_url(settings.redis_url, socket_connect_timeout=3)
    try:
        policy = dict(client.config_get("maxmemory-policy")).get("maxmemory-policy", "unknown")
    except RedisError:
        return  # away now, or CONFIG forbidden: the sweeper works from the database, and waking comes back with Redis
    finally:
        client.close()
    if policy != "noeviction":
        raise Misconfigured(f"Redis has maxmemory-policy {policy}; it must be noeviction.", code="redis_evicts")
