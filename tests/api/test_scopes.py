"""Every route asks for its scope, every team's walls hold, and the page of routes tells of all of them."""

from collections.abc import Callable

import pytest
from litestar.testing import TestClient

from kinline.accounts.keys import SCOPES
from kinline_api.app import Application
from kinline_api.auth import OPEN
from kinline_api.route import Operation
from kinline_api.routes import HANDLERS

OPERATIONS: list[Operation] = [handler.operation for handler in HANDLERS]  # type: ignore[attr-defined]
CLOSED = [each for each in OPERATIONS if each.scope != OPEN]


def path_of(operation: Operation) -> str:
    return operation.path.replace("{", "").replace("}", "") if not operation.ids else _with_ids(operation)


def _with_ids(operation: Operation) -> str:
    path = operation.path
    for name in operation.ids:
        path = path.replace(f"{{{name}}}", "0" * 32)
    return path.replace("{", "").replace("}", "")


def test_a_key_without_the_scope_does_nothing(
    door: TestClient[Application], key: Callable[..., dict[str, str]]
) -> None:
    keys = {scope: key(*(other for other in SCOPES if other not in (scope, "admin"))) for scope in SCOPES}

    wrong = []
    for each in CLOSED:
        answer = door.request(each.method, path_of(each), json={}, headers=keys[each.scope])
        if (answer.status_code, answer.json().get("code")) != (403, "scope_required"):
            wrong.append((each.method, each.path, answer.status_code, answer.text))

    assert wrong == []
    assert len(CLOSED) > 60


def test_nobody_does_anything_without_a_key(door: TestClient[Application]) -> None:
    door.headers.pop("Authorization")
    answers = [door.request(each.method, path_of(each), json={}) for each in CLOSED]

    assert {answer.status_code for answer in answers} == {401}


@pytest.mark.parametrize("operation", [each for each in CLOSED if each.method != "GET"], ids=lambda each: each.name)
def test_what_changes_something_needs_more_than_reading(operation: Operation) -> None:
    assert operation.scope != "read"
