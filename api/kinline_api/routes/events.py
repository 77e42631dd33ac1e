"""Outside events: CloudEvents 1.0 over HTTP, and Segment calls, as their own clients send them.

CloudEvents are recorded at once, as typed interactions are: what breaks the specification is refused with a pointer.
Segment's clients cannot do anything about a refusal, so their calls are kept raw, acknowledged, and understood a moment
later; what cannot be understood is set aside.
"""

import re
import zlib
from io import BytesIO
from typing import Any

import msgspec

from kinline import clock
from kinline.accounts.connected import AccountRef, settings_of
from kinline.accounts.keys import SHAPE
from kinline.contract.channel import Ability, AnyChannel
from kinline.contract.plugins import channels
from kinline.errors import Invalid, KinlineError, Malformed, NotFound, TooLarge, Unreadable, UnsupportedMedia
from kinline.intake.typed import TypedPost
from kinline.messages import Broken, Interaction, Item, Source
from kinline.record.recording import Recording
from kinline_api.account_cache import KnownAccount, usable
from kinline_api.app_state import WebhookCall
from kinline_api.call import Call
from kinline_api.json_body import examine, refuse_other_encodings
from kinline_api.query import Query
from kinline_api.response import Answer
from kinline_api.route import post
from kinline_api.routes.batches import BatchLine, in_chunks, recorded
from kinline_api.routes.interactions import answer_of
from kinline_api.typed import AHEAD, moment_of, refusal

#: Bytes of one event and of a batch of them; and of one Segment batch, as Segment has it.
LARGEST, LARGEST_BATCH, LARGEST_CALLS = 1_000_000, 5_000_000, 500_000
MOST = 5000
STRUCTURED, BATCHED = "application/cloudevents+json", "application/cloudevents-batch+json"
CALLS = frozenset({"batch", "identify", "track", "page", "screen", "group", "alias"})
RECEIVED = "received-at"
_KEY = re.compile(SHAPE.pattern.encode())
_EVENT_HEADERS = {"ce-id": "In binary mode, each attribute is a header with this prefix; the body is the data."}


class EventsQuery(Query, frozen=True):
    """The name of an account of the channel ``events``."""

    account: str


