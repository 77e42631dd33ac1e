"""The storm breaker for decisions: tasks, webhooks and whatever else reaches somebody count like messages do.

Tags and stages do not: they reach nobody, and an import moves everybody at once.
"""

from sqlmodel import Session

from kinline.catalogue.trigger_store import Active
from kinline.clock import HOUR
from kinline.decide.verdicts import Ruling, would_act
from kinline.followups import storms
from kinline.hub import Hub
from kinline.store import sql
from kinline.words import Verdict


def within_limit(
    hub: Hub, session: Session, trigger: Active, ruling: Ruling, now: int, fired: dict[str, int]
) -> Ruling:
    """The ruling; where this trigger fired as often within the hour as it may, it is skipped and the trigger pauses.

    ``fired``: how often each did, of those that were counted in this transaction. The caller counts on.
    Workers that decide at the same moment may each go over the limit by one.
    """
    limit = trigger.compiled.definition.limits.per_hour or hub.settings.storm_limit
    if not would_act(ruling) or trigger.compiled.only_housekeeping:
        return ruling
    if trigger.id not in fired:
        fired[trigger.id] = _fired(session, trigger.id, now - HOUR, limit)
    if fired[trigger.id] < limit:
        return ruling
    reason = storms.pause(session, trigger.id, f"{limit} decisions")
    return Ruling(Verdict.SKIPPED, f"storm: the trigger reached its limit: {reason}")


def _fired(session: Session, trigger: str, since: int, limit: int) -> int:
    """How often, counted no further than the limit."""
    statement = "SELECT 1 FROM decision WHERE trigger_id = {p} AND verdict = 'fired' AND decided_at > {p} LIMIT {p}"
    return len(sql.run(session, statement, trigger, since, limit))
