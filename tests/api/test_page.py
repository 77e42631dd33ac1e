"""The page and the why, as a browser and a program get them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.catalogue import trigger_store
from kinline.hub import Hub
from kinline.store import sql
from kinline.words import TriggerState
from kinline_api.app import Application
from kinline_api.routes import page

Door = TestClient[Application]
Message = Callable[..., dict[str, Any]]
SCRIPTS = sorted(page.PAGE.glob("*.js"))
THANKS = """
name: thanks
about: Somebody wrote to us.
when: {did: {kind: message}}
do:
  - tag: {add: wrote}
  - task: {team: support, title: "{{ person.name }} wrote"}
"""


def test_the_page_needs_no_key_and_may_load_only_what_is_shipped(door: Door) -> None:
    answer = door.get("/", headers={"Authorization": ""})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy


def test_everything_that_the_page_names_is_there(door: Door) -> None:
    named = set(re.findall(r'(?:src|href)="(/page/[^"]+)"', door.get("/").text))
    named |= {f"/page/{name}" for script in SCRIPTS for name in re.findall(r'from "\./([\w.]+)"', script.read_text())}

    assert {"/page/page.js", "/page/page.css", "/page/dom.js"} <= named
    assert {path: door.get(path).status_code for path in named} == dict.fromkeys(named, 200)
    assert door.get("/page/page.js").headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize("path", ["/page/index.html", "/page/..%2Fapp.py", "/page/app.py", "/page/"])
def test_nothing_else_is_served(door: Door, path: str) -> None:
    assert door.get(path).status_code == 404


def test_the_page_asks_nobody_but_this_hub() -> None:
    text = "".join(file.read_text() for file in page.PAGE.iterdir())
    addresses = re.findall(r"""["'(`]((?:https?:)?//[\w.-]+\.\w+)""", text)

    assert set(addresses) == {"http://www.w3.org"}  # the name of a vocabulary, which nobody fetches


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: Path(path).name)
def test_texts_can_become_nothing_but_text(script: Path) -> None:
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|srcdoc|DOMParser|setHTML"

    assert re.findall(sinks, script.read_text()) == []


def test_the_key_is_never_put_into_an_address() -> None:
    asked = (page.PAGE / "hub.js").read_text()

    assert "Authorization: `Bearer ${key()}`" in asked
    assert "localStorage" not in asked


def decided(hub: Hub, door: Door, message: Message) -> str:
    """A trigger that fired for Ann. Returns the id of its task."""
    with hub.store.write() as session:
        trigger_store.save(session, THANKS, made_by="Cleo")
        trigger_store.set_state(session, "thanks", TriggerState.LIVE, override="a test")
    now = clock.to_text(clock.now())
    assert door.post("/v1/interactions", json=message(occurred_at=now)).status_code in (200, 201)
    handlers.drain(hub)
    with hub.store.read() as session:
        [(task,)] = sql.run(session, "SELECT id FROM task")
    return str(task)


def test_the_why_names_trigger_interaction_and_outcome(hub: Hub, door: Door, message: Message) -> None:
    task = decided(hub, door, message)

    told = door.get(f"/v1/why/{task}").json()

    assert (told["sort"], told["name"], told["trigger"]["name"]) == ("task", "Ann Archer", "thanks")
    assert [one["text"] for one in told["interactions"]] == ["Where is my parcel?"]
    assert [one["title"] for one in told["tasks"]] == ["Ann Archer wrote"]
    assert "the trigger “thanks” fired for Ann Archer: Somebody wrote to us." in told["summary"]


def test_the_why_speaks_spanish(hub: Hub, door: Door, message: Message) -> None:
    task = decided(hub, door, message)

    assert "el disparador «thanks»" in door.get(f"/v1/why/{task}?language=es-ES").json()["summary"]


def test_what_nobody_did_has_no_why(door: Door) -> None:
    answer = door.get(f"/v1/why/{'0' * 32}")

    assert (answer.status_code, answer.json()["code"]) == (404, "nothing_to_explain")
    assert door.get("/v1/why/nonsense").status_code == 404


def test_the_why_needs_the_scope_read(hub: Hub, door: Door, key: Callable[..., dict[str, str]]) -> None:
    assert door.get(f"/v1/why/{'0' * 32}", headers=key("record")).status_code == 403
    assert door.get(f"/v1/why/{'0' * 32}", headers={"Authorization": ""}).status_code == 401


def test_who_may_not_know_the_person_may_not_know_why(
    hub: Hub, door: Door, message: Message, key: Callable[..., dict[str, str]]
) -> None:
    # Given an account that only the north may read
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "email", "closed", {}, teams=("north",))
    with hub.store.write() as session:
        trigger_store.save(session, THANKS, made_by="Cleo")
        trigger_store.set_state(session, "thanks", TriggerState.LIVE, override="a test")
    door.post("/v1/interactions", json=message(account="closed", occurred_at=clock.to_text(clock.now())))
    handlers.drain(hub)
    with hub.store.read() as session:
        [(task,)] = sql.run(session, "SELECT id FROM task")

    # Then the south sees neither Ann nor the reason
    assert door.get(f"/v1/why/{task}", headers=key("read", teams=("north",))).status_code == 200
    assert door.get(f"/v1/why/{task}", headers=key("read", teams=("south",))).status_code == 404