class EventRecorded(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of an event; of a batch, one line for each in ``results``."""

    id: str = ""
    state: str = ""
    revised: bool = False
    results: list[BatchLine] = []


class Taken(msgspec.Struct, frozen=True):
    """What Segment answers."""

    success: bool


@post(
    "/v1/events", scope="record", status=201, answers=EventRecorded, headers=_EVENT_HEADERS,
    also={200: "Nothing new: this was recorded before. For a batch: one line for each event."},
    takes="A CloudEvent 1.0: structured (application/cloudevents+json), binary (ce- headers) or batched "
    "(application/cloudevents-batch+json).",
)  # fmt: skip
async def record_event(call: Call, query: EventsQuery) -> Answer:
    """Record CloudEvents: one, structured or binary, or a batch.

    Answered when they are on disk. `source` and `id` name an event: the same again is 200, other content under them is
    409 unless `recordedtime` orders the two. `subject` names the person, as a handle is written.
    """
    found = await _account(call, query.account)
    source = _source(call)
    raw = await call.take(LARGEST_BATCH if source.media_type.startswith(BATCHED) else LARGEST)
    read = await call.app_state.in_thread(_read, call, found, source, raw)
    if source.media_type.startswith(BATCHED):
        return await _batch(call, read)
    [one] = read
    if isinstance(one, KinlineError):
        raise one
    answer = await call.app_state.record(TypedPost((one,)))
    return answer_of(answer.outcomes[0])


@post(
    "/v1/segment/{account}/v1/{sort}", scope="record", answers=Taken,
    takes="What a Segment client posts: a call, or a batch of calls; plain or gzipped JSON.",
)  # fmt: skip
async def take_segment_calls(call: Call, account: str, sort: str) -> Answer:
    """Take calls of a Segment client: batch, identify, track, page, screen, group or alias.

    Give a client `/v1/segment/ACCOUNT` as its host and a key with the scope `record` as its write key. Answered when
    they are on disk; what cannot be understood is set aside, and the rest recorded.
    """
    if sort not in CALLS:
        raise NotFound(f"There is no call “{sort[:40]}”. There are: {', '.join(sorted(CALLS))}.", code="no_such_call")
    found = await _account(call, account)
    received = clock.to_text(clock.now()) or ""
    raw = _plain(call, await call.take(LARGEST_CALLS))
    await call.app_state.in_thread(_check, raw)
    source = Source(name=sort, media_type="application/json", headers={RECEIVED: received})
    await call.app_state.receive(WebhookCall(found.ref, _KEY.sub(b"kl_", raw), source))
    return Answer(msgspec.json.encode(Taken(success=True)))


async def _account(call: Call, name: str) -> KnownAccount:
    """The account, where the caller may record for it and its channel understands events."""
    found = await call.app_state.accounts.find(name)
    usable(found, name, call.reader)
    channel = channels().loaded.get(found.ref.channel) if found else None
    if found is None or channel is None or Ability.EVENTS not in channel.can:
        raise Invalid(
            f"The account “{name[:100]}” takes no events: connect one of the channel events.", code="takes_no_events",
            pointer="/account",
        )  # fmt: skip
    return found


def _source(call: Call) -> Source:
    """The headers of a CloudEvent, each once."""
    headers: dict[str, str] = {}
    for name, value in call.headers():
        if name.startswith("ce-") or name in ("content-type", "content-encoding"):
            if name in headers:
                raise Malformed(f"The header {name[:60]} is there twice.", code="duplicate_header")
            headers[name] = value
    if headers.pop("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedMedia("Send the body as it is, without Content-Encoding.", code="unsupported_encoding")
    media = headers.pop("content-type", "").strip()
    kind = media.partition(";")[0].strip().lower()
    if kind.startswith("application/cloudevents"):
        if kind not in (STRUCTURED, BATCHED):
            raise UnsupportedMedia(f"Of the formats of CloudEvents this takes JSON: {STRUCTURED}, or {BATCHED}.")
        return Source(name="cloudevents", media_type=kind)
    if not headers:
        raise UnsupportedMedia(f"This is no CloudEvent: send {STRUCTURED}, {BATCHED}, or ce- headers.")
    return Source(name="cloudevents", media_type=media, headers=headers)


def _read(call: Call, found: KnownAccount, source: Source, raw: bytes) -> list[Recording | KinlineError]:
    """Each event as a recording, or as the error that says why not."""
    if source.media_type.startswith("application/cloudevents"):
        refuse_other_encodings(raw)
        examine(raw)
    settings, channel = settings_of(found.row, call.hub.secret), channels().get(found.ref.channel)
    items = list(_items(channel, raw, source, settings))
    if source.media_type == STRUCTURED and raw.lstrip()[:1] != b"{":
        raise Invalid("A structured event is one object.", code="expected_object")
    if source.media_type == BATCHED and raw.lstrip()[:1] != b"[":
        raise Invalid("A batch is a list of events.", code="expected_list")
    if len(items) > MOST:
        raise Invalid(f"A batch has {MOST} events at most.", code="too_many")
    return [_recording(channel, item, settings, found.ref) for item in items]


def _items(channel: AnyChannel, raw: bytes, source: Source, settings: Any) -> Any:
    try:
        yield from channel.parse(BytesIO(raw), source, settings)
    except Unreadable as error:
        kind = Malformed if error.code in ("not_json", "json_too_deep") and not error.pointer else Invalid
        raise kind(error.detail, code=error.code, pointer=error.pointer) from None


def _recording(
    channel: AnyChannel, item: Item | Broken, settings: Any, account: AccountRef
) -> Recording | KinlineError:
    now = clock.now()
    try:
        if isinstance(item, Broken):
            raise Invalid(item.detail, code=item.code)
        if item.form != "cloudevent":
            raise Invalid("This is no CloudEvent: it has no specversion.", code="required", pointer="/specversion")
        [what] = channel.normalise(item, settings)
        assert isinstance(what, Interaction)  # noqa: S101 - a CloudEvent is something that somebody did
        _within(what, now)
    except Unreadable as error:
        return Invalid(error.detail, code=error.code, pointer=error.pointer)
    except KinlineError as error:
        return error
    return Recording(account=account, what=what, arrived_at=now, exclusive=what.changed_at is None)


def _within(what: Interaction, now: int) -> None:
    for moment, pointer in ((what.occurred_at, "/time"), (what.changed_at, "/recordedtime")):
        if moment is not None and moment_of(moment, pointer) > now + AHEAD:
            raise Invalid("That is more than 10 minutes ahead.", code="in_future", pointer=pointer)


async def _batch(call: Call, read: list[Recording | KinlineError]) -> Answer:
    good = [each for each in read if isinstance(each, Recording)]
    lines = iter([line for chunk in in_chunks(good) for line in await recorded(call, chunk)])
    told = [
        {"status": each.status, "error": refusal(each)} if isinstance(each, KinlineError) else next(lines)
        for each in read
    ]
    return Answer(msgspec.json.encode({"results": told}))


def _plain(call: Call, raw: bytes) -> bytes:
    """The body, unzipped where it was zipped, never more than it may have."""
    encoding = (call.header("Content-Encoding") or "identity").strip().lower()
    if encoding in ("", "identity"):
        return raw
    if encoding != "gzip":
        raise UnsupportedMedia("Send the body as it is, or gzipped.", code="unsupported_encoding")
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        found = inflate.decompress(raw, LARGEST_CALLS + 1)
    except zlib.error:
        raise Malformed("The body is no gzip.", code="invalid_gzip") from None
    if len(found) > LARGEST_CALLS or inflate.unconsumed_tail:
        raise TooLarge(f"A batch has {LARGEST_CALLS} bytes at most, unzipped too.")
    if not inflate.eof:
        raise Malformed("The gzipped body ends early.", code="invalid_gzip")
    return found


def _check(raw: bytes) -> None:
    """As far as a client can do something about it: it is JSON, and an object."""
    refuse_other_encodings(raw)
    examine(raw)
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(f"The body is no JSON: {error}.", code="json_invalid") from None
    if not isinstance(value, dict):
        raise Invalid("A call is an object.", code="expected_object")
