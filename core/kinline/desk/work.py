"""What agents do: open, note, assign, hurry, put into a state. All of it comes onto the timeline."""

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline import clock, ids
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef, team_named
from kinline.desk.conversations import find
from kinline.errors import Conflict, Invalid
from kinline.followups.record import thread_key_of
from kinline.followups.routes import handle_of
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity.persons import spans
from kinline.messages import Interaction, Party, Thread
from kinline.record import mirrors
from kinline.record.batch import record_batch
from kinline.record.recording import Recording
from kinline.record.versions import named
from kinline.store.ask import Ask, Id
from kinline.store.models import Conversation, Copy, InteractionRow, ThreadKey
from kinline.waiting import due
from kinline.waiting import keep as waiting
from kinline.words import ConversationState, Direction, Kind, Origin, Priority, Role, Standing

#: The account under which the desk's own entries are kept.
DESK = "desk"
_OF_CONVERSATION = Ask(
    select(col(InteractionRow.id))
    .join(ThreadKey, col(ThreadKey.id) == col(InteractionRow.thread_key_id))
    .where(col(ThreadKey.conversation_id) == bindparam("conversation"), col(InteractionRow.kind) != Kind.NOTE.value)
    .order_by(
        col(InteractionRow.direction) == Direction.OUTBOUND.value,
        col(InteractionRow.sort_at).desc(),
        col(InteractionRow.id).desc(),
    ),
    Id,
)
_ACCOUNTS = Ask(
    select(col(Copy.account_id).label("id"))
    .join(
        InteractionRow,
        (col(InteractionRow.source_id) == col(Copy.source_id)) & (col(InteractionRow.id) == col(Copy.interaction_id)),
    )
    .where(col(InteractionRow.id) == bindparam("interaction"))
    .order_by(col(Copy.account_id))
    .limit(1),
    Id,
)


def open_conversation(
    hub: Hub, session: Session, person: str, *, agent: str, text: str, subject: str = "", kind: Kind = Kind.MESSAGE,
    team: str = "",
) -> Conversation:  # fmt: skip
    """Somebody called, came by or wrote on paper: keep what they said and open a conversation about it."""
    if kind is Kind.NOTE:
        raise Invalid("A conversation opens with what the person said, not with a note.", code="invalid_kind")
    account, source = desk_account(hub, session), f"desk:{ids.new()}"
    said = Interaction(
        source_id=source,
        kind=kind,
        direction=Direction.INBOUND,
        occurred_at=clock.to_datetime(clock.now()),
        subject=subject,
        text=text,
        parties=(
            Party(role=Role.AUTHOR, handle=_reachable(session, person), standing=Standing.VERIFIED),
            Party(role=Role.RECIPIENT, name=agent, ours=True),
        ),
        thread=Thread(key=source, private=True),
        facts={"kept_by": agent},
    )
    interaction = _record(session, account, said, Origin.LIVE)
    row = _conversation_of(session, interaction)
    if team:
        row.team_id = team_named(session, team).id
        session.add(row)
        session.flush()
    waiting.move(session, row.id, ConversationState.OPEN, at=clock.now(), by=agent)
    session.refresh(row)
    return row


def note(hub: Hub, session: Session, conversation_id: str, *, agent: str, text: str) -> str:
    """An internal note; the person never sees it. Returns the interaction's id."""
    row = find(session, conversation_id)
    made = _note(hub, session, row, agent, filled(text))
    mirrors.plan_note(session, row.id, text=text, by=agent, interaction_id=made)
    return made


def assign(
    hub: Hub, session: Session, conversation_id: str, *, agent: str, team: str | None, assignee: str | None
) -> Conversation:
    """Give it to a team, a person, or both; None leaves as it is, "" takes away."""
    row = find(session, conversation_id)
    if team is not None:
        row.team_id = team_named(session, team).id if team else None
    if assignee is not None:
        row.assignee = assignee or None
    session.add(row)
    session.flush()
    due.aim(session, [row.id])
    _note(hub, session, row, agent, "", {"team": team or "", "assignee": assignee or ""})
    return row


def prioritise(hub: Hub, session: Session, conversation_id: str, *, agent: str, priority: Priority) -> Conversation:
    """Say how much it hurries; what is owed is due sooner or later by that."""
    row = find(session, conversation_id)
    if row.priority == priority:
        raise Conflict(f"This conversation has the priority {priority} already.", code="already_so")
    row.priority = priority
    session.add(row)
    session.flush()
    due.aim(session, [row.id])
    _note(hub, session, row, agent, "", {"priority": priority})
    return row


