"""Judging comes before deciding: what the scorer has not judged yet is judged now, where a live trigger looks at it.

Jobs judge what comes in, many at a time; a decision that another cause starts meanwhile must not take what is not judged
yet for what cannot be told. What was recorded before the trigger looked is left as it is: `kinline score` judges the past.
"""

from collections.abc import Iterable

import structlog

from kinline.catalogue.trigger_store import Active
from kinline.errors import KinlineError
from kinline.hub import Hub
from kinline.scoring.judging import judge
from kinline.triggers import History, Seen

log = structlog.get_logger(__name__)
#: Judged in one decision at most, the newest first; the jobs judge the others.
MOST = 500


def judge_missing(hub: Hub, triggers: Iterable[Active], history: History) -> bool:
    """Have judged what is missing in this history. True: something is known now that was not. Never raises for a scorer."""
    looking = [each for each in triggers if each.compiled.looks_at_judgements]
    missing = [seen.id for seen in history.seen if _waits(looking, seen)][-MOST:]
    if not missing:
        return False
    try:
        return bool(judge(hub, missing))
    except KinlineError as error:  # decided without: what is unknown matches nothing, and the job tries again
        log.warning("decided without a judgement", count=len(missing), reason=error.detail)
        return False


def _waits(looking: list[Active], seen: Seen) -> bool:
    said = bool(seen.text or seen.subject)
    return (
        said
        and not any(each.scorer != "source" for each in seen.judged.values())
        and any(
            seen.recorded_at >= trigger.live_since
            and trigger.compiled.needs_judged(seen.kind, seen.direction, seen.channel)
            for trigger in looking
        )
    )
