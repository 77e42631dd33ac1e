"""What we did at a desk elsewhere comes back from there under that desk's name for it: it is no news.

Replies come back under the source id that the desk gave us, and are known by it. A note stands here before that desk
has it, so its name there is learned later (`learn`); what comes under that name is a duplicate of our note, and its
deletion deletes our note.
"""

from collections.abc import Sequence

import msgspec
from sqlmodel import Session

from kinline.accounts.connected import AccountRef
from kinline.messages import Deletion, Interaction
from kinline.record.recording import Outcome, Recording
from kinline.store import sql
from kinline.store.models import Echo, metadata
from kinline.words import ItemState, Kind

_ECHO = metadata.tables[str(Echo.__tablename__)]


def learn(session: Session, account: AccountRef, source_id: str, interaction_id: str) -> None:
    """Remember under which name an interaction of ours comes back."""
    sql.insert(session, _ECHO, [(source_id, account.channel, account.instance, interaction_id)])


def known(session: Session, recordings: Sequence[Recording]) -> tuple[list[Recording], dict[int, Outcome]]:
    """The recordings with deletions of echoes under our own names, and the outcome of each that is an echo."""
    found = _echoes(session, [each for each in recordings if _may_be(each)])
    if not found:
        return list(recordings), {}
    kept, outcomes = [], {}
    for number, each in enumerate(recordings):
        ours = found.get(_name(each)) if _may_be(each) else None
        if ours and isinstance(each.what, Interaction):
            outcomes[number] = Outcome(ItemState.DUPLICATE, ours)
        elif ours and isinstance(each.what, Deletion):
            rows = sql.run(session, "SELECT source_id FROM interaction WHERE id = {p}", ours)
            each = msgspec.structs.replace(each, what=msgspec.structs.replace(each.what, source_id=rows[0][0]))
        kept.append(each)
    return kept, outcomes


def _may_be(recording: Recording) -> bool:
    """Only notes have other names here than there; everything else costs nothing."""
    what = recording.what
    return isinstance(what, Deletion) or (isinstance(what, Interaction) and what.kind is Kind.NOTE)


def _name(recording: Recording) -> tuple[str, str, str]:
    account = recording.account
    return account.channel, account.instance, getattr(recording.what, "source_id", "")


def _echoes(session: Session, recordings: Sequence[Recording]) -> dict[tuple[str, str, str], str]:
    names = sorted({_name(each)[2] for each in recordings})
    rows = sql.select_in(
        session, "SELECT channel, instance, source_id, interaction_id FROM echo WHERE source_id {in}", names
    )
    return {(channel, instance, source): interaction for channel, instance, source, interaction in rows}