def to_state(
    hub: Hub, session: Session, conversation_id: str, state: ConversationState, *, agent: str, outcome: str = ""
) -> Conversation:
    """Put it into a state, there too where it lives at a desk elsewhere. ``outcome``: what came of it."""
    row = find(session, conversation_id)
    if row.state == state:
        raise Conflict(f"This conversation is {state} already.", code="already_so")
    session.flush()
    waiting.move(session, row.id, state, at=clock.now(), by=agent)
    session.refresh(row)
    row.outcome = outcome or row.outcome
    session.add(row)
    session.flush()
    _note(hub, session, row, agent, "", {"state": state})
    mirrors.plan_state(session, row.id, by=agent)
    return row


def close(hub: Hub, session: Session, conversation_id: str, *, agent: str, outcome: str = "") -> Conversation:
    """Done, with what came of it (answered, feedback, word of mouth, transaction, none)."""
    return to_state(hub, session, conversation_id, ConversationState.CLOSED, agent=agent, outcome=outcome)


def reopen(hub: Hub, session: Session, conversation_id: str, *, agent: str) -> Conversation:
    return to_state(hub, session, conversation_id, ConversationState.OPEN, agent=agent)


def desk_account(hub: Hub, session: Session) -> AccountRef:
    return connected.ensure(session, hub.secret, "support", DESK)


def _note(
    hub: Hub, session: Session, row: Conversation, agent: str, text: str, facts: dict[str, str] | None = None
) -> str:
    """A note stands in the conversation and on the timeline of the person it is about."""
    interaction, identity = about(session, row)
    account = _account_of(session, interaction)
    made = Interaction(
        source_id=f"note:{ids.new()}",
        kind=Kind.NOTE,
        direction=Direction.OUTBOUND,
        occurred_at=clock.to_datetime(clock.now()),
        text=text,
        parties=(
            Party(role=Role.AUTHOR, name=agent, ours=True),
            Party(role=Role.MENTIONED, handle=handle_of(session, identity), standing=Standing.INFERRED),
        ),
        answers=session.get_one(InteractionRow, interaction).source_id,
        facts=dict(facts or {}),
    )
    return _record(session, account, made, Origin.OURS, thread_key_of(session, interaction))


def note_of(session: Session, interaction: str, agent: str, facts: dict[str, str]) -> None:
    """Keep who of us did something about one interaction. Where nobody is known who said it, the note names nobody."""
    made = Interaction(
        source_id=f"note:{ids.new()}",
        kind=Kind.NOTE,
        direction=Direction.OUTBOUND,
        occurred_at=clock.to_datetime(clock.now()),
        parties=(Party(role=Role.AUTHOR, name=agent, ours=True), *_those_in(session, interaction)),
        answers=session.get_one(InteractionRow, interaction).source_id,
        facts=dict(facts),
    )
    _record(session, _account_of(session, interaction), made, Origin.OURS, thread_key_of(session, interaction))


def _those_in(session: Session, interaction: str) -> tuple[Party, ...]:
    found = [handle_of(session, identity) for _, identity in named(session, interaction)]
    return tuple(Party(role=Role.MENTIONED, handle=each, standing=Standing.INFERRED) for each in found)


def _record(session: Session, account: AccountRef, what: Interaction, origin: Origin, joins: str | None = None) -> str:
    recording = Recording(account=account, what=what, origin=origin, arrived_at=clock.now(), joins=joins)
    [outcome] = record_batch(session, [recording])
    return str(outcome.interaction_id)


def _conversation_of(session: Session, interaction: str) -> Conversation:
    key = session.get_one(InteractionRow, interaction).thread_key_id
    return find(session, str(session.get_one(ThreadKey, key).conversation_id))


def about(session: Session, row: Conversation) -> tuple[str, str]:
    """What a note hangs on: what they said last; where only we wrote, what we said last, and to whom."""
    for interaction in _OF_CONVERSATION.rows(session, conversation=row.id):
        for _, identity in named(session, interaction.id):
            return interaction.id, identity
    raise Conflict("Nobody took part in this conversation whom we know.", code="nobody_there")


def _account_of(session: Session, interaction: str) -> AccountRef:
    return connected.ref(connected.named(session, _ACCOUNTS.one(session, interaction=interaction).id))


def _reachable(session: Session, person: str) -> Handle:
    held = spans(session, person)
    if not held:
        raise Conflict("This person has no identity left.", code="no_identity")
    return handle_of(session, held[0].identity_id)


def filled(text: str) -> str:
    if not text.strip():
        raise Invalid("Say something: the text is empty.", code="empty_text", pointer="/text")
    return text
