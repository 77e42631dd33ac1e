"""Macros: what a team does again and again, in one call. Named, versioned, checked when saved.

The texts are templates in the triggers' own language; a reply takes the same road as one typed by hand.
"""

from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select
from sqlmodel import Session, col

from kinline import clock
from kinline.decide import facts
from kinline.desk import conversations, replies, work
from kinline.desk.conversations import find
from kinline.errors import Conflict, Invalid, NotFound
from kinline.followups.addressee import WantedRecipients, addressee
from kinline.history import load_history
from kinline.hub import Hub
from kinline.identity.persons import of_identity, root_of, view
from kinline.store.ask import Ask
from kinline.store.models import Conversation, InteractionRow, MacroRow
from kinline.threads import numbers
from kinline.triggers import templates
from kinline.words import ConversationState, Priority

MOST_STEPS = 20
#: What a macro's text may speak of; a trigger has more, for it knows why it fires.
ROOTS = ("person", "interaction", "conversation")


class MacroStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing to do: exactly one of these. ``subject`` goes with ``reply``, ``outcome`` with ``state``."""

    reply: str | None = None
    subject: str | None = None
    note: str | None = None
    tag: str | None = None
    untag: str | None = None
    state: ConversationState | None = None
    outcome: str | None = None
    team: str | None = None
    assignee: str | None = None
    priority: Priority | None = None


#: Those of which a step has one. ``team`` and ``assignee`` may come together.
_WORDS = ("reply", "note", "tag", "untag", "state", "team", "assignee", "priority")
_TOGETHER = frozenset({"team", "assignee"})
#: To which word a field belongs.
_WITH = {"subject": "reply", "outcome": "state"}


class _MacroVersion(msgspec.Struct, frozen=True):
    name: str
    version: int


_NEWEST = (
    select(col(MacroRow.name), func.max(col(MacroRow.version)).label("version"))
    .group_by(col(MacroRow.name))
    .order_by(col(MacroRow.name))
)
_LATEST = Ask(_NEWEST.where(col(MacroRow.name) == bindparam("macro")), _MacroVersion)
_EVERY = Ask(_NEWEST, _MacroVersion)


class Macro(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a macro."""

    name: str
    version: int
    about: str
    steps: tuple[MacroStep, ...]
    made_by: str
    made_at: str | None


class MacroApplied(msgspec.Struct, frozen=True):
    """What a macro did: the follow-up of its reply, its notes' interactions, and steps that had nothing to change."""

    macro: str
    version: int
    followup: str | None
    notes: list[str]
    unchanged: list[str]


def save(session: Session, name: str, steps: tuple[MacroStep, ...], *, about: str, by: str) -> Macro:
    """Keep it as the next version. Raises `Invalid` with a pointer to the step that is wrong."""
    if not 1 <= len(steps) <= MOST_STEPS:
        raise Invalid(f"A macro has 1 to {MOST_STEPS} steps.", code="invalid_macro", pointer="/steps")
    for number, step in enumerate(steps):
        _check(step, f"/steps/{number}")
    if sum(step.reply is not None for step in steps) > 1:
        raise Invalid("A macro replies once.", code="invalid_macro", pointer="/steps")
    known = _LATEST.first(session, macro=name)
    spec = msgspec.json.encode({"about": about, "steps": steps}).decode()
    row = MacroRow(name=name, version=(known.version if known else 0) + 1, spec=spec, made_by=by, made_at=clock.now())
    session.add(row)
    session.flush()
    return _macro(row)


def latest(session: Session, name: str, version: int | None = None) -> Macro:
    """The newest version, or that one. Raises `NotFound`."""
    known = _LATEST.first(session, macro=name)
    row = session.get(MacroRow, (name, version or known.version)) if known else None
    if row is None:
        raise NotFound("There is no such macro.", code="no_such_macro")
    return _macro(row)


def every(session: Session) -> list[Macro]:
    """The newest version of each, by name."""
    return [latest(session, row.name, row.version) for row in _EVERY.rows(session)]


def apply(
    hub: Hub, session: Session, conversation_id: str, macro: Macro, *, agent: str, followup_id: str = "", to: str = ""
) -> MacroApplied:
    """Do all its steps in this transaction, or none. ``to``: whom it is about, where that is not clear.

    Raises `Invalid` where a template lacks a value, and as `replies.reply`.
    """
    row = find(session, conversation_id)
    replying = any(step.reply is not None for step in macro.steps)
    applying = _Applying(hub, session, row, agent, followup_id, WantedRecipients(to=to), replying=replying)
    for number, step in enumerate(macro.steps):
        try:
            applying.do(step)
        except Invalid as error:
            raise Invalid(error.detail, code=error.code, pointer=f"/steps/{number}", **error.more) from error
    return MacroApplied(macro.name, macro.version, applying.followup, applying.notes, applying.unchanged)


