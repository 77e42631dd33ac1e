"""THE STORY of deciding about one person.

Read the history, ask the pure function for every trigger, then, in a short transaction under the person's
lock, write down what is new: decisions with their evidence, stage moves and tags, tasks, follow-ups, waits.
What was decided once is never decided again: the once-key is checked over everybody who was joined.
"""

from collections.abc import Iterable
from functools import partial

from sqlmodel import Session

from kinline import clock
from kinline.catalogue.trigger_store import Active
from kinline.decide import late_scores, waits
from kinline.decide.relevant_triggers import Index, concerned
from kinline.decide.rounds import decision_of, moves, rounds
from kinline.decide.ruling import ruled
from kinline.decide.writing import DecisionWriter
from kinline.errors import NotFound
from kinline.experiments import assignment
from kinline.history.load_history import START, asked_by, facts_of, load
from kinline.hub import Hub
from kinline.identity.locking import lock
from kinline.identity.persons import members, of_identity, root_of
from kinline.jobs import queue
from kinline.store import sql
from kinline.triggers import evaluate


def decide(
    hub: Hub, about: str, since: int | None, *, only_housekeeping: bool = False, existing: str = ""
) -> list[str]:
    """Decide about the person ``about`` names (an identity or a person id), over what is new since ``since``.

    Returns the ids of new decisions. ``only_housekeeping``: after a merge; nothing may start from old history.
    ``existing``: the id of the one trigger that is asked, about what was due since then, before it went live.
    """
    now, start = clock.now(), START if since is None else since
    with hub.store.read() as session:
        root = _root(session, about)
        if root is None:
            return []
        known = _known(session, root)
        index = Index.current(session)
        asked = (
            [each for each in index.triggers if each.id == existing]
            if existing
            else concerned(session, index, root, start)
        )
        triggers = [trigger for trigger in asked if not _used_up(trigger, known)]
        wanted = asked_by(trigger.compiled for trigger in triggers)
        facts = facts_of(session, members(session, root))
        history = load(session, root, since=_lookback(triggers, start), facts=facts, **wanted)
        arms = assignment.given(session, root, triggers)
    if wanted["judgements"] and late_scores.judge_missing(hub, triggers, history):
        with hub.store.read() as session:
            history = load(session, root, since=_lookback(triggers, start), facts=facts, **wanted)
    seen = {one.id: one for one in history.seen}
    told = rounds(
        lambda seen_so: [
            (each, outcome) for each in triggers for outcome in evaluate(each.compiled, seen_so, now, since=start)
        ],
        history,
        known,
        partial(
            ruled,
            root=root,
            arms=arms,
            seen=seen,
            now=now,
            only_housekeeping=only_housekeeping,
            existing=start if existing else None,
        ),
        lambda each, so: moves(decision_of(each.trigger.id, root, each.fire), each.trigger, each.fire, so, now),
        facts,
    )
    with hub.store.write() as session:
        if not _hold(session, root):
            queue.plan(session, "person.decide", [(about, start)])
            return []
        people = members(session, root)
        made = DecisionWriter(hub, session, root, people, told.history, seen, now).write(told.found)
        waits.keep(session, root, people, told.outcomes, index.ids, fires=not only_housekeeping)
    return made


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
