"""Triggers over HTTP: written, checked, tried out on history, run, stopped; and every mistake told where it is."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from litestar.testing import TestClient

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.clock import DAY, HOUR
from kinline.hub import Hub
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import MORNING, InteractionFactory, PartyFactory, RecordingFactory
from kinline_api.app import Application
from trying import tried

Door = TestClient[Application]
Key = Callable[..., dict[str, str]]
NINE = clock.from_datetime(MORNING)
LIVE = {"state": "live", "override": "a test"}
YAML = {"Content-Type": "text/yaml"}
WATCH = """
name: watch
about: Nobody of us answered within an hour.
when: {silence: {of: us, after: {kind: message, direction: inbound}, for: 1h}}
do: [{task: {team: support, title: "Answer {{ person.name }}"}}]
"""
BAD: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "bad_inputs" / "triggers.yaml").read_text())


class Time:
    """A clock that tests set."""

    now = NINE

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def time() -> Iterator[Time]:
    made = Time()
    with clock.frozen(made):
        yield made


def writes(hub: Hub, at: int = NINE, account: str = "inbox") -> None:
    """Ann writes to us. Recorded here and not over HTTP, so that it happens by the test's clock."""
    what = InteractionFactory.build(occurred_at=clock.to_datetime(at), parties=(PartyFactory.build(),))
    with hub.store.write() as session:
        account_ref = connected.ref(connected.named(session, account))
        record_batch(session, [RecordingFactory.build(account=account_ref, what=what)])
    handlers.drain(hub)


def saved(door: Door, text: str = WATCH) -> Any:
    return door.post("/v1/triggers", content=text, headers=YAML)


def saved_untested(door: Door, text: str) -> Any:
    return door.post("/v1/triggers", json={"source": text, "override": "a test"})


def test_a_trigger_is_written_as_yaml_and_starts_as_a_draft(door: Door) -> None:
    answer = saved(door)

    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["name"], shown["state"], shown["version"]) == ("watch", "draft", 1)
    assert shown["source"] == WATCH
    assert shown["warnings"] == []
    assert door.get("/v1/triggers/watch").json() == shown
    assert door.get(f"/v1/triggers/{shown['id']}").json() == shown


def test_json_carries_the_same_text(door: Door) -> None:
    answer = door.post("/v1/triggers", json={"source": WATCH})

    assert answer.status_code == 201
    assert answer.json()["source"] == WATCH


def test_each_other_text_is_a_version_and_the_same_is_none(door: Door) -> None:
    saved(door)
    assert saved(door).status_code == 200
    assert saved(door, WATCH.replace("1h", "2h")).json()["version"] == 2

    versions = door.get("/v1/triggers/watch/versions").json()["versions"]
    assert [each["version"] for each in versions] == [2, 1]
    assert versions[1]["source"] == WATCH
    assert versions[0]["made_by"] == "a test"


def test_who_saw_an_older_version_writes_nothing(door: Door) -> None:
    # Given a trigger that two people look at, and one of them changes
    saved(door)
    seen = door.get("/v1/triggers/watch").headers["etag"]
    current = saved(door, WATCH.replace("1h", "2h")).headers["etag"]

    # When the other one saves, or puts live, what they saw
    answers = [
        door.post("/v1/triggers", content=WATCH.replace("1h", "3h"), headers=YAML | {"If-Match": seen}),
        door.post("/v1/triggers/watch/state", json=LIVE, headers={"If-Match": seen}),
    ]

    # Then both are told which version stands, and with that one it works
    assert [(each.status_code, each.json()["current"]) for each in answers] == [(412, current)] * 2
    assert door.get("/v1/triggers/watch").headers["etag"] == current
    assert door.post("/v1/triggers/watch/state", json=LIVE, headers={"If-Match": current}).status_code == 200
    unknown = door.post("/v1/triggers", content=WATCH.replace("watch", "guard"), headers=YAML | {"If-Match": current})
    assert unknown.status_code == 412


def test_a_known_version_is_not_sent_again(door: Door) -> None:
    tag = saved(door).headers["etag"]

    assert door.get("/v1/triggers/watch", headers={"If-None-Match": tag}).status_code == 304


def test_checking_saves_nothing(door: Door) -> None:
    answer = door.post("/v1/triggers/check", content=WATCH.replace("inbound", "inbound, channel: email"), headers=YAML)

    assert answer.status_code == 200
    assert ["message", "inbound", "email"] in answer.json()["looks_at"]
    assert "People combine channels" in answer.json()["warnings"][0]
    assert door.get("/v1/triggers").json()["triggers"] == []


def test_every_bad_trigger_is_told_where_it_is_wrong(door: Door) -> None:
    """R1, R2, R7, R10, R11, R12, R16 of the catalogue."""
    wrong = []
    for case in BAD["cases"]:
        text = case.get("text", BAD["base"])
        for change in ("change", "change_too"):
            if change in case:
                text = text.replace(*case[change], 1)
        expected = {name: case[name] for name in ("code", "line", "column", "suggestion") if name in case}
        for path in ("/v1/triggers/check", "/v1/triggers"):
            answer = door.post(path, content=text, headers=YAML)
            told = answer.json()
            found = {name: told.get(name) for name in expected}
            if answer.status_code != 422 or found != expected or told.get("pointer", "") != case["pointer"]:
                wrong.append((case["is"], path, answer.status_code, told))

    assert wrong == []
    assert len(BAD["cases"]) > 40
    assert door.get("/v1/triggers").json()["triggers"] == []


