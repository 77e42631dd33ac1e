"""Interactions: record one, look at one."""

from hashlib import sha256
from typing import Any

import msgspec

from kinline import blobs, clock
from kinline.errors import Conflict, NotFound
from kinline.intake.typed import IdempotencyKey, TypedPost
from kinline.record.recording import Outcome, Recording
from kinline.scoring.showing import ScoreShown
from kinline.timeline import detail
from kinline.words import ItemState
from kinline_api.call import Call
from kinline_api.idempotency import key_conflict
from kinline_api.response import Answer
from kinline_api.route import Id, Unread, get, post
from kinline_api.typed import InteractionIn, idempotency_key, read_interaction, recording_of

KEY_HEADER = {"Idempotency-Key": "A repeated request with the same key gets the first answer."}


class Recorded(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of an interaction. ``revised``: it is another version of one that was known."""

    id: str
    state: str
    revised: bool = False


class InteractionShown(msgspec.Struct, frozen=True):
    """One interaction with all that is known about it."""

    id: str
    type: str
    recorded_at: str
    html: str
    copies: list[detail.CopyShown]
    revisions: list[detail.RevisionShown]
    scores: list[ScoreShown]  #: how scorers and people judge it, oldest first
    raw: str  #: where the bytes it came in can be fetched; "" for typed ones


@post(
    "/v1/interactions", scope="record", status=201, answers=Recorded, headers=KEY_HEADER,
    also={200: "Nothing new: this was recorded before."},
)  # fmt: skip
async def record_interaction(call: Call, body: Unread[InteractionIn]) -> Answer:
    """Record one interaction.

    Answered when it is on disk. The same again is 200; other content under a known `source_id` is 409, unless it
    says with `changed_at` that it is an edit.
    """
    raw = body.raw
    key = idempotency_key(call.header("Idempotency-Key"))
    given = read_interaction(raw)
    recording = await _recording(call, given)
    kept = IdempotencyKey(call.holder.key_id, key, sha256(b"one\0" + raw).hexdigest()) if key else None
    answer = await call.app_state.record(TypedPost((recording,), kept))
    if answer.conflict:
        raise key_conflict()
    return answer_of(answer.outcomes[0])


@get("/v1/interactions/{interaction}", scope="read", answers=InteractionShown)
def read_one_interaction(call: Call, interaction: Id) -> Answer:
    """Read one interaction.

    With its copies, its other versions, how it is judged and, where a channel brought it, a link to the bytes it came in.
    """
    with call.read() as session:
        found = detail.read(session, interaction, call.reader)
    raw = f"/v1/interactions/{interaction}/raw" if found.blob_hash else ""
    more = {
        "recorded_at": clock.to_text(found.recorded_at), "html": found.html, "copies": found.copies,
        "revisions": found.revisions, "scores": found.scores, "raw": raw,
    }  # fmt: skip
    return Answer(found.entry.json()[:-1] + b"," + msgspec.json.encode(more)[1:])


@get("/v1/interactions/{interaction}/raw", scope="read", answers=bytes)
def read_raw_interaction(call: Call, interaction: Id) -> Answer:
    """Fetch the bytes an interaction came in, just as they were received."""
    with call.read() as session:
        found = detail.read(session, interaction, call.reader)
        if found.blob_hash is None:
            raise NotFound("This interaction came typed; there are no raw bytes.")
        content = blobs.read(session, found.blob_hash)
    name = (("content-disposition", f'attachment; filename="{interaction}.bin"'),)
    return Answer(content, 200, "application/octet-stream", name)


async def _recording(call: Call, given: InteractionIn) -> Recording:
    account = await call.app_state.accounts.for_recording(given.account, call.reader)
    return recording_of(given, account, clock.now(), call.hub.settings.phone_region)


def answer_of(outcome: Outcome) -> Answer:
    """The answer to whoever had one recorded. Raises `Conflict` where it was refused."""
    if outcome.state is ItemState.RECORDED:
        if outcome.revised:
            return Answer(b'{"id":"%b","state":"recorded","revised":true}' % str(outcome.interaction_id).encode(), 201)
        return Answer(b'{"id":"%b","state":"recorded"}' % str(outcome.interaction_id).encode(), 201)
    if outcome.state is ItemState.DUPLICATE:
        return Answer(b'{"id":"%b","state":"duplicate"}' % str(outcome.interaction_id).encode(), 200)
    raise refused(outcome)


def refused(outcome: Outcome) -> Conflict:
    return Conflict(outcome.reason, code=outcome.code or "refused", pointer="/source_id")


def shown(outcome: Outcome) -> dict[str, Any]:
    """An outcome as one line of a batch's answer."""
    if outcome.state not in (ItemState.RECORDED, ItemState.DUPLICATE):
        return {"status": 409, "error": {"code": outcome.code or "refused", "detail": outcome.reason}}
    line: dict[str, Any] = {
        "status": 201 if outcome.state is ItemState.RECORDED else 200, "id": outcome.interaction_id, "state": outcome.state
    }  # fmt: skip
    return line | ({"revised": True} if outcome.revised else {})
