"""A route is a function with its signature: path parameters, ``query``, ``body``, and what it gives back.

::

    @post("/v1/people/{person}/merge", scope="people")
    def merge(call: Call, person: str, body: Merge) -> Merged:
        \"\"\"Say that two persons are one.\"\"\"

The decorator reads the signature once. It checks the key, the ids, the query and the body, and then runs a plain
function in a thread, an ``async`` one in the loop. The same signature makes the OpenAPI page. A route without a
scope of `SCOPES` cannot be declared: there is no way to forget it.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, NewType, TypeVar, get_origin, get_type_hints

from litestar import Litestar, Request
from litestar.handlers import HTTPRouteHandler
from litestar.handlers import route as litestar_route
from litestar.types import ASGIApp, HTTPScope, Receive

from kinline import ids
from kinline.accounts.keys import SCOPES
from kinline.errors import Malformed, Misconfigured, NotFound
from kinline_api.app_state import AppState
from kinline_api.auth import OPEN
from kinline_api.call import Call, need_json
from kinline_api.json_body import BodyDecoder
from kinline_api.query import NoQuery, Query, read_query
from kinline_api.response import JSON, Answer, made

Id = NewType("Id", str)  #: a path parameter that is an id of ours; anything else is 404
Handler = TypeVar("Handler", bound=Callable[..., Any])
T = TypeVar("T")


class Unread(Generic[T]):
    """A JSON body of that type which the handler reads itself."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        self.raw = raw


@dataclass(frozen=True)
class Operation:
    """A route as it was declared."""

    method: str
    path: str
    scope: str
    handler: Callable[..., Any]
    answers: Any  #: the type of the answer's body, for the page
    status: int
    also: dict[int, str | tuple[str, Any]]  #: other statuses of success, what they mean, and another type of the body
    headers: dict[str, str]  #: request headers that it looks at, and what they mean
    limit: str | int  #: how many bytes the body may have, or which setting says so
    query: type[Query]
    body: Any  #: the type of the body; `Unread` of it; bytes: as it came, of any type; None: no body
    ids: tuple[str, ...]
    takes: str  #: for the page: what a body is that the handler itself takes, when it knows how much of it
    media: str  #: the media type of the answer, for the page

    @property
    def name(self) -> str:
        return self.handler.__name__


def get(path: str, *, scope: str, **more: Any) -> Callable[[Handler], Handler]:
    return _declare("GET", path, scope, **more)


def post(path: str, *, scope: str, **more: Any) -> Callable[[Handler], Handler]:
    return _declare("POST", path, scope, **more)


def put(path: str, *, scope: str, **more: Any) -> Callable[[Handler], Handler]:
    return _declare("PUT", path, scope, **more)


def patch(path: str, *, scope: str, **more: Any) -> Callable[[Handler], Handler]:
    return _declare("PATCH", path, scope, **more)


def delete(path: str, *, scope: str, **more: Any) -> Callable[[Handler], Handler]:
    return _declare("DELETE", path, scope, **more)


def _declare(
    method: str, path: str, scope: str, *, answers: Any = None, status: int = 200, also: dict[int, str | tuple[str, Any]] | None = None,
    headers: dict[str, str] | None = None, limit: str | int = "max_body",
    takes: str = "", media: str = JSON,
) -> Callable[[Handler], Handler]:  # fmt: skip
    def declare(handler: Handler) -> Handler:
        hints = get_type_hints(handler)
        operation = Operation(
            method, path, scope, handler, answers or hints["return"], status, also or {}, headers or {}, limit,
            hints.get("query", NoQuery), hints.get("body"),
            tuple(name for name, kind in hints.items() if kind is Id), takes, media,
        )  # fmt: skip
        _check(operation, hints)
        handler.operation = operation  # type: ignore[attr-defined]
        return handler

    return declare


def _check(operation: Operation, hints: dict[str, Any]) -> None:
    where = f"{operation.method} {operation.path}"
    if operation.scope not in (*SCOPES, OPEN):
        raise Misconfigured(f"The route {where} names no scope of {', '.join(SCOPES)}.", code="route_without_scope")
    if not (operation.handler.__doc__ or "").strip():
        raise Misconfigured(f"The route {where} does not say what it does.", code="route_without_words")
    named = set(re.findall(r"{(\w+)}", operation.path)) | {"call", "return", "query", "body"}
    if set(hints) - named:
        raise Misconfigured(f"The route {where} has parameters that its path lacks.", code="route_wrong")


