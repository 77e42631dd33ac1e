"""Which private mails are one conversation: those whose authors took part in each other's, in whatever order they come."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.desk import conversations
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.messages import Interaction, Party, Thread
from kinline.record.batch import record_batch
from kinline.record.prepare import prepare
from kinline.store import sql
from kinline.testing.factories import MORNING, RecordingFactory
from kinline.threads.edges import joined
from kinline.threads.linked import Linked
from kinline.words import Direction, HandleType, Kind, Role, Standing

US = "help@shop.example"


def mail(
    name: str,
    who: str,
    *,
    to: Sequence[str] = (US,),
    bcc: Sequence[str] = (),
    names: Sequence[str] = (),
    subject: str = "Lamp",
    key: str = "",
    proved: bool = False,
    topic: str = "-",
    **more: Any,
) -> Interaction:
    """A private mail of ``who`` (an address; `US`: ours), known to others by its name or the key given."""
    ours = who == US
    standing = Standing.VERIFIED if proved else Standing.CLAIMED
    recipients = [(each, False) for each in to] + [(each, True) for each in bcc]
    parties = [Party(role=Role.AUTHOR, handle=Handle(HandleType.EMAIL, who), standing=standing, ours=ours)]
    parties += [
        Party(role=Role.RECIPIENT, handle=Handle(HandleType.EMAIL, each), ours=each == US, hidden=hidden)
        for each, hidden in recipients
    ]
    thread = Thread(
        key=key or name, parent=names[0] if names else "", ancestors=tuple(names[1:]), topic=topic, private=True, claimed=True
    )  # fmt: skip
    return Interaction(
        source_id=name,
        kind=Kind.MESSAGE,
        direction=Direction.OUTBOUND if ours else Direction.INBOUND,
        parties=tuple(parties),
        occurred_at=MORNING + timedelta(minutes=len(name)),
        subject=subject,
        text=f"Text of {name}",
        thread=thread,
        **more,
    )


def arrive(hub: Hub, inbox: AccountRef, *mails: Interaction) -> None:
    for each in mails:
        with hub.store.write() as session:
            record_batch(session, [RecordingFactory.build(account=inbox, what=each)])


def groups(hub: Hub, inbox: AccountRef) -> set[frozenset[str]]:
    """The mails of that mailbox by conversation."""
    with hub.store.read() as session:
        rows = sql.run(
            session,
            "SELECT coalesce(c.merged_into, c.id), i.source_id FROM interaction i "
            "JOIN copy y ON y.source_id = i.source_id AND y.interaction_id = i.id "
            "JOIN thread_key k ON k.id = i.thread_key_id JOIN conversation c ON c.id = k.conversation_id "
            "WHERE y.account_id = {p}",
            inbox.id,
        )
    found: dict[str, set[str]] = {}
    for conversation, name in rows:
        found.setdefault(conversation, set()).add(name)
    return {frozenset(each) for each in found.values()}


def together(hub: Hub, inbox: AccountRef, *mails: Interaction) -> set[str]:
    """Record the mails in every order of a few, each in a mailbox of its own; the conversations, in words."""
    found = set()
    for number, order in enumerate(list(permutations(mails))[:: 1 if len(mails) < 4 else 5]):
        with hub.store.write() as session:
            # An instance of its own, so that nothing of one order is known in the next.
            box = connected.connect(session, hub.secret, "email", f"box{number}", {"address": US})
        box = AccountRef(box.id, box.channel, f"order{number}", box.name)
        arrive(hub, box, *order)
        found.add(" | ".join(sorted("+".join(sorted(each)) for each in groups(hub, box))))
    return found


def links(hub: Hub, name: str) -> list[Linked]:
    with hub.store.read() as session:
        [(conversation,)] = sql.run(
            session,
            "SELECT k.conversation_id FROM interaction i JOIN thread_key k ON k.id = i.thread_key_id WHERE i.source_id = {p}",
            name,
        )
        return conversations.view(session, conversations.find(session, conversation)).linked


def test_two_answers_to_one_blind_copy_mailing_are_two_conversations(hub: Hub, inbox: AccountRef) -> None:
    mailing = mail("mailing", US, to=(), bcc=("ann@a.example", "bob@b.example"))
    ann = mail("ann", "ann@a.example", names=["mailing"])
    bob = mail("bob", "bob@b.example", names=["mailing"])
    again = mail("again", "ann@a.example", names=["mailing"])
    to_ann = mail("to-ann", US, to=("ann@a.example",), names=["ann", "mailing"])

    assert together(hub, inbox, mailing, ann, bob, again, to_ann) == {"again+ann+to-ann | bob | mailing"}


def test_what_is_parted_is_linked_with_why(hub: Hub, inbox: AccountRef) -> None:
    arrive(hub, inbox, mail("mailing", US, to=()), mail("ann", "ann@a.example", names=["mailing"]))
    arrive(hub, inbox, mail("eve", "eve@e.example", names=["ann"]))
    arrive(hub, inbox, mail("other", "ann@a.example", names=["ann"], subject="My invoice"))

    assert sorted(each.why for each in links(hub, "ann")) == ["mailing", "stranger", "subject"]
    assert [each.why for each in links(hub, "mailing")] == ["mailing"]
    assert sorted(each.why for each in links(hub, "eve")) == ["stranger", "subject"]


def test_a_colleague_in_copy_who_adds_a_line_is_in_the_conversation(hub: Hub, inbox: AccountRef) -> None:
    ida = mail("ida", "ida@firm.example", to=(US, "jan@else.example"))
    jan = mail("jan", "jan@else.example", to=(US,), names=["ida"])

    assert together(hub, inbox, ida, jan) == {"ida+jan"}


@pytest.mark.parametrize(
    ("who", "proved", "found"),
    [
        ("eve@evil.example", True, "ann | eve"),
        ("cleo@a.example", False, "ann | eve"),
        ("cleo@a.example", True, "ann+eve"),
        ("cleo@mail.a.example", True, "ann+eve"),
    ],
)
def test_a_stranger_who_names_somebodys_mail_stands_apart_but_for_a_proved_colleague(
    hub: Hub, inbox: AccountRef, who: str, proved: bool, found: str
) -> None:
    ann = mail("ann", "ann@a.example")
    eve = mail("eve", who, names=["ann"], proved=proved)

    assert together(hub, inbox, ann, eve) == {found}


def test_two_customers_of_a_public_provider_are_no_colleagues(hub: Hub, inbox: AccountRef) -> None:
    ann = mail("ann", "ann@gmail.com")
    eve = mail("eve", "eve@gmail.com", names=["ann"], proved=True)

    assert together(hub, inbox, ann, eve) == {"ann | eve"}


def test_two_customers_under_one_message_id_are_two_conversations(hub: Hub, inbox: AccountRef) -> None:
    ann = mail("ann", "ann@a.example", key="shared")
    bob = mail("bob", "bob@b.example", key="shared")
    to_bob = mail("to-bob", US, to=("bob@b.example",), names=["shared"])
    thanks = mail("thanks", "bob@b.example", names=["to-bob", "shared"])

    assert together(hub, inbox, ann, bob, to_bob, thanks) == {"ann | bob+thanks+to-bob"}


def test_one_address_is_one_whatever_its_case_and_tags(hub: Hub, inbox: AccountRef) -> None:
    ours = mail("ours", US, to=("Ann.Archer+shop@a.example",))
    back = mail("back", "ann.archer@a.example", names=["ours"])

    assert together(hub, inbox, ours, back) == {"back+ours"}


def test_our_answer_to_where_they_asked_to_be_answered_stays_in_the_conversation(hub: Hub, inbox: AccountRef) -> None:
    ann = mail("ann", "form@host.example", facts={"reply_to": ["ann@a.example"]})
    ours = mail("ours", US, to=("ann@a.example",), names=["ann"])
    back = mail("back", "ann@a.example", names=["ours", "ann"])

    assert together(hub, inbox, ann, ours, back) == {"ann+back+ours"}


def test_of_a_large_audience_only_who_writes_to_another_of_it_is_known(hub: Hub, inbox: AccountRef) -> None:
    everybody = [f"p{number}@p{number}.example" for number in range(12)]
    ours = mail("ours", US, to=everybody)
    alone = mail("alone", everybody[0], names=["ours"])
    to_another = mail("to-another", everybody[1], to=(US, everybody[2]), names=["ours"])

    assert together(hub, inbox, ours, alone, to_another) == {"alone | ours+to-another"}


def test_a_machine_stands_where_the_mail_stands_of_which_it_speaks(hub: Hub, inbox: AccountRef) -> None:
    ours = mail("ours", US, to=("ann@a.example",))
    away = mail("away", "ann@a.example", names=["ours"], subject="Out of office", topic="", automatic="auto-reply")

    assert together(hub, inbox, ours, away) == {"away+ours"}


def test_a_second_copy_may_prove_what_the_first_only_claimed(hub: Hub, inbox: AccountRef) -> None:
    # Given a mail that names Ann's, whose author nobody proved
    arrive(hub, inbox, mail("ann", "ann@a.example"), mail("cleo", "cleo@a.example", names=["ann"]))
    assert groups(hub, inbox) == {frozenset({"ann"}), frozenset({"cleo"})}

    # When a copy of it comes that proves her
    arrive(hub, inbox, mail("cleo", "cleo@a.example", names=["ann"], proved=True))

    assert groups(hub, inbox) == {frozenset({"ann", "cleo"})}


PEOPLE = ("ann@a.example", "bob@b.example", "cleo@a.example", "dan@gmail.com")
NAMES = tuple("abcdefg")
mails = st.builds(
    lambda name, who, to, bcc, names, subject, key, proved: mail(
        name, who, to=to, bcc=bcc, names=names, subject=subject, key=key, proved=proved
    ),
    st.sampled_from(NAMES),
    st.sampled_from((*PEOPLE, US)),
    st.lists(st.sampled_from((*PEOPLE, US)), max_size=3, unique=True),
    st.lists(st.sampled_from(PEOPLE), max_size=1),
    st.lists(st.sampled_from((*NAMES, "x")), max_size=3, unique=True),
    st.sampled_from(("Lamp", "Chair")),
    st.sampled_from(("", "", "", "x")),
    st.booleans(),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    world=st.lists(mails, max_size=7, unique_by=lambda each: each.source_id), order=st.randoms(use_true_random=False)
)
def test_conversations_are_the_components_of_the_edges_in_any_order(
    hub: Hub, world: list[Interaction], order: Any
) -> None:
    # Given mails of a small world, in any order, some of them in one transaction
    number = next(COUNTER)
    with hub.store.write() as session:
        box = connected.connect(session, hub.secret, "email", f"world{number}", {"address": US})
    box = AccountRef(box.id, box.channel, f"world{number}", box.name)
    order.shuffle(world)
    cut = order.randint(0, len(world))

    # When they are recorded
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=box, what=each) for each in world[:cut]])
    arrive(hub, box, *world[cut:])

    # Then their conversations are what the pure edges say
    assert groups(hub, box) == components(box, world)


def components(box: AccountRef, world: list[Interaction]) -> set[frozenset[str]]:
    chains = {each.source_id: prepare(RecordingFactory.build(account=box, what=each)).chain for each in world}
    home = {name: {name} for name in chains}
    for one, left in chains.items():
        for other, right in chains.items():
            if left and right and left.mail and right.mail and one != other and joined(left.mail, right.mail):
                home[one] |= home[other]
                home |= dict.fromkeys(home[one], home[one])
    return {frozenset(each) for each in home.values()}


COUNTER = iter(range(10**6))


@pytest.mark.parametrize("first", ["theirs", "ours"])
def test_who_got_it_hidden_is_shown_to_us_whichever_copy_came_first(hub: Hub, inbox: AccountRef, first: str) -> None:
    # Given a mail of ours as its recipient has it, and the copy of our own folder, which says who got it hidden
    copies = {
        "theirs": mail("ours", US, to=("ann@a.example",)),
        "ours": mail("ours", US, to=("ann@a.example",), bcc=("cleo@c.example", "bob@b.example")),
    }
    arrive(hub, inbox, copies.pop(first), *copies.values())

    # Then it is one mail in one version, and all stand on it
    with hub.store.read() as session:
        [(doc, revised)] = sql.run(session, "SELECT doc, revised FROM interaction")
        [(lines,)] = sql.run(session, "SELECT count(*) FROM participant")
    hidden = [party["handle"] for party in msgspec.json.decode(doc)["parties"] if party.get("hidden")]
    assert (hidden, revised, lines) == (["email:bob@b.example", "email:cleo@c.example"], 0, 3)
