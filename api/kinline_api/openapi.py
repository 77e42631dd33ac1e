"""The OpenAPI 3.1 document, made from the routes as they were declared, so that it cannot fall behind them."""

import inspect
import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, get_args, get_origin

import msgspec

from kinline_api.auth import OPEN
from kinline_api.problems import Problem
from kinline_api.query import FreeQuery, NoQuery
from kinline_api.response import JSON
from kinline_api.route import Operation, Unread

_REF = "#/components/schemas/{name}"
_ID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_FREE: dict[str, Any] = {"type": "string", "minLength": 1}
_PROBLEM = {
    "description": "What went wrong, as RFC 9457 problem details.",
    "content": {"application/problem+json": {"schema": {"$ref": _REF.format(name="Problem")}}},
}


def document(operations: Iterable[Operation]) -> bytes:
    """The document as JSON."""
    listed = list(operations)
    types = [sort for each in listed for sort in (_sent(each), _answered(each), *_others(each)) if sort is not None]
    schemas, components = msgspec.json.schema_components([Problem, *types], ref_template=_REF)
    schema_of = dict(zip(map(repr, [Problem, *types]), schemas, strict=True))
    paths: dict[str, Any] = {}
    for each in listed:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, schema_of)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Kinline", "version": version("kinline"), "description": _ABOUT},
            "servers": [{"url": "/"}],
            "security": [{"key": []}],
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "kl_…"}},
            },
        }
    )


_ABOUT = (
    "One person, many channels, one timeline. Every call needs an API key (`Authorization: Bearer kl_…`) with the "
    "scope the route names. Errors are problem+json (RFC 9457) with a stable `code` and, where a body is at fault, "
    "a `pointer` (RFC 6901). Unknown fields and parameters are refused."
)


def _sent(operation: Operation) -> Any:
    body = operation.body
    if get_origin(body) is Unread:
        return get_args(body)[0]
    return None if body is bytes else body


def _answered(operation: Operation) -> Any:
    return None if operation.answers in (None, type(None), bytes) else operation.answers


def _others(operation: Operation) -> list[Any]:
    """The types of bodies that come with other statuses."""
    return [said[1] for said in operation.also.values() if isinstance(said, tuple)]


def _operation(operation: Operation, schema_of: dict[str, Any]) -> dict[str, Any]:
    words = inspect.cleandoc(operation.handler.__doc__ or "")
    summary, _, more = words.partition("\n")
    needs = "No key needed." if operation.scope == OPEN else f"Needs the scope `{operation.scope}`."
    shown: dict[str, Any] = {
        "operationId": operation.name,
        "summary": summary.rstrip("."),
        "description": f"{more.strip()}\n\n{needs}".strip(),
        "tags": [operation.handler.__module__.rpartition(".")[2]],
        "parameters": [*_path(operation), *_query(operation), *_headers(operation)],
        "responses": _responses(operation, schema_of),
    }
    if operation.body is not None or operation.takes:
        shown["requestBody"] = _request_body(operation, schema_of)
    if operation.scope == OPEN:
        shown["security"] = []
    return shown


def _path(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _ID if name in operation.ids else _FREE}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]


def _query(operation: Operation) -> list[dict[str, Any]]:
    if operation.query in (NoQuery, FreeQuery):
        return []
    _, components = msgspec.json.schema_components([operation.query], ref_template="{name}")
    shown = components[operation.query.__name__]
    return [
        {"name": name, "in": "query", "required": name in shown["required"], "schema": _inlined(schema, components)}
        for name, schema in shown["properties"].items()
    ]


def _inlined(schema: Any, components: dict[str, Any]) -> Any:
    """Parameters carry their schemas in themselves."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(components[schema["$ref"]], components)
        return {name: _inlined(each, components) for name, each in schema.items()}
    return [_inlined(each, components) for each in schema] if isinstance(schema, list) else schema


def _headers(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "required": False, "description": words, "schema": {"type": "string"}}
        for name, words in operation.headers.items()
    ]


def _request_body(operation: Operation, schema_of: dict[str, Any]) -> dict[str, Any]:
    if operation.body in (bytes, None):
        return {"required": True, "description": operation.takes, "content": {"*/*": {"schema": {}}}}
    return {"required": True, "content": {"application/json": {"schema": schema_of[repr(_sent(operation))]}}}


def _responses(operation: Operation, schema_of: dict[str, Any]) -> dict[str, Any]:
    sort = _answered(operation)
    content = {} if sort is None else {"content": {operation.media: {"schema": schema_of[repr(sort)]}}}
    if operation.answers is bytes:
        content = {"content": {"*/*": {"schema": {}}}}
    status = 204 if operation.answers is type(None) else operation.status
    shown: dict[str, Any] = {str(status): {"description": "It worked.", **content}}
    for code, said in operation.also.items():
        words, other = said if isinstance(said, tuple) else (said, None)
        body = {"content": {JSON: {"schema": schema_of[repr(other)]}}} if other else content
        shown[str(code)] = {"description": words, **(body if 200 <= code < 300 and code != 204 else {})}
    return {**shown, "default": _PROBLEM}
