"""Factories for what crosses the border, in words of the trade. People are Ann, Ben and Cleo."""

from datetime import UTC, datetime, timedelta

from factory.base import Factory
from factory.declarations import LazyAttribute, LazyFunction, Sequence, SubFactory, Trait

from kinline.accounts.connected import AccountRef
from kinline.handles import Handle
from kinline.messages import Interaction, Party
from kinline.record.recording import Recording
from kinline.words import Direction, HandleType, Kind, Origin, Role, Standing

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANN = Handle(HandleType.EMAIL, "ann@example.org")
BEN = Handle(HandleType.EMAIL, "ben@example.org")
CLEO = Handle(HandleType.X_ID, "300")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


class PartyFactory(Factory[Party]):
    class Meta:
        model = Party

    role = Role.AUTHOR
    handle = ANN
    name = "Ann Archer"
    standing = Standing.VERIFIED


class InteractionFactory(Factory[Interaction]):
    """A message of Ann's to us. ``author`` is whoever wrote it."""

    class Meta:
        model = Interaction

    class Params:
        author = ANN
        claimed = Trait(
            parties=LazyAttribute(lambda made: (PartyFactory.build(handle=made.author, standing=Standing.CLAIMED),))
        )
        ours = Trait(
            direction=Direction.OUTBOUND,
            parties=LazyAttribute(
                lambda made: (
                    Party(role=Role.AUTHOR, name="Support", ours=True),
                    PartyFactory.build(handle=made.author, role=Role.RECIPIENT),
                )
            ),
        )

    source_id = Sequence(lambda number: f"message-{number}")
    kind = Kind.MESSAGE
    direction = Direction.INBOUND
    occurred_at = LazyFunction(lambda: MORNING)
    subject = "A question"
    text = "Where is my parcel?"
    parties = LazyAttribute(lambda made: (PartyFactory.build(handle=made.author, name=""),))


class RecordingFactory(Factory[Recording]):
    """An interaction on its way into the store."""

    class Meta:
        model = Recording

    account = AccountRef("0" * 32, "email", "", "inbox")
    what = SubFactory(InteractionFactory)
    origin = Origin.LIVE
    arrived_at = LazyFunction(lambda: int(MORNING.timestamp()) * 1_000_000)
