"""Chatwoot."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from kinline import Broken, Connection, Item, Request
from kinline_support.chatwoot import reading, sending, shapes, webhook
from kinline_support.chatwoot.connection import ChatwootConnection
from kinline_support.provider import Out, Provider, Reader
from kinline_support.settings import SupportSettings


class Chatwoot(Provider):
    out: ClassVar[Out] = sending
    readers: ClassVar[Mapping[str, Reader]] = {
        "message": reading.of_message,
        "conversation": reading.of_conversation,
        "contact": reading.of_contact,
        "nothing": reading.of_nothing,
    }

    def verify(self, request: Request, settings: SupportSettings) -> None:
        webhook.verify(request, settings)

    def items(self, value: Any) -> Iterator[Item | Broken]:
        return shapes.items(value)

    def connect(self, settings: SupportSettings) -> Connection:
        return ChatwootConnection(settings)
