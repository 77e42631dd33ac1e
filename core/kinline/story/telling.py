"""Tells the story once, by the live path under a test clock, so that triggers really fire.

How far it came is a row that each step changes in its own transaction: a teller that was killed goes on where it
stopped, and a second telling changes nothing. Tell it before a worker starts: a worker's clock is not the story's.
Nothing leaves the machine, whatever the settings say: what the story sends is written to files.
"""

import time
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from sqlmodel import Session

from kinline import clock, handlers
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import persons
from kinline.store import sql
from kinline.store.models import Meta
from kinline.story import cast
from kinline.story.plot import PLOT, TRIGGER, Scene, StoryStep, words

KEY = "story"
#: The story begins this many days before today, in the company's zone, so that it ended lately and by day.
DAYS_AGO = 12


class Progress(msgspec.Struct):
    """How far the story was told: when it began (µs), and how many of its steps are done."""

    began: int
    done: int = 0
    over: bool = False


class StoryTold(msgspec.Struct, frozen=True):
    """What the story left in the hub. ``new``: it was told just now."""

    began: int
    new: bool
    ann: str  #: person ids
    ben: str
    cleo: str
    decision: str  #: that we had been silent for too long
    followup: str  #: what went out because of it
    outbox: str  #: the file that holds it, below the home folder


def tell(hub: Hub, *, began: int | None = None) -> StoryTold:
    """Tell the story, or the rest of it. ``began``: midnight of its first day (µs); given by tests."""
    quiet = replace(hub, settings=hub.settings.model_copy(update={"outbound": "file"}))
    progress = _progress(quiet, began)
    new = not progress.over
    if new:
        for number, step in enumerate(PLOT):
            if number >= progress.done - 1:
                _perform(quiet, progress, number, step)
        with quiet.store.write() as session:
            _note(session, Progress(progress.began, len(PLOT), over=True))
    with quiet.store.read() as session:
        return _told(session, progress.began, new)


def _perform(hub: Hub, progress: Progress, number: int, step: StoryStep) -> None:
    """Do one step, unless it was done, and then everything that follows from it."""
    with clock.frozen(step.at(progress.began)):
        with hub.store.write() as session:
            known = _read(session)
            if known is not None and known.done == number:
                step.do(Scene(hub, session, words(progress.began)))
                _note(session, Progress(progress.began, number + 1))
        _settle(hub)


def _settle(hub: Hub) -> None:
    """Do what is due. What a killed teller held in its hands is free again when its lease ends."""
    handlers.drain(hub)
    while _is_held(hub):
        time.sleep(0.2)
        handlers.drain(hub)


def _is_held(hub: Hub) -> bool:
    with hub.store.read() as session:
        return bool(sql.run(session, "SELECT 1 FROM job WHERE state = 'running' LIMIT 1"))


def _progress(hub: Hub, began: int | None) -> Progress:
    with hub.store.write() as session:
        known = _read(session)
        if known is None:
            known = Progress(_some_days_ago(hub.settings.time_zone) if began is None else began)
            session.add(Meta(key=KEY, value=msgspec.json.encode(known).decode()))
        return known


def _some_days_ago(zone: str) -> int:
    today = clock.to_datetime(clock.now()).astimezone(ZoneInfo(zone))
    first = today.date() - timedelta(days=DAYS_AGO)
    return clock.from_datetime(datetime(first.year, first.month, first.day, tzinfo=ZoneInfo(zone)))


def _read(session: Session) -> Progress | None:
    """The row, held until the transaction ends, so that two tellers do not tell the same step."""
    lock = "" if session.connection().dialect.name == "sqlite" else " FOR UPDATE"
    rows = sql.run(session, "SELECT value FROM meta WHERE key = {p}" + lock, KEY)
    return msgspec.json.decode(rows[0][0], type=Progress) if rows else None


def _note(session: Session, progress: Progress) -> None:
    text = msgspec.json.encode(progress).decode()
    sql.run(session, "UPDATE meta SET value = {p} WHERE key = {p}", text, KEY)


def _told(session: Session, began: int, new: bool) -> StoryTold:
    ann = _person(session, cast.ANN)
    rows = sql.run(
        session,
        "SELECT d.id, f.id FROM decision d JOIN trigger_rule t ON t.id = d.trigger_id "
        "JOIN followup f ON f.decision_id = d.id JOIN person p ON p.id = d.person_id "
        "WHERE t.name = {p} AND p.root_id = {p} ORDER BY d.decided_at LIMIT 1",
        TRIGGER,
        ann,
    )
    decision, followup = rows[0] if rows else ("", "")
    return StoryTold(
        began=began,
        new=new,
        ann=ann,
        ben=_person(session, cast.BEN),
        cleo=_person(session, cast.CLEO),
        decision=decision,
        followup=followup,
        outbox=f"outbox/email/{followup}.eml" if followup else "",
    )


def _person(session: Session, handle: Handle) -> str:
    return persons.find(session, str(handle))