HotRoute = Callable[[AppState, HTTPScope, Receive, dict[str, Any]], Awaitable[Answer]]


def hot_route(handler: Callable[..., Any]) -> HotRoute:
    """What a declared route does with a call, from the key to the answer. Raises whatever was wrong."""
    operation: Operation = handler.operation  # type: ignore[attr-defined]
    run = _async(operation) if inspect.iscoroutinefunction(handler) else _threaded(operation)
    check_ids, query = operation.ids, operation.query
    need_scope, status = operation.scope, operation.status

    async def serve(app_state: AppState, scope: HTTPScope, receive: Receive, given: dict[str, Any]) -> Answer:
        call = Call(app_state, scope, receive)
        if need_scope != OPEN:
            entered = await app_state.auth.authenticate(scope["headers"], need_scope)
            call.holder, call.reader = entered.holder, entered.reader
        for name in check_ids:
            if not ids.looks_like(given[name]):
                raise NotFound("There is nothing of that id.")
        if query is not NoQuery:
            given["query"] = read_query(scope["query_string"], query)
        elif scope["query_string"]:
            read_query(scope["query_string"], NoQuery)
        return made(await run(call, given), status)

    return serve


def hot_routes(handlers: Iterable[Callable[..., Any]]) -> dict[tuple[str, str], HotRoute]:
    """The routes whose path is one fixed text, by method and path."""
    declared: list[tuple[Operation, Callable[..., Any]]] = [(each.operation, each) for each in handlers]  # type: ignore[attr-defined]
    return {
        (operation.method, operation.path): hot_route(each) for operation, each in declared if "{" not in operation.path
    }


def served(handler: Callable[..., Any]) -> HTTPRouteHandler:
    """The Litestar handler of a declared route."""
    operation: Operation = handler.operation  # type: ignore[attr-defined]
    run = hot_route(handler)

    async def serve(request: Request[Any, Any, Any]) -> ASGIApp:
        scope = request.scope
        app: Any = scope["litestar_app"]
        return await run(app.app_state, scope, request.receive, dict(scope["path_params"]))

    path = re.sub(r"{(\w+)}", r"{\1:str}", operation.path)
    method: Any = operation.method
    return litestar_route(path, http_method=method, opt={"operation": operation}, status_code=200)(serve)


def _async(operation: Operation) -> Callable[..., Any]:
    """For handlers that wait instead of working. They read their body themselves."""
    unread = get_origin(operation.body) is Unread

    async def run(call: Call, given: dict[str, Any]) -> Any:
        if operation.body is not None:
            raw = await _body(call, operation)
            given["body"] = Unread(raw) if unread else raw
        return await operation.handler(call, **given)

    return run


def _threaded(operation: Operation) -> Callable[..., Any]:
    typed = operation.body not in (None, bytes)
    reader: BodyDecoder[Any] | None = BodyDecoder(operation.body) if typed else None

    def work(call: Call, raw: bytes, given: dict[str, Any]) -> Any:
        if operation.body is not None:
            given["body"] = reader.read(raw) if reader else raw
        return operation.handler(call, **given)

    async def run(call: Call, given: dict[str, Any]) -> Any:
        raw = b"" if operation.body is None else await _body(call, operation)
        return await call.app_state.in_thread(work, call, raw, given)

    return run


async def _body(call: Call, operation: Operation) -> bytes:
    named = operation.limit
    limit = named if isinstance(named, int) else getattr(call.hub.settings, named)
    raw = await call.take(limit)
    if operation.body is not bytes:
        if not raw:
            raise Malformed("This call needs a JSON body.", code="body_required")
        need_json(call.scope)
    return raw


def operations(app: Litestar) -> list[Operation]:
    """All routes of an application. Raises `Misconfigured` when one was not declared here, so has no scope."""
    found = []
    for route in app.routes:
        for handler in getattr(route, "route_handlers", [getattr(route, "route_handler", None)]):
            if "operation" in handler.opt:
                found.append(handler.opt["operation"])
            elif set(getattr(handler, "http_methods", ())) != {"OPTIONS"}:
                raise Misconfigured(f"The route {route.path} was declared without a scope.", code="route_without_scope")
    return sorted(found, key=lambda operation: (operation.path, operation.method))
