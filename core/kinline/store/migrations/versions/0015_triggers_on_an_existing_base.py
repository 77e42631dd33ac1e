"""triggers on an existing base: the step of an instant at which a stage or tag holds.

Revision 0015, after 0013.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None

INSTANT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOVED = ("stage", "tag")


def upgrade() -> None:
    for table in MOVED:
        op.add_column(table, sa.Column("step", INSTANT, nullable=False, server_default="0"))
        op.execute(f"UPDATE {table} SET step = 1 WHERE decision_id IS NOT NULL")


def downgrade() -> None:
    for table in MOVED:
        op.drop_column(table, "step")
