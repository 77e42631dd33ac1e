"""Many interactions in one call: the good ones are stored, each line of the answer says what became of its own."""

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from kinline import clock
from kinline.errors import KinlineError, Malformed
from kinline.intake.typed import IdempotencyKey, TypedPost
from kinline.record.recording import Outcome, Recording
from kinline_api import problems
from kinline_api.account_cache import KnownAccount, usable
from kinline_api.call import Call
from kinline_api.idempotency import key_conflict
from kinline_api.json_body import Body, BodyDecoder, refuse_other_encodings, too_deep
from kinline_api.response import Answer
from kinline_api.route import Unread, post
from kinline_api.routes.interactions import KEY_HEADER, shown
from kinline_api.typed import InteractionIn, idempotency_key, read_interaction, recording_of, refusal

MOST = 5000
LARGEST = 5_000_000
#: So many are written in one transaction: short enough to let other writers in.
CHUNK = 100


class Batch(Body, frozen=True):
    """Up to 5000 interactions, 5 MB in all. ``history``: those are history that do not say otherwise themselves."""

    interactions: Annotated[list[InteractionIn], Meta(max_length=MOST)]
    history: bool = False


class Error(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why one was not recorded."""

    code: str
    detail: str = ""
    pointer: str = ""


class BatchLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one, as the status it would have had alone."""

    status: int
    id: str = ""
    state: str = ""
    revised: bool = False
    error: Error | None = None


class Results(msgspec.Struct, frozen=True):
    """One line for each interaction, in their order."""

    results: list[BatchLine]


class _Cut(Body, frozen=True):
    """A batch whose pieces are not read yet, so that each can fail alone."""

    interactions: Annotated[list[msgspec.Raw], Meta(max_length=MOST)]
    history: bool = False


_reader = BodyDecoder(_Cut)


@post("/v1/interactions/batch", scope="record", answers=Results, headers=KEY_HEADER, limit=LARGEST)
async def record_batch(call: Call, body: Unread[Batch]) -> Answer:
    """Record many interactions at once.

    Good ones are stored even when others are not: each line of the answer has the status that its interaction would
    have had alone. At most 5000 of them, 5 MB in all.
    """
    key = idempotency_key(call.header("Idempotency-Key"))
    read = await call.app_state.in_thread(_read, call, body.raw, await call.app_state.accounts.all())
    kept = IdempotencyKey(call.holder.key_id, key, sha256(b"batch\0" + body.raw).hexdigest()) if key else None
    good = [each for each in read if isinstance(each, Recording)]
    lines: list[dict[str, Any]] = []
    for number, chunk in enumerate(in_chunks(good)):
        lines += await recorded(call, chunk, kept, f"{number * CHUNK}")
    written = iter(lines)
    return Answer(
        msgspec.json.encode({"results": [each if isinstance(each, dict) else next(written) for each in read]})
    )


def _read(call: Call, raw: bytes, accounts: dict[str, KnownAccount]) -> list[Recording | dict[str, Any]]:
    """Each piece as a recording, or as the line that says why not."""
    refuse_other_encodings(raw)
    _refuse_second_list(raw)
    now, region = clock.now(), call.hub.settings.phone_region
    found: list[Recording | dict[str, Any]] = []
    batch = _reader.decode(raw)
    for piece in batch.interactions:
        try:
            given = read_interaction(bytes(piece))
            account = usable(accounts.get(given.account), given.account, call.reader)
            found.append(recording_of(given, account, now, region, history=batch.history))
        except KinlineError as error:
            found.append({"status": error.status, "error": refusal(error)})
    return found


def _refuse_second_list(raw: bytes) -> None:
    """The key ``interactions`` twice. The hook is called for the outermost object last."""
    if raw.count(b'"interactions"') <= 1 and b"\\u" not in raw:
        return
    outermost: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        outermost[:] = [name for name, _ in pairs]

    try:
        json.loads(raw.decode(), object_pairs_hook=note)
    except RecursionError:
        raise too_deep() from None
    except ValueError:
        return  # the decoder says where
    if len(outermost) != len(set(outermost)):
        raise Malformed("“interactions” stands twice.", code="duplicate_key")


def in_chunks(good: Sequence[Recording]) -> Iterator[Sequence[Recording]]:
    """So many as are written in one transaction."""
    return (good[start : start + CHUNK] for start in range(0, len(good), CHUNK))


async def recorded(
    call: Call, batch: Sequence[Recording], key: IdempotencyKey | None = None, name: str = "0"
) -> list[dict[str, Any]]:
    """Write these in one transaction; if that fails for a reason of their own, in halves."""
    if key and name != "0":  # further pieces of one request are kept under keys that no caller can write
        key = IdempotencyKey(key.api_key_id, f"{key.key}\x1f{name}", key.request_hash)
    try:
        answer = await call.app_state.record(TypedPost(tuple(batch), key))
    except Exception as error:  # one bad piece must not take the others along
        ours = problems.understood(error)
        if len(batch) == 1 or ours.status == 503:
            return [{"status": ours.status, "error": refusal(ours)}] * len(batch)
        middle = len(batch) // 2
        left = await recorded(call, batch[:middle], key, f"{name}l")
        return left + await recorded(call, batch[middle:], key, f"{name}r")
    if answer.conflict:
        raise key_conflict()
    return [shown(outcome) for outcome in _in_order(answer.outcomes, batch)]


def _in_order(outcomes: Sequence[Outcome], batch: Sequence[Recording]) -> Sequence[Outcome]:
    if len(outcomes) != len(batch):
        raise key_conflict()
    return outcomes
