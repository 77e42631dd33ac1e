"""Much at once, for tests of speed and of plans: written by SQL alone, far faster than it could be recorded."""

from collections.abc import Sequence
from itertools import accumulate

import msgspec

from kinline.clock import MINUTE
from kinline.handles import Handle
from kinline.store import Store, sql

#: Of a hundred interactions one each is of another kind, direction and channel.
RARE = 100
_SPREAD = 2_654_435_761


def many_interactions(store: Store, who: Handle, count: int) -> None:
    """Put interactions on the timeline of an identity that is known: one a second from 1970 on."""
    sqlite = store.dialect == "sqlite"
    numbers = _numbers(sqlite)
    hexed = "printf('%032x', {p} + i)" if sqlite else "lpad(to_hex({p}::bigint + i), 32, '0')"
    kind, direction, channel = (
        f"CASE WHEN i - i / {RARE} * {RARE} = {n} THEN '{rare}' ELSE '{usual}' END"
        for n, (rare, usual) in enumerate((("order", "message"), ("outbound", "inbound"), ("shop", "email")))
    )
    start = int(who.id[:8], 16) * 10**6
    with store.write() as session:
        sql.run(
            session,
            "INSERT INTO interaction (id, channel, instance, source_id, kind, direction, origin, occurred_at, sort_at, "
            "sequence, recorded_at, content_hash, automatic, moderation, doc, html, revised) "
            f"SELECT {hexed}, {channel}, '', CAST(i AS text), {kind}, {direction}, 'import', CAST(i AS bigint) * 1000000, CAST(i AS bigint) * 1000000, "
            f"0, 0, '', '', '', '{{}}', '', 0 FROM ({numbers}) AS numbers",
            start, count,
        )  # fmt: skip
        sql.run(
            session,
            "INSERT INTO participant (identity_id, sort_at, sequence, interaction_id, role, channel, kind, direction, standing) "
            f"SELECT {{p}}, CAST(i AS bigint) * 1000000, 0, {hexed}, 'author', {channel}, {kind}, {direction}, 'verified' "
            f"FROM ({numbers}) AS numbers",
            who.id, start, count,
        )  # fmt: skip


def many_lives(store: Store, account_id: str, lives: Sequence[tuple[Handle, int]], *, start: int, doc: str) -> None:
    """Give each of these identities, which are known, so many interactions: one a minute from ``start`` on.

    They lie in the store as if they had arrived one after the other: who did them, and their ids, all over it.
    """
    sqlite = store.dialect == "sqlite"
    people = "SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each({p})"
    if not sqlite:
        people = "SELECT value ->> 0, (value ->> 1)::int, (value ->> 2)::bigint FROM json_array_elements({p}::json)"
    before = accumulate((count for _, count in lives), initial=0)
    listed = msgspec.json.encode(
        [(who.id, count, at) for (who, count), at in zip(lives, before, strict=False)]
    ).decode()
    spread = f"(({_SPREAD} * number) & 4294967295)"  # a multiplicative hash: it never meets itself
    each = f"printf('%08x%024x', {spread}, number)"
    if not sqlite:
        each = f"lpad(to_hex({spread}), 8, '0') || lpad(to_hex(number), 24, '0')"
    with store.write() as session:
        if not sqlite:
            sql.run(session, "SET LOCAL statement_timeout = 0")
        sql.run(session, "CREATE TEMPORARY TABLE life (identity_id text, days int, first bigint)")
        sql.run(session, f"INSERT INTO life {people}", listed)
        sql.run(session, "CREATE TEMPORARY TABLE lived (identity_id text, at bigint, id text)")
        sql.run(
            session,
            "INSERT INTO lived WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT max(days) FROM life)), "
            "numbered AS (SELECT identity_id, CAST(i AS bigint) AS i, first + i AS number FROM n JOIN life ON days > i) "
            f"SELECT identity_id, {{p}} + i * {MINUTE}, {each} FROM numbered ORDER BY i, number",
            start,
        )  # fmt: skip
        sql.run(
            session,
            "INSERT INTO interaction (id, channel, instance, source_id, kind, direction, origin, occurred_at, sort_at, "
            "sequence, recorded_at, content_hash, author_id, automatic, moderation, doc, html, revised) "
            "SELECT id, 'email', '', id, 'message', 'inbound', 'import', at, at, 0, at, id, identity_id, '', '', {p}, '', 0 FROM lived",
            doc,
        )  # fmt: skip
        sql.run(
            session,
            "INSERT INTO participant (identity_id, sort_at, sequence, interaction_id, role, channel, kind, direction, standing) "
            "SELECT identity_id, at, 0, id, 'author', 'email', 'message', 'inbound', 'verified' FROM lived ORDER BY identity_id, at",
        )  # fmt: skip
        sql.run(
            session,
            "INSERT INTO copy (account_id, source_id, interaction_id, recorded_at) SELECT {p}, id, id, at FROM lived ORDER BY id",
            account_id,
        )
        for made in ("life", "lived"):
            sql.run(session, f"DROP TABLE {made}")
    with store.write() as session:
        sql.run(session, "ANALYZE")


