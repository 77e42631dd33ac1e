"""docs/api.md names every route with its scope, and every example in it works."""

import re
import shlex
from pathlib import Path
from typing import Any

from litestar.testing import TestClient

from kinline.accounts import connected
from kinline.hub import Hub
from kinline.messages import Thread
from kinline.record.batch import record_batch
from kinline.testing.factories import InteractionFactory, RecordingFactory
from kinline_api.app import Application
from kinline_api.auth import OPEN
from kinline_api.route import Operation
from kinline_api.routes import HANDLERS

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
OPERATIONS: list[Operation] = [handler.operation for handler in HANDLERS]  # type: ignore[attr-defined]
ROW = re.compile(r"^\| `([A-Z]+) (/\S*)` \| (\w+) \|", re.MULTILINE)


def test_the_page_names_every_route_with_its_scope_and_no_other() -> None:
    told = set(ROW.findall(PAGE))
    there = {(each.method, each.path, "none" if each.scope == OPEN else each.scope) for each in OPERATIONS}

    assert there - told == set()
    assert told - there == set()


def test_the_page_says_which_routes_take_a_header() -> None:
    for header, words in (("If-Match", "Takes `If-Match`"), ("Idempotency-Key", "`Idempotency-Key`")):
        for each in OPERATIONS:
            [line] = [line for line in PAGE.splitlines() if line.startswith(f"| `{each.method} {each.path}`")]
            if header in each.headers:
                assert words in line, line


def examples() -> list[list[str]]:
    """The arguments of every curl on the page."""
    shown = [block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "curl" in block]
    commands = [command for block in shown for command in re.split(r"^curl ", block, flags=re.MULTILINE)[1:]]
    return [shlex.split(command.replace("\\\n", " ")) for command in commands]


def run(door: TestClient[Application], words: list[str], known: dict[str, str]) -> Any:
    method, headers, body, path = "GET", {}, None, ""
    given = iter(words)
    for word in given:
        if word == "-X":
            method = next(given)
        elif word == "-H":
            name, _, value = next(given).partition(": ")
            headers[name] = value
        elif word in ("-d", "--data-binary"):
            body = next(given)
        else:
            path = word.removeprefix("$HUB")
    for name, value in known.items():
        path = path.replace(f"${name}", value)
    return door.request(method, path, content=body, headers=headers)


def test_every_example_works(door: TestClient[Application], hub: Hub) -> None:
    # Given Ann, who wrote to us
    with hub.store.write() as session:
        inbox = connected.named(session, "inbox")
        connected.configure(session, hub.secret, inbox, {"address": "help@hub.example"})
        what = InteractionFactory.build(thread=Thread(key="mail"))
        record_batch(session, [RecordingFactory.build(account=connected.ref(inbox), what=what)])
    known = {"CONVERSATION": door.get("/v1/conversations").json()["conversations"][0]["id"]}

    # When everything on the page is called, one after the other
    answers = []
    for words in examples():
        answer = run(door, words, known)
        answers.append((answer.status_code, words))
        if answer.status_code == 202:
            known["FOLLOWUP"] = answer.json()["id"]

    # Then everything works
    assert [(status, words) for status, words in answers if not 200 <= status < 300] == []
    assert len(answers) >= 14
