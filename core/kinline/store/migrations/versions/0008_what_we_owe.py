"""who waits for us, and what we promised.

Revision 0008, after 0007. What was recorded before is looked through once: everybody whose last word stands unanswered
waits from then on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.String(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRICT = {"sqlite_strict": True}


def upgrade() -> None:
    op.create_table(
        "owed",
        sa.Column("id", KEY, nullable=False),
        sa.Column("identity_id", KEY, nullable=False),
        sa.Column("place", KEY, nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("since", NUMBER, nullable=True),
        sa.Column("asked_at", NUMBER, nullable=True),
        sa.Column("interaction_id", KEY, nullable=True),
        sa.Column("answered_at", NUMBER, nullable=True),
        sa.Column("answered_by", KEY, nullable=False),
        sa.Column("answered_in", KEY, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owed")),
        **STRICT,
        sqlite_with_rowid=False,
    )
    _partial("owed", "channel", ["channel", "since", "id"], "since IS NOT NULL")
    _partial("owed", "answered_at", ["answered_at", "id"], "answered_by = 'peer'")
    op.create_index("ix_owed_place", "owed", ["place", "since"])
    op.create_table(
        "promised",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("due_at", NUMBER, nullable=False),
        sa.Column("team", KEY, nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("interaction_id", KEY, nullable=True),
        sa.Column("state", KEY, nullable=False),
        sa.Column("made_at", NUMBER, nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("ended_at", NUMBER, nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_promised_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promised")),
        **STRICT,
        sqlite_with_rowid=True,
    )
    _partial("promised", "made_at", ["made_at", "id"], "state = 'open'")
    op.create_index("ix_promised_person_id", "promised", ["person_id", "made_at", "id"])
    _look_through()


def _partial(table: str, name: str, columns: list[str], where: str) -> None:
    only = sa.text(where)
    op.create_index(f"ix_{table}_{name}", table, columns, sqlite_where=only, postgresql_where=only)


def _look_through() -> None:
    """Plan a look at everybody who ever wrote to us: their jobs find out who waits."""
    bind = op.get_bind()
    if bind.dialect.name == "sqlite":
        fresh, now = "lower(hex(randomblob(16)))", "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"
    else:
        fresh, now = "replace(gen_random_uuid()::text, '-', '')", "(extract(epoch FROM now()) * 1000000)::bigint"
    op.execute(
        "INSERT INTO job (id, actor, key, run_at, attempts, error, state, created_at) "
        f"SELECT {fresh}, 'owed.settle', 'owed.settle:' || w.author_id, {now}, 0, '', 'pending', {now} FROM "
        "(SELECT DISTINCT author_id FROM interaction WHERE direction = 'inbound' AND author_id IS NOT NULL) w"
    )


def downgrade() -> None:
    op.execute("DELETE FROM job WHERE actor = 'owed.settle'")
    op.drop_table("promised")
    op.drop_table("owed")
