"""THE STORY of deciding about one person.

Read the history, ask the pure function for every trigger, then, in a short transaction under the person's
lock, write down what is new: decisions with their evidence, stage moves and tags, tasks, follow-ups, waits.
What was decided once is never decided again: the once-key is checked over everybody who was joined.
"""

from collections.abc import Iterable
from functools import partial

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.decide import assigning, late_scores, starting, storms, underway, waits
from kinline.decide.actions import Acting, act, pinned
from kinline.decide.assigning import assigned
from kinline.decide.catalogue import Active
from kinline.decide.concerned import Index, concerned
from kinline.decide.evidence import evidence_json
from kinline.decide.histories import START, asked_by, load
from kinline.decide.rounds import Found, decision_of, moves, rounds
from kinline.decide.ruling import ruled
from kinline.decide.verdicts import Ruling, chain, too_deep, too_soon, would_act
from kinline.errors import NotFound
from kinline.hub import Hub
from kinline.identity.locking import lock
from kinline.identity.persons import members, of_identity, root_of
from kinline.jobs import queue
from kinline.store import sql
from kinline.store.models import Decision, metadata
from kinline.triggers import Fire, History, Seen, evaluate
from kinline.triggers.definition import HOLD_OUT
from kinline.words import Verdict

_DECISION = metadata.tables[str(Decision.__tablename__)]


def decide(hub: Hub, about: str, since: int | None, *, only_housekeeping: bool = False) -> list[str]:
    """Decide about the person ``about`` names (an identity or a person id), over what is new since ``since``.

    Returns the ids of new decisions. ``only_housekeeping``: after a merge; nothing may start from old history.
    """
    now, start = clock.now(), START if since is None else since
    with hub.store.read() as session:
        root = _root(session, about)
        if root is None:
            return []
        known = _known(session, root)
        index = Index.current(session)
        asked = concerned(session, index, root, start)
        triggers = [trigger for trigger in asked if not _used_up(trigger, known)]
        wanted = asked_by(trigger.compiled for trigger in triggers)
        history = load(session, root, since=_lookback(triggers, start), **wanted)
        arms = assigning.given(session, root, triggers)
    if wanted["judgements"] and late_scores.judge_missing(hub, triggers, history):
        with hub.store.read() as session:
            history = load(session, root, since=_lookback(triggers, start), **wanted)
    seen = {one.id: one for one in history.seen}
    new, outcomes = rounds(
        lambda seen_so: [
            (each, outcome) for each in triggers for outcome in evaluate(each.compiled, seen_so, now, since=start)
        ],
        history,
        known,
        partial(ruled, root=root, arms=arms, seen=seen, now=now, only_housekeeping=only_housekeeping),
        lambda each, fire: moves(decision_of(each.id, root, fire), each, fire, history, now),
    )
    with hub.store.write() as session:
        if not _hold(session, root):
            queue.plan(session, "person.decide", [(about, start)])
            return []
        people = members(session, root)
        made = [_write(hub, session, root, people, each, history, seen, now) for each in new]
        waits.keep(session, root, people, outcomes, index.ids, fires=not only_housekeeping)
    return [decision for decision in made if decision]


def _root(session: Session, about: str) -> str | None:
    try:
        return root_of(session, about)
    except NotFound:
        pass
    try:
        return of_identity(session, about)
    except NotFound:
        return None


def _used_up(trigger: Active, known: set[tuple[str, str]]) -> bool:
    """A once-per-person trigger that was decided needs no history any more."""
    return trigger.compiled.definition.limits.once_per == "person" and (trigger.id, "") in known


def _lookback(triggers: Iterable[Active], start: int) -> int:
    backs = [trigger.compiled.lookback for trigger in triggers]
    return START if None in backs else max(START, start - max((back for back in backs if back), default=0))


def _known(session: Session, root: str) -> set[tuple[str, str]]:
    """The once-keys used up by anybody who is this person now."""
    rows = sql.select_in(
        session, "SELECT trigger_id, once_key FROM decision WHERE person_id {in}", members(session, root)
    )
    return {(trigger, once) for trigger, once in rows}


