"""``python -m kinline_api``: the API alone, with the settings of the environment."""

import logging
import sys

from kinline.errors import KinlineError
from kinline.hub import Hub
from kinline.logs import configure
from kinline.store.schema import require_current
from kinline_api.server import run


def main() -> int:
    configure(logging.INFO)
    try:
        hub = Hub.open()
        require_current(hub.store)
    except KinlineError as error:
        print(error.detail, file=sys.stderr)
        return 1
    try:
        run(hub, host=hub.settings.host, port=hub.settings.port)
    finally:
        hub.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