def many_waits(store: Store, trigger_id: str, count: int, *, first: int, apart: int = 1) -> None:
    """Arm so many waits of a trigger, and no other, for as many persons whom nobody knows, the first due at ``first``."""
    sqlite = store.dialect == "sqlite"
    each = (
        "printf('%032x', i)" if sqlite else "lpad(to_hex(i), 32, '0')"
    )  # in order: the index by due time is what counts
    with store.write() as session:
        if not sqlite:
            sql.run(session, "SET LOCAL statement_timeout = 0")
        sql.run(session, "DELETE FROM wait")
        sql.run(
            session,
            "INSERT INTO wait (id, trigger_id, version, person_id, episode, due_at, state, reason, armed_at, condition_id) "
            f"SELECT {each}, {{p}}, 1, {each}, {each}, {{p}} + CAST(i AS bigint) * {{p}}, 'armed', '', 0, '' "
            f"FROM ({_numbers(sqlite)}) AS numbers",
            trigger_id, first, apart, count,
        )  # fmt: skip
    with store.write() as session:
        sql.run(session, "ANALYZE wait")


def many_people(store: Store, count: int) -> None:
    """Put so many persons into the store, of a handle and one message each, whom nobody will hear of again."""
    sqlite = store.dialect == "sqlite"
    numbers = _numbers(sqlite)
    each = _spread_id(sqlite)
    at = f"(1600000000000000 + CAST(i AS bigint) * {MINUTE})"
    filled = (
        ("person (id, root_id, created_at)", f"{each}, {each}, 0"),
        ("identity (id, type, issuer, value, created_at)", f"{each}, 'email', '', 'p' || i || '@crowd.example', 0"),
        ("identity_link (id, identity_id, person_id, standing, evidence, made_by, made_at)", f"{each}, {each}, {each}, 'claimed', '{{}}', '', 0"),
        (
            "interaction (id, channel, instance, source_id, kind, direction, origin, occurred_at, sort_at, sequence, recorded_at, "
            "content_hash, author_id, automatic, moderation, doc, html, revised)",
            f"{each}, 'email', '', 'c' || i, 'message', 'inbound', 'import', {at}, {at}, 0, 0, '', {each}, '', '', '{{}}', '', 0",
        ),
        (
            "participant (identity_id, sort_at, sequence, interaction_id, role, channel, kind, direction, standing)",
            f"{each}, {at}, 0, {each}, 'author', 'email', 'message', 'inbound', 'verified'",
        ),
    )  # fmt: skip
    with store.write() as session:
        if not sqlite:
            sql.run(session, "SET LOCAL statement_timeout = 0")
        for table, values in filled:
            sql.run(session, f"INSERT INTO {table} SELECT {values} FROM ({numbers}) AS numbers", count)
    with store.write() as session:
        sql.run(session, "ANALYZE")


def _spread_id(sqlite: bool) -> str:
    """SQL for 32 hexadecimal digits that lie all over an index, as our ids do."""
    spread = f"(({_SPREAD} * CAST(i AS bigint)) & 4294967295)"
    return (
        f"printf('%08x%024x', {spread}, i)" if sqlite else f"lpad(to_hex({spread}), 8, '0') || lpad(to_hex(i), 24, '0')"
    )


def _numbers(sqlite: bool) -> str:
    """SQL for the numbers from one to ``{p}``."""
    if sqlite:
        return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {p}) SELECT i FROM n"
    return "SELECT i FROM generate_series(1, {p}) AS n(i)"