NO_TRIGGERS: list[tuple[bytes, dict[str, str], int, str]] = [
        (b"", YAML, 422, "wrong_type"),
        (b"name: \xff", YAML, 422, "not_utf8"),
        (b"name: a\x00b", YAML, 422, "not_yaml"),
        (b"name: " + b"x" * 70_000, YAML, 422, "too_large"),
        (b"x" * 500_000, YAML, 413, "too_large"),
        (b"[" * 100_000, YAML, 422, "too_large"),
        (b"[" * 1000, YAML, 422, "too_deep"),
        (b"name: watch", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b"name: watch", YAML | {"Content-Encoding": "gzip"}, 415, "unsupported_encoding"),
        (b"", {"Content-Type": "application/json"}, 400, "body_required"),
        (b"[]", {"Content-Type": "application/json"}, 422, "expected_object"),
        (b'{"source": 7}', {"Content-Type": "application/json"}, 422, "wrong_type"),
        (b'{"source": "a", "state": "live"}', {"Content-Type": "application/json"}, 422, "unknown_field"),
        (b'{"source": "a: \\u0000"}', {"Content-Type": "application/json"}, 422, "nul_character"),
        (b'{"source": "a", "source": "b"}', {"Content-Type": "application/json"}, 400, "duplicate_key"),
    ]  # fmt: skip


def test_what_is_no_trigger_at_all_is_refused(door: Door) -> None:
    for content, headers, status, code in NO_TRIGGERS:
        for path in ("/v1/triggers", "/v1/triggers/check"):
            answer = door.post(path, content=content, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (status, code), content[:40]


def test_the_list_is_read_page_by_page(door: Door) -> None:
    for name in ("c", "a", "e", "b", "d"):
        saved(door, WATCH.replace("watch", name))
    door.post("/v1/triggers/b/state", json={"state": "shadow", "reason": "first we look"})

    names, cursor = [], ""
    while cursor is not None:
        page = door.get("/v1/triggers", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        names += [each["name"] for each in page["triggers"]]
        cursor = page["next"]

    assert names == ["a", "b", "c", "d", "e"]
    [shadow] = door.get("/v1/triggers?state=shadow").json()["triggers"]
    assert (shadow["name"], shadow["state_reason"]) == ("b", "first we look")
    cursor = door.get("/v1/triggers?limit=2").json()["next"]
    assert door.get("/v1/triggers", params={"cursor": cursor, "state": "live"}).json()["code"] == "invalid_cursor"


def test_the_schema_is_there_for_editors(door: Door) -> None:
    answer = door.get("/v1/triggers/schema")

    assert answer.headers["content-type"] == "application/schema+json"
    assert answer.json()["title"] == "Kinline trigger"


def test_a_trigger_that_is_not_there_is_not_found(door: Door) -> None:
    answers = [
        door.get("/v1/triggers/x"),
        door.get("/v1/triggers/x/versions"),
        door.post("/v1/triggers/x/backtest", json={}),
        door.post("/v1/triggers/x/state", json=LIVE),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "no_such_trigger")}


def test_a_trigger_goes_through_its_states(door: Door) -> None:
    saved(door)
    for state in ("shadow", "live", "paused", "draft"):
        answer = door.post("/v1/triggers/watch/state", json={"state": state, "override": "a test"})
        assert (answer.status_code, answer.json()["state"]) == (200, state)

    again = door.post("/v1/triggers/watch/state", json={"state": "draft"})
    assert (again.status_code, again.json()["code"]) == (409, "already_so")
    wrong = door.post("/v1/triggers/watch/state", json={"state": "on"})
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["pointer"]) == (422, "unknown_value", "/state")


def test_a_live_trigger_decides(door: Door, hub: Hub, time: Time) -> None:
    # Given a live trigger, and Ann, who writes
    saved(door)
    door.post("/v1/triggers/watch/state", json=LIVE)
    writes(hub)

    # When nobody answers for an hour
    time.now = NINE + HOUR
    handlers.drain(hub)

    # Then the decision says why, and the task is there
    [decision] = door.get("/v1/decisions", params={"person": "email:ann@example.org"}).json()["decisions"]
    assert (decision["trigger"], decision["verdict"], decision["version"]) == ("watch", "fired", 1)
    detail = door.get(f"/v1/decisions/{decision['id']}").json()
    assert detail["evidence"]["interactions"] == [decision["cause"]]
    assert detail["chain"] == ["watch"]
    [task] = door.get("/v1/tasks?state=open&team=support").json()["tasks"]
    assert task["title"] == "Answer Ann Archer"
    assert detail["tasks"] == [task["id"]]


WRITE = WATCH.replace(
    'task: {team: support, title: "Answer {{ person.name }}"}', "message: {class: transactional, text: We saw it}"
)


