"""How tests read what the blog channel makes of bytes."""

import io
from typing import Any

from kinline import Broken, Source
from kinline_blog import BlogChannel
from kinline_blog.settings import BlogSettings


def read(raw: bytes, settings: BlogSettings, source: Source | None = None) -> list[Any]:
    """All that these bytes mean, in order; what is broken stays as it is."""
    channel, found = BlogChannel(), list[Any]()
    for piece in channel.parse(io.BytesIO(raw), source or Source(), settings):
        found += [piece] if isinstance(piece, Broken) else channel.normalise(piece, settings)
    return found
