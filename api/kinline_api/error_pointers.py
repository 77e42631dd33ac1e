"""From what the decoder says to what the caller needs: a code, a sentence, a pointer (RFC 6901)."""

import re
from enum import StrEnum

import msgspec

from kinline.errors import Invalid, KinlineError, Malformed
from kinline.words import Direction, HandleType, Kind, Role, Standing

#: The hub sets these; a caller who sends them would think they counted.
READ_ONLY = frozenset(
    "id person person_id tenant_id identity_id created_at recorded_at received_at root_id revised deleted_at".split()  # noqa: SIM905
)
CHOICES: dict[str, type[StrEnum]] = {
    "kind": Kind, "direction": Direction, "role": Role, "standing": Standing, "type": HandleType
}  # fmt: skip
#: How the decoder says it, and our code for it; the first that fits counts.
_CODES = (
    ("Invalid enum value", "unknown_value"),
    ("Invalid RFC3339", "invalid_datetime"),
    ("Expected `datetime`", "invalid_datetime"),
    ("Expected `datetime | null`", "invalid_datetime"),
    ("Expected `object`, got", "expected_object"),
    ("Expected `object | null`, got", "expected_object"),
    ("Expected `str` of length <=", "too_long"),
    ("Expected `str` of length >=", "too_short"),
    ("Expected `array` of length <=", "too_many"),
    ("Expected `object` of length <=", "too_many"),
    ("Expected `array` of length >=", "too_few"),
    ("Expected `int` <=", "out_of_range"),
    ("Expected `int` >=", "out_of_range"),
    ("Integer value out of range", "out_of_range"),
    ("Number out of range", "out_of_range"),
    ("Expected `str` matching regex", "invalid_text"),
)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\[(\d+)\]")
_AT_BYTE = re.compile(r"\(byte (\d+)\)")


def mistake(error: msgspec.ValidationError) -> KinlineError:
    """A value of the wrong form."""
    said, _, path = str(error).rpartition(" - at `$")
    if not said:
        said, path = str(error), ""
    pointer = _pointer(path.removesuffix("`"))
    if found := _UNKNOWN.fullmatch(said):
        return _unknown(found[1], pointer)
    if found := _MISSING.fullmatch(said):
        return Invalid(f"“{found[1]}” is missing.", code="required", pointer=f"{pointer}/{found[1]}")
    code = next((code for start, code in _CODES if said.startswith(start)), "wrong_type")
    return Invalid(f"{said}{_choices(code, pointer)}.", code=code, pointer=pointer)


def syntax_error(error: msgspec.DecodeError, raw: bytes) -> KinlineError:
    """Not JSON at all."""
    if not raw.strip():
        return Malformed("This call needs a JSON body.", code="body_required")
    said = str(error)
    if not _AT_BYTE.search(said):
        said = f"JSON is cut short (byte {len(raw)})"
    return Malformed(f"{said}.", code="json_invalid")


def _unknown(name: str, pointer: str) -> KinlineError:
    where = f"{pointer}/{name[:80].replace('~', '~0').replace('/', '~1')}"
    if name in READ_ONLY:
        return Invalid(f"The hub sets “{name}”; leave it out.", code="read_only_field", pointer=where)
    return Invalid(f"There is no field “{name[:80]}” here.", code="unknown_field", pointer=where)


def _pointer(path: str) -> str:
    """``.parties[0].role`` as ``/parties/0/role``. Inside free objects the decoder does not say more."""
    return "".join(f"/{name or number}" for name, number in _STEP.findall(path.partition("[...]")[0]))


def _choices(code: str, pointer: str) -> str:
    words = CHOICES.get(pointer.rpartition("/")[2]) if code == "unknown_value" else None
    return f". There are: {', '.join(words)}" if words else ""
