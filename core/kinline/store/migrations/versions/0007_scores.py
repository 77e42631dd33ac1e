"""what scorers and people make of what was written.

Revision 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.String(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "score",
        sa.Column("interaction_id", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("what", KEY, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("scorer", KEY, nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("language", KEY, nullable=False),
        sa.Column("confidence", NUMBER, nullable=False),
        sa.Column("content_hash", KEY, nullable=False),
        sa.Column("at", NUMBER, nullable=False),
        sa.Column("corrected_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("interaction_id", "id", name=op.f("pk_score")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("score")
