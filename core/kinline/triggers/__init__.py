"""Triggers: what people's behaviour starts, as their authors write it, and the pure function that decides.

The way of a trigger: text → `reading` (`Definition`, with line and column of every mistake) → `compiled`
(`Trigger`: checked, expressions and templates compiled once) → `evaluate` (this person's history, and now, in;
what fires, what waits and what is over, out). Nothing here knows a database or reads a clock.
"""

from kinline.triggers.compiled import Action, Trigger, compile_trigger
from kinline.triggers.definition import Definition
from kinline.triggers.evaluate import answered, evaluate, once_of, replied
from kinline.triggers.history import History, OrganisationHistory, PersonState, Received, Seen
from kinline.triggers.outcomes import Absence, Evidence, Fire, Outcome, Settled, Wait
from kinline.triggers.reading import as_data, compiled, read, read_data, read_trigger
from kinline.triggers.schema import schema
from kinline.triggers.shipped import shipped

__all__ = [
    "Absence",
    "Action",
    "Definition",
    "Evidence",
    "Fire",
    "History",
    "OrganisationHistory",
    "Outcome",
    "PersonState",
    "Received",
    "Seen",
    "Settled",
    "Trigger",
    "Wait",
    "answered",
    "as_data",
    "compile_trigger",
    "compiled",
    "evaluate",
    "once_of",
    "read",
    "read_data",
    "read_trigger",
    "replied",
    "schema",
    "shipped",
]
