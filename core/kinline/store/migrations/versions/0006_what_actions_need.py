"""stored templates, waits between actions, endpoints and the calls to them.

Revision 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.String(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRICT = {"sqlite_strict": True}
INDEXED = {
    "step": (("person_id", "state"), ("decision_id", "number"), ("due_at", "id")),
    "delivery": (("created_at", "id"), ("decision_id",), ("person_id", "state"), ("endpoint_id", "state")),
}


def _template() -> None:
    op.create_table(
        "template",
        sa.Column("name", KEY, nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_template")),
        **STRICT,
        sqlite_with_rowid=True,
    )


def _step() -> None:
    op.create_table(
        "step",
        sa.Column("id", KEY, nullable=False),
        sa.Column("decision_id", KEY, nullable=False),
        sa.Column("trigger_id", KEY, nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("due_at", NUMBER, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("templates", sa.Text(), nullable=False),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.Column("closed_at", NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step")),
        **STRICT,
        sqlite_with_rowid=True,
    )


def _endpoint() -> None:
    op.create_table(
        "endpoint",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secrets", sa.Text(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("failing_since", NUMBER, nullable=True),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.Column("changed_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoint")),
        sa.UniqueConstraint("name", name=op.f("uq_endpoint_name")),
        **STRICT,
        sqlite_with_rowid=True,
    )


def _delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", KEY, nullable=False),
        sa.Column("endpoint_id", KEY, nullable=False),
        sa.Column("decision_id", KEY, nullable=False),
        sa.Column("trigger_id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("due_at", NUMBER, nullable=False),
        sa.Column("expires_at", NUMBER, nullable=False),
        sa.Column("needs_approval", NUMBER, nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.Column("done_at", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoint.id"], name=op.f("fk_delivery_endpoint_id_endpoint")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        **STRICT,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "delivery_try",
        sa.Column("delivery_id", KEY, nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("at", NUMBER, nullable=False),
        sa.Column("outcome", KEY, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_try_delivery_id_delivery")),
        sa.PrimaryKeyConstraint("delivery_id", "number", name=op.f("pk_delivery_try")),
        **STRICT,
        sqlite_with_rowid=False,
    )


def upgrade() -> None:
    _template()
    _step()
    _endpoint()
    _delivery()
    for table, indexes in INDEXED.items():
        for columns in indexes:
            op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
    op.add_column("followup", sa.Column("template", KEY, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("followup", schema=None) as batch_op:
        batch_op.drop_column("template")
    for table in ("delivery_try", "delivery", "endpoint", "step", "template"):
        op.drop_table(table)
