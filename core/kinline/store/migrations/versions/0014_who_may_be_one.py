"""which two persons may be one: an index of what they go by; suggestions with evidence and a score.

Revision 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.String(collation="C"), "postgresql")
INSTANT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
#: What is said of suggestions that the version before made, in its words. In 1024ths of nothing: 900 of 1000.
TOLD = {"sqlite": "json_array(json_object('code', 'told', 'bits', 9.0, 'values', json_object('words', reason)))"}
TOLD["postgresql"] = (
    "json_build_array(json_build_object('code', 'told', 'bits', 9.0, 'values', json_build_object('words', reason)))::text"
)
STATES = (("merged", "accepted"), ("not_same", "refused"))
COLUMNS = (
    "identity_a",
    "identity_b",
    "kind",
    "score",
    "evidence",
    "told",
    "settled",
    "answered_at",
    "answered_by",
    "merge_id",
)


def upgrade() -> None:
    op.create_table(
        "match_key",
        sa.Column("key", KEY, nullable=False),
        sa.Column("identity_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("key", "identity_id", name=op.f("pk_match_key")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_match_key_identity_id", "match_key", ["identity_id"])
    op.create_table(
        "match_count",
        sa.Column("key", KEY, nullable=False),
        sa.Column("count", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_match_count")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.drop_index("ix_suggestion_state", "suggestion")
    for name in ("identity_a", "identity_b", "kind"):
        op.add_column("suggestion", sa.Column(name, KEY, nullable=False, server_default=""))
    op.add_column("suggestion", sa.Column("score", INSTANT, nullable=False, server_default="0"))
    for name, default in (("evidence", "[]"), ("told", "[]"), ("answered_by", "")):
        op.add_column("suggestion", sa.Column(name, sa.Text(), nullable=False, server_default=default))
    op.add_column("suggestion", sa.Column("settled", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("suggestion", sa.Column("answered_at", INSTANT, nullable=True))
    op.add_column("suggestion", sa.Column("merge_id", KEY, nullable=True))
    _keep_what_was_suggested()
    op.execute("ALTER TABLE suggestion DROP COLUMN reason")
    op.create_index("ix_suggestion_score", "suggestion", ["state", "settled", "score", "id"])
    op.create_index("ix_suggestion_kind", "suggestion", ["state", "settled", "kind", "score", "id"])
    for name in ("person_a", "person_b"):
        op.create_index(f"ix_suggestion_{name}", "suggestion", [name])
    op.execute(
        "INSERT INTO upgrade (name, cursor, done) SELECT 'suggestions', '', 0 WHERE EXISTS (SELECT 1 FROM identity)"
    )


def _keep_what_was_suggested() -> None:
    told = TOLD[op.get_bind().dialect.name]
    for side in ("a", "b"):
        op.execute(
            f"UPDATE suggestion SET identity_{side} = coalesce((SELECT min(l.identity_id) FROM identity_link l "
            f"WHERE l.person_id = suggestion.person_{side}), '')"
        )
    op.execute(f"UPDATE suggestion SET kind = 'told', score = 889, told = {told}, evidence = {told}")
    for before, after in STATES:
        op.execute(f"UPDATE suggestion SET state = '{after}' WHERE state = '{before}'")
    op.execute(
        "UPDATE suggestion SET settled = 1 WHERE state = 'open' AND (SELECT root_id FROM person WHERE id = person_a) = "
        "(SELECT root_id FROM person WHERE id = person_b)"
    )


def downgrade() -> None:
    """Only what a source told, and what was answered, was a suggestion before."""
    op.execute("DELETE FROM upgrade WHERE name = 'suggestions'")
    op.execute("DELETE FROM job WHERE actor = 'identity.match'")
    for name in ("score", "kind", "person_a", "person_b"):
        op.drop_index(f"ix_suggestion_{name}", "suggestion")
    op.execute("DELETE FROM suggestion WHERE state = 'open' AND told = '[]'")
    op.add_column("suggestion", sa.Column("reason", sa.Text(), nullable=False, server_default="they may be one"))
    for before, after in STATES:
        op.execute(f"UPDATE suggestion SET state = '{before}' WHERE state = '{after}'")
    for name in COLUMNS:
        op.execute(f"ALTER TABLE suggestion DROP COLUMN {name}")
    op.create_index("ix_suggestion_state", "suggestion", ["state"])
    op.drop_table("match_count")
    op.drop_table("match_key")
