"""What an explanation says, as data."""

from typing import Any

import msgspec

from kinline.reasons import Reasoned
from kinline.webhooks.deliveries import DeliveryShown
from kinline.why.context import Cascade, Considered, Given, WayShown
from kinline.why.parts import CountedInteraction, ExplanationPart, JoinedBy, KnownLink, Missed
from kinline.why.shown_steps import StepShown


class Rule(ExplanationPart, frozen=True):
    """The trigger, in the version that decided. ``override``: why that went live without a back-test."""

    id: str
    name: str
    version: int
    about: str
    override: str = ""


class Try(ExplanationPart, frozen=True):
    """One attempt at sending."""

    number: int
    at: str
    outcome: str
    detail: str = ""


class MessageExplained(Reasoned, msgspec.Struct, frozen=True, kw_only=True):
    """A follow-up that came of it, and how far it came. ``reason`` says what held it back, or where it went."""

    id: str
    state: str
    channel: str
    send_class: str
    by: str
    to: str = ""
    subject: str = ""
    text: str = ""
    due_at: str = ""
    sent_at: str | None = None
    interaction: str | None = None
    attempts: list[Try] = []
    ways: list[WayShown] = []  #: that there were when it was planned


class Duty(ExplanationPart, frozen=True):
    """A task that came of it."""

    id: str
    team: str
    title: str
    state: str


class MoveExplained(ExplanationPart, frozen=True):
    """A move in the life cycle that came of it."""

    track: str
    stage: str
    at: str


class Why(Reasoned, msgspec.Struct, frozen=True, kw_only=True):
    """The whole explanation. ``trigger``, ``verdict`` and the evidence are empty where a human decided.

    ``verdict`` is that of the decision; of a wait it is `waits`, or `waited` when it is over. Each ``reason``
    is in English; the ``summary`` tells them in its language.
    """

    reference: str
    sort: str  #: decision | followup | interaction | task | stage | merge | wait
    person: str
    name: str
    summary: str = ""
    by: str = ""
    trigger: Rule | None = None
    decision: str | None = None
    verdict: str = ""
    at: str = ""
    decided_at: str = ""
    interactions: list[CountedInteraction] = []
    absences: list[Missed] = []
    read: dict[str, Any] = {}
    proved: bool = True
    identities: list[KnownLink] = []
    merges: list[JoinedBy] = []
    followups: list[MessageExplained] = []
    tasks: list[Duty] = []
    moves: list[MoveExplained] = []
    steps: list[StepShown] = []
    calls: list[DeliveryShown] = []
    experiment: Given | None = None
    cascade: Cascade | None = None
    led_to: list[Considered] = []
    considered: list[Considered] = []
