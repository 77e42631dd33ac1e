"""One of the servers that are compared: ``python serve.py (hub|bare|sqlmodel) PORT``.

The hub is served by `kinline_api.server`, the others by uvicorn with the very same options.
"""

import logging
import sys

import uvicorn
from litestar.types import ASGIApp

import baselines
from kinline_api import server
from kinline_cli.opened import opened


def main(app: str, port: int) -> None:
    if app == "hub":
        with opened(build=False, level=logging.INFO) as hub:
            server.run(hub, host="127.0.0.1", port=port)
    else:
        plain(baselines.APPS[app](), port)


def plain(app: ASGIApp, port: int) -> None:
    uvicorn.run(
        app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", ws="none", lifespan="on", access_log=False,
        log_config=None, server_header=False, proxy_headers=False, backlog=2048,
    )  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
