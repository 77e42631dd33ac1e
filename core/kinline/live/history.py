"""Bringing in the past of an account: estimated first, resumable, and without starting a single follow-up."""

from sqlmodel import Session

from kinline import clock
from kinline.accounts import spend
from kinline.accounts.ready import ReadyAccount
from kinline.contract.channel import Ability
from kinline.errors import Conflict, Invalid
from kinline.hub import Hub
from kinline.live import state
from kinline.messages import Estimate
from kinline.store.models import AccountLive


def estimate(account: ReadyAccount) -> Estimate:
    """What it would bring and cost. Network; no transaction. Raises `Invalid` for a channel without a past."""
    if Ability.HISTORY not in account.channel.can:
        raise Invalid(f"The {account.channel.name} channel brings no history; import files instead.", code="no_history")
    with account.channel.connect(account.settings) as connection:
        return connection.estimate()


def start(hub: Hub, account: ReadyAccount, told: Estimate, *, whatever_it_costs: bool = False) -> None:
    """Begin, or go on where it stopped. Refuses what would not fit into this month's money, unless told otherwise."""
    with hub.store.write() as session:
        row = state.ensure(session, account.row.id)
        if row.history_state == "running":
            raise Conflict("Its history is being brought in already.", code="already_so")
        left = spend.left(session, account.row.id, account.channel, account.settings)
        if left is not None and told.cost is not None and told.cost > left and not whatever_it_costs:
            raise Conflict(
                f"That would cost about {told.cost / 1e6:.2f}, and {left / 1e6:.2f} is left of this month's cap. "
                "Raise the cap, or say that it may stop there and go on next month.",
                code="over_cap",
            )
        _begin(session, row, told)
    with hub.store.write() as session:
        state.wake(session, account.row.id)


def _begin(session: Session, row: AccountLive, told: Estimate) -> None:
    if row.history_state == "done":  # once more from the beginning: what is here already is a duplicate
        row.history_cursor, row.history_bodies = "", 0
    row.history_state, row.history_total, row.history_ended_at = "running", told.items, None
    row.history_at = row.history_at or clock.now()
    session.add(row)


def stop(session: Session, account_id: str) -> None:
    """Stop where it is; `start` goes on from there."""
    row = state.ensure(session, account_id)
    if row.history_state != "running":
        raise Conflict("No history is being brought in.", code="already_so")
    row.history_state = "stopped"
    session.add(row)
