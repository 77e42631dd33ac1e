"""Judging, broken on purpose: the tests about scores and about what rests on them must see it."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from breaking import checks_of, fails
from kinline.accounts.connected import AccountRef
from kinline.decide import late_scores, score_jobs
from kinline.hub import Hub
from kinline.jobs import queue
from kinline.record import batch
from kinline.scoring import judging, rows
from kinline.scoring.arm import ScorerThread
from kinline.settings import Settings
from kinline.triggers.conditions import sentiment, topic
from kinline.triggers.history import Judged
from kinline.triggers.outcomes import Fire
from settable import Time

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Break = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture
def settings(database_url: str, tmp_path: Any) -> Settings:
    found: Settings = checks_of("core/test_scores.py").settings.__wrapped__(database_url, tmp_path)
    return found


@pytest.fixture(autouse=True)
def parrot() -> Iterator[Any]:
    yield from checks_of("core/test_scores.py").parrot.__wrapped__()


def _the_newest_row_counts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rows, "_counts", lambda several: max(several, key=rows._latest))


def _versions_are_compared_as_text(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rows, "natural", lambda version: [(0, 0, "" if version == "1.10" else "2")])


def _old_words_are_judged_for_good(patch: pytest.MonkeyPatch) -> None:
    real = rows.current
    patch.setattr(rows, "current", lambda several, digest, as_of=2**62: real(list(_of(several, digest)), digest, as_of))


def _of(several: Any, digest: str) -> Iterator[Any]:
    return (msgspec.structs.replace(row, content_hash=digest) for row in several)


def _an_instant_does_not_matter(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(late_scores, "judge_missing", lambda hub, triggers, history: False)


def _failing_is_failing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ScorerThread, "_kept", lambda arm, given: {each.what: each for each in given})


def _a_slow_scorer_stops_deciding(patch: pytest.MonkeyPatch) -> None:
    real = score_jobs._look
    patch.setattr(score_jobs, "_look", lambda hub, jobs, also: real(hub, jobs, also) if also else None)


def _everything_is_judged(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(batch, "_judged_first", lambda interests, ready: True)


def _a_correction_decides_anew(patch: pytest.MonkeyPatch) -> None:
    real = queue.plan

    def plan(session: Any, actor: str, keys: Any, **more: Any) -> None:
        real(session, "person.decide" if actor == "person.rederive" else actor, keys, **more)

    patch.setattr(queue, "plan", plan)


def _confidence_does_not_matter(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Judged, "known", lambda judged, least=0.0: judged.value)


def _what_is_judged_is_judged_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(judging, "_missing", lambda session, found, arm: found)


#: What is broken, and the test of tests/core/test_scores.py that must see it.
HUB: list[tuple[Break, str]] = [
    (_the_newest_row_counts, "test_the_past_is_judged_once_and_again_by_a_greater_version"),
    (_versions_are_compared_as_text, "test_the_past_is_judged_once_and_again_by_a_greater_version"),
    (_what_is_judged_is_judged_again, "test_the_past_is_judged_once_and_again_by_a_greater_version"),
    (
        _old_words_are_judged_for_good,
        "test_an_edit_is_judged_anew_and_the_judgement_of_the_old_words_is_none_of_the_new",
    ),
    (_an_instant_does_not_matter, "test_who_decides_for_another_reason_does_not_take_the_unjudged_for_unknown"),
    (_failing_is_failing, "test_a_text_that_the_scorer_stumbles_over_is_unknown_and_its_neighbours_are_judged"),
    (_a_slow_scorer_stops_deciding, "test_a_scorer_that_hangs_holds_up_nobody_and_is_heard_when_it_comes_back"),
    (_everything_is_judged, "test_what_no_trigger_looks_at_costs_no_judgement"),
    (_a_correction_decides_anew, "test_a_correction_starts_no_message_and_no_task_and_arms_what_follows"),
    (_confidence_does_not_matter, "test_a_low_confidence_is_kept_and_matches_nothing"),
]


@on_sqlite
@pytest.mark.parametrize(("breaks", "seen_by"), HUB, ids=[each.__name__.strip("_") for each, _ in HUB])
def test_judging_that_is_broken_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch, breaks: Break, seen_by: str
) -> None:
    module = checks_of("core/test_scores.py")
    breaks(monkeypatch)

    fails(getattr(module, seen_by), hub, inbox, time)


def _unknown_is_neutral(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Judged, "known", lambda judged, least=0.0: 0.0 if judged.value is None else judged.value)


def _each_time_it_is_low(patch: pytest.MonkeyPatch) -> None:
    def outcomes(condition: Any, sight: Any) -> Iterator[Any]:
        for place, (seen, _) in enumerate(condition._known(sight)):
            if means := condition._fallen(sight, place):
                yield Fire(episode=seen.id, at=seen.at, evidence=condition._evidence(sight, place, means))

    patch.setattr(sentiment.FallCondition, "outcomes", outcomes)


def _a_level_holds_for_ever(patch: pytest.MonkeyPatch) -> None:
    def place(condition: Any, sight: Any, at: int) -> int | None:
        found = [number for number, (seen, _) in enumerate(condition._known(sight)) if seen.at <= at]
        return found[-1] if found else None

    patch.setattr(sentiment._Heard, "_place", place)


def _any_topic_will_do(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(topic.TopicMatcher, "matches", lambda matcher, seen: super(topic.TopicMatcher, matcher).matches(seen))


#: What is broken, and the test of tests/core/test_triggers_judged.py that must see it.
PURE: list[tuple[Break, str]] = [
    (_unknown_is_neutral, "test_the_unknown_is_passed_over_and_not_taken_for_neutral"),
    (_each_time_it_is_low, "test_who_stays_angry_is_noticed_once_and_again_after_a_recovery"),
    (_a_level_holds_for_ever, "test_the_level_holds_by_the_newest_that_is_known_and_no_longer_than_its_time"),
    (_any_topic_will_do, "test_a_topic_each_time_or_when_it_is_so_often"),
]


@pytest.mark.parametrize(("breaks", "seen_by"), PURE, ids=[each.__name__.strip("_") for each, _ in PURE])
def test_a_condition_that_is_broken_is_seen(monkeypatch: pytest.MonkeyPatch, breaks: Break, seen_by: str) -> None:
    breaks(monkeypatch)

    fails(getattr(checks_of("core/test_triggers_judged.py"), seen_by))
