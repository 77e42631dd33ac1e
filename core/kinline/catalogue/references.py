"""What a trigger names must be there: stored templates, endpoints, accounts that can publish, other triggers.

Asked when a trigger is saved and again when it goes live; and triggers that start each other in a circle are refused.
"""

from collections.abc import Iterator

import msgspec
from sqlalchemy import and_, bindparam, select
from sqlmodel import Session, col

from kinline.catalogue import template_store
from kinline.contract.channel import Ability
from kinline.contract.plugins import channels
from kinline.errors import Invalid, KinlineError
from kinline.store.ask import Ask
from kinline.store.models import Account, TriggerRow, TriggerVersion
from kinline.triggers import Trigger, read_trigger
from kinline.webhooks import endpoints

#: The chain of starts that is followed when a circle is looked for.
DEEPEST = 50


class _AccountChannel(msgspec.Struct, frozen=True):
    channel: str


class _NewestText(msgspec.Struct, frozen=True):
    id: str
    name: str
    source: str


_CHANNEL = Ask(select(col(Account.channel)).where(col(Account.name) == bindparam("account")), _AccountChannel)
_NEWEST = Ask(
    select(col(TriggerRow.id), col(TriggerRow.name), col(TriggerVersion.source)).join(
        TriggerVersion,
        and_(
            col(TriggerVersion.trigger_id) == col(TriggerRow.id), col(TriggerVersion.version) == col(TriggerRow.version)
        ),
    ),
    _NewestText,
)


def check(session: Session, trigger: Trigger) -> None:
    """Raises `Invalid` with a pointer to the name that means nothing, and the cure."""
    _templates(session, trigger)
    _endpoints(session, trigger)
    _accounts(session, trigger)
    _triggers(session, trigger)


def users_of(session: Session, word: str, field: str, name: str) -> Iterator[str]:
    """The names of triggers whose newest version names this."""
    for found in _newest(session):
        if name in (named for named, _ in found.naming(word, field)):
            yield found.name


def _templates(session: Session, trigger: Trigger) -> None:
    named = list(trigger.naming("message", "template"))
    known = template_store.latest_of(session, [name for name, _ in named])
    for name, pointer in named:
        if name not in known:
            detail = f"there is no template “{name}”; save it first (`kinline template save`), or write a `text` here"
            raise Invalid(detail, code="no_such_template", pointer=pointer)


def _endpoints(session: Session, trigger: Trigger) -> None:
    known = set(endpoints.names(session))
    for name, pointer in trigger.naming("webhook", "endpoint"):
        if name not in known:
            detail = f"there is no endpoint “{name}”; make it first: `kinline endpoint add {name} https://…`"
            raise Invalid(detail, code="no_such_endpoint", pointer=pointer)


def _accounts(session: Session, trigger: Trigger) -> None:
    for name, pointer in trigger.naming("publish", "account"):
        row = _CHANNEL.first(session, account=name)
        if row is None:
            detail = f"there is no account “{name}”; connect it first (`kinline account connect`)"
            raise Invalid(detail, code="no_such_account", pointer=pointer)
        channel = channels().loaded.get(row.channel)
        if channel is None or Ability.PUBLISH not in channel.can:
            detail = (
                f"the account “{name}” is of the channel {row.channel}, which publishes nothing; name one that does"
            )
            raise Invalid(detail, code="cannot_publish", pointer=pointer)


def _triggers(session: Session, trigger: Trigger) -> None:
    known = {row.name for row in _NEWEST.rows(session)}
    for word in ("start", "stop"):
        for name, pointer in trigger.naming(word, "trigger"):
            if name not in known and name != trigger.name:
                raise Invalid(
                    f"there is no trigger “{name}”; save that one first", code="no_such_trigger", pointer=pointer
                )
    started = list(trigger.naming("start", "trigger"))
    if started:
        starts = {each.name: [name for name, _ in each.naming("start", "trigger")] for each in _newest(session)}
        for name, pointer in started:
            _refuse_circle(trigger.name, name, starts, pointer)


def _refuse_circle(own: str, first: str, starts: dict[str, list[str]], pointer: str) -> None:
    paths: list[tuple[str, ...]] = [(first,)]
    while paths:
        path = paths.pop()
        for following in starts.get(path[-1], ()):
            if following == own:
                detail = f"it would start itself: {' starts '.join((own, *path, own))}"
                raise Invalid(detail, code="triggers_itself", pointer=pointer)
            if following not in path and len(path) < DEEPEST:
                paths.append((*path, following))


def _newest(session: Session) -> Iterator[Trigger]:
    """Every trigger in its newest version; of texts that this hub cannot read, nothing."""
    for row in _NEWEST.rows(session):
        if any(word in row.source for word in ("start", "template", "webhook", "publish")):
            try:
                yield read_trigger(row.source, row.id)
            except KinlineError:
                continue
