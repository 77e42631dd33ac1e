"""Accounts that live: how they are, whether they work, their past, and their consent at the provider."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from kinline.accounts import connected, oauth
from kinline.accounts.ready import as_it_is, ready
from kinline.errors import Invalid, NotFound
from kinline.live import history, state
from kinline.live.health import Health, health
from kinline.messages import Estimate
from kinline.store.models import Account
from kinline_api.call import Call
from kinline_api.json_body import Body
from kinline_api.query import FreeQuery
from kinline_api.response import Answer
from kinline_api.route import delete, get, post

_DONE = "The account {name} is connected. You can close this page."


class Tested(msgspec.Struct, frozen=True):
    """What the provider said to the account's settings."""

    says: str


class Begun(msgspec.Struct, frozen=True):
    """What bringing in the past is expected to bring and to cost (in millionths), and how far it is."""

    expected: Estimate
    history: dict[str, Any] | None


class Begin(Body, frozen=True):
    """``whatever_it_costs``: begin although it would not fit into this month's cap; it pauses there."""

    whatever_it_costs: bool = False


class ConsentPage(msgspec.Struct, frozen=True):
    """The provider's page on which a person says yes."""

    url: Annotated[str, Meta(max_length=8000)]


@get("/v1/accounts/{name}/health", scope="channels")
def read_health(call: Call, name: str) -> Health:
    """Read how an account is: in words, and in numbers."""
    with call.read() as session:
        return health(session, call.hub.secret, _seen(call, connected.named(session, name)))


@post("/v1/accounts/{name}/test", scope="channels")
def test_account(call: Call, name: str) -> Tested:
    """Try the account's settings at its provider, changing nothing. 502 with what the provider said."""
    found = ready(call.hub, _id(call, name))
    return Tested(found.channel.test(found.settings))


@post("/v1/accounts/{name}/poll", scope="channels", status=202)
def poll_account(call: Call, name: str) -> Health:
    """Have the account looked at now, also where it waits after an error."""
    account = _id(call, name)
    with call.write() as session:
        state.wake(session, account)
        return health(session, call.hub.secret, session.get_one(Account, account))


@get("/v1/accounts/{name}/history", scope="channels")
def estimate_history(call: Call, name: str) -> Begun:
    """Ask what bringing in the account's past would bring and cost, and how far it is."""
    account = _id(call, name)
    told = history.estimate(ready(call.hub, account))
    return _begun(call, account, told)


@post("/v1/accounts/{name}/history", scope="channels", status=202)
def begin_history(call: Call, name: str, body: Begin) -> Begun:
    """Bring in the account's past, or go on where it stopped. It starts no follow-up, ever."""
    account = _id(call, name)
    found = ready(call.hub, account)
    told = history.estimate(found)
    history.start(call.hub, found, told, whatever_it_costs=body.whatever_it_costs)
    return _begun(call, account, told)


@delete("/v1/accounts/{name}/history", scope="channels")
def stop_history(call: Call, name: str) -> Health:
    """Stop bringing in the past; beginning again goes on from there."""
    account = _id(call, name)
    with call.write() as session:
        history.stop(session, account)
        return health(session, call.hub.secret, session.get_one(Account, account))


@post("/v1/accounts/{name}/authorisation", scope="channels", status=201)
def authorise_account(call: Call, name: str) -> ConsentPage:
    """Start the provider's consent: open the address that comes back, within fifteen minutes."""
    account = as_it_is(call.hub, _id(call, name)).row
    return ConsentPage(oauth.page(call.hub.secret, account, _redirect(call)))


@get(oauth.CALLBACK, scope="open", answers=bytes, media="text/plain")
def finish_authorisation(call: Call, query: FreeQuery) -> Answer:
    """Where the provider sends the person back to. The signed ``state`` is the proof of who asked."""
    given = query.values
    account_id = oauth.account_of(call.hub.secret, given.get("state", ""))
    if "code" not in given:
        told = given.get("error", "no code")[:100]
        raise Invalid(f"The provider did not authorise the account: {told}. Start again.", code="not_authorised")
    account = as_it_is(call.hub, account_id).row
    tokens = oauth.exchange(call.hub.secret, account, given["state"], given["code"], _redirect(call))
    with call.write() as session:
        row = session.get_one(Account, account_id)
        oauth.keep(session, call.hub.secret, row, tokens)
        state.wake(session, account_id)
    call.app_state.accounts.forget()
    return Answer(_DONE.format(name=account.name).encode(), media_type="text/plain; charset=utf-8")


def _redirect(call: Call) -> str:
    base = call.hub.settings.public_url
    if not base:
        raise Invalid("Set KINLINE_PUBLIC_URL first: the provider sends people back to it.", code="no_public_url")
    return base.rstrip("/") + oauth.CALLBACK


def _begun(call: Call, account: str, told: Estimate) -> Begun:
    with call.read() as session:
        return Begun(told, health(session, call.hub.secret, session.get_one(Account, account)).history)


def _id(call: Call, name: str) -> str:
    with call.read() as session:
        return _seen(call, connected.named(session, name)).id


def _seen(call: Call, row: Account) -> Account:
    if call.reader.accounts is not None and row.id not in call.reader.accounts:
        raise NotFound(f"There is no account “{row.name}”.", code="no_such_account")
    return row
