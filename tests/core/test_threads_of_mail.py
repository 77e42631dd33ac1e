"""Which conversation a mail is in: by our token, by its references, never by its subject alone; and a new subject parts."""

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from kinline import clock, handlers, ids
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.clock import DAY, HOUR, MINUTE
from kinline.contract.plugins import channels
from kinline.desk import conversations
from kinline.followups.plan import Draft, plan
from kinline.hub import Hub
from kinline.identity import persons
from kinline.intake.receive import receive
from kinline.messages import Source
from kinline.record import reply_tokens
from kinline.secret import Secret
from kinline.store import sql
from kinline.testing.factories import MORNING
from kinline.words import SendClass

NINE = clock.from_datetime(MORNING)
PASS = "Authentication-Results: mx.shop.example; dkim=pass header.d={domain}\n"
SETTINGS = {"address": "help@shop.example", "plus_addressing": True, "authserv_id": "mx.shop.example"}


class World:
    """A mailbox that takes plus-addresses, and people who write to it."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.now = hub, NINE
        with hub.store.write() as session:
            self.inbox = connected.connect(session, hub.secret, "email", "inbox", SETTINGS)

    def __call__(self) -> int:
        return self.now

    def gets(self, name: str, *, who: str = "Ann <ann@example.org>", subject: str = "Lamp", to: str = "help@shop.example",
             fields: str = "", verified: bool = False) -> str:  # fmt: skip
        """A mail comes in; returns its interaction."""
        domain = who.rpartition("@")[2].strip(">")
        at = (MORNING + timedelta(minutes=len(name))).strftime("%a, %d %b %Y %H:%M:%S +0000")
        raw = (
            f"{PASS.format(domain=domain) if verified else ''}From: {who}\nTo: {to}\nSubject: {subject}\nDate: {at}\n"
            f"Message-ID: <{name}@example.org>\n{fields}\nText of {name}\n"
        )
        with self.hub.store.write() as session:
            receive(session, self.inbox, raw.encode(), Source(name="mail.eml"))
        handlers.drain(self.hub)
        with self.hub.store.read() as session:
            [(found,)] = sql.run(session, "SELECT id FROM interaction WHERE doc LIKE {p}", f'%"Text of {name}"%')
        return str(found)

    def writes(self, about: str, *, to: str = "ann@example.org", subject: str = "") -> tuple[str, str]:
        """We answer; returns the token and the Message-ID of what left."""
        with self.hub.store.write() as session:
            draft = Draft(
                id=ids.new(), person_id=persons.find(session, to), send_class=SendClass.HUMAN, text="Hello",
                subject=subject, about=about, made_by="Cleo",
            )  # fmt: skip
            assert plan(self.hub, session, draft) == ""
        handlers.drain(self.hub)
        with self.hub.store.read() as session:
            [(token, prepared)] = sql.run(session, "SELECT reply_key, prepared FROM followup WHERE id = {p}", draft.id)
        return token, prepared.partition('"message_id":"')[2].partition('"')[0]

    def conversation(self, interaction: str) -> str:
        with self.hub.store.read() as session:
            rows = sql.run(
                session,
                "SELECT k.conversation_id FROM interaction i JOIN thread_key k ON k.id = i.thread_key_id WHERE i.id = {p}",
                interaction,
            )
            return conversations.find(session, rows[0][0]).id

    def linked(self, interaction: str) -> list[str]:
        with self.hub.store.read() as session:
            row = conversations.find(session, self.conversation(interaction))
            return [each.conversation for each in conversations.view(session, row).linked]

    def doc(self, interaction: str) -> str:
        with self.hub.store.read() as session:
            return str(sql.run(session, "SELECT doc FROM interaction WHERE id = {p}", interaction)[0][0])

    def persons(self) -> int:
        with self.hub.store.read() as session:
            return int(sql.run(session, "SELECT count(DISTINCT root_id) FROM person")[0][0])


@pytest.fixture
def world(hub: Hub) -> Iterator[World]:
    with clock.frozen(NINE):
        made = World(hub)
    with clock.frozen(made):
        yield made


def test_an_answer_without_any_headers_finds_its_message_by_the_address_it_was_sent_to(world: World) -> None:
    asked = world.gets("one")
    token, _ = world.writes(asked)

    back = world.gets("two", subject="AW: Lamp", to=f"HELP+{token.upper()}@shop.example")

    assert world.conversation(back) == world.conversation(asked)


def test_an_answer_by_our_message_id_alone_joins_too(world: World) -> None:
    asked = world.gets("one")
    _, message_id = world.writes(asked)

    back = world.gets("two", subject="Re: [EXT] Lamp", fields=f"In-Reply-To: <{message_id}>\n")

    assert world.conversation(back) == world.conversation(asked)


def test_the_token_comes_before_the_references(world: World) -> None:
    # Given two conversations with Ann
    first, second = world.gets("one"), world.gets("second", subject="Chair")
    token, _ = world.writes(first)

    # When a mail has the token of the one and the references of the other
    back = world.gets("three", to=f"help+{token}@shop.example", fields="References: <second@example.org>\n")

    # Then the token counts
    assert world.conversation(back) == world.conversation(first) != world.conversation(second)


@pytest.mark.parametrize("where", ["address", "message id"])
def test_a_forged_token_and_one_of_another_hub_are_nobodys(world: World, where: str) -> None:
    asked = world.gets("one")
    token, message_id = world.writes(asked)
    with world.hub.store.read() as session:
        [(followup,)] = sql.run(session, "SELECT id FROM followup")
    foreign = reply_tokens.token(Secret("the secret of another hub"), followup)
    assert foreign != token

    if where == "address":
        back = world.gets("two", to=f"help+{foreign}@shop.example")
    else:
        back = world.gets("two", fields=f"In-Reply-To: <{message_id.replace(token, foreign)}>\n")

    assert world.conversation(back) != world.conversation(asked)
    assert '"foreign_token"' in world.doc(back)


def test_somebody_else_with_a_valid_token_is_threaded_as_who_they_are(world: World) -> None:
    asked = world.gets("one")
    token, _ = world.writes(asked)

    back = world.gets("two", who="Eve <eve@evil.example>", to=f"help+{token}@shop.example")

    assert world.conversation(back) == world.conversation(asked)
    assert "eve@evil.example" in world.doc(back)
    assert world.persons() == 2


def test_a_changed_subject_opens_a_new_conversation_linked_to_the_old(world: World) -> None:
    # Given an exchange about a lamp
    asked = world.gets("one")
    token, message_id = world.writes(asked)

    # When Ann answers our mail under another subject, and goes on under both
    refers = f"References: <one@example.org> <{message_id}>\n"
    changed = world.gets("two", subject="My invoice", to=f"help+{token}@shop.example", fields=refers)
    further = world.gets("three", subject="Re: My invoice", fields="References: <one@example.org> <two@example.org>\n")
    old = world.gets("fourth", subject="Re: Lamp", fields="References: <one@example.org> <two@example.org>\n")

    # Then these are two conversations, each naming the other
    assert world.conversation(changed) == world.conversation(further)
    assert world.conversation(old) == world.conversation(asked) != world.conversation(changed)
    assert world.linked(changed) == [world.conversation(asked)]
    assert world.linked(asked) == [world.conversation(changed)]


def test_our_answer_goes_out_under_the_subject_of_the_message_answered(world: World) -> None:
    asked = world.gets("one")
    changed = world.gets("two", subject="Re: My invoice", fields="In-Reply-To: <one@example.org>\n")
    world.writes(asked)
    world.writes(changed)

    with world.hub.store.read() as session:
        rows = sql.run(session, "SELECT doc FROM interaction WHERE direction = 'outbound' ORDER BY recorded_at, id")
    assert sorted(doc.partition('"subject":"')[2].partition('"')[0] for (doc,) in rows) == [
        "Re: Lamp",
        "Re: My invoice",
    ]


def test_a_bounce_stands_where_the_mail_stands_whatever_its_subject(world: World) -> None:
    asked = world.gets("one")
    _, message_id = world.writes(asked)

    bounce = world.gets(
        "two", who="MAILER-DAEMON@mx.example", subject="Undelivered Mail Returned to Sender",
        fields=f"In-Reply-To: <{message_id}>\nAuto-Submitted: auto-replied\n",
    )  # fmt: skip

    assert world.conversation(bounce) == world.conversation(asked)


@pytest.mark.parametrize(
    ("subject", "who", "later", "fields", "joins"),
    [
        ("Re: Lamp", "Ann <ann@example.org>", 0, "", True),
        ("AW: [EXT] lamp", "Ann <ann@example.org>", 29 * DAY, "", True),
        ("Lamp", "Ann <ann@example.org>", 0, "", False),
        ("Re: Chair", "Ann <ann@example.org>", 0, "", False),
        ("Re: Lamp", "Ben <ben@example.org>", 0, "", False),
        ("Re: Lamp", "Ann <ann@example.org>", 31 * DAY, "", False),
        ("Re: Lamp", "Ann <ann@example.org>", 0, "In-Reply-To: <unseen@example.org>\n", False),
        ("Re: Lamp", "Ann <ann@example.org>", 0, "Auto-Submitted: auto-replied\n", False),
    ],
)
def test_a_subject_alone_joins_only_an_answer_of_the_same_person_that_lost_its_headers(
    world: World, subject: str, who: str, later: int, fields: str, joins: bool
) -> None:
    asked = world.gets("one")
    world.writes(asked)
    world.now += later

    back = world.gets("two", subject=subject, who=who, fields=fields)

    assert (world.conversation(back) == world.conversation(asked)) is joins


def test_an_answer_that_lost_its_headers_and_comes_twice_is_one(world: World) -> None:
    world.gets("one")
    world.gets("two", subject="Re: Lamp")
    world.gets("two", subject="Re: Lamp")

    with world.hub.store.read() as session:
        assert sql.run(session, "SELECT count(*), max(revised) FROM interaction") == [(2, 0)]


def test_the_order_of_arrival_makes_no_difference(hub: Hub) -> None:
    # Given a thread that changes its subject twice, with a machine's answer in it
    mails = {
        "a": ("Lamp", ""),
        "b": ("Re: Lamp", "References: <a@example.org>\n"),
        "c": ("Chair", "References: <a@example.org> <b@example.org>\n"),
        "d": ("Re: Chair", "References: <b@example.org> <c@example.org>\n"),
        "e": ("AW: lamp", "References: <c@example.org> <d@example.org> <b@example.org>\n"),
        "f": ("Out of office", "References: <c@example.org>\nAuto-Submitted: auto-replied\n"),
    }  # fmt: skip
    channel, found = channels().loaded["email"], set()
    for seed in range(12 if hub.store.dialect == "sqlite" else 3):
        with clock.frozen(NINE):
            with hub.store.write() as session:
                name = f"box{seed}"
                account = connected.connect(session, hub.secret, "email", name, {"address": "help@shop.example"})
            order = sorted(mails)
            random.Random(seed).shuffle(order)

            # When it arrives in this order, in a mailbox of its own
            for each in order:
                subject, fields = mails[each]
                raw = f"From: ann@example.org\nSubject: {subject}\nMessage-ID: <{each}{seed}@example.org>\n{fields}\n{each}\n"
                for other in mails:
                    raw = raw.replace(f"<{other}@", f"<{other}{seed}@")
                with hub.store.write() as session:
                    receive(session, account, raw.encode(), Source(name="mail.eml"))
                handlers.drain(hub)
        found.add(_groups(hub, account, seed))

    # Then it is the same conversations
    assert channel.name == "email"
    assert found == {frozenset({("a", "b", "e"), ("c", "d", "f")})}


def _groups(hub: Hub, account: AccountRef, seed: int) -> frozenset[tuple[str, ...]]:
    with hub.store.read() as session:
        rows = sql.run(
            session,
            "SELECT coalesce(c.merged_into, c.id), i.doc FROM interaction i JOIN copy y ON y.interaction_id = i.id "
            "JOIN thread_key k ON k.id = i.thread_key_id JOIN conversation c ON c.id = k.conversation_id "
            "WHERE y.account_id = {p}",
            account.id,
        )
    groups: dict[str, list[str]] = {}
    for conversation, doc in rows:
        groups.setdefault(conversation, []).append(doc.partition('"text":"')[2][:1])
    return frozenset(tuple(sorted(each)) for each in groups.values())


def test_an_answer_settles_what_nobody_knew(world: World) -> None:
    # Given a message of which nobody knows whether it went out
    token, _ = world.writes(world.gets("one"))
    with world.hub.store.write() as session:
        sql.run(session, "UPDATE followup SET state = 'unknown', sent_at = NULL, interaction_id = NULL")

    # When it is answered
    world.gets("two", subject="Re: Lamp", to=f"help+{token}@shop.example")

    # Then it went out
    with world.hub.store.read() as session:
        assert sql.run(session, "SELECT state, reason FROM followup") == [("sent", "an answer to it says it was sent")]


# What joins persons: a proved answer to our token (docs/decisions/0005), once and in time; all else is suggested.


def answers(world: World, token: str, name: str, who: str, *, verified: bool = True, fields: str = "") -> None:
    world.gets(name, who=who, subject="Re: Lamp", to=f"help+{token}@shop.example", verified=verified, fields=fields)


def suggestions(world: World) -> int:
    with world.hub.store.read() as session:
        return int(sql.run(session, "SELECT count(*) FROM suggestion WHERE state = 'open'")[0][0])


def test_a_proved_answer_from_another_mailbox_of_theirs_joins(world: World) -> None:
    token, _ = world.writes(world.gets("one"))
    world.now += HOUR

    answers(world, token, "two", "Ann <ann@work.example>")

    assert world.persons() == 1


@pytest.mark.parametrize(
    ("who", "verified", "fields", "later", "suggested"),
    [
        ("Ann <ann@work.example>", False, "", HOUR, 0),
        ("Ben <ben@work.example>", True, "", HOUR, 1),
        ("Ann <ann@work.example>", True, "", 73 * HOUR, 1),
        ("Ann <ann@work.example>", True, "Auto-Submitted: auto-replied\n", HOUR, 0),
    ],
)
def test_what_is_less_joins_nobody(
    world: World, who: str, verified: bool, fields: str, later: int, suggested: int
) -> None:
    token, _ = world.writes(world.gets("one"))
    world.now += later

    answers(world, token, "two", who, verified=verified, fields=fields)

    assert (world.persons(), suggestions(world)) == (2, suggested)


def test_a_token_that_goes_round_joins_only_once(world: World) -> None:
    token, _ = world.writes(world.gets("one"))
    world.now += MINUTE

    answers(world, token, "two", "Ann <ann@work.example>")
    answers(world, token, "three", "ann@third.example")

    assert (world.persons(), suggestions(world)) == (2, 1)


def test_a_bare_reference_to_our_message_proves_nothing(world: World) -> None:
    _, message_id = world.writes(world.gets("one"))
    stripped = message_id.replace(message_id.split(".")[2].partition("@")[0], "")

    world.gets("two", who="Ann <ann@work.example>", verified=True, fields=f"In-Reply-To: <{stripped}>\n")

    assert (world.persons(), suggestions(world)) == (2, 0)
