"""Writing down what was decided about a person, in one transaction under their lock, and acting on it.

Of what was decided at one step none comes before another: what is called off is asked before any of them acts, and what they
start comes a step later.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

import msgspec
from sqlmodel import Session

from kinline.catalogue.trigger_store import Active
from kinline.decide import in_progress, start_trigger, storms
from kinline.decide.actions import Acting, act, pinned
from kinline.decide.evaluations import used_keys
from kinline.decide.evidence import evidence_json
from kinline.decide.in_progress import CalledOff
from kinline.decide.new_rows import NewRows
from kinline.decide.rounds import FoundFire, Used, decision_of
from kinline.decide.verdicts import Ruling, chain, too_deep, too_soon, would_act
from kinline.experiments import assignment
from kinline.experiments.assignment import AssignedArm, assigned
from kinline.history import load_many
from kinline.history.load_many import HeldIdentities
from kinline.hub import Hub
from kinline.jobs import queue
from kinline.store import sql
from kinline.store.models import Decision, metadata
from kinline.triggers import Fire, History, Seen
from kinline.triggers.definition import HOLD_OUT
from kinline.words import Verdict

_DECISION = metadata.tables[str(Decision.__tablename__)]


class DecisionsWritten(msgspec.Struct, frozen=True):
    """A decision that was written, and what it did where it fired: a sentence for each action that was not done."""

    id: str
    acting: Acting | None = None
    notes: list[str] = []


class NotTogether(Exception):
    """What one person's decision changes for all others was met in a set: they are decided about one after the other."""


@dataclass(frozen=True)
class DecisionSet:
    """What all decisions of one transaction share. ``fired``: how often triggers fired within the hour, where that was counted;
    ``alone``: they are of one person."""

    hub: Hub
    session: Session
    now: int
    alone: bool = True
    rows: NewRows = field(default_factory=NewRows)
    fired: dict[str, int] = field(default_factory=dict)
    called_off: CalledOff = field(default_factory=dict)


