"""Experiments: what the variants of a trigger do, beside doing nothing."""

import time
from collections.abc import Callable

from kinline.errors import Unavailable
from kinline.experiments.results import Effect, effect
from kinline_api.call import Call
from kinline_api.route import get

#: Seconds that counting may take over HTTP. The command line has all the time there is.
PATIENCE = 20.0


@get("/v1/triggers/{name}/experiment", scope="read")
def read_experiment(call: Call, name: str) -> Effect:
    """Read how the experiment of a trigger stands: per arm how many did what was hoped for, and how sure that is.

    Look whenever you like: the interval `any_time` and the `verdict` hold however often somebody looks; `once` is for
    one look that was planned. 404 for a trigger without an experiment. A key of a team counts what it may read.
    """
    return effect(call.hub, name, reader=call.reader, progress=_deadline())


def _deadline() -> Callable[[int], None]:
    ends = time.monotonic() + PATIENCE

    def look(_: int) -> None:
        if time.monotonic() > ends:
            detail = f"That took longer than {PATIENCE:g} s. Ask the command line: kinline trigger experiment."
            raise Unavailable(detail, code="query_too_expensive", retry_after=3600)

    return look
