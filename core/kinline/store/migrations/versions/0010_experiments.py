"""which arm of an experiment a decision was made for; which ways to a person a follow-up did not take.

Revision 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    for name in ("experiment", "arm"):
        op.add_column("decision", sa.Column(name, KEY, nullable=True))
    op.add_column("followup", sa.Column("ways", sa.Text(), nullable=True))
    assigned = sa.text("arm IS NOT NULL")
    op.create_index(
        op.f("ix_decision_experiment"), "decision", ["trigger_id", "experiment", "decided_at", "id"],
        sqlite_where=assigned, postgresql_where=assigned,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index(op.f("ix_decision_experiment"), table_name="decision")
    with op.batch_alter_table("followup", schema=None) as batch_op:
        batch_op.drop_column("ways")
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_column("arm")
        batch_op.drop_column("experiment")