def _hold(session: Session, root: str) -> bool:
    """Lock the person; False when they were merged meanwhile, and somebody has to look again."""
    return lock(session, root) == root


def _write(
    hub: Hub, session: Session, root: str, people: list[str], found: Found[Active], history: History,
    seen: dict[str, Seen], now: int, led_by: tuple[str, ...] = (),
) -> str | None:  # fmt: skip
    """Write one decision and act on it, in the caller's transaction. None: somebody decided it meanwhile.

    ``people``: all who are joined in the root. ``led_by``: the triggers that started this one, where one did.
    """
    trigger, fire = found.trigger, found.fire
    if _decided(session, people, trigger, fire):
        return None
    led = [*led_by, trigger.id] if led_by else chain(trigger, fire, seen)
    ruling = too_deep(_within_once(session, root, people, found), led)
    ruling = storms.within_limit(hub, session, trigger, ruling, now)
    arm = found.arm if ruling is found.ruling else None
    if arm is not None:
        said, arm = arm.name, assigned(trigger, root, assigning.given(session, root, [trigger]))
        if arm is None or arm.name != said:  # somebody with another arm was joined this moment
            queue.plan(session, "person.decide", [(root, fire.at)])
            return None
    decision_id = decision_of(trigger.id, root, fire)
    row = (
        decision_id, trigger.id, trigger.version, root, fire.once, ruling.verdict, ruling.reason, fire.at, now,
        evidence_json(session, root, people, trigger, fire, arm.evidence() if arm else None), fire.evidence.about or None,
        msgspec.json.encode(led).decode(), arm.experiment if arm else None, arm.name if arm else None,
    )  # fmt: skip
    if not sql.insert_new(session, _DECISION, [row], 1):
        return None  # of an organisation: another member's
    if ruling.verdict is Verdict.FIRED:
        templates = pinned(session, trigger.compiled)
        acting = Acting(
            hub, session, root, decision_id, trigger, fire, history, now, led=tuple(led), templates=templates
        )  # fmt: skip
        if notes := carry_out(acting):
            sql.run(session, "UPDATE decision SET reason = {p} WHERE id = {p}", "; ".join(notes)[:1000], decision_id)
    return decision_id


def _decided(session: Session, people: list[str], trigger: Active, fire: Fire) -> bool:
    """Whether this once-key is used up, by anybody who is this person now."""
    statement = "SELECT 1 FROM decision WHERE person_id {in} AND trigger_id = {p} AND once_key = {p}"
    return bool(sql.select_in(session, statement, people, trigger.id, fire.once))


def carry_out(acting: Acting) -> list[str]:
    """Do what a decision asks for, and what the triggers that it starts ask for. A sentence for each that is not done."""
    notes = act(acting)
    for name in acting.begun:
        begun = starting.begun(acting, name)
        if isinstance(begun, str):
            notes.append(begun)
            continue
        seen = {one.id: one for one in acting.history.seen}
        people = members(acting.session, acting.root)
        made = _write(
            acting.hub, acting.session, acting.root, people, begun, acting.history, seen, acting.now, acting.led
        )  # fmt: skip
        if made is None:
            notes.append(f"start: the trigger “{name}” decided about this before")
    return notes


def _within_once(session: Session, root: str, people: list[str], found: Found[Active]) -> Ruling:
    """``once_per: 7d``: a fire too soon after another is skipped, and says so; in a hold-out as elsewhere."""
    window = found.trigger.compiled.once_within
    if not would_act(found.ruling):
        return found.ruling
    stopped = underway.called_off(session, root, found.trigger.id, found.fire.episode)
    if stopped:
        return Ruling(Verdict.SKIPPED, stopped)
    if window is None:
        return found.ruling
    rows = sql.select_in(
        session,
        "SELECT at FROM decision WHERE person_id {in} AND trigger_id = {p} AND (verdict = 'fired' OR arm = {p}) "
        "AND at > {p} AND at < {p}",
        people,
        found.trigger.id,
        HOLD_OUT,
        found.fire.at - window,
        found.fire.at + window,  # what arrives late may have happened before what fired
    )
    return too_soon(found.ruling, found.trigger, found.fire, (at for (at,) in rows))
