"""The law of waiting: kept up while things happen, in any order, it is what is folded from nothing."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from random import Random
from typing import Any, TypeVar

import msgspec
import pytest
from sqlmodel import Session

from kinline import clock
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.desk import conversations, dismissals, thread_edits
from kinline.errors import KinlineError
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import merges, persons
from kinline.messages import Deletion, Interaction, Party, Thread
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import MORNING, RecordingFactory
from kinline.upgrades import standing as standing_step
from kinline.upgrades import waiting as waiting_step
from kinline.upgrades.step import UpgradeStep
from kinline.waiting import keep as waiting
from kinline.words import ConversationState, Direction, HandleType, Kind, Origin, Role, Standing

MANY = int(os.environ.get("KINLINE_TEST_WORLDS", "400"))  #: worlds that are tried
BEGIN = int(os.environ.get("KINLINE_TEST_BEGIN", "0"))
HOURS = 60
NAMES = ("ann", "ben", "cleo", "dan")
ACCOUNTS = {
    "mail": ("email", {"address": "help@hub.example"}),
    "list": ("email", {"address": "list@hub.example"}),
    "ticket": ("support", {}),
    "x": ("twitter", {"user_id": "900"}),
}
KINDS = {"mail": Kind.MESSAGE, "list": Kind.MESSAGE, "ticket": Kind.MESSAGE, "x": Kind.MENTION}
#: What stands of who waits and of conversations, but for ids.
ROWS = (
    "SELECT who, identity_id, place, channel, level, kind, since, asked_id, imported, also_asks, last_asked_at, "
    "paused_at, paused_how, paused_by, paused_until, rests, ended_at, ended_how, ended_by, tab FROM waiting ORDER BY 1, 3, 7, 18"
)
PLACES = (
    "SELECT id, state, last_at, asked_at, answered_at, first_answered_at, waiting_since FROM conversation "
    "WHERE merged_into IS NULL ORDER BY id"
)


T = TypeVar("T")


class _Undo(Exception):
    pass


@contextmanager
def another_world(hub: Hub) -> Iterator[Session]:
    """A transaction that leaves nothing behind."""
    try:
        with hub.store.write() as session, clock.frozen(clock.from_datetime(MORNING) + 100 * clock.DAY):
            yield session
            raise _Undo
    except _Undo:
        pass


class World:
    """What happens to people and to us."""

    def __init__(self, session: Session, chance: Random) -> None:
        self._session, self._chance = session, chance
        self._said: list[tuple[str, Interaction]] = []
        self._merged: list[str] = []
        self._words_said = 0

    def happen(self, count: int) -> list[str]:
        """So many things happen, as far as they can."""
        deeds = [self._one_of(DEEDS) for _ in range(count)]
        for deed in deeds:
            with suppress(KinlineError), clock.frozen(clock.from_datetime(MORNING + self._hour())):
                getattr(self, deed)()
        return deeds

    def _one_of(self, of: Sequence[T]) -> T:
        if not of:
            raise NothingThereError
        return self._chance.choice(of)

    def _hour(self) -> timedelta:
        return timedelta(hours=self._chance.randint(0, HOURS))

    def account(self, name: str) -> AccountRef:
        return connected.ref(connected.named(self._session, name))

    def speaks(self) -> None:
        """Somebody says something, before or after all that was said; perhaps several at once."""
        many = [self._words() for _ in range(self._chance.randint(1, 3))]
        origins = [self._one_of([Origin.LIVE, Origin.LIVE, Origin.IMPORT]) for _ in many]
        self._said += many
        self._record(many, origins)

    def edits(self) -> None:
        """Something turns out to be spam, or no spam."""
        on, what = self._one_of(self._said)
        moderation = "" if what.moderation else "spam"
        changed = (what.changed_at or what.occurred_at or MORNING) + timedelta(days=1)
        edited = msgspec.structs.replace(what, moderation=moderation, changed_at=changed)
        self._said[self._said.index((on, what))] = (on, edited)
        self._record([(on, edited)], [Origin.LIVE])

    def deletes(self) -> None:
        on, what = self._one_of(self._said)
        at = (what.occurred_at or MORNING) + self._hour()
        gone = Deletion(source_id=what.source_id, occurred_at=at)
        record_batch(self._session, [RecordingFactory.build(account=self.account(on), what=gone)])

    def merges(self) -> None:
        one, other = (self._person() for _ in range(2))
        if one != other:
            self._merged.append(merges.merge(self._session, one, other, evidence={}, made_by="Ben").id)
            self._rederived()

    def undoes(self) -> None:
        if self._merged:
            merges.undo(self._session, self._merged.pop(), made_by="Ben")
            self._rederived()

    def moves(self) -> None:
        """Somebody puts a conversation into a state."""
        conversation = self._conversation()
        state = self._one_of(list(ConversationState))
        elsewhere = self._chance.random() < 0.5
        waiting.move(self._session, conversation, state, at=clock.now(), by="Ben", elsewhere=elsewhere)

    def dismisses(self) -> None:
        rows = sql.run(self._session, "SELECT id FROM waiting WHERE ended_at IS NULL ORDER BY who, place, since")
        dismissals.dismiss(self._session, self._one_of(rows)[0], reason="Thanks only", by="Ben")

    def undismisses(self) -> None:
        rows = sql.run(self._session, "SELECT id FROM waiting WHERE ended_how = 'dismissed' ORDER BY who, place, since")
        dismissals.undismiss(self._session, self._one_of(rows)[0], by="Ben")

    def joins(self) -> None:
        found = [conversations.find(self._session, self._conversation()) for _ in range(2)]
        thread_edits.merge(self._session, found[0], found[1], by="Ben")

    def parts(self) -> None:
        conversation = self._conversation()
        lines = sql.run(
            self._session,
            "SELECT i.id FROM interaction i JOIN thread_key k ON k.id = i.thread_key_id WHERE k.conversation_id = {p} ORDER BY i.id",
            conversation,
        )
        chosen = [each for (each,) in lines if self._chance.random() < 0.5]
        thread_edits.split(self._session, conversations.find(self._session, conversation), chosen, by="Ben")

    def _words(self) -> tuple[str, Interaction]:
        one_of, self._words_said = self._one_of, self._words_said + 1
        number = self._words_said
        on = one_of(sorted(ACCOUNTS))
        who = one_of([*NAMES, "us", "us", "us", "nobody"])
        above = one_of([None, *[what for where, what in self._said if where == on]])
        named = self._chance.sample([*NAMES, "us"], self._chance.randint(0, 3))
        recipients = [self._party(each, on, Role.RECIPIENT) for each in named if each != who]
        direction = Direction.OUTBOUND if who == "us" else Direction.INBOUND
        if who != "us" and on == "x" and "us" not in named:
            direction = Direction.AMONG
        return on, Interaction(
            source_id=f"said-{number}",
            kind=one_of(
                [KINDS[on]] * 8 + ([] if KINDS[on] is Kind.MESSAGE else [Kind.REACTION, Kind.REACTION, Kind.PAGE_VIEW])
            ),
            direction=direction,
            parties=(self._party(who, on, Role.AUTHOR), *recipients),
            occurred_at=MORNING + self._hour(),
            subject="A subject",
            text=f"Words {number}",
            thread=self._thread(on, number, above),
            answers=above.source_id if above and on != "mail" else "",
            automatic=one_of([""] * 8 + ["auto-reply"]),
            flags=("ours_unproved",) if who == "us" and self._chance.random() < 0.1 else (),
        )

    def _thread(self, on: str, number: int, above: Interaction | None) -> Thread | None:
        if on == "ticket":
            return Thread(key=self._one_of(["t1", "t2"]), private=True)
        if on == "x" and above is None and self._chance.random() < 0.5:
            return None
        parent = above.thread.key if above and above.thread else ""
        ancestors = (
            tuple(each for each in (above.thread.parent, *above.thread.ancestors) if each)
            if above and above.thread
            else ()
        )
        return Thread(
            key=f"{on}-{number}", parent=parent, ancestors=ancestors, private=on == "mail", claimed=on in ("mail", "list"),
            topic="a subject" if on == "list" else "",
        )  # fmt: skip

    def _party(self, name: str, on: str, role: Role) -> Party:
        if name == "us":
            return Party(role=role, name="Support", ours=True)
        if name == "nobody":
            return Party(role=role, name="Nobody we know")
        x = on == "x"
        handle = (
            Handle(HandleType.X_ID, str(100 + NAMES.index(name)))
            if x
            else Handle(HandleType.EMAIL, f"{name}@people.example")
        )
        return Party(role=role, handle=handle, standing=Standing.VERIFIED)

    def _record(self, many: list[tuple[str, Interaction]], origins: list[Origin]) -> None:
        record_batch(
            self._session,
            [
                RecordingFactory.build(account=self.account(on), what=what, origin=origin)
                for (on, what), origin in zip(many, origins, strict=True)
            ],
        )

    def _person(self) -> str:
        on = self._one_of(["mail", "x"])
        return persons.find(self._session, str(self._party(self._one_of(NAMES), on, Role.AUTHOR).handle))

    def _conversation(self) -> str:
        rows = sql.run(self._session, "SELECT id FROM conversation WHERE merged_into IS NULL ORDER BY id")
        return str(self._one_of(rows)[0])

    def _rederived(self) -> None:
        """What the jobs of a merge do."""
        rows = sql.run(self._session, "SELECT key FROM job WHERE actor = 'person.rederive' ORDER BY id")
        for (identity,) in rows:
            waiting.settle_person(self._session, identity.partition(":")[2])
        sql.run(self._session, "DELETE FROM job WHERE actor = 'person.rederive'")


class NothingThereError(KinlineError):
    """Nothing was said yet."""

    def __init__(self) -> None:
        super().__init__("Nothing was said yet.", code="nothing")


DEEDS = (
    "speaks",
    "speaks",
    "speaks",
    "edits",
    "deletes",
    "merges",
    "undoes",
    "moves",
    "dismisses",
    "undismisses",
    "joins",
    "parts",
)


def through(session: Session, step: UpgradeStep) -> None:
    """Take a step of an upgrade to its end."""
    cursor: str | None = ""
    while cursor is not None:
        cursor = step.piece(session, cursor).cursor


def stands(session: Session) -> list[Any]:
    """How all stands now, after the jobs that look at rests that are over."""
    everywhere = "SELECT id FROM conversation WHERE merged_into IS NULL UNION SELECT place FROM waiting"
    for (place,) in sql.run(session, everywhere):
        waiting.wake(session, place)
    return [*sql.run(session, ROWS), *sql.run(session, PLACES)]


@pytest.fixture
def world(hub: Hub) -> Hub:
    with hub.store.write() as session:
        for name, (channel, given_) in ACCOUNTS.items():
            connected.connect(session, hub.secret, channel, name, given_)
    return hub


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_kept_up_is_what_is_folded_from_nothing(world: Hub) -> None:
    for seed in range(BEGIN, BEGIN + MANY):
        with another_world(world) as session:
            # Given whatever happens, in whatever order
            chance = Random(seed)
            deeds = World(session, chance).happen(2 + seed * 12 // (BEGIN + MANY))
            kept = stands(session)

            # When all of it is forgotten, and worked out from what is recorded
            forget(session)
            through(session, waiting_step.STEP)
            through(session, standing_step.STEP)

            # Then it is the same
            assert kept == stands(session), f"world {seed}: {deeds}"


def forget(session: Session) -> None:
    sql.run(session, "DELETE FROM waiting")
    sql.run(
        session,
        "UPDATE conversation SET last_at = 0, asked_at = NULL, answered_at = NULL, first_answered_at = NULL, "
        "waiting_since = NULL",
    )
