"""A few hundred generated calls against everything on the OpenAPI page: never a 500, and never an undeclared form."""

from collections.abc import Callable
from typing import Any

import httpx
import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

CASES = 12  #: for each route


def test_no_generated_call_breaks_the_door(
    running: str, key: Callable[..., dict[str, str]], message: Callable[..., dict[str, Any]]
) -> None:
    # Given Ann, so that some calls find somebody
    mine = key("admin")
    httpx.post(f"{running}/v1/interactions", json=message(), headers=mine).raise_for_status()
    page = schemathesis.openapi.from_dict(httpx.get(f"{running}/schema").json())
    asked: list[int] = []

    # When each route is called with what its schema allows, and with what it does not
    for found in page.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]  # an error here is an error of the page

        @hypothesis.seed(20260302)
        @hypothesis.settings(
            max_examples=CASES, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @hypothesis.given(case=operation.as_strategy() | operation.as_strategy(generation_mode=NEGATIVE))
        def call(case: Any) -> None:
            answer = case.call(base_url=running, headers=mine)
            asked.append(answer.status_code)
            case.validate_response(
                answer, checks=[not_a_server_error, content_type_conformance, response_schema_conformance]
            )

        call()

    # Then none of them was our fault
    assert len(asked) > 300
    assert {200, 201} & set(asked)
    assert {404, 422} <= set(asked)


NEGATIVE = schemathesis.GenerationMode.NEGATIVE
