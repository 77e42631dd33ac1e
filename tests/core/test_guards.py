"""The choke point, class by class and guard by guard: what goes out, what waits, what never goes, and in which words."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from kinline import clock, handlers, ids
from kinline.accounts import connected
from kinline.catalogue import trigger_store
from kinline.clock import HOUR
from kinline.followups import manage
from kinline.followups.plan import Draft, plan
from kinline.hub import Hub
from kinline.identity import attributes, consents, merges, persons
from kinline.messages import Thread
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, BEN, MORNING, InteractionFactory, PartyFactory, RecordingFactory
from kinline.words import Role, SendClass, TriggerState

NINE = clock.from_datetime(MORNING)
NIGHT = clock.from_datetime(MORNING.replace(hour=23))
HUMAN, SERVICE, TRANSACTIONAL, MARKETING = SendClass
TRIGGER = """
name: thank
about: Thank everybody who writes.
when: {did: {kind: message}}
do: [{tag: {add: thanked}}]
"""


class World:
    """Ann, who wrote us a mail; a live trigger; a clock; and the message that somebody wants sent."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.now, self.approval = hub, NINE, False
        mail = InteractionFactory.build(source_id="mail", thread=Thread(key="mail"))
        with hub.store.write() as session:
            inbox = connected.connect(session, hub.secret, "email", "inbox", {"address": "help@hub.example"})
            [outcome] = record_batch(session, [RecordingFactory.build(account=inbox, what=mail)])
            self.mail, self.ann = str(outcome.interaction_id), persons.find(session, str(ANN))
            self.trigger = trigger_store.save(session, TRIGGER, made_by="Cleo", override="a test")[0].id
            trigger_store.set_state(session, "thank", TriggerState.LIVE, override="a test")

    def __call__(self) -> int:
        return self.now

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with self.hub.store.write() as session:
            return sql.run(session, statement, *values)

    def allows(self, purpose: str, allowed: bool) -> None:
        with self.hub.store.write() as session:
            consents.state(session, ANN.id, purpose, allowed, evidence={"said": "on the phone"})

    def wants(
        self, send_class: SendClass, *, about: str | None = None, trigger: str | None = None, person: str = ""
    ) -> str:
        """Plan a message to Ann; returns the follow-up's id."""
        draft = Draft(
            id=ids.new(), person_id=person or self.ann, send_class=send_class, text="Thank you", made_by="Cleo",
            about=self.mail if about is None else about, needs_approval=self.approval,
            trigger_id=trigger or (None if send_class is HUMAN else self.trigger),
        )  # fmt: skip
        with self.hub.store.write() as session:
            assert plan(self.hub, session, draft) == ""
        return draft.id

    def sent_before(self, number: int, *, trigger: str, about: str = "") -> None:
        """That many automatic messages went to Ann half an hour ago."""
        for _ in range(number):
            earlier = self.wants(SERVICE, trigger=trigger, about=about)
            self.sql("UPDATE followup SET state = 'sent', sent_at = {p} WHERE id = {p}", NINE - HOUR // 2, earlier)

    def outcome(self, followup: str) -> tuple[object, ...]:
        handlers.drain(self.hub)
        return self.sql("SELECT state, reason FROM followup WHERE id = {p}", followup)[0]


@pytest.fixture
def world(hub: Hub) -> Iterator[World]:
    with clock.frozen(NINE):
        made = World(hub)
    with clock.frozen(made):
        yield made


def nothing(world: World) -> None: ...


def marketing_refused(world: World) -> None:
    world.allows("marketing", False)


def nobody_may_write(world: World) -> None:
    world.allows("*", False)


def suppressed(world: World) -> None:
    with world.hub.store.write() as session:
        consents.suppress(session, world.hub.secret, ANN, "bounced")


def budget_used_up(world: World) -> None:
    world.sent_before(3, trigger="other")


def this_trigger_wrote(world: World) -> None:
    world.sent_before(1, trigger=world.trigger)


def late_in_the_evening(world: World) -> None:
    world.now = NIGHT


def answering_a_machine(world: World) -> None:
    world.sql("UPDATE interaction SET automatic = 'auto-reply' WHERE id = {p}", world.mail)


def this_conversation_had_one(world: World) -> None:
    world.sent_before(1, trigger="other", about=world.mail)


def storm(world: World) -> None:
    world.hub.settings.storm_limit = 1
    world.sent_before(1, trigger=world.trigger)
    world.sql("UPDATE followup SET person_id = {p}, answers_id = NULL", "somebody else")


def approval_wanted(world: World) -> None:
    world.approval = True


def trigger_paused(world: World) -> None:
    with world.hub.store.write() as session:
        trigger_store.set_state(session, "thank", TriggerState.PAUSED)


SENT = ("sent", None)
REFUSED = ("cancelled", "consent: they asked not to be written to")
BOUNCED = ("cancelled", "suppression: this handle is suppressed: bounced")
BUDGET = ("cancelled", "budget: they had 3 automatic messages in 24 hours, over all channels")
AGAIN = ("cancelled", "budget: this trigger wrote to them within 24 hours")
ASLEEP = ("pending", "quiet hours: it is 23:00 where they are")
MACHINE = ("cancelled", "loop: it would answer a machine (auto-reply)")
LOOP = ("cancelled", "loop: this conversation had an automatic message within 24 hours")
STORM = ("cancelled", "storm: the trigger reached its limit: it paused itself: 1 messages in an hour")
WAITS = ("pending", "approval: it waits for somebody's approval")
PAUSED = ("cancelled", "trigger: its trigger is not live any more, it is paused")
NO_MARKETING = ("cancelled", "consent: they refused marketing")

Setting = Callable[[World], None]
Outcome = tuple[str, str | None]
#: What each class meets. Marketing is allowed unless the line says otherwise.
MATRIX: list[tuple[Setting, Outcome, Outcome, Outcome, Outcome]] = [
    # the world              human    service  transactional  marketing
    (nothing, SENT, SENT, SENT, SENT),
    (marketing_refused, SENT, SENT, SENT, NO_MARKETING),
    (nobody_may_write, REFUSED, REFUSED, REFUSED, REFUSED),
    (suppressed, BOUNCED, BOUNCED, BOUNCED, BOUNCED),
    (budget_used_up, SENT, BUDGET, SENT, BUDGET),
    (this_trigger_wrote, SENT, AGAIN, SENT, AGAIN),
    (late_in_the_evening, SENT, ASLEEP, SENT, ASLEEP),
    (answering_a_machine, SENT, MACHINE, MACHINE, MACHINE),
    (this_conversation_had_one, SENT, LOOP, LOOP, LOOP),
    (storm, SENT, STORM, STORM, STORM),
    (approval_wanted, WAITS, WAITS, WAITS, WAITS),
    (trigger_paused, SENT, PAUSED, PAUSED, PAUSED),
]
CELLS = [
    pytest.param(setting, send_class, expected, id=f"{setting.__name__}-{send_class}")
    for setting, *outcomes in MATRIX
    for send_class, expected in zip(SendClass, outcomes, strict=True)
]


@pytest.mark.parametrize(("setting", "send_class", "expected"), CELLS)
def test_each_class_meets_its_guards(world: World, setting: Setting, send_class: SendClass, expected: Outcome) -> None:
    world.allows("marketing", True)
    world.now += 1
    setting(world)

    state, reason = world.outcome(world.wants(send_class))

    assert state == expected[0]
    assert expected[1] in (None, reason)


def test_no_record_of_consent_means_no_marketing(world: World) -> None:
    assert world.outcome(world.wants(MARKETING)) == ("cancelled", "consent: they never allowed marketing")


def test_a_service_message_answers_something(world: World) -> None:
    state, reason = world.outcome(world.wants(SERVICE, about=""))

    assert state == "cancelled"
    assert str(reason).startswith("consent: a service message answers something they wrote")


def test_what_is_for_ben_goes_to_ben_whoever_wrote_what_it_is_about(world: World) -> None:
    # Given Ben, who wrote to us once, and got a copy of another mail of Ann's
    parties = (PartyFactory.build(), PartyFactory.build(role=Role.RECIPIENT, handle=BEN, name="Ben"))
    both = InteractionFactory.build(source_id="to both", thread=Thread(key="to both"), parties=parties)
    with world.hub.store.write() as session:
        inbox = connected.ref(connected.named(session, "inbox"))
        his = RecordingFactory.build(account=inbox, what=InteractionFactory.build(author=BEN))
        shared, _ = record_batch(session, [RecordingFactory.build(account=inbox, what=both), his])
        ben = persons.find(session, str(BEN))

    # When we write to him about either of Ann's mails
    about_both = world.wants(HUMAN, person=ben, about=str(shared.interaction_id))
    about_hers = world.wants(HUMAN, person=ben)

    # Then he gets it, and no answer to what Ann wrote to us alone
    rows = world.sql("SELECT id, identity_id, answers_id FROM followup")
    assert sorted(rows) == sorted([(about_both, BEN.id, shared.interaction_id), (about_hers, BEN.id, None)])

    # And it is no service to him: the thread is hers
    state, reason = world.outcome(world.wants(SERVICE, person=ben, about=str(shared.interaction_id)))
    assert (state, str(reason).partition(":")[0]) == ("cancelled", "consent")


def test_the_guards_speak_in_their_order(world: World) -> None:
    # Given a world in which everything forbids a marketing message
    for setting in (suppressed, budget_used_up, late_in_the_evening, answering_a_machine, approval_wanted):
        setting(world)
    world.sql("UPDATE followup SET sent_at = {p}", NIGHT - HOUR)

    # When one thing after the other is mended
    def said() -> str:
        return str(world.outcome(world.wants(MARKETING))[1]).partition(":")[0]

    heard = [said()]
    mended: list[Callable[[], object]] = [
        lambda: world.allows("marketing", True),
        lambda: world.sql("UPDATE suppression SET lifted_at = 1"),
        lambda: world.sql("UPDATE followup SET sent_at = 1, due_at = 1 WHERE state = 'sent'"),
        lambda: world.sql("UPDATE interaction SET automatic = ''"),
        lambda: setattr(world, "approval", False),
    ]
    for mend in mended:
        mend()
        heard.append(said())

    # Then each guard spoke in its turn
    assert heard == ["consent", "suppression", "budget", "loop", "approval", "quiet hours"]


def test_a_storm_pauses_the_trigger_and_nobody_else(world: World) -> None:
    storm(world)
    world.outcome(world.wants(SERVICE))

    assert world.sql("SELECT state, state_reason FROM trigger_rule") == [
        ("paused", "it paused itself: 1 messages in an hour")
    ]


def test_what_was_decided_before_an_edit_goes_out_as_it_was_decided(world: World) -> None:
    followup = world.wants(TRANSACTIONAL)
    with world.hub.store.write() as session:
        trigger_store.save(session, TRIGGER.replace("thanked", "greeted"), made_by="Cleo", override="a test")

    assert world.outcome(followup)[0] == "sent"


def test_quiet_hours_are_those_where_they_live(world: World) -> None:
    # Given Ann in Auckland, where it is ten in the evening at nine in the morning here
    with world.hub.store.write() as session:
        attributes.state(session, ANN.id, "time_zone", "Pacific/Auckland", source="Cleo")

    assert world.outcome(world.wants(SERVICE)) == ("pending", "quiet hours: it is 22:00 where they are")


def test_a_joined_person_has_one_budget_and_the_stricter_choice(world: World) -> None:
    # Given Ann, whose budget is used up, and Ben, who asked not to be written to
    budget_used_up(world)
    with world.hub.store.write() as session:
        inbox = connected.ref(connected.named(session, "inbox"))
        record_batch(session, [RecordingFactory.build(account=inbox, what=InteractionFactory.build(author=BEN))])
        ben = persons.find(session, str(BEN))
        line = merges.merge(session, world.ann, ben, evidence={"by": "phone"}, made_by="Cleo")

    # Then what goes to either counts for both, as long as they are one
    assert world.outcome(world.wants(SERVICE, person=ben)) == BUDGET
    with world.hub.store.write() as session:
        consents.state(session, BEN.id, "*", False, evidence={})
    assert world.outcome(world.wants(HUMAN)) == REFUSED
    with world.hub.store.write() as session:
        merges.undo(session, line.id, made_by="Cleo")
    assert world.outcome(world.wants(HUMAN))[0] == "sent"


def test_what_waits_for_approval_goes_when_somebody_lets_it(world: World) -> None:
    world.approval = True
    followup = world.wants(HUMAN)
    assert world.outcome(followup) == WAITS

    with world.hub.store.write() as session:
        manage.approve(session, followup, by="Dora")

    assert world.outcome(followup)[0] == "sent"


def test_an_approval_does_not_shorten_the_night(world: World) -> None:
    # Given a message that needs approval, at night
    world.approval, world.now = True, NIGHT
    followup = world.wants(SERVICE)
    assert world.outcome(followup) == WAITS

    # When somebody approves it at night
    with world.hub.store.write() as session:
        manage.approve(session, followup, by="Dora")

    # Then it goes in the morning
    assert world.outcome(followup) == ASLEEP
    world.now = clock.from_datetime(MORNING + timedelta(days=1))
    assert world.outcome(followup)[0] == "sent"
