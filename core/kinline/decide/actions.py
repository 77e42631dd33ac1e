"""What a decision does: stage moves, tags, attributes, tasks; what leaves the hub is planned, and not yet sent.

At a wait it stops, and `kinline.decide.steps` goes on when the wait is over.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock, ids
from kinline.catalogue import template_store, trigger_store
from kinline.decide import in_progress, outbound_actions
from kinline.decide.action_context import Acting, words
from kinline.errors import Invalid, NotFound
from kinline.identity import attributes
from kinline.identity.persons import spans
from kinline.store import sql
from kinline.store.models import StageRow, TagRow, TaskRow, metadata
from kinline.triggers import Action, Trigger

__all__ = ["Acting", "act", "pinned", "words"]
_STAGE, _TAG, _TASK = (metadata.tables[str(model.__tablename__)] for model in (StageRow, TagRow, TaskRow))


def pinned(session: Session, trigger: Trigger) -> dict[str, int]:
    """The versions of the stored templates that a decision of this trigger is written from, now and after its waits."""
    named = [name for name, _ in trigger.naming("message", "template")]
    return template_store.latest_of(session, named) if named else {}


def act(acting: Acting) -> list[str]:
    """Do every action whose ``if`` holds, up to a wait. Returns a sentence for each that could not be done."""
    notes = []
    for number, action in list(enumerate(acting.trigger.compiled.actions))[acting.first :]:
        if action.word == "wait":
            in_progress.pause(acting, number, action)
            break
        if not acting.holds(action):
            notes.append(f"{action.word}: its `if` did not hold")
            continue
        try:
            note = _DOERS[action.word](acting, number, action)
        except (Invalid, NotFound) as error:
            note = f"{action.word}: {error.detail}"
        if note:
            notes.append(note)
    return notes


def _stage(acting: Acting, number: int, action: Action) -> str:
    doing: Any = action.doing
    if not acting.fire.proved:
        return "stage: somebody only says who they are, and that moves no stage"
    row = (
        ids.derived("stage", acting.decision_id, str(number)), acting.root, doing.track, doing.to, acting.at,
        clock.now(), acting.decision_id, acting.by, acting.fire.step + 1,
    )  # fmt: skip
    acting.rows.add(_STAGE, row)
    return ""


def _tag(acting: Acting, number: int, action: Action) -> str:
    doing: Any = action.doing
    changes = [(tag, 1) for tag in _several(doing.add)] + [(tag, 0) for tag in _several(doing.remove)]
    rows = [
        (
            ids.derived("tag", acting.decision_id, str(number), tag, str(present)), acting.root, tag, present,
            acting.at, clock.now(), acting.decision_id, acting.by, acting.fire.step + 1,
        )
        for tag, present in changes
    ]  # fmt: skip
    acting.rows.add(_TAG, *rows)
    return ""


def _attribute(acting: Acting, number: int, action: Action) -> str:
    doing: Any = action.doing
    if not acting.fire.proved:
        return "attribute: somebody only says who they are, and that sets nothing"
    value = (
        action.templates["value"].render(words(acting, among_us=True)) if "value" in action.templates else doing.value
    )
    attributes.state(acting.session, _identity(acting), doing.name, value, source=acting.by, at=acting.at)
    return ""


def _identity(acting: Acting) -> str:
    """The identity that an attribute is kept with: whoever wrote what it is about, if that is them; else their first."""
    held = sorted(span.identity_id for span in spans(acting.session, acting.root))
    wrote = sql.select_in(
        acting.session,
        "SELECT author_id FROM interaction WHERE author_id {in} AND id = {p}",
        held,
        acting.fire.evidence.about,
    )
    return str(wrote[0][0]) if wrote else held[0]


def _task(acting: Acting, number: int, action: Action) -> str:
    doing: Any = action.doing
    title = (
        action.templates["title"].render(words(acting, among_us=True)) if "title" in action.templates else doing.title
    )
    evidence = msgspec.to_builtins(acting.fire.evidence) if doing.evidence else {}
    row = (
        ids.derived("task", acting.decision_id, str(number)), acting.root, acting.decision_id, doing.team, title,
        msgspec.json.encode(evidence).decode(), "open", clock.now(), None, None,
    )  # fmt: skip
    acting.rows.add(_TASK, row)
    return ""


def _start(acting: Acting, number: int, action: Action) -> str:
    doing: Any = action.doing
    acting.begun.append(doing.trigger)
    return ""


def _stop(acting: Acting, number: int, action: Action) -> str:
    doing: Any = action.doing
    in_progress.call_off(acting, trigger_store.named(acting.session, doing.trigger).id)
    return ""


_DOERS: dict[str, Callable[[Acting, int, Action], str]] = {
    "stage": _stage,
    "tag": _tag,
    "attribute": _attribute,
    "task": _task,
    "message": outbound_actions.message,
    "publish": outbound_actions.publish,
    "webhook": outbound_actions.webhook,
    "start": _start,
    "stop": _stop,
}


def _several(given: str | tuple[str, ...]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else given
