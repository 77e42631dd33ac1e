"""Zendesk, and desks that speak like it."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from kinline import Broken, Connection, Item, Request
from kinline_support.provider import Out, Provider, Reader
from kinline_support.settings import SupportSettings
from kinline_support.zendesk import sending, shapes, webhook
from kinline_support.zendesk.comments import of_comment
from kinline_support.zendesk.connection import ZendeskConnection
from kinline_support.zendesk.people import of_identity, of_organisation, of_user
from kinline_support.zendesk.tickets import of_rating, of_ticket, of_ticket_event


class Zendesk(Provider):
    out: ClassVar[Out] = sending
    readers: ClassVar[Mapping[str, Reader]] = {
        "comment": of_comment,
        "event": webhook.of_event,
        "identity": of_identity,
        "organization": of_organisation,
        "rating": of_rating,
        "ticket": of_ticket,
        "ticket_event": of_ticket_event,
        "user": of_user,
    }

    def verify(self, request: Request, settings: SupportSettings) -> None:
        webhook.verify(request, settings)

    def items(self, value: Any) -> Iterator[Item | Broken]:
        return shapes.items(value)

    def connect(self, settings: SupportSettings) -> Connection:
        return ZendeskConnection(settings)
