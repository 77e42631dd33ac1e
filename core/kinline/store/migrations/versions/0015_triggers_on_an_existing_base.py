"""triggers on an existing base: the step of an instant at which a stage or tag holds, and what a wait waits for.

Revision 0015, after 0013.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
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
    op.execute("INSERT INTO upgrade (name, cursor, done) SELECT 'waits', '', 0 WHERE EXISTS (SELECT 1 FROM wait)")


def downgrade() -> None:
    op.execute("DELETE FROM upgrade WHERE name = 'waits'")
    op.drop_column("wait", "condition_id")
    for table in MOVED:
        op.drop_column(table, "step")
