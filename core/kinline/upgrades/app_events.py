"""What people do in shops, on sites and in apps was kept as taking part in an event: it is an app event."""

from sqlmodel import Session

from kinline.record.versions import named
from kinline.store import sql
from kinline.upgrades.step import UpgradePiece, UpgradeStep
from kinline.words import Kind

AT_ONCE = 2_000
_TABLES = (("interaction", "id"), ("revision", "interaction_id"))


def _piece(session: Session, cursor: str) -> UpgradePiece:
    rows = sql.run(
        session, "SELECT id, channel, kind FROM interaction WHERE id > {p} ORDER BY id LIMIT {p}", cursor, AT_ONCE
    )
    theirs = [each for each, channel, kind in rows if channel == "events" and kind == Kind.EVENT]
    for table, column in _TABLES:
        statement = f"UPDATE {table} SET kind = {{p}} WHERE kind = {{p}} AND {column} {{in}}"
        sql.update_in(session, statement, theirs, Kind.APP_EVENT, Kind.EVENT)
    for interaction in theirs:
        sql.update_in(
            session,
            "UPDATE participant SET kind = {p} WHERE kind = {p} AND interaction_id = {p} AND identity_id {in}",
            sorted({identity for _, identity in named(session, interaction)}),
            Kind.APP_EVENT, Kind.EVENT, interaction,
        )  # fmt: skip
    return UpgradePiece(len(rows), rows[-1][0] if len(rows) == AT_ONCE else None)


def _total(session: Session) -> int:
    return int(sql.run(session, "SELECT count(*) FROM interaction")[0][0])


STEP = UpgradeStep("app_events", "App events get a kind of their own", _piece, _total)
