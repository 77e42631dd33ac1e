"""Forty threads that two people judged by hand, played through the hub: after every line those wait whom they named."""

import random
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kinline import clock
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.handles import Handle, normalise
from kinline.hub import Hub
from kinline.messages import Deletion, Interaction, Party, Thread
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import MORNING, RecordingFactory
from kinline.waiting import keep as waiting
from kinline.words import ConversationState, Direction, HandleType, Kind, Role, Standing

Told = dict[str, list[str]]
JUDGED = sorted((Path(__file__).parents[1] / "judged").glob("*.yaml"))
CHANNELS = {
    "mail": ("email", {"address": "help@hub.example"}),
    "ticket": ("support", {}),
    "x": ("twitter", {"user_id": "900"}),
    "blog": ("blog", {"site": "https://hub.example"}),
}
SHUFFLES = 3


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.yaml.decode(path.read_bytes())
    return found


@pytest.mark.parametrize("path", JUDGED, ids=lambda path: path.stem)
def test_those_wait_whom_people_named(hub: Hub, path: Path) -> None:
    thread = Play(hub, read(path))
    for line in thread.lines:
        thread.say(line)
        assert thread.waiting() == thread.judged(line["id"]), f"after line {line['id']}"


@pytest.mark.parametrize("path", JUDGED, ids=lambda path: path.stem)
def test_in_whatever_order_it_comes_in_the_end_the_same_wait(hub: Hub, path: Path) -> None:
    for shuffle in range(SHUFFLES):
        thread = Play(hub, read(path), f"{shuffle}-")
        lines = list(thread.lines)
        random.Random(shuffle).shuffle(lines)
        for line in lines:
            thread.say(line)
        assert thread.waiting() == thread.judged(thread.lines[-1]["id"]), [line["id"] for line in lines]


class Play:
    """One judged thread in a hub. ``prefix`` makes another world of it: other names, other people."""

    def __init__(self, hub: Hub, told: Mapping[str, Any], prefix: str = "") -> None:
        self.lines: list[dict[str, Any]] = told["lines"]
        self._hub, self._told, self._prefix = hub, told, prefix
        self._ours = {*told["ours"], "shop"}
        self._handles: dict[str, Handle] = {}
        self._to_close: list[int] = []
        channel, given = CHANNELS[told["medium"]]
        with hub.store.write() as session:
            self._account: AccountRef = connected.connect(
                session, hub.secret, channel, f"{prefix}{told['name']}", given
            )

    def judged(self, after: int) -> Told:
        return {name: sorted(who) for name, who in self._told["after"][after].items()}

    def say(self, line: Mapping[str, Any]) -> None:
        """Record it, or do what was done. What closes a conversation waits until there is one."""
        match line.get("event"):
            case None:
                self._record(self._said(line))
            case "deleted":
                self._record(Deletion(source_id=self._id(line["line"]), occurred_at=moment(line)))
            case "closed":
                self._to_close.append(clock.from_datetime(moment(line)))
        self._close()

    def waiting(self) -> Told:
        """Who waits now, by how."""
        found: dict[str, set[str]] = {"direct": set(), "paused": set(), "indirect": set()}
        names = {handle.id: name for name, handle in self._handles.items()}
        with self._hub.store.read() as session:
            rows = sql.run(session, "SELECT identity_id, level, paused_how FROM waiting WHERE ended_at IS NULL")
        for identity, level, paused in rows:
            if identity in names:
                found["indirect" if level == "indirect" else "paused" if paused else "direct"].add(names[identity])
        return {name: sorted(who) for name, who in found.items()}

    def _record(self, what: Interaction | Deletion) -> None:
        """It reaches us as it is said."""
        at = clock.from_datetime(what.occurred_at or MORNING)
        with self._hub.store.write() as session, clock.frozen(at):
            record_batch(session, [RecordingFactory.build(account=self._account, what=what)])

    def _close(self) -> None:
        with self._hub.store.write() as session:
            rows = sql.run(
                session,
                "SELECT DISTINCT k.conversation_id FROM copy y JOIN interaction i ON i.id = y.interaction_id "
                "JOIN thread_key k ON k.id = i.thread_key_id WHERE y.account_id = {p}",
                self._account.id,
            )
            for (conversation,) in rows:
                for at in self._to_close:
                    waiting.move(session, conversation, ConversationState.CLOSED, at=at, by="Ben")
        self._to_close = [] if rows else self._to_close

    def _said(self, line: Mapping[str, Any]) -> Interaction:
        mine = line["from"] in self._ours
        others = [(each, Role.RECIPIENT) for each in (*line.get("to", ()), *line.get("cc", ()))]
        others += [(each, Role.MENTIONED) for each in line.get("mentions", ())]
        ticket = self._told["medium"] == "ticket"
        if ticket and not mine:
            others.append(("shop", Role.RECIPIENT))
        return Interaction(
            source_id=self._id(line["id"]),
            kind=Kind(line["kind"]),
            direction=self._direction(mine, others),
            parties=(self._party(line["from"], Role.AUTHOR), *(self._party(*each) for each in others)),
            occurred_at=moment(line),
            subject="A subject" if self._told["medium"] == "mail" else "",
            text=line["text"],
            thread=self._thread(line),
            answers=self._id(line["answers"]) if line.get("answers") and self._told["medium"] != "mail" else "",
            automatic="auto-replied" if line.get("automatic") else "",
            moderation=line.get("moderation", ""),
        )

    def _direction(self, mine: bool, others: Iterable[tuple[str, Role]]) -> Direction:
        if mine:
            return Direction.OUTBOUND
        among = self._told["medium"] == "x" and not any(each in self._ours for each, _ in others)
        return Direction.AMONG if among else Direction.INBOUND

    def _thread(self, line: Mapping[str, Any]) -> Thread:
        if self._told["medium"] == "ticket":
            return Thread(key=f"{self._prefix}ticket", private=True)
        private = self._told["place"] == "private"
        above = [*self._above(line), *([] if private else [self._id("root")])]
        mail = self._told["medium"] == "mail"
        parent, *ancestors = above or [""]
        return Thread(
            key=self._id(line["id"]), parent=parent, ancestors=tuple(ancestors), private=private, claimed=mail,
            topic="a subject" if mail and not private else "",
        )  # fmt: skip

    def _above(self, line: Mapping[str, Any]) -> Iterable[str]:
        by_id = {each["id"]: each for each in self.lines}
        while above := line.get("answers"):
            line = by_id[above]
            yield self._id(above)

    def _handle(self, name: str) -> Handle:
        if name not in self._handles:
            full = f"{self._told['name']}-{self._prefix}{name}"
            number = str(int(sha256(full.encode()).hexdigest()[:12], 16))
            x = self._told["medium"] == "x"
            given = Handle(HandleType.X_ID, number) if x else Handle(HandleType.EMAIL, f"{full}@people.example")
            self._handles[name] = normalise(given)
        return self._handles[name]

    def _party(self, name: str, role: Role) -> Party:
        if name in self._ours:
            return Party(role=role, name=name, ours=True)
        return Party(
            role=role,
            handle=self._handle(name),
            standing=Standing.VERIFIED if role is Role.AUTHOR else Standing.INFERRED,
        )

    def _id(self, line: object) -> str:
        return f"{self._prefix}{line}"


def moment(line: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(line["at"])
