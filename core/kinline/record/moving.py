"""What is owed in a conversation goes along when that is joined into another."""

from sqlmodel import Session

from kinline.record.owing import row_id
from kinline.store import sql


def moved(session: Session, old: str, root: str) -> None:
    """A conversation was joined into another: who waited there waits here. `keep` looks closer, once all is written."""
    rows = sql.run(session, f"SELECT {_ALL} FROM owed WHERE place = {{p}} ORDER BY identity_id", old)
    for identity, *told in rows:
        sql.changed(session, _MOVED, row_id(identity, root), identity, root, *told)
    sql.changed(session, "DELETE FROM owed WHERE place = {p}", old)


_ALL = "identity_id, channel, kind, since, asked_at, interaction_id, answered_at, answered_by, answered_in"
_TOLD = "answered_at", "answered_by", "answered_in"
_ASKED = "since", "asked_at", "interaction_id", "kind", "channel"
_NEWER = "owed.answered_at IS NULL OR excluded.answered_at > owed.answered_at"
_OLDER = "owed.since IS NULL OR excluded.since < owed.since"
_MOVED = (
    "INSERT INTO owed (id, identity_id, place, channel, kind, since, asked_at, interaction_id, answered_at, answered_by, "
    "answered_in) VALUES ({p}, {p}, {p}, {p}, {p}, {p}, {p}, {p}, {p}, {p}, {p}) ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{name} = CASE WHEN {_NEWER} THEN excluded.{name} ELSE owed.{name} END" for name in _TOLD)
    + ", "
    + ", ".join(
        f"{name} = CASE WHEN excluded.since IS NOT NULL AND ({_OLDER}) THEN excluded.{name} ELSE owed.{name} END"
        for name in _ASKED
    )
)