@dataclass(frozen=True)
class DecisionWriter:
    """One person, as looked at. ``used``: the once-keys that anybody joined has used up; ``history``: with all that this look
    moves."""

    together: DecisionSet
    root: str
    held: HeldIdentities
    used: Used
    history: History
    seen: dict[str, Seen]

    @property
    def session(self) -> Session:
        return self.together.session

    def write(self, found: Iterable[FoundFire]) -> list[str]:
        """Write these decisions, given earliest first, and act on them. Returns the ids of those that are new."""
        return [
            made.id
            for _, together in groupby(found, key=lambda each: each.place)
            for made in self._write_step(list(together))
        ]

    def start(self, acting: Acting) -> list[str]:
        """Let the triggers decide that an action wants started. A sentence for each that does not."""
        notes = []
        if acting.begun:
            self.together.rows.write(self.session)  # what starts asks which arms were given
        for name in acting.begun:
            begun = start_trigger.begun(acting, name)
            if isinstance(begun, str):
                notes.append(begun)
            elif (made := self._write(begun, self._stopped(begun), led_by=acting.led)) is None:
                notes.append(f"start: the trigger “{name}” decided about this before")
            else:
                self._finish(made)
        return notes

    def _write_step(self, together: list[FoundFire]) -> list[DecisionsWritten]:
        """What was decided at one step: first all of it, then what it starts."""
        stopped = [self._stopped(each) for each in together]
        beside = frozenset(decision_of(each.trigger.id, self.root, each.fire) for each in together)
        made = [self._write(each, stop, beside) for each, stop in zip(together, stopped, strict=True)]
        written = [each for each in made if each is not None]
        for each in written:
            self._finish(each)
        return written

    def _finish(self, made: DecisionsWritten) -> None:
        """Start what it starts, and note with the decision what was not done."""
        notes = [*made.notes, *(self.start(made.acting) if made.acting else ())]
        if notes:
            self.together.rows.write(self.session)
            statement = "UPDATE decision SET reason = {p} WHERE id = {p}"
            sql.run(self.session, statement, "; ".join(notes)[:1000], made.id)

    def _write(
        self, found: FoundFire, stopped: str, beside: frozenset[str] = frozenset(), led_by: tuple[str, ...] = ()
    ) -> DecisionsWritten | None:
        """Write one decision and act on it. None: somebody decided it meanwhile. ``led_by``: what started it."""
        trigger, fire = found.trigger, found.fire
        if (trigger.id, fire.once) in self.used:
            return None
        led = [*led_by, trigger.id] if led_by else chain(trigger, fire, self.seen)
        ruling = self._within_storm_limit(trigger, too_deep(self._within_once(found, stopped), led))
        arm = found.arm if ruling is found.ruling else None
        if arm is not None and not self._stays_in(arm, trigger):
            queue.plan(self.session, "person.decide", [(self.root, fire.at)])
            return None
        decision_id = decision_of(trigger.id, self.root, fire)
        if not self._keep(fire, self._row(decision_id, found, ruling, led, arm)):
            return None
        self.used.add((trigger.id, fire.once))
        if ruling.verdict is not Verdict.FIRED:
            return DecisionsWritten(decision_id)
        if trigger.id in self.together.fired:
            self.together.fired[trigger.id] += 1
        acting = Acting(
            self.together.hub, self.session, self.root, decision_id, trigger, fire, self.history, self.together.now,
            led=tuple(led), templates=pinned(self.session, trigger.compiled), rows=self.together.rows, beside=beside,
        )  # fmt: skip
        notes = act(acting)
        if any(action.word == "stop" for action in trigger.compiled.at_once):
            self.together.called_off.update(in_progress.called_off(self.session, self.held.members))
        return DecisionsWritten(decision_id, acting, notes)

    def _keep(self, fire: Fire, row: tuple[object, ...]) -> bool:
        """Have the decision written. False: of an organisation, another member's."""
        if fire.evidence.organisation:
            return bool(sql.insert_new(self.session, _DECISION, [row], 1))
        self.together.rows.add(_DECISION, row)
        return True

    def _within_storm_limit(self, trigger: Active, ruling: Ruling) -> Ruling:
        """Raises `NotTogether` where a trigger pauses itself, for then nobody else asks it."""
        found = storms.within_limit(
            self.together.hub, self.session, trigger, ruling, self.together.now, self.together.fired
        )
        if found is not ruling and not self.together.alone:
            raise NotTogether
        return found

    def _row(
        self, decision_id: str, found: FoundFire, ruling: Ruling, led: list[str], arm: AssignedArm | None
    ) -> tuple[object, ...]:
        trigger, fire = found.trigger, found.fire
        evidence = evidence_json(self.session, self.root, self.held, trigger, fire, arm.evidence() if arm else None)
        return (
            decision_id, trigger.id, trigger.version, self.root, fire.once, ruling.verdict, ruling.reason, fire.at,
            self.together.now, evidence, fire.evidence.about or None, msgspec.json.encode(led).decode(),
            arm.experiment if arm else None, arm.name if arm else None,
        )  # fmt: skip

    def _stays_in(self, arm: AssignedArm, trigger: Active) -> bool:
        """False where somebody with another arm was joined this moment: they are looked at again."""
        now = assigned(trigger, self.root, assignment.given(self.session, self.root, [trigger]))
        return now is not None and now.name == arm.name

    def _stopped(self, found: FoundFire) -> str:
        """Why the episode was called off while it was waited for, or nothing."""
        if not would_act(found.ruling):
            return ""
        keys = ((member, found.trigger.id, found.fire.episode) for member in self.held.members)
        return next((self.together.called_off[key] for key in keys if key in self.together.called_off), "")

    def _within_once(self, found: FoundFire, stopped: str) -> Ruling:
        """``once_per: 7d``: a fire too soon after another is skipped, and says so; in a hold-out as elsewhere."""
        window = found.trigger.compiled.once_within
        if stopped:
            return Ruling(Verdict.SKIPPED, stopped)
        if window is None or not would_act(found.ruling):
            return found.ruling
        self.together.rows.write(self.session)
        rows = sql.select_in(
            self.session,
            "SELECT at FROM decision WHERE person_id {in} AND trigger_id = {p} AND (verdict = 'fired' OR arm = {p}) "
            "AND at > {p} AND at < {p}",
            self.held.members,
            found.trigger.id,
            HOLD_OUT,
            found.fire.at - window,
            found.fire.at + window,  # what arrives late may have happened before what fired
        )
        return too_soon(found.ruling, found.trigger, found.fire, (at for (at,) in rows))


def carry_out(acting: Acting) -> list[str]:
    """Do what a decision asks for after a wait, and let start what it starts. A sentence for each that is not done."""
    held = load_many.held_by(acting.session, [acting.root])
    together = DecisionSet(
        acting.hub, acting.session, acting.now, rows=acting.rows,
        called_off=in_progress.called_off(acting.session, held[acting.root].members),
    )  # fmt: skip
    seen = {one.id: one for one in acting.history.seen}
    used = used_keys(acting.session, held)[acting.root]
    notes = act(acting)
    writing = DecisionWriter(together, acting.root, held[acting.root], used, acting.history, seen)
    notes += writing.start(acting)
    acting.rows.write(acting.session)
    return notes
