"""steps that bring stored data into this version's shape; when a name was seen; who sees whom on private mails; who waits.

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
STEPS = ("app_events", "threads", "waiting", "standing")

#: Of what goes out, each with what it is where nobody said anything.
OF_MESSAGES = {"copies": "[]", "also_answers": "[]", "unclear": ""}
#: Of the clock that a conversation had; clocks run for whoever waits.
CLOCKS = ("wait_since", "wait_for", "run_since", "spent", "due_at", "missed")
CLOCKS_INDEXED = ("due_at", "wait_for")


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
    _mails()
    _waiting()
    _conversations()
    op.create_index(op.f("ix_account_channel"), "account", ["channel"])
    for name, empty in OF_MESSAGES.items():
        op.add_column("followup", sa.Column(name, sa.Text(), nullable=False, server_default=empty))
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


def _waiting() -> None:
    op.create_table(
        "waiting",
        *[sa.Column(name, KEY, nullable=False) for name in ("id", "who", "identity_id", "place", "channel", "level", "kind")],
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("asked_id", KEY, nullable=False),
        sa.Column("imported", sa.Integer(), nullable=False),
        sa.Column("also_asks", sa.Integer(), nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.Column("last_asked_at", INSTANT, nullable=False),
        sa.Column("last_known_at", INSTANT, nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("said_from", INSTANT, nullable=False),
        sa.Column("paused_at", INSTANT, nullable=True),
        sa.Column("paused_how", KEY, nullable=False),
        sa.Column("paused_by", KEY, nullable=False),
        sa.Column("paused_until", INSTANT, nullable=True),
        sa.Column("rests", sa.Text(), nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ended_how", KEY, nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("tab", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting")),
        sqlite_strict=True,
    )  # fmt: skip
    op.create_index("ix_waiting_who", "waiting", ["who", "ended_at"])
    op.create_index("ix_waiting_place", "waiting", ["place", "since"])
    _partial("waiting", "running", ["place", "since"], "tab = 'waiting'")
    _partial("waiting", "tab", ["tab", "since", "id"], "tab <> ''")
    _partial("waiting", "channel", ["tab", "channel", "since", "id"], "tab <> ''")
    _partial("waiting", "due_at", ["due_at"], "due_at IS NOT NULL")
    op.create_table(
        "state_move",
        sa.Column("conversation_id", KEY, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("elsewhere", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "at", "state", name=op.f("pk_state_move")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dismissal",
        sa.Column("id", KEY, nullable=False),
        sa.Column("who", KEY, nullable=False),
        sa.Column("place", KEY, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("undone_at", INSTANT, nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dismissal")),
        sqlite_strict=True,
    )
    _partial("dismissal", "who", ["who", "place"], "undone_at IS NULL")
    op.create_index("ix_dismissal_place", "dismissal", ["place"])
    op.create_table(
        "asker",
        sa.Column("interaction_id", KEY, nullable=False),
        sa.Column("identity_id", KEY, nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("interaction_id", name=op.f("pk_asker")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_asker_identity_id", "asker", ["identity_id"])


def _conversations() -> None:
    """What is waiting and how a conversation stands follow from what is recorded: the steps work it out."""
    op.execute("DELETE FROM job WHERE actor = 'owed.settle'")
    op.drop_table("owed")
    for name in CLOCKS_INDEXED:
        op.drop_index(f"ix_conversation_{name}", "conversation")
    for name in CLOCKS:
        op.execute(f"ALTER TABLE conversation DROP COLUMN {name}")
    op.add_column("conversation", sa.Column("visibility", KEY, nullable=False, server_default="public"))
    op.add_column("conversation", sa.Column("last_at", INSTANT, nullable=False, server_default="0"))
    for name in ("asked_at", "first_answered_at", "waiting_since", "snoozed_at", "snoozed_until"):
        op.add_column("conversation", sa.Column(name, INSTANT, nullable=True))
    _partial("conversation", "waiting_since", ["waiting_since", "id"], "waiting_since IS NOT NULL")
    op.create_index("ix_conversation_last_at", "conversation", ["last_at", "id"])
    _partial("interaction", "answers_id", ["answers_id"], "answers_id IS NOT NULL")


def _partial(table: str, name: str, columns: list[str], where: str) -> None:
    only = sa.text(where)
    op.create_index(f"ix_{table}_{name}", table, columns, sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    """The older version works out again who waits, from what is recorded."""
    op.drop_index("ix_interaction_answers_id", "interaction")
    for name in ("waiting_since", "last_at"):
        op.drop_index(f"ix_conversation_{name}", "conversation")
    for name in (
        "visibility",
        "last_at",
        "asked_at",
        "first_answered_at",
        "waiting_since",
        "snoozed_at",
        "snoozed_until",
    ):
        op.execute(f"ALTER TABLE conversation DROP COLUMN {name}")
    for name in CLOCKS:
        given = {"server_default": "0", "nullable": False} if name in ("spent", "missed") else {"nullable": True}
        op.add_column("conversation", sa.Column(name, KEY if name == "wait_for" else INSTANT, **given))
    for name in CLOCKS_INDEXED:
        _partial("conversation", name, [name], f"{name} IS NOT NULL")
    op.drop_index(op.f("ix_account_channel"), "account")
    for name in OF_MESSAGES:
        op.execute(f"ALTER TABLE followup DROP COLUMN {name}")
    for table in ("asker", "dismissal", "state_move", "waiting", "thread_edit", "message_reference", "mail_audience"):
        op.drop_table(table)
    _owed_again()
    op.execute("ALTER TABLE identity_name DROP COLUMN last_at")
    op.drop_table("upgrade")


def _owed_again() -> None:
    op.create_table(
        "owed",
        *[sa.Column(name, KEY, nullable=False) for name in ("id", "identity_id", "place", "channel", "kind")],
        *[sa.Column(name, INSTANT, nullable=True) for name in ("since", "asked_at")],
        sa.Column("interaction_id", KEY, nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("answered_by", KEY, nullable=False),
        sa.Column("answered_in", KEY, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owed")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    _partial("owed", "channel", ["channel", "since", "id"], "since IS NOT NULL")
    _partial("owed", "answered_at", ["answered_at", "id"], "answered_by = 'peer'")
    op.create_index("ix_owed_place", "owed", ["place", "since"])
