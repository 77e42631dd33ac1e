"""The two addresses of a Webmention, and whether they are fit (Webmention, section 3.2.1)."""

from urllib.parse import parse_qsl, urldefrag, urlsplit

import msgspec

from kinline.errors import Malformed
from kinline_blog.settings import BlogSettings
from kinline_blog.site import MAX_ADDRESS, address, within

FORM = "application/x-www-form-urlencoded"
NAMES = ("source", "target")


class Pair(msgspec.Struct, frozen=True):
    """``source`` is the page that links, ``target`` the page of ours that it links to."""

    source: str
    target: str

    @property
    def host(self) -> str:
        return (urlsplit(self.source).hostname or "").lower()


def given(body: bytes) -> dict[str, list[str]]:
    """The parameters of a form, each with its values."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return {}
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value.strip())
    return found


def is_one(media_type: str, body: bytes) -> bool:
    """Whether a call means to be a Webmention. The comment webhook of WordPress.com is a form too."""
    return media_type.lower().startswith(FORM) and "hook" not in given(body)


def read(body: bytes, settings: BlogSettings) -> Pair:
    """The pair. Raises `Malformed` (400), naming the parameter."""
    form = given(body)
    for name in NAMES:
        if len(form.get(name, [])) != 1 or not form[name][0]:
            raise Malformed(f"A Webmention has exactly one `{name}`.", code=f"{name}_missing", pointer=f"/{name}")
    source, target = _web("source", form["source"][0]), _web("target", form["target"][0])
    if urldefrag(source)[0] == urldefrag(target)[0]:
        raise Malformed("`source` and `target` are the same page.", code="same_page", pointer="/source")
    if not within(settings, target):
        raise Malformed("`target` is no page of ours.", code="not_our_page", pointer="/target")
    return Pair(source, target)


def _web(name: str, value: str) -> str:
    shown = address(value)
    try:
        parts = urlsplit(shown)
        fit = bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        fit = False
    if not shown or not fit:
        detail = f"`{name}` is no http or https address of at most {MAX_ADDRESS} characters."
        raise Malformed(detail, code=f"{name}_no_url", pointer=f"/{name}")
    return shown
