"""back-tests that were run, and why a version of a trigger may go live without one.

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.String(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("trigger_version", sa.Column("override", sa.Text(), nullable=False, server_default=""))
    op.execute(
        "UPDATE trigger_version SET override = 'it was live before back-tests were asked for' WHERE EXISTS "
        "(SELECT 1 FROM trigger_rule r WHERE r.id = trigger_id AND r.version = trigger_version.version AND r.live_since IS NOT NULL)"
    )
    op.create_table(
        "backtest",
        sa.Column("id", KEY, nullable=False),
        sa.Column("trigger_id", KEY, nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("text_id", KEY, nullable=False),
        sa.Column("since", NUMBER, nullable=False),
        sa.Column("until", NUMBER, nullable=False),
        sa.Column("persons", NUMBER, nullable=False),
        sa.Column("fired", NUMBER, nullable=False),
        sa.Column("skipped", NUMBER, nullable=False),
        sa.Column("held", NUMBER, nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("at", NUMBER, nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backtest")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("ix_backtest_trigger_id_at_id", "backtest", ["trigger_id", "at", "id"])


def downgrade() -> None:
    op.drop_table("backtest")
    op.drop_column("trigger_version", "override")