class _Applying:
    def __init__(
        self, hub: Hub, session: Session, row: Conversation, agent: str, followup_id: str, wanted: WantedRecipients, *, replying: bool
    ) -> None:  # fmt: skip
        self.hub, self.session, self.row, self.agent = hub, session, row, agent
        self.followup: str | None = None
        self.notes: list[str] = []
        self.unchanged: list[str] = []
        self._followup_id, self._wanted = followup_id, wanted
        self._interaction, self._person = self._about(replying=replying or bool(wanted.to))
        self._data = _data(session, row, self._interaction, self._person)

    def _about(self, *, replying: bool) -> tuple[str, str]:
        """What it speaks of, and to whom: with a reply in it, to whoever gets that."""
        if replying:
            found = addressee(self.session, self.row, self._wanted)
            return found.about, root_of(self.session, found.person)
        interaction, identity = work.about(self.session, self.row)
        return interaction, of_identity(self.session, identity)

    def do(self, step: MacroStep) -> None:
        word = next(word for word in _WORDS if getattr(step, word) is not None)
        try:
            getattr(self, f"_{word}", self._assign)(step)
        except (Conflict, NotFound) as error:
            if error.code not in ("already_so", "no_such_tag"):
                raise
            self.unchanged.append(f"{word}: {error.detail}")

    def _reply(self, step: MacroStep) -> None:
        text = templates.render(step.reply or "", self._data)
        subject = templates.render(step.subject, self._data, "line") if step.subject else ""
        self.followup = replies.reply(
            self.hub, self.session, self.row.id, replies.ReplyText(text=text, subject=subject), agent=self.agent,
            wanted=self._wanted, followup_id=self._followup_id,
        )  # fmt: skip

    def _note(self, step: MacroStep) -> None:
        text = templates.render(step.note or "", self._data)
        self.notes.append(work.note(self.hub, self.session, self.row.id, agent=self.agent, text=text))

    def _tag(self, step: MacroStep) -> None:
        facts.tag(self.session, self._person, step.tag or "", by=self.agent)

    def _untag(self, step: MacroStep) -> None:
        facts.untag(self.session, self._person, step.untag or "", by=self.agent)

    def _state(self, step: MacroStep) -> None:
        state = step.state or ConversationState.OPEN
        work.to_state(self.hub, self.session, self.row.id, state, agent=self.agent, outcome=step.outcome or "")

    def _priority(self, step: MacroStep) -> None:
        priority = step.priority or Priority.NORMAL
        work.prioritise(self.hub, self.session, self.row.id, agent=self.agent, priority=priority)

    def _assign(self, step: MacroStep) -> None:
        work.assign(self.hub, self.session, self.row.id, agent=self.agent, team=step.team, assignee=step.assignee)


def _data(session: Session, row: Conversation, interaction: str, person: str) -> dict[str, Any]:
    """What a macro's text may speak of, in the words of the triggers."""
    name = view(session, person).proved_name
    stages = {str(track): stage for track, stage in load_history.stages(session, person).items()}
    row_said = session.get_one(InteractionRow, interaction)
    said = msgspec.json.decode(row_said.doc)
    subject = conversations.view(session, row).subject
    known = {
        key: value
        for key, value in load_history.attributes(session, person).items()
        if key not in ("name", "first_name")
    }
    return {
        "person": {"name": name, "first_name": name.partition(" ")[0], **stages, **known},
        "interaction": {"text": said.get("text", ""), "subject": said.get("subject", ""), "channel": row_said.channel},
        "conversation": {"id": row.id, "number": numbers.number_of(row.id), "subject": subject},
    }


def _check(step: MacroStep, pointer: str) -> None:
    words = [word for word in _WORDS if getattr(step, word) is not None]
    if not words or (len(words) > 1 and not set(words) <= _TOGETHER):
        raise Invalid(f"A step does one of: {', '.join(_WORDS)}.", code="invalid_step", pointer=pointer)
    for field, word in _WITH.items():
        if getattr(step, field) is not None and word not in words:
            raise Invalid(f"`{field}` goes with `{word}`.", code="invalid_step", pointer=f"{pointer}/{field}")
    for field, form in (("reply", "text"), ("note", "text"), ("subject", "line")):
        if (source := getattr(step, field)) is not None:
            _check_template(source, form, f"{pointer}/{field}")
    for field in ("tag", "untag"):
        word = getattr(step, field)
        if word is not None and (not word.strip() or len(word) > facts.LONGEST_TAG):
            raise Invalid(
                f"A tag has 1 to {facts.LONGEST_TAG} characters.", code="invalid_tag", pointer=f"{pointer}/{field}"
            )


def _check_template(source: str, form: Any, pointer: str) -> None:
    if not source.strip():
        raise Invalid("Say something: the text is empty.", code="empty_text", pointer=pointer)
    for name in sorted(templates.check(source, form, pointer).names):
        if name.partition(".")[0].partition("[")[0] not in ROOTS:
            said = f"The text speaks of `{name[:60]}`, which nobody fills in; it can speak of {', '.join(ROOTS)}."
            raise Invalid(said, code="unknown_name", pointer=pointer)


def _macro(row: MacroRow) -> Macro:
    spec = msgspec.json.decode(row.spec)
    steps = msgspec.convert(spec["steps"], tuple[MacroStep, ...])
    return Macro(
        name=row.name, version=row.version, about=spec["about"], steps=steps, made_by=row.made_by,
        made_at=clock.to_text(row.made_at),
    )  # fmt: skip
