"""Which files a person meant."""

import os
from collections.abc import Iterable, Iterator

from kinline.errors import Invalid


def walk(paths: Iterable[str]) -> Iterator[str]:
    """Each file named, and every file below a folder named, in sorted order. Links are not followed down."""
    for path in paths:
        if os.path.isdir(path):
            for folder, below, names in os.walk(path):
                below.sort()
                yield from (os.path.join(folder, name) for name in sorted(names))
        elif os.path.isfile(path):
            yield path
        else:
            raise Invalid(f"There is no file or folder “{path}”.", code="no_such_file")
