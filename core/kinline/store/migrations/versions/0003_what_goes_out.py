"""what goes out: html, files, tokens for answers; threads that part by subject.

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.Text().with_variant(sa.String(collation="C"), "postgresql")
    op.create_table(
        "followup_file",
        sa.Column("followup_id", key, nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("blob_hash", key, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["blob_hash"], ["blob.hash"], name=op.f("fk_followup_file_blob_hash_blob")),
        sa.ForeignKeyConstraint(["followup_id"], ["followup.id"], name=op.f("fk_followup_file_followup_id_followup")),
        sa.PrimaryKeyConstraint("followup_id", "position", name=op.f("pk_followup_file")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.add_column("followup", sa.Column("html", sa.Text(), nullable=False, server_default=""))
    op.add_column("followup", sa.Column("prepared_body", key, nullable=True))
    op.add_column("followup", sa.Column("reply_key", key, nullable=True))
    op.add_column("thread_key", sa.Column("plain", key, nullable=True))
    op.create_index(op.f("ix_followup_reply_key"), "followup", ["reply_key"], unique=False)
    spoken_of = sa.text("plain IS NOT NULL")
    op.create_index(
        op.f("ix_thread_key_plain"), "thread_key", ["plain"], unique=False,
        sqlite_where=spoken_of, postgresql_where=spoken_of,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index(op.f("ix_thread_key_plain"), table_name="thread_key")
    op.drop_index(op.f("ix_followup_reply_key"), table_name="followup")
    with op.batch_alter_table("thread_key", schema=None) as batch_op:
        batch_op.drop_column("plain")
    with op.batch_alter_table("followup", schema=None) as batch_op:
        batch_op.drop_column("reply_key")
        batch_op.drop_column("prepared_body")
        batch_op.drop_column("html")
    op.drop_table("followup_file")
