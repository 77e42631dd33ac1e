"""Reads JSON bodies strictly: what two parsers could read differently is refused, not guessed.

The decoder (msgspec) is fast and lenient about a few things: it takes the last of two equal keys, any whole
number, any depth until the interpreter gives up. `plain` tells in a few passes at C speed that a body has
none of these; only others pay for `examine`, which reads them once more, slowly.
"""

import json
import re
from typing import Any, Generic, TypeVar

import msgspec

from kinline.errors import Invalid, KinlineError, Malformed
from kinline_api.error_pointers import mistake, syntax_error

T = TypeVar("T")

#: Objects and lists may stand in each other this deep.
DEEPEST = 64
SMALLEST, LARGEST = -(2**63), 2**63 - 1
#: Digits look alike and blanks look alike here, so that one search finds each suspicious pattern.
_FLAT = bytes.maketrans(b"123456789\t\n\r", b"000000000   ")
_LONG_NUMBER = b"0" * 19
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_OTHERS = bytes(set(range(256)) - set(b'[]{}"'))


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything a caller sends: unknown fields are refused."""


class _TooFar:
    """Stands where a number was that 64 bits cannot hold."""


class BodyDecoder(Generic[T]):
    """Reads bodies of one type. Raises `Malformed` (400) or `Invalid` (422) with a pointer."""

    def __init__(self, sort: type[T]) -> None:
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(sort)

    def read(self, raw: bytes) -> T:
        """Every check, whatever it costs."""
        refuse_other_encodings(raw)
        examine(raw)
        return self.decode(raw)

    def decode(self, raw: bytes) -> T:
        """Without looking for what the decoder lets pass."""
        try:
            return self._decoder.decode(raw)
        except msgspec.ValidationError as error:
            _refuse_syntax(raw)  # the decoder stopped at the first wrong value; what follows may not even be JSON
            raise mistake(error) from None
        except msgspec.DecodeError as error:
            raise syntax_error(error, raw) from None
        except RecursionError:
            raise too_deep() from None


def refuse_other_encodings(raw: bytes) -> None:
    """RFC 8259 section 8.1: JSON between systems is UTF-8."""
    if raw.isascii():
        return
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"Byte {error.start} is no UTF-8.", code="json_invalid_utf8") from None


def plain(raw: bytes) -> bool:
    """Whether this body surely has no escapes, no long numbers, no great depth, and every key as ``"key":``."""
    flat = raw.translate(_FLAT)
    return (
        b"\\u" not in flat
        and b" :" not in flat
        and _LONG_NUMBER not in flat
        and raw.count(b"{") + raw.count(b"[") <= DEEPEST
    )


def keys_written(raw: bytes) -> int:
    """In a `plain` body: at least how many keys it has, and exactly that unless a text holds ``":`` too.

    So where this equals the keys that were decoded, no key was there twice.
    """
    return raw.count(b'":')


def examine(raw: bytes) -> None:
    """Refuse what the decoder would let pass. ``raw`` must be UTF-8."""
    _refuse_depth(raw)
    try:
        value = json.loads(
            raw.decode(), object_pairs_hook=_unique, parse_int=_whole, parse_float=_fraction, parse_constant=_no_number
        )
    except json.JSONDecodeError:
        return  # the decoder says where
    _refuse_texts(value)
    far = _find(value, lambda each: each is _TooFar)
    if far is not None:
        raise Invalid("Numbers must fit into 64 bits.", code="out_of_range", pointer=far)


def _refuse_syntax(raw: bytes) -> None:
    try:
        msgspec.json.decode(raw)
    except msgspec.ValidationError:
        return
    except msgspec.DecodeError as error:
        raise syntax_error(error, raw) from None
    except RecursionError:
        raise too_deep() from None


def too_deep() -> KinlineError:
    return Malformed(f"Objects and lists may stand in each other {DEEPEST} deep.", code="json_too_deep")


def _refuse_depth(raw: bytes) -> None:
    """Count open brackets outside texts. Linear, and before anything that recurses."""
    depth, inside = 0, False
    for char in _ESCAPE.sub(b"", raw).translate(None, _OTHERS):
        if char == _QUOTE:
            inside = not inside
        elif not inside:
            depth += 1 if char in _OPEN else -1
            if depth > DEEPEST:
                raise too_deep()


_QUOTE = ord('"')
_OPEN = b"[{"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed(f"“{twice[:80]}” stands twice in one object.", code="duplicate_key")
    return found


def _whole(digits: str) -> Any:
    if len(digits) <= 20 and SMALLEST <= int(digits) <= LARGEST:
        return 0
    return _TooFar


def _fraction(digits: str) -> Any:
    return _TooFar if abs(float(digits)) == float("inf") else 0


def _no_number(word: str) -> Any:
    raise Malformed(f"{word} is no JSON.", code="json_invalid")


def _refuse_texts(value: Any) -> None:
    """No half of a surrogate pair: it is no character. No U+0000: PostgreSQL cannot keep it."""
    try:
        text = msgspec.json.encode(value, enc_hook=lambda _: 0)
    except UnicodeEncodeError:
        raise Malformed(
            "A \\u escape names half of a surrogate pair, which is no character.", code="json_invalid_unicode"
        ) from None
    if b"\\u0000" in text:
        pointer = _find(value, lambda each: isinstance(each, str) and "\x00" in each)
        if pointer is not None:
            raise Invalid("Texts cannot hold the character U+0000.", code="nul_character", pointer=pointer)


def _find(value: Any, wanted: Any, pointer: str = "") -> str | None:
    """Where (RFC 6901) in this value something wanted stands first, keys included."""
    if wanted(value):
        return pointer
    each: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, below in each:
        here = f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"
        if wanted(name):
            return here
        found = _find(below, wanted, here)
        if found is not None:
            return found
    return None
