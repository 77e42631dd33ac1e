"""The application: every route, one way for errors, nothing that Litestar would add by itself."""

from typing import Any

import structlog
from litestar import Litestar, Request, Response

from kinline.contract.plugins import channels
from kinline.hub import Hub
from kinline_api import problems
from kinline_api.door import Door
from kinline_api.front import Front, finished, request_id_of
from kinline_api.openapi import document
from kinline_api.route import Lane, lanes, operations, served
from kinline_api.routes import HANDLERS

log = structlog.get_logger(__name__)


class Application(Litestar):
    """Litestar behind our `Front`. ``door`` holds what lives as long as the application."""

    __slots__ = ("door", "front", "lanes", "page")

    door: Door
    front: Front
    lanes: dict[
        tuple[str, str], Lane
    ]  #: routes found by their whole path; the other paths are Litestar's to take apart
    page: bytes  #: the OpenAPI document

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        request_id = request_id_of(scope)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        scope["request_id"] = request_id
        finish = finished(send, request_id)
        refused = self.front.refusal(scope)
        if refused:
            await problems.answered(refused, request_id)(scope, receive, finish)
            return
        lane = self.lanes.get((scope["method"], scope["path"]))
        if lane is None:
            await super().__call__(scope, receive, finish)
            return
        scope["litestar_app"] = self
        try:
            answer = await lane(self.door, scope, receive, {})
        except Exception as error:
            answer = problems.answered(error, request_id)
        await answer(scope, receive, finish)


def create_app(hub: Hub) -> Application:
    """The door of this hub. Raises `Misconfigured` when a route has no scope."""
    channels()  # recording asks them: loaded before the door opens, no call waits for their code
    door = Door(hub)
    app = Application(
        route_handlers=[served(handler) for handler in HANDLERS],
        exception_handlers={Exception: _as_problem},
        lifespan=[lambda _: door.opened()],
        openapi_config=None,
        logging_config=None,
        debug=False,
        request_max_body_size=None,
    )
    app.door, app.front = door, Front(hub.settings.hosts)
    app.page = document(operations(app))
    app.lanes = lanes(HANDLERS)
    return app


def _as_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    scope: Any = request.scope
    answer = problems.answered(error, scope["request_id"])
    headers = {name.decode(): value.decode("latin-1") for name, value in answer.headers}
    media_type = headers.pop("content-type")
    del headers["content-length"]  # Litestar counts again
    return Response(answer.body, status_code=answer.status, headers=headers, media_type=media_type)
