"""Reply tokens: what goes out carries one, and what comes back with it answers that message, whatever it looks like.

A token is an HMAC over the follow-up's id under the hub's secret, 120 bits in letters and digits that survive a mail's
local part and any change of case. It is looked up, so a forged one, or another hub's, is nobody's: the thing is placed
as if it had none, and flagged. It says what is answered, never who answers.

An answer that lost every header (``facts.base_subject`` tells: its subject says ``Re:``, and it names nothing) is put
beside the newest mail of the last month under that subject in which its author took part; nobody else's is looked at.
"""

import base64
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlmodel import Session

from kinline import subjects
from kinline.clock import DAY
from kinline.identity.parties import identify
from kinline.messages import Interaction, Prepared, Thread
from kinline.record.chains import BY_TOKEN
from kinline.record.recording import Recording
from kinline.secret import Secret
from kinline.store import sql
from kinline.words import Direction, Origin, Role

VERSION = "k1"
#: The flag of something that came with a token which is none of ours.
FOREIGN = "foreign_token"
#: The fact of an answer without headers: the subject it has below its ``Re:``.
BY_SUBJECT = "base_subject"
#: How far back, and among how many of a person's lines, the subject of such an answer is looked for.
REMEMBERED, LOOKED_AT = 30 * DAY, 50


def token(secret: Secret, followup_id: str) -> str:
    """26 characters: the version, and 15 bytes in base32."""
    return VERSION + base64.b32encode(secret.sign("reply-token", followup_id.encode())[:15]).decode().lower()


def resolved(session: Session, recordings: Sequence[Recording]) -> list[Recording]:
    """The recordings, each placed as well as can be told without its headers."""
    return [_by_subject(session, each) for each in _by_tokens(session, recordings)]


def _by_tokens(session: Session, recordings: Sequence[Recording]) -> list[Recording]:
    """Those with a token are placed below the message that it names."""
    tokens = sorted({_token(each) for each in recordings} - {""})
    if not tokens:
        return list(recordings)
    rows = sql.select_in(
        session,
        "SELECT f.reply_key, a.channel, a.instance, f.prepared FROM followup f JOIN account a ON a.id = f.account_id "
        "WHERE f.prepared IS NOT NULL AND f.reply_key {in}",
        tokens,
    )
    known = {(key, channel, instance): prepared for key, channel, instance, prepared in rows}
    return [_placed(each, known) if _token(each) else each for each in recordings]


def _token(recording: Recording) -> str:
    return recording.what.token.lower() if isinstance(recording.what, Interaction) else ""


def _placed(recording: Recording, known: dict[tuple[str, str, str], str]) -> Recording:
    what, account = recording.what, recording.account
    assert isinstance(what, Interaction)  # noqa: S101 - only these have tokens
    found = known.get((_token(recording), account.channel, account.instance))
    prepared = msgspec.json.decode(found, type=Prepared) if found else None
    if prepared is None or prepared.thread is None:
        return msgspec.structs.replace(recording, what=msgspec.structs.replace(what, flags=(*what.flags, FOREIGN)))
    changed: dict[str, Any] = {"facts": {**what.facts, BY_TOKEN: True}}
    if prepared.source_id and not what.answers:
        changed["answers"] = prepared.source_id
    changed["thread"] = _below(what, prepared.thread.key)
    return msgspec.structs.replace(recording, what=msgspec.structs.replace(what, **changed))


def _below(what: Interaction, key: str) -> Thread:
    thread = what.thread or Thread(key=what.source_id)
    if thread.key == key:
        return thread
    above = [each for each in (thread.parent, *thread.ancestors) if each and each != key]
    return msgspec.structs.replace(thread, parent=key, ancestors=tuple(above) if thread.topic else ())


def _by_subject(session: Session, recording: Recording) -> Recording:
    """What a live answer without headers joins: a thread key; the recording as it is where there is none."""
    what, account = recording.what, recording.account
    if not isinstance(what, Interaction) or BY_SUBJECT not in what.facts or BY_TOKEN in what.facts:
        return recording
    thread = what.thread
    live = recording.origin is Origin.LIVE and what.direction is Direction.INBOUND and not what.automatic
    author = next((party for party in what.parties if party.role is Role.AUTHOR and not party.ours), None)
    known = identify(author.handle) if author and author.handle else None
    if not live or thread is None or thread.parent or not thread.topic or known is None or known.blocked:
        return recording
    rows = sql.run(
        session,
        "SELECT i.thread_key_id, i.doc FROM participant p JOIN interaction i ON i.id = p.interaction_id "
        "WHERE p.identity_id = {p} AND p.channel = {p} AND p.sort_at > {p} AND i.instance = {p} AND i.deleted_at IS NULL "
        "ORDER BY p.sort_at DESC, p.sequence DESC, p.interaction_id DESC LIMIT {p}",
        known.id, account.channel, recording.arrived_at - REMEMBERED, account.instance, LOOKED_AT,
    )  # fmt: skip
    wanted = subjects.base(what.subject)
    for key, doc in rows:
        said = msgspec.json.decode(doc)
        message_id = str(said.get("facts", {}).get("message_id", ""))
        if key and wanted and message_id not in ("", thread.key) and subjects.base(said.get("subject", "")) == wanted:
            return msgspec.structs.replace(recording, joins=key)
    return recording
