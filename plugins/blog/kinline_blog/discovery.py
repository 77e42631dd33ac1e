"""Where a page wants its webmentions (W3C Webmention, section 3.1.2; Link fields by RFC 8288).

The first Link field with ``rel=webmention`` counts, else the first ``<link>`` or ``<a>`` in the page. Whoever fetches
the page gives its address after all redirects: relative addresses mean that one, or in elements the page's ``<base>``.
"""

import re
from collections.abc import Iterable, Iterator

from kinline_blog import page

REL = "webmention"
MAX_FIELD = 8_000  #: characters of one Link field
MAX_FIELDS = 50

_TARGET = re.compile(r"[\s,]*<([^<>]*)>")
_PARAMETER = re.compile(r"\s*;\s*([!#$&+\-.^_`|~A-Za-z0-9*]{0,60})(?:\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s\",;]*)))?")
_NEXT = re.compile(r"[^,]*")


def endpoint(url: str, fields: Iterable[str], html: str) -> str:
    """The endpoint of the page at ``url``; empty where it names none.

    ``fields`` are the values of its Link header fields. Raises `Unreadable` for a page beyond all limits.
    """
    return next(in_fields(url, fields), "") or next(in_page(url, html), "")


def in_fields(url: str, fields: Iterable[str]) -> Iterator[str]:
    """The endpoints that Link fields name, in their order."""
    for _, field in zip(range(MAX_FIELDS), fields, strict=False):
        for target, parameters in _links(field[:MAX_FIELD]):
            if _names_it(parameters.get("rel", "")) and page.resolved(url, parameters.get("anchor", "")) == url:
                found = page.resolved(url, target)
                yield from [found] if page.is_web(found) else []


def in_page(url: str, html: str) -> Iterator[str]:
    """The endpoints that elements name, in the order of the page. An empty address is the page itself."""
    tree = page.read(html)
    base = page.base(tree, url)
    for node in tree.css("link[rel][href], a[rel][href]"):
        if _names_it(node.attributes.get("rel") or ""):
            reference = (node.attributes.get("href") or "").strip()
            found = page.resolved(base, reference) if reference else url
            yield from [found] if page.is_web(found) else []


def _names_it(rel: str) -> bool:
    return REL in rel.lower().split()


def _links(field: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The links of one field, each with its parameters; of a parameter that comes twice the first counts."""
    at = 0
    while link := _TARGET.match(field, at):
        at = link.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(field, at):
            at = parameter.end()
            quoted, plain = parameter[2], parameter[3]
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain or ""
            parameters.setdefault(parameter[1].lower(), value)
        yield link[1], parameters
        rest = _NEXT.match(field, at)
        at = rest.end() if rest else len(field)
