"""Hubs that break a promise on purpose, so that each check can be seen to fail."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from dramatiq.brokers import redis
from sqlmodel import Session

from kinline import clock
from kinline.followups import send
from kinline.hub import Hub
from kinline.jobs import queue
from kinline.record import writer
from kinline.store import Store, sql


def acknowledge_before_commit() -> None:
    """Each batch is committed only when the next one comes; its callers are answered at once."""
    held: list[AbstractContextManager[Session]] = []

    def write_all(store: Store, work: Callable[[Session, Sequence[Any]], list[Any]], units: Sequence[Any]) -> list[Any]:
        if held:
            held.pop().__exit__(None, None, None)
        held.append(store.write())
        return work(held[0].__enter__(), units)

    writer.write_all = write_all


def send_again_when_the_lease_runs_out() -> None:
    """Who finds a message in the hands of a dead sender hands it over again, whatever the channel promises."""
    send._repeats = lambda hub, ready: True


def let_everybody_take_everything() -> None:
    """No fencing: a job that somebody has is taken all the same, and so is its follow-up."""
    claim = queue.claim

    def loose(session: Session, job_id: str, lease: int, now: int) -> queue.Claimed | None:
        sql.changed(session, "UPDATE job SET state = 'pending' WHERE id = {p}", job_id)
        return claim(session, job_id, lease, now)

    def loosely(hub: Hub, ready: Any, token: str) -> bool:
        with hub.store.write() as session:
            sql.changed(session, "UPDATE followup SET state = 'pending' WHERE id = {p}", ready.followup.id)
            return bool(send._take(session, ready, token, hub.settings.lease, clock.now()))

    queue.claim = loose
    send._claim = loosely


def skewed(milliseconds: int) -> Callable[[], None]:
    """No breach, but a clock that goes wrong: the broker's scripts believe each worker's."""

    def skew() -> None:
        real: Callable[[], int] = vars(redis)["current_millis"]
        vars(redis)["current_millis"] = lambda: real() + milliseconds

    return skew


VARIANTS: dict[str, Callable[[], None]] = {
    "acknowledges before commit": acknowledge_before_commit,
    "sends again when the lease runs out": send_again_when_the_lease_runs_out,
    "no fencing": let_everybody_take_everything,
    "two minutes ahead": skewed(120_000),
    "two minutes behind": skewed(-120_000),
}
