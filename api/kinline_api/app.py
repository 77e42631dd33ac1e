"""The application: every route, one way for errors, nothing that Litestar would add by itself."""

from typing import Any

import structlog
from litestar import Litestar, Request, Response

from kinline.contract.plugins import channels
from kinline.hub import Hub
from kinline_api import problems
from kinline_api.app_state import AppState
from kinline_api.http_checks import HttpChecks, finished, request_id_of
from kinline_api.openapi import document
from kinline_api.route import HotRoute, hot_routes, operations, served
from kinline_api.routes import HANDLERS

log = structlog.get_logger(__name__)


class Application(Litestar):
    """Litestar behind our `HttpChecks`. ``app_state`` holds what lives as long as the application."""

    __slots__ = ("app_state", "hot_routes", "http_checks")

    app_state: AppState
    http_checks: HttpChecks
    hot_routes: dict[
        tuple[str, str], HotRoute
    ]  #: routes found by their whole path; the other paths are Litestar's to take apart

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        request_id = request_id_of(scope)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        scope["request_id"] = request_id
        finish = finished(send, request_id)
        refused = self.http_checks.refusal(scope)
        if refused:
            await problems.answered(refused, request_id)(scope, receive, finish)
            return
        hot = self.hot_routes.get((scope["method"], scope["path"]))
        if hot is None:
            await super().__call__(scope, receive, finish)
            return
        scope["litestar_app"] = self
        try:
            answer = await hot(self.app_state, scope, receive, {})
        except Exception as error:
            answer = problems.answered(error, request_id)
        await answer(scope, receive, finish)


def create_app(hub: Hub) -> Application:
    """The API of this hub. Raises `Misconfigured` when a route has no scope."""
    channels()  # recording asks them: loaded before it serves, no call waits for their code
    app_state = AppState(hub)
    app = Application(
        route_handlers=[served(handler) for handler in HANDLERS],
        exception_handlers={Exception: _as_problem},
        lifespan=[lambda _: app_state.opened()],
        openapi_config=None,
        logging_config=None,
        debug=False,
        request_max_body_size=None,
    )
    app.app_state, app.http_checks = app_state, HttpChecks(hub.settings.hosts)
    app_state.openapi = document(operations(app))
    app.hot_routes = hot_routes(HANDLERS)
    return app


def _as_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    scope: Any = request.scope
    answer = problems.answered(error, scope["request_id"])
    headers = {name.decode(): value.decode("latin-1") for name, value in answer.headers}
    media_type = headers.pop("content-type")
    del headers["content-length"]  # Litestar counts again
    return Response(answer.body, status_code=answer.status, headers=headers, media_type=media_type)
