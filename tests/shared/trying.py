"""A back-test over HTTP: asked for, run by whoever works, read when it is done."""

from typing import Any

from litestar.testing import TestClient

from kinline import handlers
from kinline.hub import Hub
from kinline_api.app import Application


def tried(door: TestClient[Application], hub: Hub, name: str, headers: Any = None, **asked: Any) -> Any:
    """What comes out of it."""
    answer = door.post(f"/v1/triggers/{name}/backtest", json=asked, headers=headers)
    assert (answer.status_code, answer.json()["state"]) == (202, "queued"), answer.text
    handlers.drain(hub)
    told = door.get(answer.headers["location"], headers=headers).json()
    assert told["state"] == "done", told
    return told["result"]
