"""the desk's states, clocks, macros, and what is mirrored to other desks.

Revision 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.String(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRICT = {"sqlite_strict": True}


def _columns() -> list[sa.Column]:  # type: ignore[type-arg]
    return [
        sa.Column("priority", KEY, nullable=False, server_default="normal"),
        sa.Column("number", KEY, nullable=False, server_default=""),
        sa.Column("told_at", NUMBER, nullable=True),
        sa.Column("answered_at", NUMBER, nullable=True),
        sa.Column("wait_since", NUMBER, nullable=True),
        sa.Column("wait_for", KEY, nullable=True),
        sa.Column("run_since", NUMBER, nullable=True),
        sa.Column("spent", NUMBER, nullable=False, server_default="0"),
        sa.Column("due_at", NUMBER, nullable=True),
        sa.Column("missed", NUMBER, nullable=False, server_default="0"),
    ]


INDEXED = {"number": "number <> ''", "due_at": "due_at IS NOT NULL", "wait_for": "wait_for IS NOT NULL"}


def upgrade() -> None:
    for column in _columns():
        op.add_column("conversation", column)
    for name, where in INDEXED.items():
        only = sa.text(where)
        op.create_index(f"ix_conversation_{name}", "conversation", [name], sqlite_where=only, postgresql_where=only)
    op.execute("UPDATE conversation SET state = 'pending' WHERE state = 'waiting'")
    op.create_table(
        "calendar",
        sa.Column("name", KEY, nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("changed_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_calendar")),
        **STRICT,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "policy",
        sa.Column("team_id", KEY, nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("changed_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("team_id", name=op.f("pk_policy")),
        **STRICT,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "macro",
        sa.Column("name", KEY, nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_macro")),
        **STRICT,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "mirror",
        sa.Column("id", KEY, nullable=False),
        sa.Column("conversation_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("what", KEY, nullable=False),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("interaction_id", KEY, nullable=True),
        sa.Column("state", KEY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.Column("done_at", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_mirror_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mirror")),
        **STRICT,
        sqlite_with_rowid=True,
    )
    op.create_index("ix_mirror_conversation_id", "mirror", ["conversation_id"])
    op.create_index("ix_mirror_interaction_id", "mirror", ["interaction_id"])
    op.create_table(
        "echo",
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("instance", KEY, nullable=False),
        sa.Column("interaction_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("source_id", "channel", "instance", name=op.f("pk_echo")),
        **STRICT,
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in ("echo", "mirror", "macro", "policy", "calendar"):
        op.drop_table(table)
    op.execute("UPDATE conversation SET state = 'waiting' WHERE state IN ('pending', 'on_hold')")
    op.execute("UPDATE conversation SET state = 'closed' WHERE state = 'solved'")
    for name in INDEXED:
        op.drop_index(f"ix_conversation_{name}", "conversation")
    with op.batch_alter_table("conversation", schema=None) as batch_op:
        for column in _columns():
            batch_op.drop_column(column.name)
