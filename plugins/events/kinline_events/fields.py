"""Values out of foreign JSON, whatever stands there."""

import re
from datetime import datetime
from typing import Any

import msgspec

from kinline import Unreadable

#: RFC 3339, section 5.6; letters may be small, and a blank may stand for the T.
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_ODD = re.compile(r"[^a-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def decoded(raw: bytes) -> Any:
    """A JSON value. Raises `Unreadable`."""
    try:
        return msgspec.json.decode(raw)
    except RecursionError:
        raise Unreadable("Too many things stand in each other.", code="json_too_deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"This is not JSON: {str(error)[:120]}.", code="not_json") from None


def text(value: Any) -> str:
    """A text or a whole number as text; "" for anything else."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def fields(value: Any) -> dict[str, Any]:
    """An object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def moment(value: Any) -> datetime | None:
    """A moment as RFC 3339 writes it; None for anything else. A leap second is the one before."""
    if not isinstance(value, str) or not MOMENT.fullmatch(value.strip()):
        return None
    written = value.strip().upper().replace(" ", "T")
    written = re.sub(r"(T\d\d:\d\d):60", r"\1:59", written)
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", written))
    except ValueError:
        return None


def snake(name: str) -> str:
    """``firstName``, ``First Name`` and ``first-name`` as ``first_name``."""
    return _ODD.sub("_", _HUMP.sub("_", name).lower()).strip("_")[:64]


def number(value: Any) -> float | None:
    """A number, also written as text; None for anything else."""
    try:
        found = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return found if found is not None and abs(found) < 1e15 else None


def worth(told: dict[str, Any]) -> dict[str, Any]:
    """``total``, ``currency``, ``rating`` and ``order``, as far as the event tells them under one of their usual names."""
    found: dict[str, Any] = {}
    for name, names in _WORTH.items():
        value = next((told[each] for each in names if told.get(each) is not None), None)
        if name in ("total", "rating"):
            value = number(value)
        if value is not None and (name in ("total", "rating") or text(value)):
            found[name] = value if name in ("total", "rating") else text(value)
    return found


_WORTH = {
    "total": ("total", "revenue", "value", "amount"),
    "currency": ("currency",),
    "rating": ("rating",),
    "order": ("order_id", "orderId", "order"),
}
