"""open waits of a person and of a trigger, and what a trigger fired lately, found without looking at all there are.

Revision 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

PARTIAL = {
    "ix_wait_of_trigger": ("wait", ["trigger_id"], "state <> 'closed'"),
    "ix_decision_fired": ("decision", ["trigger_id", "decided_at"], "verdict = 'fired'"),
}


def upgrade() -> None:
    op.drop_index("ix_wait_person_id_trigger_id", "wait")
    op.create_index("ix_wait_person_id_state", "wait", ["person_id", "state"])
    for name, (table, columns, where) in PARTIAL.items():
        only = sa.text(where)
        op.create_index(name, table, columns, sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    for name, (table, _, _) in PARTIAL.items():
        op.drop_index(name, table)
    op.drop_index("ix_wait_person_id_state", "wait")
    op.create_index("ix_wait_person_id_trigger_id", "wait", ["person_id", "trigger_id"])
