"""Sending through a channel that can do anything wrong: each promise about delivery, kept."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, ClassVar

import pytest

from kinline import clock, handlers, ids
from kinline.accounts import connected
from kinline.clock import DAY, MINUTE, SECOND
from kinline.contract.channel import Ability, AccountSettings, Channel
from kinline.contract.plugins import channels
from kinline.errors import ChannelError, Conflict, KinlineError, NotFound, OutcomeUnknown
from kinline.followups import manage, send
from kinline.followups.plan import Draft, plan
from kinline.followups.reach import reachable
from kinline.hub import Hub
from kinline.identity import persons
from kinline.messages import Item, Normalised, Outgoing, Prepared, Request, Sent, Source
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, MORNING, RecordingFactory
from kinline.timeline.reading import everything
from kinline.words import Delivery, HandleType, Kind, SendClass

NINE = clock.from_datetime(MORNING)
ONCE, AT_MOST_ONCE, AT_LEAST_ONCE = Delivery
Answer = Callable[[], object] | BaseException | object


class Pigeons(Channel[AccountSettings]):
    """A channel that does what a test tells it to, one answer for each time it is asked."""

    name = "pigeons"
    title = "Pigeons"
    settings = AccountSettings
    kinds = frozenset({Kind.MESSAGE})
    can: ClassVar[frozenset[Ability]] = frozenset({Ability.SEND})
    reaches = frozenset({HandleType.EMAIL})
    personal_data = ()

    def __init__(self) -> None:
        self.check_answers: list[Answer] = []
        self.answers: list[Answer] = []
        self.lookups: list[Answer] = []
        self.handed_over: list[Prepared] = []

    def verify(self, request: Request, settings: AccountSettings) -> None:
        raise ChannelError("nobody calls pigeons")

    def parse(self, raw: BinaryIO, source: Source, settings: AccountSettings) -> Iterator[Item]:
        yield from ()

    def normalise(self, item: Item, settings: AccountSettings) -> Sequence[Normalised]:
        return []

    def check(self, outgoing: Outgoing, settings: AccountSettings) -> None:
        _given(self.check_answers, None)

    def prepare(self, outgoing: Outgoing, settings: AccountSettings) -> Prepared:
        return Prepared(body=f"{clock.now()} {outgoing.text}".encode(), media_type="text/plain")

    def send(self, prepared: Prepared, settings: AccountSettings) -> Sent:
        self.handed_over.append(prepared)
        sent: Sent = _given(self.answers, Sent(source_id=f"bird-{len(self.handed_over)}"))
        return sent

    def find_sent(self, prepared: Prepared, settings: AccountSettings) -> Sent | None:
        found: Sent | None = _given(self.lookups, None)
        return found


def _given(answers: list[Answer], otherwise: Any) -> Any:
    answer = answers.pop(0) if answers else otherwise
    if isinstance(answer, BaseException):
        raise answer
    return answer() if callable(answer) else answer


class World:
    """Ann, who is reached by pigeons only; a hub that really sends; a clock."""

    def __init__(self, hub: Hub, pigeons: Pigeons) -> None:
        self.hub, self.pigeons, self.now = hub, pigeons, NINE
        with hub.store.write() as session:
            account = connected.connect(session, hub.secret, "pigeons", "loft", {})
            record_batch(session, [RecordingFactory.build(account=account)])
            self.ann = persons.find(session, str(ANN))

    def __call__(self) -> int:
        return self.now

    def promises(self, monkeypatch: pytest.MonkeyPatch, delivery: Delivery, *more: Ability) -> None:
        monkeypatch.setattr(Pigeons, "delivery", delivery)
        monkeypatch.setattr(Pigeons, "can", frozenset({Ability.SEND, *more}))

    def wants(self) -> str:
        draft = Draft(id=ids.new(), person_id=self.ann, send_class=SendClass.HUMAN, text="Coming", made_by="Cleo")
        with self.hub.store.write() as session:
            assert plan(self.hub, session, draft) == ""
        return draft.id

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self.hub.store.write() as session:
            return sql.run(session, statement, *values)

    def state(self, followup: str) -> tuple[str, str]:
        [(state, reason)] = self.sql("SELECT state, reason FROM followup WHERE id = {p}", followup)
        return state, reason

    def attempts(self, followup: str) -> list[str]:
        rows = self.sql("SELECT outcome FROM attempt WHERE followup_id = {p} ORDER BY number", followup)
        return [outcome for (outcome,) in rows]

    def work(self, after: int = 0) -> None:
        """Let time pass, and everything due be done."""
        self.now += after
        handlers.drain(self.hub)

    def sender_dies(self, followup: str) -> None:
        """It was claimed, and the lease is over."""

        def die() -> Sent:
            raise KeyboardInterrupt

        self.pigeons.answers.append(die)
        with pytest.raises(KeyboardInterrupt):
            send.send(self.hub, followup, "dead worker")
        self.sql("UPDATE followup SET lease_until = 1 WHERE id = {p}", followup)
        self.sql("UPDATE job SET state = 'running', lease_until = 1 WHERE actor = 'followup.send'")


@pytest.fixture
def world(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    pigeons = Pigeons()
    monkeypatch.setitem(channels().loaded, "pigeons", pigeons)
    monkeypatch.setattr(hub.settings, "outbound", "live")
    with clock.frozen(NINE):
        made = World(hub, pigeons)
    with clock.frozen(made):
        yield made


def test_what_is_sent_comes_back_into_the_record(world: World) -> None:
    followup = world.wants()
    world.work(MINUTE)

    assert world.state(followup)[0] == "sent"
    assert world.attempts(followup) == ["sent"]
    with world.hub.store.read() as session:
        newest, *_ = everything(session, world.ann)
    assert newest.shown["because"] == {"followup": followup, "by": "Cleo"}


def test_a_permanent_refusal_is_the_end(world: World) -> None:
    world.pigeons.answers = [ChannelError("No such loft", permanent=True, code="no_loft")]
    followup = world.wants()
    world.work()

    assert world.state(followup) == ("failed", "no_loft: No such loft")
    assert world.attempts(followup) == ["failed"]
    world.work(DAY)
    assert len(world.pigeons.handed_over) == 1


def test_a_passing_trouble_is_tried_again_with_the_same_bytes(world: World) -> None:
    world.pigeons.answers = [ChannelError("Fog"), ChannelError("Fog")]
    followup = world.wants()
    world.work()
    assert world.state(followup) == ("pending", "channel_error: Fog")

    world.work(send.RETRIES[0] * SECOND)
    world.work(send.RETRIES[1] * SECOND)

    assert world.state(followup)[0] == "sent"
    assert world.attempts(followup) == ["retry", "retry", "sent"]
    assert len(world.pigeons.handed_over) == 3
    assert len({prepared.body for prepared in world.pigeons.handed_over}) == 1


def test_the_other_side_says_how_long_to_wait(world: World) -> None:
    world.pigeons.answers = [ChannelError("Too many birds", retry_after=600)]
    followup = world.wants()
    world.work()
    world.work(599 * SECOND)
    assert world.state(followup)[0] == "pending"

    world.work(SECOND)
    assert world.state(followup)[0] == "sent"


@pytest.mark.parametrize("asked", [-5.0, 0.0, 1e300, float("inf"), float("nan")])
def test_a_silly_time_to_wait_is_not_believed(world: World, asked: float) -> None:
    world.pigeons.answers = [ChannelError("Later", retry_after=asked)]
    followup = world.wants()
    world.work()

    [(due,)] = world.sql("SELECT due_at FROM followup WHERE id = {p}", followup)
    assert NINE < due <= NINE + DAY


def test_after_the_last_try_it_has_failed(world: World) -> None:
    world.pigeons.answers = [ChannelError("Fog") for _ in range(10)]
    followup = world.wants()
    world.work()
    for wait in send.RETRIES:
        world.work(wait * SECOND)

    assert world.state(followup) == ("failed", "channel_error: Fog")
    assert world.attempts(followup) == ["retry"] * len(send.RETRIES) + ["failed"]


TROUBLES = [
    pytest.param(OutcomeUnknown("the line went dead"), "the line went dead", id="outcome-unknown"),
    pytest.param(RuntimeError("oops"), "the channel raised RuntimeError: oops", id="any-error"),
    pytest.param(SystemExit(1), "the channel raised SystemExit: 1", id="exit"),
    pytest.param(KinlineError("odd"), "the channel raised KinlineError: odd", id="an-error-of-ours"),
    pytest.param(ValueError("\ud800\x00"), "the channel raised ValueError: ?", id="an-error-no-database-keeps"),
    pytest.param(lambda: None, "the channel did not say what it sent", id="no-answer"),
    pytest.param(lambda: Sent(source_id=""), "the channel did not say what it sent", id="no-name"),
]


@pytest.mark.parametrize(("trouble", "reason"), TROUBLES)
def test_at_most_once_what_nobody_knows_is_unknown_and_not_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch, trouble: Answer, reason: str
) -> None:
    world.promises(monkeypatch, AT_MOST_ONCE)
    world.pigeons.answers = [trouble]
    followup = world.wants()
    world.work()
    world.work(DAY)

    assert world.state(followup) == ("unknown", reason)
    assert world.attempts(followup) == ["unknown"]
    assert len(world.pigeons.handed_over) == 1


@pytest.mark.parametrize("delivery", [ONCE, AT_LEAST_ONCE])
@pytest.mark.parametrize(("trouble", "reason"), TROUBLES)
def test_once_and_at_least_once_it_is_handed_over_again(
    world: World, monkeypatch: pytest.MonkeyPatch, delivery: Delivery, trouble: Answer, reason: str
) -> None:
    world.promises(monkeypatch, delivery)
    world.pigeons.answers = [trouble]
    followup = world.wants()
    world.work()
    assert world.state(followup) == ("pending", reason)

    world.work(send.RETRIES[0] * SECOND)

    assert world.state(followup)[0] == "sent"
    assert world.attempts(followup) == ["unsure", "sent"]
    assert len({prepared.body for prepared in world.pigeons.handed_over}) == 1


def test_what_may_have_gone_out_is_never_called_failed_cancelled_or_expired(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given three messages that may have gone out and wait for another try
    world.promises(monkeypatch, AT_LEAST_ONCE)
    followups = [world.wants() for _ in range(3)]
    world.pigeons.answers = [OutcomeUnknown("?"), OutcomeUnknown("?"), OutcomeUnknown("?")]
    world.work()

    # When one is refused for good, one is cancelled, and one is looked at too late
    refused, cancelled, late = followups
    world.sql("UPDATE followup SET due_at = {p} WHERE id <> {p}", NINE + DAY, refused)
    world.pigeons.answers = [ChannelError("no", permanent=True)]
    world.work(send.RETRIES[0] * SECOND)
    with world.hub.store.write() as session:
        manage.cancel(session, cancelled, by="Dora")
    world.sql("UPDATE followup SET expires_at = 1, due_at = 1 WHERE id = {p}", late)
    world.work(DAY)

    # Then nobody claims to know
    assert [world.state(each)[0] for each in followups] == ["unknown"] * 3
    assert world.state(refused)[1] == "channel_error: no; an earlier try may have gone out"


@pytest.mark.parametrize(
    ("delivery", "expected", "times"), [(ONCE, "sent", 2), (AT_LEAST_ONCE, "sent", 2), (AT_MOST_ONCE, "unknown", 1)]
)
def test_a_sender_that_died_is_followed_up_as_its_class_promises(
    world: World, monkeypatch: pytest.MonkeyPatch, delivery: Delivery, expected: str, times: int
) -> None:
    world.promises(monkeypatch, delivery)
    followup = world.wants()
    world.sender_dies(followup)

    world.work(MINUTE)

    assert world.state(followup)[0] == expected
    assert len(world.pigeons.handed_over) == times


def test_a_sender_that_always_dies_is_not_followed_up_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.promises(monkeypatch, AT_LEAST_ONCE)
    followup = world.wants()
    for _ in range(len(send.RETRIES) + 1):
        world.sender_dies(followup)
        send.send(world.hub, followup, "the next")

    assert world.state(followup)[0] == "unknown"
    assert len(world.pigeons.handed_over) == len(send.RETRIES) + 1


def test_a_living_sender_is_left_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.promises(monkeypatch, AT_LEAST_ONCE)
    followup = world.wants()

    def meanwhile() -> Sent:
        send.send(world.hub, followup, "a second worker")
        return Sent(source_id="bird")

    world.pigeons.answers = [meanwhile]
    world.work()

    assert world.state(followup)[0] == "sent"
    assert len(world.pigeons.handed_over) == 1


@pytest.mark.parametrize(
    "ending", [lambda: Sent(source_id="late"), ChannelError("no", permanent=True), OutcomeUnknown("?")]
)
def test_a_paused_sender_writes_nothing_when_it_wakes(
    world: World, monkeypatch: pytest.MonkeyPatch, ending: Answer
) -> None:
    # Given a sender that is stopped while it talks, until its lease is over and another one has judged
    world.promises(monkeypatch, AT_MOST_ONCE)
    followup = world.wants()
    judged: list[tuple[Any, ...]] = []

    def paused() -> object:
        world.sql("UPDATE followup SET lease_until = 1 WHERE id = {p}", followup)
        send.send(world.hub, followup, "the next")
        judged.extend(world.sql("SELECT * FROM followup"))
        return _given([ending], None)

    world.pigeons.answers = [paused]

    # When it wakes and wants to write down how it ended
    world.work()

    # Then what the other one wrote stands
    assert world.sql("SELECT * FROM followup") == judged
    assert world.state(followup) == ("unknown", "its sender stopped while sending")
    assert world.sql("SELECT count(*) FROM interaction WHERE followup_id IS NOT NULL") == [(0,)]


def test_a_refusal_before_sending_leaves_somebody_elses_sending_alone(world: World) -> None:
    # Given two workers that prepare the same message; the second is refused while the first one talks
    followup = world.wants()

    def meanwhile() -> None:
        send.send(world.hub, followup, "first")
        raise ChannelError("The window closed", permanent=True)

    world.pigeons.check_answers = [meanwhile]
    send.send(world.hub, followup, "second")

    # Then what was sent stays sent
    assert world.state(followup)[0] == "sent"


def test_a_channel_that_cannot_now_is_asked_again(world: World) -> None:
    world.pigeons.check_answers = [ChannelError("The window opens at noon", retry_after=3 * 3600)]
    followup = world.wants()
    world.work()
    assert world.state(followup) == ("pending", "channel_error: The window opens at noon")
    assert world.attempts(followup) == []

    world.work(3 * 3600 * SECOND)
    assert world.state(followup)[0] == "sent"


def test_a_channel_that_never_can_lets_it_expire(world: World) -> None:
    world.pigeons.check_answers = [ChannelError("Not now") for _ in range(500)]
    followup = world.wants()
    for _ in range(26):
        world.work(3600 * SECOND)

    assert world.state(followup)[0] == "expired"


@pytest.mark.parametrize("trouble", [RuntimeError("oops"), SystemExit(1), ChannelError("Too long", permanent=True)])
def test_a_channel_that_breaks_before_sending_sent_nothing(world: World, trouble: BaseException) -> None:
    world.pigeons.check_answers = [trouble]
    followup = world.wants()
    world.work()

    assert world.state(followup)[0] == "failed"
    assert world.pigeons.handed_over == []


@pytest.mark.parametrize(("found", "expected"), [(lambda: Sent(source_id="bird"), "sent"), (None, "failed")])
def test_a_provider_that_can_be_asked_is_asked(
    world: World, monkeypatch: pytest.MonkeyPatch, found: Answer, expected: str
) -> None:
    world.promises(monkeypatch, AT_MOST_ONCE, Ability.FIND_SENT)
    world.pigeons.answers, world.pigeons.lookups = [OutcomeUnknown("?")], [found]
    followup = world.wants()
    world.work()
    assert world.state(followup)[0] == "unknown"

    world.work(MINUTE)

    assert world.state(followup)[0] == expected
    assert world.attempts(followup) == [expected]


def test_a_person_can_say_what_became_of_it(world: World) -> None:
    # Given two messages of which nobody knows
    sent, lost = world.wants(), world.wants()
    world.pigeons.answers = [OutcomeUnknown("?"), OutcomeUnknown("?")]
    world.work()

    # When Dora has looked
    with world.hub.store.write() as session:
        manage.reconcile(session, sent, sent=True, by="Dora", note="Ann answered it")
        manage.reconcile(session, lost, sent=False, by="Dora")

    # Then one stands on the timeline, and the other has failed
    assert world.state(sent) == ("sent", "Dora says it was sent: Ann answered it")
    assert world.state(lost) == ("failed", "Dora says it was not sent")
    assert world.sql("SELECT followup_id FROM interaction WHERE followup_id IS NOT NULL") == [(sent,)]
    assert world.attempts(sent) == ["sent"]


def test_people_decide_only_what_is_open(world: World) -> None:
    waiting, gone = world.wants(), world.wants()
    world.sql("UPDATE followup SET state = 'sent' WHERE id = {p}", gone)

    with world.hub.store.write() as session:
        with pytest.raises(Conflict, match="Only a follow-up that is pending can be cancelled; this one is sent"):
            manage.cancel(session, gone, by="Dora")
        with pytest.raises(Conflict, match="Only a follow-up that is unknown can be reconciled; this one is pending"):
            manage.reconcile(session, waiting, sent=True, by="Dora")
        with pytest.raises(Conflict, match="needs no approval"):
            manage.approve(session, waiting, by="Dora")
        with pytest.raises(NotFound):
            manage.cancel(session, "0" * 32, by="Dora")
        manage.cancel(session, waiting, by="Dora", reason="Ann called")

    assert world.state(waiting) == ("cancelled", "cancelled by Dora: Ann called")
    world.work(DAY)
    assert world.pigeons.handed_over == []


def test_a_message_nobody_can_receive_is_not_planned(world: World) -> None:
    with world.hub.store.write() as session:
        draft = Draft(
            id=ids.new(), person_id=world.ann, send_class=SendClass.HUMAN, text="Hi", made_by="Cleo", channel="x"
        )
        assert plan(world.hub, session, draft) == "message: no connected channel reaches this person"
    assert world.sql("SELECT count(*) FROM followup") == [(0,)]


def test_who_can_only_be_answered_is_written_to_only_where_they_wrote(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given pigeons that fly only back to where a message came from
    monkeypatch.setattr(Pigeons, "reaches", frozenset())
    monkeypatch.setattr(Pigeons, "reaches_in_thread", frozenset({HandleType.EMAIL}))
    [(theirs,)] = world.sql("SELECT id FROM interaction")

    def plans(about: str) -> str:
        draft = Draft(
            id=ids.new(), person_id=world.ann, send_class=SendClass.HUMAN, text="Hi", made_by="C", about=about
        )
        with world.hub.store.write() as session:
            return plan(world.hub, session, draft)

    assert plans("") == "message: no connected channel reaches this person"
    assert plans(theirs) == ""

    # And an agent is told so before typing
    with world.hub.store.read() as session:
        found = {way.channel: way for way in reachable(world.hub, session, world.ann, accounts=None)}
    assert (found["pigeons"].can_send, "only by an answer" in found["pigeons"].why_not) == (False, True)
