"""One page to look at people, their timelines and the why of each message. It only reads, through the public API."""

from functools import cache
from pathlib import Path

from kinline.errors import NotFound
from kinline_api.call import Call
from kinline_api.response import Answer
from kinline_api.route import get

PAGE = Path(__file__).parents[1] / "page"
#: It may load what is shipped here and ask this hub; it can run, embed and send nothing else, whatever a text says.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_HTML = "text/html; charset=utf-8"
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@get("/", scope="open", answers=bytes)
def people_page(call: Call) -> Answer:
    """Look at people in a browser. The page asks for a key; `#key=kl_…` in its address gives it one."""
    headers = (("content-security-policy", _POLICY), ("cache-control", "no-cache"))
    return Answer(_file("index.html"), 200, _HTML, headers)


@get("/page/{asset}", scope="open", answers=bytes)
def people_page_asset(call: Call, asset: str) -> Answer:
    """Load a part of that page."""
    if asset not in _assets():
        raise NotFound("There is nothing here.")
    return Answer(_file(asset), 200, _TYPES[Path(asset).suffix], (("cache-control", "no-cache"),))


@cache
def _assets() -> frozenset[str]:
    return frozenset(file.name for file in PAGE.iterdir() if file.suffix in _TYPES)


@cache
def _file(name: str) -> bytes:
    return (PAGE / name).read_bytes()
