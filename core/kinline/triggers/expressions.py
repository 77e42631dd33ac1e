"""CEL expressions (Common Expression Language): typed when saved, compiled once, and never an exception.

What nobody knows is left out of the values, and CEL's own logic does the rest: a comparison with something
missing is an error, an error is no match, and ``known || unknown`` still holds where the known part does.
So ``topic != 'complaint'`` does not match where the topic is unknown. Patterns run on RE2, in linear time;
CEL itself bounds depth and the steps of its list macros.
"""

import difflib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from kinline.errors import Invalid

MAX_BYTES = 2048
_STRING, _BOOL, _DOUBLE = cel.Type.STRING, cel.Type.BOOL, cel.Type.DOUBLE
_ANY_MAP = cel.Type.Map(_STRING, cel.Type.DYN)

#: What an expression about one interaction may name.
INTERACTION: dict[str, Any] = {
    **dict.fromkeys(("id", "kind", "direction", "channel", "account", "conversation", "role", "standing"), _STRING),
    **dict.fromkeys(("subject", "text", "topic", "language", "moderation"), _STRING),
    "automatic": _BOOL,
    "sentiment": _DOUBLE,
    "rating": _DOUBLE,
    "facts": _ANY_MAP,
}
#: What an expression about the person may name.
PERSON: dict[str, Any] = {
    "relationship": _STRING,
    "business": _STRING,
    "tags": cel.Type.List(_STRING),
    "attributes": _ANY_MAP,
    "answered": _BOOL,
    "replied": _BOOL,
}
#: Values small enough, and few enough, to remember answers by.
_SHORT = frozenset(PERSON) - {"tags", "attributes"} | frozenset(INTERACTION) - {
    "id",
    "conversation",
    "subject",
    "text",
    "facts",
}

_TOKEN = re.compile(
    r"""[rR]"[^"\n]*"|[rR]'[^'\n]*'|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|//[^\n]*|[A-Za-z_]\w*|[0-9.]+|\s+|[=!<>&|]+|."""
)
_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_WORDS = {"and": "&& ", "or": "||", "not": "!  "}  # as long as the word, so that columns stay true
_MEMORY = 4096


class Expression:
    """A compiled expression. ``names`` are the variables it looks at."""

    def __init__(self, text: str, names: frozenset[str], program: Any) -> None:
        self.text = text
        self.names = names
        self._program = program
        self._order = tuple(sorted(names)) if names <= _SHORT else None
        self._known: dict[tuple[Any, ...], bool] = {}

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it is true of these values. Missing or misfitting values make it not true."""
        if self._order is None:
            return self._ask(values)
        key = tuple([values.get(name) for name in self._order])
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MEMORY:
                self._known.clear()
            known = self._known[key] = self._ask(values)
        return known

    def _ask(self, values: Mapping[str, Any]) -> bool:
        try:
            return self._program.eval(data=dict(values)).value() is True
        except RuntimeError:  # text that is no Unicode, or the step budget
            return False


def compile_expression(text: str, about: str, pointer: str) -> Expression:
    """Check and compile. ``about`` is "interaction" or "person". Raises `Invalid` with the spot inside."""
    try:
        return _compiled(text, about)
    except Invalid as wrong:
        raise Invalid(wrong.detail, code=wrong.code, pointer=pointer, **wrong.more) from wrong


@lru_cache(maxsize=1024)
def _compiled(text: str, about: str) -> Expression:
    _check_size(text)
    variables = INTERACTION if about == "interaction" else PERSON
    tokens = [(found.start(), found[0]) for found in _TOKEN.finditer(text)]
    _check_patterns([(at, token) for at, token in tokens if not token.isspace()], text)
    program = _checked(_with_cel_words(tokens, text), variables)
    return Expression(text, _names(tokens, variables), program)


def _check_size(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as wrong:
        raise Invalid("this is no Unicode text", code="expression") from wrong
    if size > MAX_BYTES:
        raise Invalid(f"an expression is at most {MAX_BYTES} bytes long", code="too_large")
    if '"""' in text or "'''" in text:
        raise Invalid("write texts in plain quotes", code="expression")


