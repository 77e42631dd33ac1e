"""steps that bring stored data into this version's shape; when a name was seen; who sees whom on private mails.

Revision 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.String(collation="C"), "postgresql")
INSTANT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
#: What stored data has to go through, where there is any.
STEPS = ("app_events",)


def upgrade() -> None:
    op.create_table(
        "upgrade",
        sa.Column("name", KEY, nullable=False),
        sa.Column("cursor", KEY, nullable=False),
        sa.Column("done", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_upgrade")),
        sqlite_strict=True,
    )
    op.add_column("identity_name", sa.Column("last_at", INSTANT, nullable=False, server_default="0"))
    op.add_column("conversation", sa.Column("private", sa.Integer(), nullable=False, server_default="0"))
    _mails()
    for name in STEPS:
        op.execute(
            f"INSERT INTO upgrade (name, cursor, done) SELECT '{name}', '', 0 WHERE EXISTS (SELECT 1 FROM interaction)"
        )


def _mails() -> None:
    op.create_table(
        "mail_audience",
        sa.Column("interaction_id", KEY, nullable=False),
        sa.Column("thread_key_id", KEY, nullable=False),
        sa.Column("key_id", KEY, nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("author", KEY, nullable=False),
        sa.Column("organisation", KEY, nullable=False),
        sa.Column("ours", sa.Integer(), nullable=False),
        sa.Column("automatic", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("interaction_id", name=op.f("pk_mail_audience")),
        sqlite_strict=True,
    )
    op.create_table(
        "message_reference",
        sa.Column("key_id", KEY, nullable=False),
        sa.Column("own", sa.Integer(), nullable=False),
        sa.Column("author", KEY, nullable=False),
        sa.Column("interaction_id", KEY, nullable=False),
        sa.Column("organisation", KEY, nullable=False),
        sa.Column("place", INSTANT, nullable=False),
        sa.Column("vouched", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "own", "author", "interaction_id", name=op.f("pk_message_reference")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    proved = sa.text("organisation <> ''")
    op.create_index(
        "ix_message_reference_organisation", "message_reference", ["key_id", "organisation"],
        sqlite_where=proved, postgresql_where=proved,
    )  # fmt: skip
    op.create_index("ix_message_reference_interaction_id", "message_reference", ["interaction_id"])
    op.create_table(
        "thread_edit",
        sa.Column("id", KEY, nullable=False),
        sa.Column("interaction_id", KEY, nullable=False),
        sa.Column("side", sa.Integer(), nullable=False),
        sa.Column("joined", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "interaction_id", name=op.f("pk_thread_edit")),
        sqlite_strict=True,
    )
    op.create_index("ix_thread_edit_interaction_id", "thread_edit", ["interaction_id"])


def downgrade() -> None:
    for table in ("thread_edit", "message_reference", "mail_audience"):
        op.drop_table(table)
    op.execute("ALTER TABLE conversation DROP COLUMN private")
    op.execute("ALTER TABLE identity_name DROP COLUMN last_at")
    op.drop_table("upgrade")
