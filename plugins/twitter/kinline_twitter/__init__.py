"""The X (Twitter) channel: payload files of API v1.1 and v2, webhook bodies, and answers by post or message."""

from kinline import hookimpl
from kinline_twitter.channel import TwitterChannel

__all__ = ["TwitterChannel", "kinline_channel"]


@hookimpl
def kinline_channel() -> type[TwitterChannel]:
    return TwitterChannel