@lru_cache(maxsize=2)
def _environment(about: str) -> Any:
    return cel.NewEnv(variables=INTERACTION if about == "interaction" else PERSON)


def _checked(text: str, variables: dict[str, Any]) -> Any:
    try:
        program = _environment("interaction" if variables is INTERACTION else "person").compile(text)
    except RuntimeError as wrong:
        raise _explained(str(wrong), variables) from wrong
    if program.return_type().name() not in ("BOOL", "DYN"):
        raise Invalid("an expression must be true or false", code="expression", within=(1, 1))
    return program


def _explained(message: str, variables: dict[str, Any]) -> Invalid:
    if "recursion limit" in message:
        return Invalid("the expression is nested too deeply", code="too_deep")
    found = _ERROR.search(message)
    if not found:
        return Invalid(message[:200], code="expression")
    line, column, said = int(found[1]), int(found[2]), found[3][:300]
    more: dict[str, Any] = {"within": (line, column)}
    if unknown := _UNDECLARED.search(said):
        said = f"`{unknown[1]}` is not known here; known: {', '.join(variables)}"
        if close := difflib.get_close_matches(unknown[1], list(variables), n=1):
            more["suggestion"] = close[0]
    return Invalid(said, code="expression", **more)


def _with_cel_words(tokens: list[tuple[int, str]], text: str) -> str:
    """``and``, ``or``, ``not`` as CEL writes them. Of ``not`` only the plain cases: CEL's ``!`` binds tighter."""
    words = [(at, token) for at, token in tokens if not token.isspace()]
    for position, (at, token) in enumerate(words):
        if token == "not" and not _is_plain_not(words[position + 1 :]):  # noqa: S105 - a token of text
            line, column = _spot(text, at)
            raise Invalid("write `not (…)` around what is not to hold", code="expression", within=(line, column))
    return "".join(_WORDS.get(token, token) for _, token in tokens)


def _is_plain_not(rest: list[tuple[int, str]]) -> bool:
    """Whether ``not`` stands before a bracket, or before a bare name with nothing compared to it."""
    following = [token for _, token in rest]
    if following[:1] == ["("]:
        return True
    position = 1
    while following[position : position + 1] == ["."]:
        position += 2
    return following[position : position + 1] in ([], [")"], ["and"], ["or"], ["&&"], ["||"])


def _check_patterns(words: list[tuple[int, str]], text: str) -> None:
    """Patterns are written out, and RE2 must know them: a wrong one would silently never match."""
    for position, (at, token) in enumerate(words):
        after = [word for _, word in words[position + 1 : position + 4]]
        if token != "matches" or after[:1] != ["("]:  # noqa: S105 - a token of text
            continue
        line, column = _spot(text, at)
        if len(after) < 3 or after[1][-1] not in "'\"" or after[2] != ")" or words[position - 1][1] != ".":
            raise Invalid("write a pattern out: text.matches('…')", code="pattern", within=(line, column))
        answer = _pattern_answer(after[1])
        if not isinstance(answer, bool):
            raise Invalid(f"not a pattern that RE2 knows: {answer}"[:200], code="pattern", within=(line, column))


def _pattern_answer(literal: str) -> Any:
    try:
        return _environment("person").compile(f"''.matches({literal})").eval(data={}).value()
    except RuntimeError as wrong:
        return str(wrong).partition("\n")[0]


def _spot(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _names(tokens: list[tuple[int, str]], variables: dict[str, Any]) -> frozenset[str]:
    words = [token for _, token in tokens if not token.isspace()]
    return frozenset(
        word for before, word in zip(["", *words], words, strict=False) if before != "." and word in variables
    )
