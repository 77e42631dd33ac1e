"""Message templates: Liquid (python-liquid) with nothing in it that can hurt.

Allowed are output, ``if``, ``unless``, ``comment`` and a short list of filters: no loops, no calls, no
attributes of Python objects, no includes, no clock. What a customer wrote is data: it is put in once, and
never read as a template. A missing or empty value is an error and not a gap in a sentence; use
``{{ person.first_name | default: 'you' }}`` where it may be missing.
"""

import difflib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, NoReturn, TextIO

from liquid import BoundTemplate, Environment, FalsyStrictUndefined, is_undefined
from liquid import RenderContext as Context
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.output import Output, OutputNode
from liquid.exceptions import LiquidError, ResourceLimitError, UndefinedError
from liquid.expression import Expression

from kinline.errors import Invalid

Form = Literal["text", "line", "html"]  #: a body; one line (a subject, a title); HTML, escaped

MAX_BYTES = 32_000
MAX_OUTPUT = 64 * 1024
MAX_LINE = 200
MAX_NESTING = 20
MAX_PIECE = 500  #: characters between ``{{`` and ``}}``

TAGS = frozenset({"content", "output", "illegal", "comment", "if", "unless"})
FILTERS = frozenset(
    [
        "capitalize",
        "ceil",
        "default",
        "downcase",
        "floor",
        "round",
        "size",
        "slice",
        "strip",
        "strip_newlines",
        "truncate",
        "truncatewords",
        "upcase",
    ]
)
#: What a template may speak of. Other names are warned about when a trigger is saved.
ROOTS = ("person", "interaction", "conversation", "trigger", "company")

_OPENING = re.compile(r"\{\{|\{%")
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_NOT_THERE = re.compile(r"^'?(.*?)'? is undefined$", re.DOTALL)


class _Missing(FalsyStrictUndefined):
    """Something that is not there: it can be asked about and defaulted, and not written."""

    force_liquid_default = True


