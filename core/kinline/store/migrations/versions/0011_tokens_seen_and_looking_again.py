"""looking again at what is here, and the tokens of calls that were seen.

Revision 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.String(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("account_live", sa.Column("recheck_cursor", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "seen_token",
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("until", NUMBER, nullable=False),
        sa.Column("intake_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_seen_token_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "digest", name=op.f("pk_seen_token")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_seen_token_until", "seen_token", ["until"])


def downgrade() -> None:
    op.drop_table("seen_token")
    with op.batch_alter_table("account_live", schema=None) as batch_op:
        batch_op.drop_column("recheck_cursor")
