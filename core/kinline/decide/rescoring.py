"""Judging what was recorded before anybody judged it, or by another scorer: the whole store, page by page.

Old history starts no message and no task by it: stages and tags follow, where a live trigger looks at judgements.
"""

from collections import Counter
from collections.abc import Callable, Iterator

import msgspec

from kinline.hub import Hub
from kinline.jobs import queue
from kinline.record.interests import Interests
from kinline.scoring.judging import ScorableText, judge, unjudged
from kinline.store import sql
from kinline.waiting import beside
from kinline.waiting import keep as waiting

PAGE = 500
_WORTH = "kind <> 'note' AND direction <> 'outbound' AND deleted_at IS NULL"


class RescoredPage(msgspec.Struct, frozen=True):
    """What came of it: ``looked_at`` interactions that people wrote, of which ``judged`` were judged now."""

    looked_at: int
    judged: int
    languages: dict[str, int]


def count(hub: Hub) -> int:
    """How many interactions there are to look at."""
    with hub.store.read() as session:
        return int(sql.run(session, f"SELECT count(*) FROM interaction WHERE {_WORTH}")[0][0])


def judge_past(hub: Hub, *, again: bool, step: Callable[[int], None]) -> RescoredPage:
    """Judge what nobody judged yet; ``again``: also what another scorer, or another version of it, judged.

    Interrupted, it goes on where it was when it is run again. Raises what `judge` raises.
    """
    looked_at, done, languages = 0, 0, Counter[str]()
    for page in _pages(hub):
        found = judge(hub, page if again else _without(hub, page))
        _follow(hub, found)
        looked_at, done = looked_at + len(page), done + len(found)
        languages.update(_languages(hub, found))
        step(len(page))
    return RescoredPage(looked_at, done, dict(languages.most_common()))


def _pages(hub: Hub) -> Iterator[list[str]]:
    after = ""
    while True:
        with hub.store.read() as session:
            statement = f"SELECT id FROM interaction WHERE id > {{p}} AND {_WORTH} ORDER BY id LIMIT {{p}}"
            page = [each for (each,) in sql.run(session, statement, after, PAGE)]
        if not page:
            return
        yield page
        after = page[-1]


def _without(hub: Hub, page: list[str]) -> list[str]:
    with hub.store.read() as session:
        return unjudged(session, page)


def _follow(hub: Hub, found: list[ScorableText]) -> None:
    """Have those looked at whom it concerns, as after a correction."""
    with hub.store.write() as session:
        waiting.reconsider(session, beside.answering(session, [each.id for each in found]))
        interests = Interests.current(session)
        concerned = [each for each in found if interests.judge_first(each.kind, each.direction, each.channel)]
        queue.plan(session, "person.rederive", [news for each in concerned for news in each.people()])


def _languages(hub: Hub, found: list[ScorableText]) -> Iterator[str]:
    with hub.store.read() as session:
        rows = sql.select_in(
            session,
            "SELECT value FROM score WHERE what = 'language' AND interaction_id {in}",
            [each.id for each in found],
        )
    for (value,) in rows:
        yield str(msgspec.json.decode(value) or "unknown")
