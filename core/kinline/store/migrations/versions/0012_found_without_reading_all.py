"""what was reported about a recipient, and the moves and tasks of a decision, found without reading all there are.

Revision 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

PARTIAL = {
    "ix_receipt_recipient": ("receipt", ["recipient", "at"], "recipient IS NOT NULL"),
    "ix_stage_decision_id": ("stage", ["decision_id"], "decision_id IS NOT NULL"),
    "ix_task_decision_id": ("task", ["decision_id"], "decision_id IS NOT NULL"),
}


def upgrade() -> None:
    for name, (table, columns, where) in PARTIAL.items():
        only = sa.text(where)
        op.create_index(name, table, columns, sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    for name, (table, _, _) in PARTIAL.items():
        op.drop_index(name, table)
