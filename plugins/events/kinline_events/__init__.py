"""The events channel: what other systems say people did (CloudEvents 1.0, Segment calls)."""

from kinline import hookimpl
from kinline_events.channel import EventsChannel

__all__ = ["EventsChannel"]


@hookimpl
def kinline_channel() -> type[EventsChannel]:
    return EventsChannel
