"""The support channel: users, tickets and comments of a Zendesk-style desk, out of exports and webhooks.

The hub's own desk (open, reply, note, close) is part of the hub; this plugin brings another desk's history in.
"""

from kinline import hookimpl
from kinline_support.channel import SupportChannel

__all__ = ["SupportChannel"]


@hookimpl
def kinline_channel() -> type[SupportChannel]:
    return SupportChannel
