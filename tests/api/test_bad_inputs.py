"""Each bad input gets exactly the answer that tests/bad_inputs/http.yaml gives it, and leaves nothing behind."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from litestar.testing import TestClient

from kinline.accounts import keys
from kinline.hub import Hub
from kinline.store import sql
from kinline_api.app import Application

Row = dict[str, Any]
ROWS: list[Row] = yaml.safe_load((Path(__file__).parents[1] / "bad_inputs" / "http.yaml").read_text())["rows"]
Message = Callable[..., dict[str, Any]]


def body_of(row: Row, message: dict[str, Any]) -> bytes:
    if "hex" in row:
        return bytes.fromhex(row["hex"])
    if "body" in row:
        return str(row["body"]).encode()
    good = {name: value for name, value in message.items() if name != row.get("without")} | row.get("with", {})
    if "handle" in row:
        good["parties"] = [{"role": "author", "handle": row["handle"]}]
    if "handle_repeat" in row:
        left, piece, times, right = row["handle_repeat"]
        good["parties"] = [{"role": "author", "handle": left + piece * times + right}]
    if "splice" in row:
        return spliced(good, row["splice"])
    if "repeat" in row:
        made = repeated(row)
        field = row.get("around")
        return made.encode() if field is None else spliced({} if row.get("alone") else good, f'"{field}": {made}')
    return json.dumps(good).encode()


def repeated(row: Row) -> str:
    left, times, right = row["repeat"]
    middle = row.get("middle") or "9" * row.get("nines", 0)
    made = left * times + middle + right * times
    if row.get("text"):
        return f'"{made}"'
    return f"[{made}{row['list']}]" if "list" in row else made


def spliced(good: dict[str, Any], text: str) -> bytes:
    """The JSON text put into the object, in the place of fields that it names."""
    named = set(re.findall(r'"(\w+)"\s*:', text[:40]))
    kept = {name: value for name, value in good.items() if name not in named}
    return (json.dumps(kept)[:-1] + (", " if kept else "") + text + "}").encode()


def headers_of(row: Row, hub: Hub, key: Callable[..., dict[str, str]], admin: str) -> list[tuple[bytes, bytes]]:
    given = {"Content-Type": "application/json"} | row.get("headers", {})
    if "key" not in row:
        given["Authorization"] = admin
    if "header_repeat" in row:
        name, piece, times = row["header_repeat"]
        given[name] = piece * times
    match row.get("key", "none"):
        case "none":
            pass
        case "wrong":
            given["Authorization"] = f"Bearer kl_{'0' * 32}_{'x' * 43}"
        case "revoked":
            given |= key("admin")
            with hub.store.write() as session:
                keys.revoke(session, given["Authorization"].split("_")[1])
        case scopes:
            given |= key(*scopes)
    return [(name.encode(), value.encode()) for name, value in given.items()]


def path_of(row: Row) -> str:
    if "path_repeat" in row:
        left, piece, times = row["path_repeat"]
        return str(left) + str(piece) * int(times)
    return str(row.get("path", "/v1/interactions"))


def in_pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 100_000):
        yield body[start : start + 100_000]


def stored(hub: Hub) -> int:
    with hub.store.read() as session:
        return int(sql.run(session, "SELECT count(*) FROM interaction")[0][0])


def wrongs(row: Row, answer: Any, grown: int) -> Iterator[str]:
    """What this answer should have been and was not."""
    said = answer.json() if answer.headers.get("content-type", "").endswith("json") else {}
    if answer.status_code != row["status"] or said.get("code", "") != row["code"]:
        yield f"{answer.status_code} {said.get('code')} ({answer.text[:200]})"
    if row["code"]:
        if answer.headers.get("content-type") != "application/problem+json":
            yield f"no problem+json: {answer.headers.get('content-type')}"
        if "pointer" in row and said.get("pointer", "") != row["pointer"]:
            yield f"points to {said.get('pointer')}"
        if said.get("request_id") != answer.headers["x-request-id"]:
            yield "another request id"
    if row.get("says", "") not in said.get("detail", ""):
        yield f"says {said.get('detail')}"
    if row.get("holds", "") not in answer.text:
        yield f"holds {answer.text[:200]}"
    if row.get("allow", "") != answer.headers.get("allow", ""):
        yield f"allows {answer.headers.get('allow')}"
    if grown != (row["status"] == 201):
        yield f"stored {grown}"


def test_every_row_of_the_catalogue_has_its_own_id() -> None:
    assert len({row["id"] for row in ROWS}) == len(ROWS)


@pytest.mark.usefixtures("hub")
def test_each_bad_input_gets_its_exact_answer_and_leaves_nothing(
    hub: Hub, door: TestClient[Application], key: Callable[..., dict[str, str]], message: Message
) -> None:
    # Given Ann, so that routes about her find her
    door.post("/v1/interactions", json=message()).raise_for_status()
    admin = door.headers.pop("Authorization")
    found = []

    # When each bad input comes
    for row in ROWS:
        body, before = body_of(row, message(source_id=f"row {row['id']}")), stored(hub)
        content = in_pieces(body) if row.get("pieces") else body
        given = headers_of(row, hub, key, admin)
        answer = door.request(row.get("method", "POST"), path_of(row), content=content, headers=given)
        found += [f"{row['id']} ({row['why']}): {wrong}" for wrong in wrongs(row, answer, stored(hub) - before)]

    # Then each has the answer that the catalogue gives
    assert not found, "\n" + "\n".join(found)
