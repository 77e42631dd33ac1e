"""Endpoints, where signed calls of triggers go, and the calls themselves."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from kinline.catalogue import references
from kinline.webhooks import deliveries, endpoints
from kinline.webhooks.deliveries import DeliveryDetail, DeliveryShown
from kinline.webhooks.endpoints import Endpoint
from kinline_api.call import Call
from kinline_api.idempotency import ByAgent, agent_of, person_seen
from kinline_api.json_body import Body
from kinline_api.paging import dated_place, next_cursor, text_place
from kinline_api.query import Paged
from kinline_api.route import Id, delete, get, post, put

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Url = Annotated[str, Meta(min_length=1, max_length=2000)]


class EndpointIn(Body, frozen=True, kw_only=True):
    """A name, by which triggers know it, and an https address on the public internet."""

    name: Name
    url: Url


class AddressIn(Body, frozen=True, kw_only=True):
    """Where it is now."""

    url: Url


class RotateIn(Body, frozen=True, kw_only=True):
    """For how many hours the secrets before it sign on beside the new one; 0: not at all."""

    overlap: Annotated[int, Meta(ge=0, le=720)] = endpoints.OVERLAP


class EndpointStateIn(Body, frozen=True, kw_only=True):
    """Where to put it, and why."""

    state: Literal["active", "disabled"]
    reason: Annotated[str, Meta(max_length=500)] = ""


class EndpointMade(msgspec.Struct, frozen=True):
    """``secret`` verifies its calls (Standard Webhooks), and is shown this once."""

    endpoint: Endpoint
    secret: str


class Endpoints(msgspec.Struct, frozen=True):
    endpoints: list[Endpoint]
    next: str | None


class DeliveriesQuery(Paged, frozen=True):
    """To one endpoint, in one state, about one person (id or handle)."""

    endpoint: Annotated[str, Meta(max_length=64)] = ""
    state: Literal["", "pending", "delivered", "failed", "cancelled", "expired"] = ""
    person: Annotated[str, Meta(max_length=500)] = ""


class Deliveries(msgspec.Struct, frozen=True):
    """A page, the newest first."""

    deliveries: list[DeliveryShown]
    next: str | None


class DeliveryCancelled(ByAgent, frozen=True, kw_only=True):
    """Why it is stopped."""

    reason: Annotated[str, Meta(max_length=500)] = ""


@get("/v1/endpoints", scope="read")
def list_endpoints(call: Call, query: Paged) -> Endpoints:
    """List the endpoints, by name. Their secrets are never shown again."""
    after = text_place(call, "endpoints", query.cursor)
    with call.read() as session:
        rows = endpoints.page(session, after=after, limit=query.limit + 1)
    page = rows[: query.limit]
    return Endpoints(page, next_cursor(call, "endpoints", [page[-1].name]) if len(rows) > query.limit else None)


@post("/v1/endpoints", scope="channels", status=201)
def add_endpoint(call: Call, body: EndpointIn) -> EndpointMade:
    """Make an endpoint. Its secret is shown this once."""
    with call.write() as session:
        return EndpointMade(*endpoints.add(session, call.hub.secret, body.name, body.url))


@get("/v1/endpoints/{name}", scope="read")
def read_endpoint(call: Call, name: str) -> Endpoint:
    """Read one endpoint, by name or id."""
    with call.read() as session:
        return endpoints.shown(endpoints.named(session, name))


@put("/v1/endpoints/{name}", scope="channels")
def move_endpoint(call: Call, name: str, body: AddressIn) -> Endpoint:
    """Give an endpoint another address. Its secrets stay."""
    with call.write() as session:
        return endpoints.move(session, name, body.url)


@post("/v1/endpoints/{name}/rotate", scope="channels")
def rotate_endpoint(call: Call, name: str, body: RotateIn) -> EndpointMade:
    """Make a new secret, shown this once. Calls are signed with both until the overlap is over."""
    with call.write() as session:
        return EndpointMade(*endpoints.rotate(session, call.hub.secret, name, overlap=body.overlap))


@post("/v1/endpoints/{name}/state", scope="channels")
def put_endpoint(call: Call, name: str, body: EndpointStateIn) -> Endpoint:
    """Enable or disable an endpoint. Calls to a disabled one wait until they expire."""
    with call.write() as session:
        return endpoints.put(session, name, body.state, reason=body.reason)


@delete("/v1/endpoints/{name}", scope="channels")
def remove_endpoint(call: Call, name: str) -> None:
    """Forget an endpoint, with the calls that were made to it. 409 while a trigger names it."""
    with call.write() as session:
        own = endpoints.named(session, name).name
        endpoints.remove(session, name, references.users_of(session, "webhook", "endpoint", own))


@get("/v1/deliveries", scope="read")
def list_deliveries(call: Call, query: DeliveriesQuery) -> Deliveries:
    """List calls to endpoints, the newest first."""
    about = f"deliveries:{query.endpoint}:{query.state}:{query.person}"
    before = dated_place(call, about, query.cursor, deliveries.NEWEST)
    with call.read() as session:
        root = person_seen(call, session, query.person) if query.person else ""
        found = deliveries.listed(
            session, endpoint=query.endpoint, state=query.state, person=root, before=before, limit=query.limit + 1,
            reader=call.reader,
        )  # fmt: skip
        page = found[: query.limit]
        more = deliveries.place(session, page[-1].id) if len(found) > query.limit else None
    return Deliveries(page, next_cursor(call, about, more) if more else None)


@get("/v1/deliveries/{delivery}", scope="read")
def read_delivery(call: Call, delivery: Id) -> DeliveryDetail:
    """Read one call, with its tries and the body that is sent."""
    with call.read() as session:
        return deliveries.detail(session, delivery, call.reader)


@post("/v1/deliveries/{delivery}/approve", scope="desk")
def approve_delivery(call: Call, delivery: Id, body: ByAgent) -> DeliveryDetail:
    """Let a call go that waits for approval. 409 when it waits for none, or not any more."""
    with call.write() as session:
        deliveries.detail(session, delivery, call.reader)
        deliveries.approve(session, delivery, by=agent_of(call, body))
        return deliveries.detail(session, delivery)


@post("/v1/deliveries/{delivery}/cancel", scope="desk")
def cancel_delivery(call: Call, delivery: Id, body: DeliveryCancelled) -> DeliveryDetail:
    """Stop a call that is pending. 409 when it is too late for that."""
    with call.write() as session:
        deliveries.detail(session, delivery, call.reader)
        deliveries.cancel(session, delivery, by=agent_of(call, body), reason=body.reason)
        return deliveries.detail(session, delivery)


@post("/v1/deliveries/{delivery}/replay", scope="desk")
def replay_delivery(call: Call, delivery: Id, body: ByAgent) -> DeliveryDetail:
    """Make a call again, under the same `webhook-id`. 409 while it is still being tried."""
    with call.write() as session:
        deliveries.detail(session, delivery, call.reader)
        deliveries.replay(session, delivery, by=agent_of(call, body))
        return deliveries.detail(session, delivery)
