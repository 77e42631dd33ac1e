"""Zammad."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from kinline import Broken, Connection, Item, Request
from kinline_support.provider import Out, Provider, Reader
from kinline_support.settings import SupportSettings
from kinline_support.zammad import reading, sending, shapes, webhook
from kinline_support.zammad.connection import ZammadConnection


class Zammad(Provider):
    out: ClassVar[Out] = sending
    readers: ClassVar[Mapping[str, Reader]] = {"article": reading.of_article, "ticket": reading.of_ticket}

    def verify(self, request: Request, settings: SupportSettings) -> None:
        webhook.verify(request, settings)

    def items(self, value: Any) -> Iterator[Item | Broken]:
        return shapes.items(value)

    def connect(self, settings: SupportSettings) -> Connection:
        return ZammadConnection(settings)
