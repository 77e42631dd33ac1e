"""Where a page begins, from a signed cursor; and the cursor of the page after it."""

from collections.abc import Sequence

from kinline.errors import KinlineError, Malformed
from kinline.timeline import cursor
from kinline_api.call import Call


def place_of(call: Call, about: str, given: str) -> list[object] | None:
    """What the cursor holds. None for the first page."""
    return list(cursor.read(call.hub.secret, about, given)) if given else None


def text_place(call: Call, about: str, given: str) -> str:
    """The text after which the page begins; "" for the first page."""
    if not given:
        return ""
    match cursor.read(call.hub.secret, about, given):
        case [str(place)]:
            return place
    raise foreign()


def dated_place(call: Call, about: str, given: str, start: tuple[int, str]) -> tuple[int, str]:
    """The time and id from which the page goes on."""
    if not given:
        return start
    match cursor.read(call.hub.secret, about, given):
        case [int(at), str(each)]:
            return at, each
    raise foreign()


def next_cursor(call: Call, about: str, place: Sequence[object]) -> str:
    return cursor.write(call.hub.secret, about, tuple(place))


def foreign() -> KinlineError:
    """What to raise for a cursor that holds something else."""
    return Malformed("This cursor is not one of this list.", code="invalid_cursor")