class _CheckedOutputNode(OutputNode):
    """Output of one value, which must be there and must be plain."""

    def render_to_output(self, context: Context, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        if value is None or value == "" or (is_undefined(value)):
            raise UndefinedError(f"{self.expression} is undefined", token=self.token)
        if isinstance(value, Mapping | list | tuple | range | set):
            raise UndefinedError(f"{self.expression} is no plain value", token=self.token)
        return super().render_to_output(context, buffer)


class _CheckedOutput(Output):
    node_class = _CheckedOutputNode


class _Liquid(Environment):
    loop_iteration_limit = 1000
    output_stream_limit = MAX_OUTPUT
    context_depth_limit = 8
    block_nesting_limit = MAX_NESTING

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(undefined=_Missing, autoescape=autoescape)
        self.add_tag(_CheckedOutput)
        self.tags = {name: tag for name, tag in self.tags.items() if name in TAGS}
        self.filters = {name: do for name, do in self.filters.items() if name in FILTERS}


class Template:
    """A checked template. ``names`` are the paths it reads, like ``person.first_name``."""

    def __init__(self, source: str, form: Form, bound: BoundTemplate) -> None:
        self.source = source
        self.form = form
        self.names = frozenset(bound.variable_paths())
        self._bound = bound

    def render(self, data: Mapping[str, Any]) -> str:
        """Fill it in. Raises `Invalid`: ``missing_value``, ``line_break`` (one line only), ``too_large``."""
        try:
            text = self._bound.render(dict(data))
        except ResourceLimitError as wrong:
            raise Invalid(f"longer than {MAX_OUTPUT // 1024} kB", code="too_large") from wrong
        except UndefinedError as wrong:
            _missing(str(wrong.message), wrong)
        except (LiquidError, RecursionError, ValueError, TypeError) as wrong:
            raise Invalid(f"cannot be filled in: {str(wrong)[:200]}", code="template_failed") from wrong
        return _one_line(text) if self.form == "line" else text


def check(source: str, form: Form = "text", pointer: str = "") -> Template:
    """Read a template when it is saved. Raises `Invalid` with the spot inside (``within``: line, column)."""
    try:
        return _checked(source, form)
    except Invalid as wrong:
        raise Invalid(wrong.detail, code=wrong.code, pointer=pointer, **wrong.more) from wrong


def render(source: str, data: Mapping[str, Any], form: Form = "text") -> str:
    """Check and fill in at once."""
    return check(source, form).render(data)


@lru_cache(maxsize=3)
def _environment(form: Form) -> _Liquid:
    return _Liquid(autoescape=form == "html")


@lru_cache(maxsize=512)
def _checked(source: str, form: Form) -> Template:
    if len(source.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise Invalid(f"a template is at most {MAX_BYTES // 1000} kB long", code="too_large")
    try:
        _check_pieces(source)
        bound = _environment(form).from_string(source)
        _check_filters(bound, source)
        _check_ranges(bound, source)
        return Template(source, form, bound)
    except ResourceLimitError as wrong:
        raise Invalid(f"nested deeper than {MAX_NESTING}", code="too_deep", within=_spot(source, wrong)) from wrong
    except (LiquidError, RecursionError, ValueError) as wrong:
        said = str(getattr(wrong, "message", "")).partition("\n")[0][:200] or "cannot be read"
        raise Invalid(f"in the template: {said}", code="template_syntax", within=_spot(source, wrong)) from wrong


def _check_pieces(source: str) -> None:
    """Every ``{{`` and ``{%`` is closed, soon, and before the next one opens.

    The library's own scanner takes half a minute over 30 kB of opening braces or of blanks.
    """
    at = 0
    while found := _OPENING.search(source, at):
        start = found.start()
        closing = "}}" if found[0] == "{{" else "%}"
        end = source.find(closing, found.end(), found.end() + MAX_PIECE)
        opened_again = _OPENING.search(source, found.end(), end if end >= 0 else found.end() + MAX_PIECE)
        if end < 0 or opened_again:
            said = f"`{found[0]}` is not closed by `{closing}` within {MAX_PIECE} characters"
            raise Invalid(said, code="template_syntax", within=_line_and_column(source, start))
        at = end + 2


def _check_filters(bound: BoundTemplate, source: str) -> None:
    """Liquid looks a filter up when it is used, which may be at night; we look when it is saved."""
    for name, places in bound.analyze().filters.items():
        if name not in FILTERS:
            close = difflib.get_close_matches(name, sorted(FILTERS), n=1)
            more: dict[str, Any] = {"suggestion": close[0]} if close else {}
            said = f"no filter `{name[:60]}` here; there are {', '.join(sorted(FILTERS))}"
            raise Invalid(said, code="unknown_filter", within=_line_and_column(source, places[0].index), **more)


def _check_ranges(bound: BoundTemplate, source: str) -> None:
    """``(1..1000000000)`` takes gigabytes as soon as a filter looks at it."""
    context = Context(bound)
    nodes, expressions = list(bound.nodes), list[Expression]()
    while nodes:
        node = nodes.pop()
        nodes.extend(node.children(context))
        expressions.extend(node.expressions())
    while expressions:
        expression = expressions.pop()
        if isinstance(expression, RangeLiteral):
            within = _line_and_column(source, max(expression.token.start_index, 0))
            raise Invalid("ranges are not allowed", code="template_syntax", within=within)
        expressions.extend(expression.children())


def _spot(source: str, wrong: Exception) -> tuple[int, int]:
    """Line and column, from 1. What was never closed is reported where the text ends."""
    token = getattr(wrong, "token", None)
    at = token.start_index if token is not None and token.start_index >= 0 else len(source)
    return _line_and_column(source, min(at, len(source)))


def _line_and_column(source: str, at: int) -> tuple[int, int]:
    return source.count("\n", 0, at) + 1, at - source.rfind("\n", 0, at)


def _missing(message: str, wrong: Exception) -> NoReturn:
    found = _NOT_THERE.match(message)
    name = found[1].partition(" |")[0][:100] if found else ""
    said = f"missing {name}" if found else f"cannot be filled in: {message[:200]}"
    raise Invalid(said, code="missing_value", name=name) from wrong


def _one_line(text: str) -> str:
    """A subject or title. A line break could smuggle a header in (CWE-93), so it is refused, not mended."""
    stripped = text.strip()
    if _BREAKS.search(stripped):
        raise Invalid("a line break where one line must be", code="line_break")
    return stripped if len(stripped) <= MAX_LINE else stripped[: MAX_LINE - 1] + "…"
