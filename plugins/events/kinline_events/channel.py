"""The channel: CloudEvents and Segment calls cut into events, each told in our words."""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, ClassVar

import msgspec

from kinline import (
    Ability,
    Broken,
    Channel,
    Item,
    Kind,
    Normalised,
    Request,
    Source,
    Unreadable,
    VerificationFailed,
)
from kinline_events import cloudevents, segment
from kinline_events.fields import decoded
from kinline_events.settings import EventsSettings

#: Bytes of one body, and of one event: 32 kB of a Segment call, as Segment has it.
MAX_BODY, MAX_CALL = 16 * 1024 * 1024, 32 * 1024
#: Events of one Segment batch.
MAX_CALLS = 2500
SEGMENT, CLOUD_EVENT = "segment", "cloudevent"


class EventsChannel(Channel[EventsSettings]):
    """What other systems say that people did. Whoever brings it holds a key of the hub; there are no webhooks."""

    name = "events"
    title = "Outside events"
    settings = EventsSettings
    kinds = frozenset({Kind.APP_EVENT, Kind.ORDER, Kind.PAGE_VIEW, Kind.REVIEW, Kind.CHECK_IN, Kind.SHARE})
    can = frozenset({Ability.EVENTS, Ability.IMPORT})
    personal_data: ClassVar[tuple[str, ...]] = (
        "user ids, anonymous ids, and mail addresses and telephone numbers that a source tells",
        "what people did, with the properties that the source sends along",
        "traits, as far as the account's settings allow",
    )

    def instance(self, settings: EventsSettings) -> str:
        return settings.issuer.strip()

    def verify(self, request: Request, settings: EventsSettings) -> None:
        raise VerificationFailed("Events come with a key of the hub, not by webhook.")

    def parse(self, raw: BinaryIO, source: Source, settings: EventsSettings) -> Iterator[Item | Broken]:
        body = raw.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            raise Unreadable(f"A body has {MAX_BODY >> 20} MB at most.", code="too_large")
        if cloudevents.is_binary(source):
            yield Item(body=cloudevents.from_binary(body, source), form=CLOUD_EVENT)
            return
        value = decoded(body)
        if isinstance(value, list):
            yield from (Item(body=each, form=CLOUD_EVENT) for each in value)
        elif isinstance(value, dict) and "specversion" in value:
            yield Item(body=value, form=CLOUD_EVENT)
        elif isinstance(value, dict):
            yield from self._calls(value, source)
        else:
            raise Unreadable("An event is an object.", code="expected_object")

    def _calls(self, value: dict[str, Any], source: Source) -> Iterator[Item | Broken]:
        for number, call in enumerate(segment.calls(value, source)):
            size = len(msgspec.json.encode(call.told))
            if number >= MAX_CALLS:
                yield Broken(code="too_many", detail=f"A batch has {MAX_CALLS} events at most.")
            elif size > MAX_CALL:
                yield Broken(code="too_large", detail=f"This event has {size} bytes; {MAX_CALL} are the most.")
            else:
                yield Item(body=msgspec.to_builtins(call), form=SEGMENT)

    def normalise(self, item: Item, settings: EventsSettings) -> Sequence[Normalised]:
        if item.form == SEGMENT:
            return segment.meant(msgspec.convert(item.body, segment.Call), settings)
        return [cloudevents.meant(item.body, settings)]
