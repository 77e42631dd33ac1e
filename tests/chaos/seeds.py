"""What is drawn where processes are killed: the same each time in `make test`, in `make chaos` as SEED says."""

import os

SEED = int(os.environ.get("KINLINE_TEST_SEED", "1"))
