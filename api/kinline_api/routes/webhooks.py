"""Webhooks in: prove, keep, acknowledge; understand later. No key: the provider's signature is the proof.

An account that is not there, is paused, or whose channel takes no webhooks gives one and the same answer.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar
from urllib.parse import quote

import msgspec
import structlog

from kinline.accounts.connected import settings_of
from kinline.contract.channel import Ability, AccountSettings, AnyChannel
from kinline.contract.plugins import channels
from kinline.errors import KinlineError, NotFound, Unavailable, VerificationFailed
from kinline.intake.completing import Became, became
from kinline.intake.receive import is_hint
from kinline.messages import Once, Reply, Request, Source
from kinline_api.account_cache import KnownAccount
from kinline_api.app_state import WebhookCall
from kinline_api.call import Call
from kinline_api.query import FreeQuery
from kinline_api.response import Answer
from kinline_api.route import Id, get, post

log = structlog.get_logger(__name__)
R = TypeVar("R")

#: Seconds a channel may take to verify a call or to answer a handshake.
DEADLINE = 5.0
#: Headers that prove who calls, as HTTP Basic does, and are kept nowhere once that is proved.
SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
MOST_HEADERS = 100


class Accepted(msgspec.Struct, frozen=True):
    """It is on disk, and will be understood soon. A hint (201) says in ``Location`` where to look what became of it."""

    intake: str


@get("/v1/channels/{account}/webhook", scope="open", answers=bytes)
async def answer_handshake(call: Call, account: str, query: FreeQuery) -> Answer:
    """Answer a provider's test call, as its channel knows how.

    It needs no database, so that a provider never switches us off because of one.
    """
    found, channel = await _find(call, account, Ability.HANDSHAKE)
    reply = await _asked(call, channel, channel.handshake, _request(call, "GET", query, b""), found)
    if reply is None:
        raise _nothing()
    return _reply(reply)


@post(
    "/v1/channels/{account}/webhook", scope="open", status=202, answers=Accepted,
    also={
        200: "The same, for a provider that takes nothing else for a yes.",
        201: "It was a hint (a Webmention); `Location` tells what became of it.",
    },
    takes="Whatever the provider sends, signed as its channel demands.",
)  # fmt: skip
async def receive_webhook(call: Call, account: str, query: FreeQuery) -> Answer:
    """Receive a provider's call.

    Verified over the raw bytes, kept as it came, answered when it is on disk. The same delivery twice is recorded
    once; where the provider gives each call a token of its own, so is whatever comes with it. What cannot be understood is set aside, never refused: it was signed.
    """
    found, channel = await _find(call, account, Ability.WEBHOOK)
    body = await call.take(call.hub.settings.max_webhook)
    request = _request(call, "POST", query, body)
    once = await _asked(call, channel, partial(_proved, channel), request, found)
    media_type = request.headers.get("content-type", "")
    kept = {name: value for name, value in request.headers.items() if name not in SECRET_HEADERS}
    source = Source(name="webhook", media_type=media_type, headers=kept)
    intake = await call.app_state.receive(WebhookCall(found.ref, body, source, once))
    if is_hint(found.ref, source):
        where = f"{call.hub.settings.public_url.rstrip('/')}/v1/channels/{quote(account)}/webhook/{intake}"
        return Answer(msgspec.json.encode(Accepted(intake)), 201, headers=(("location", where),))
    return Answer(msgspec.json.encode(Accepted(intake)), channel.acknowledges)


@get("/v1/channels/{account}/webhook/{intake}", scope="open", answers=Became)
async def tell_what_became(call: Call, account: str, intake: Id) -> Answer:
    """Tell whoever gave a hint (a Webmention) what became of it: waiting, recorded, deleted, applied or refused."""
    found, _ = await _find(call, account, Ability.COMPLETE)
    told = await call.app_state.in_thread(_became, call, found.ref.id, intake)
    if told is None:
        raise NotFound("There is no such call.", code="no_such_intake")
    return Answer(msgspec.json.encode(told))


def _became(call: Call, account_id: str, intake: str) -> Became | None:
    with call.read() as session:
        return became(session, account_id, intake)


def _proved(channel: AnyChannel, request: Request, settings: AccountSettings) -> Once | None:
    """Raises what ``verify`` raises."""
    channel.verify(request, settings)
    return channel.once(request, settings)


async def _find(call: Call, name: str, ability: Ability) -> tuple[KnownAccount, AnyChannel]:
    found = await call.app_state.accounts.find(name)
    channel = channels().loaded.get(found.ref.channel) if found and found.active else None
    if found is None or channel is None or ability not in channel.can:
        raise _nothing()
    return found, channel


async def _asked(
    call: Call,
    channel: AnyChannel,
    method: Callable[[Request, AccountSettings], R],
    request: Request,
    found: KnownAccount,
) -> R:
    """What the channel says, in time. Whatever else it raises proves nothing, so the call is not believed."""
    settings = settings_of(found.row, call.hub.secret)
    try:
        return await asyncio.wait_for(call.app_state.in_thread(method, request, settings), DEADLINE)
    except TimeoutError:
        raise Unavailable(
            f"The {channel.name} channel did not answer in {DEADLINE:g} s.", code="channel_slow"
        ) from None
    except KinlineError as error:
        log.info("webhook refused", account=found.ref.name, code=error.code)
        raise
    except Exception as error:
        log.error("channel failed", account=found.ref.name, channel=channel.name, exc_info=error)
        raise VerificationFailed("The call cannot be verified.") from None


def _request(call: Call, method: str, query: FreeQuery, body: bytes) -> Request:
    headers = dict(list(dict(call.headers()).items())[:MOST_HEADERS])
    return Request(method=method, headers=headers, query=query.values, body=body)


def _reply(reply: Reply) -> Answer:
    return Answer(reply.body, reply.status, reply.media_type)


def _nothing() -> NotFound:
    return NotFound("There is no such account.", code="no_such_account")
