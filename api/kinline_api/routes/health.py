"""Whether the hub lives, and whether it can keep its promises now."""

from collections.abc import Callable

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from kinline.contract.plugins import channels
from kinline.errors import KinlineError
from kinline.store.schema import require_current
from kinline_api.call import Call
from kinline_api.response import Answer
from kinline_api.route import get


class Alive(msgspec.Struct, frozen=True):
    status: str


class Readiness(msgspec.Struct, frozen=True):
    """``checks`` are ``ok`` or the reason why not; ``left_out`` are plugins that could not be loaded."""

    status: str
    checks: dict[str, str]
    left_out: list[str]


@get("/health/live", scope="open", answers=Alive)
async def health_live(call: Call) -> Answer:
    """Tell whether the process lives; it asks nobody else."""
    return Answer(b'{"status":"alive"}')


@get("/health/ready", scope="open", answers=Readiness, also={503: "It cannot keep its promises now."})
def health_ready(call: Call) -> Answer:
    """Tell whether the hub can work: database, durability, schema.

    Plugins that were left out are named; the hub works without them.
    """
    store = call.hub.store
    checks = {"durability": _checked(store.check), "schema": _checked(lambda: require_current(store))}
    checks = {"database": "ok" if checks["durability"] != _DOWN else _DOWN, **checks}
    well = all(each == "ok" for each in checks.values())
    ready = Readiness("ready" if well else "not ready", checks, [each.plugin for each in channels().failed])
    return Answer(msgspec.json.encode(ready), 200 if well else 503)


_DOWN = "database_down"


def _checked(check: Callable[[], None]) -> str:
    """``ok`` or a code; the reason itself is for the log, not for whoever asks without a key."""
    try:
        check()
    except KinlineError as error:
        return error.code
    except SQLAlchemyError:
        return _DOWN
    return "ok"
