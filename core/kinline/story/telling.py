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
from sqlmodel import Session, col, select

from kinline import clock, handlers
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import persons
from kinline.store.models import Decision, FollowUp, Job, Meta, Person, TriggerRow
from kinline.story import cast
from kinline.story.plot import PLOT, TRIGGER, Scene, StoryStep, words
from kinline.words import JobState

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
        return session.exec(select(Job.id).where(Job.state == JobState.RUNNING).limit(1)).first() is not None


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
    found = session.exec(select(Meta.value).where(Meta.key == KEY).with_for_update()).first()
    return msgspec.json.decode(found, type=Progress) if found is not None else None


def _note(session: Session, progress: Progress) -> None:
    session.get_one(Meta, KEY, populate_existing=True).value = msgspec.json.encode(progress).decode()
    session.flush()


def _told(session: Session, began: int, new: bool) -> StoryTold:
    ann = _person(session, cast.ANN)
    acted = (
        select(Decision.id, FollowUp.id)
        .join(TriggerRow, col(TriggerRow.id) == Decision.trigger_id)
        .join(FollowUp, col(FollowUp.decision_id) == Decision.id)
        .join(Person, col(Person.id) == Decision.person_id)
        .where(TriggerRow.name == TRIGGER, Person.root_id == ann)
    )
    decision, followup = session.exec(acted.order_by(col(Decision.decided_at)).limit(1)).first() or ("", "")
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