@pytest.mark.parametrize(
    ("stop", "state"),
    [
        (lambda door: door.post("/v1/triggers/watch/state", json={"state": "paused"}), "cancelled"),
        (lambda door: door.post("/v1/triggers/watch/state", json={"state": "draft"}), "cancelled"),
        (lambda door: saved_untested(door, WRITE.replace("We saw it", "Hello")), "sent"),
    ],
    ids=["paused", "draft", "edited"],
)
def test_pending_follow_ups_are_cancelled_or_kept_never_half(
    door: Door, hub: Hub, time: Time, stop: Callable[[Door], Any], state: str
) -> None:
    """R14: a trigger is stopped, put back or edited while its follow-up is pending."""
    # Given a message that a trigger decided on, not gone out yet
    saved(door, WRITE)
    door.post("/v1/triggers/watch/state", json=LIVE)
    with hub.store.write() as session:
        connected.configure(session, hub.secret, connected.named(session, "inbox"), {"address": "help@hub.example"})
    writes(hub)
    time.now = NINE + HOUR
    handlers.plan_due(hub)
    with hub.store.read() as session:
        [job] = sql.run(session, "SELECT id FROM job WHERE actor = 'person.decide'")
    handlers.work(hub, job[0])
    [pending] = door.get("/v1/followups?state=pending&trigger=watch").json()["followups"]

    # When somebody stops or edits the trigger, and the time of the message comes
    assert stop(door).is_success
    handlers.drain(hub)

    # Then it was cancelled with the reason, or went out as it was decided
    found = door.get(f"/v1/followups/{pending['id']}").json()
    assert (found["state"], found["text"]) == (state, "We saw it")
    assert state == "sent" or "not live any more" in found["reason"]


def test_a_backtest_tells_whom_it_would_have_reached(door: Door, hub: Hub, time: Time) -> None:
    # Given a draft, and three days on which Ann wrote
    saved(
        door,
        WATCH.replace(
            "{silence: {of: us, after: {kind: message, direction: inbound}, for: 1h}}", "{did: {kind: message}}"
        ),
    )
    for day in range(3):
        time.now = NINE + day * DAY
        writes(hub, time.now)
    time.now = NINE + 3 * DAY

    # When it is tried out
    told = tried(door, hub, "watch", since="90d", limit=2)

    # Then it names her, each time, and what nobody can know
    assert (told["count"], len(told["hits"]), told["persons"], told["version"]) == (3, 2, 1, 1)
    assert told["hits"][0]["name"] == "Ann Archer"
    assert told["hits"][0]["at"] == "2026-03-02T09:00:00Z"
    assert list(told["days"]) == ["2026-03-02", "2026-03-03", "2026-03-04"]
    assert any("consents" in each for each in told["unknown"])
    later = tried(door, hub, "watch", since="2026-03-03T00:00:00+01:00")
    assert later["count"] == 2
    assert door.get("/v1/decisions").json()["decisions"] == []


SILLY: list[tuple[str, str]] = [
    ("2099-01-01T00:00:00Z", "in_future"),
    ("1999-01-01T00:00:00Z", "out_of_range"),
    ("0001-01-01T00:00:00+14:00", "invalid_datetime"),
    ("2026-03-02T09:00:00", "invalid_datetime"),
    ("2026-02-30T00:00:00Z", "invalid_datetime"),
    ("yesterday", "invalid_datetime"),
    ("-5d", "invalid_datetime"),
    ("99999w", "invalid_datetime"),
    ("9" * 40, "invalid_datetime"),
    ("", "too_short"),
    ("9" * 41, "too_long"),
]


def test_a_backtest_since_a_silly_time_is_refused(door: Door) -> None:
    saved(door)
    for since, code in SILLY:
        answer = door.post("/v1/triggers/watch/backtest", json={"since": since})
        assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (422, code, "/since"), since


def test_a_team_sees_in_a_backtest_and_in_decisions_what_it_may_read(
    door: Door, hub: Hub, key: Key, time: Time
) -> None:
    # Given Ann, who wrote to a mailbox of the north, and a trigger that fired about it
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "email", "north", {}, teams=("north",))
    saved(door)
    door.post("/v1/triggers/watch/state", json=LIVE)
    writes(hub, account="north")
    time.now = NINE + 2 * HOUR
    handlers.drain(hub)

    # Then the north sees it all, and the south nothing
    seen = {}
    for team in ("north", "south"):
        headers = key("triggers", "read", "desk", teams=(team,))
        tested = tried(door, hub, "watch", headers, since="10d")
        decisions = door.get("/v1/decisions", headers=headers).json()["decisions"]
        tasks = door.get("/v1/tasks", headers=headers).json()["tasks"]
        seen[team] = (tested["count"], len(decisions), len(tasks))
    assert seen == {"north": (1, 1, 1), "south": (0, 0, 0)}
    [decision] = door.get("/v1/decisions").json()["decisions"]
    hidden = door.get(f"/v1/decisions/{decision['id']}", headers=key("read", teams=("south",)))
    assert (hidden.status_code, hidden.json()["code"]) == (404, "no_such_decision")
