"""triggers on an existing base: the step of an instant at which a stage or tag holds, what a wait waits for,
how far going live came, and back-tests as jobs.

Revision 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.Text().with_variant(sa.String(collation="C"), "postgresql")
MOVED = ("stage", "tag")


def upgrade() -> None:
    for table in MOVED:
        op.add_column(table, sa.Column("step", INSTANT, nullable=False, server_default="0"))
        op.execute(f"UPDATE {table} SET step = 1 WHERE decision_id IS NOT NULL")
    op.add_column("wait", sa.Column("condition_id", KEY, nullable=False, server_default=""))
    op.create_table(
        "backfill",
        sa.Column("trigger_id", KEY, nullable=False),
        sa.Column("condition_id", KEY, nullable=False),
        sa.Column("live_at", INSTANT, nullable=False),
        sa.Column("cursor", KEY, nullable=False),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("evaluated", "total", "armed", "overdue", "caught_up")),
        sa.Column("state", KEY, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("trigger_id", "condition_id", name=op.f("pk_backfill")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "backtest_job",
        sa.Column("id", KEY, nullable=False),
        sa.Column("trigger_id", KEY, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("most", INSTANT, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("evaluated", INSTANT, nullable=False),
        sa.Column("total", INSTANT, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("result", "problem", "made_by")),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backtest_job")),
        sqlite_strict=True,
    )
    op.create_index("ix_attribute_name", "attribute", ["name", "identity_id"])
    op.execute("INSERT INTO upgrade (name, cursor, done) SELECT 'waits', '', 0 WHERE EXISTS (SELECT 1 FROM wait)")


def downgrade() -> None:
    op.execute("DELETE FROM upgrade WHERE name = 'waits'")
    op.drop_index("ix_attribute_name", "attribute")
    op.drop_table("backtest_job")
    op.drop_table("backfill")
    op.drop_column("wait", "condition_id")
    for table in MOVED:
        op.drop_column(table, "step")
