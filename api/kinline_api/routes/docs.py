"""The OpenAPI document and a page to read it, without a network: all of it is shipped."""

from functools import cache
from pathlib import Path

from kinline.errors import NotFound
from kinline_api.call import Call
from kinline_api.response import Answer
from kinline_api.route import get

STATIC = Path(__file__).parents[1] / "static"
#: The page may load what is shipped here, and nothing else from anywhere.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TYPES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
}


@get("/schema", scope="open", answers=dict)
async def openapi_document(call: Call) -> Answer:
    """Read this interface as OpenAPI 3.1."""
    return Answer(call.app_state.openapi)


@get("/docs", scope="open", answers=bytes)
def docs_page(call: Call) -> Answer:
    """Read this interface as a page, in a browser."""
    return Answer(_file("docs.html"), 200, "text/html; charset=utf-8", (("content-security-policy", _POLICY),))


@get("/docs/{asset}", scope="open", answers=bytes)
def docs_asset(call: Call, asset: str) -> Answer:
    """Load a part of that page."""
    if asset not in _TYPES:
        raise NotFound("There is nothing here.")
    return Answer(_file(asset), 200, _TYPES[asset], (("cache-control", "public, max-age=3600"),))


@cache
def _file(name: str) -> bytes:
    return (STATIC / name).read_bytes()
