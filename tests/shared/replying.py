"""What an agent does to answer over HTTP: looks to whom it goes, and sends it."""

from typing import Any

from litestar.testing import TestClient

from kinline import handlers
from kinline.hub import Hub
from kinline_api.app import Application
from wire import Wire

Door = TestClient[Application]


def the_conversation(door: Door) -> str:
    [found] = door.get("/v1/conversations").json()["conversations"]
    return str(found["id"])


def said(door: Door, conversation: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = door.get(f"/v1/conversations/{conversation}").json()["said"]
    return found


def waits(door: Door) -> set[str]:
    """The addresses of those who wait for an answer."""
    people = {each["person"] for each in door.get("/v1/waiting").json()["waiting"]}
    return {
        i["handle"].partition(":")[2] for each in people for i in door.get(f"/v1/people/{each}").json()["identities"]
    }


def addresses(preview: dict[str, Any]) -> frozenset[str]:
    return frozenset(each["handle"].partition(":")[2] for each in (preview["to"], *preview["cc"]))


def answer(door: Door, hub: Hub, out: Wire, conversation: str, **more: Any) -> frozenset[str]:
    """What an agent does: looks to whom it goes, sends it; and it went to nobody else."""
    body = {"text": "Here is your answer.", **more}
    shown = door.post(f"/v1/conversations/{conversation}/reply?dry_run=true", json=body)
    assert shown.status_code == 200, shown.text
    before = len(out.left)
    sent = door.post(f"/v1/conversations/{conversation}/reply", json=body)
    assert sent.status_code == 202, sent.text
    handlers.drain(hub)
    [to] = out.recipients[before:]
    assert to == addresses(shown.json())
    followup = door.get(f"/v1/followups/{sent.json()['id']}").json()
    assert {followup["to"], *followup["cc"]} == {f"email:{each}" for each in to}
    return to


def refused(door: Door, conversation: str, **more: Any) -> tuple[int, str, set[str]]:
    """Status, code and the addresses that are offered; the same for a dry run."""
    answers = [
        door.post(f"/v1/conversations/{conversation}/reply{query}", json={"text": "Here.", **more})
        for query in ("", "?dry_run=true")
    ]
    [found, again] = [
        (each.status_code, each.json().get("code", ""), each.json().get("choices", [])) for each in answers
    ]
    assert found == again
    return found[0], found[1], {each["handle"].partition(":")[2] for each in found[2]}
