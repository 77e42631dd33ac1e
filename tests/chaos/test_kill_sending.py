"""Sending under ``kill -9``: at most once over SMTP, once into files, never lost.

Two workers send a message to each of many people. They are killed at random moments, half of them just when a
mail was handed over and not answered yet. The oracle is the mail server, which writes down what it got.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from hub_processes import Processes, free_port
from kinline import clock
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.catalogue import trigger_store
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.messages import Interaction, Party
from kinline.record.batch import record_batch
from kinline.record.recording import Recording
from kinline.store import sql
from kinline.testing.hubs import SECRET, missing
from kinline.words import Direction, HandleType, Kind, Role, Standing, TriggerState
from mail_sink import MailSink

pytestmark = pytest.mark.chaos
ROUNDS = int(os.environ.get("KINLINE_TEST_ROUNDS", "4"))
SEED = int(os.environ.get("KINLINE_TEST_SEED", "0")) or random.SystemRandom().randrange(10**6)
REDIS = os.environ.get("KINLINE_TEST_REDIS", "redis://127.0.0.1:6379").rstrip("/") + "/15"
#: People who write to us in each round.
PEOPLE = 16
THANKS = """
name: thank-everybody
about: Somebody wrote to us, and hears that we read it.
when:
  did: {kind: message, direction: inbound}
do:
  - message: {class: service, text: "Dear {{ person.first_name }}, we read it."}
limits: {once_per: person}
"""


@dataclass
class Post:
    """A hub that thanks everybody who writes, its mail server, and how many wrote."""

    hub: Hub
    inbox: AccountRef
    sink: MailSink
    redis: str
    written: int = 0

    def processes(self, outbound: str = "live", broken: str = "") -> Processes:
        return Processes(
            self.hub.settings, SECRET, redis=self.redis, broken=broken, outbound=outbound, quiet_from="0",
            quiet_until="0", storm_limit="1000000",
        )  # fmt: skip

    def people_write(self) -> None:
        """So many people, whom we never heard of, write to us."""
        now = clock.now()
        recordings = [self._letter(number, now) for number in range(self.written, self.written + PEOPLE)]
        with self.hub.store.write() as session:
            record_batch(session, recordings)
        self.written += PEOPLE

    def _letter(self, number: int, now: int) -> Recording:
        author = Handle(HandleType.EMAIL, f"person{number}@people{number}.example")
        party = Party(role=Role.AUTHOR, handle=author, name="Ann Archer", standing=Standing.VERIFIED)
        what = Interaction(
            source_id=f"letter-{number}", kind=Kind.MESSAGE, direction=Direction.INBOUND, parties=(party,),
            occurred_at=clock.to_datetime(now), subject="A question", text="Where is my parcel?",
        )  # fmt: skip
        return Recording(account=self.inbox, what=what, arrived_at=now)

    def states(self) -> Counter[str]:
        """How many follow-ups are in which state."""
        with self.hub.store.read() as session:
            return Counter(dict(sql.run(session, "SELECT state, count(*) FROM followup GROUP BY state")))

    def states_by_recipient(self) -> dict[str, str]:
        with self.hub.store.read() as session:
            return dict(
                sql.run(session, "SELECT i.value, f.state FROM followup f JOIN identity i ON i.id = f.identity_id")
            )


@pytest.fixture
def post(hub: Hub) -> Iterator[Post]:
    redis = REDIS if hub.store.dialect == "postgresql" else ""
    sink, port = MailSink(SEED), free_port()
    settings = {"address": "help@hub.example", "smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none"}
    with hub.store.write() as session:
        inbox = connected.connect(session, hub.secret, "email", "inbox", settings)
        row, _ = trigger_store.save(session, THANKS, made_by="Cleo")
        trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")
    with ExitStack() as stack:
        if redis:
            stack.callback(flush, redis)
            flush(redis)
        server = sink.serving(port)
        server.start()
        stack.callback(server.stop)
        yield Post(hub, inbox, sink, redis)


def flush(redis: str) -> None:
    client = Redis.from_url(redis, socket_connect_timeout=3)
    try:
        client.flushdb()
    except RedisError as error:
        missing("Redis", f"start one, or name it in KINLINE_TEST_REDIS ({error})")
    finally:
        client.close()


def storm(post: Post, rounds: int, *, outbound: str = "live", broken: str = "") -> None:
    """Kill a worker in each round, and let the last ones finish."""
    dice = random.Random(SEED)
    with post.processes(outbound, broken) as processes:
        crew = [processes.worker(), processes.worker()]
        for _ in range(rounds):
            post.people_write()
            post.sink.handed.clear()
            if outbound == "live" and (broken or dice.random() < 0.5):
                post.sink.handed.wait(10)
            else:
                time.sleep(dice.uniform(0.05, 1.0))
            victim = dice.randrange(len(crew))
            processes.kill(crew[victim])
            crew[victim] = processes.worker()
        wait_until_all_is_said(post)


def wait_until_all_is_said(post: Post) -> None:
    """Until each person has a follow-up and none is on its way. A dead sender's lease lasts five seconds."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        refuse_doubles(post)
        states = post.states()
        if states.total() == post.written and not states["pending"] and not states["sending"]:
            return
        time.sleep(0.2)
    raise AssertionError(f"of {post.written} people: {dict(post.states())}; seed {SEED}")


def refuse_doubles(post: Post) -> None:
    doubled = [recipient for recipient, count in list(post.sink.got.items()) if count > 1]
    assert not doubled, f"sent twice to {len(doubled)}, as {doubled[:3]}; seed {SEED}"


def check(post: Post) -> None:
    """Nobody got two, nobody was forgotten, and what the hub says is what the mail server saw."""
    refuse_doubles(post)
    states = post.states_by_recipient()
    assert len(states) == post.written, f"follow-ups lost; seed {SEED}"
    assert set(states.values()) <= {"sent", "unknown"}, f"{post.states()}; seed {SEED}"
    said = {recipient for recipient, state in states.items() if state == "sent"}
    assert said <= post.sink.got.keys(), f"said to be sent and never handed over; seed {SEED}"
    assert post.sink.got.keys() <= states.keys()


@pytest.mark.timeout(120 + 5 * ROUNDS)
def test_nobody_gets_a_mail_twice_and_nobody_is_forgotten(post: Post) -> None:
    # When workers that thank people are killed in the middle of it
    storm(post, ROUNDS)

    # Then each person got one mail at most, and the hub knows of whom it does not know
    check(post)
    states, got = post.states(), post.sink.got.total()
    print(f"\n{post.hub.store.dialect}: {ROUNDS} kills, seed {SEED}: {post.written} people, {got} mails, 0 twice, "
          f"{states['sent']} sent, {states['unknown']} unknown")  # fmt: skip
    assert states["sent"] > post.written / 2


@pytest.mark.timeout(120 + 5 * ROUNDS)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_is_written_once_for_each_person(post: Post) -> None:
    # When the hub writes files instead of sending, and its workers are killed
    storm(post, min(ROUNDS, 20), outbound="file")

    # Then there is exactly one file for each person, and all is known to be sent
    folder = Path(post.hub.settings.home) / "outbox" / "email"
    names = [path.name for path in folder.iterdir() if path.suffix == ".eml"]
    with post.hub.store.read() as session:
        wanted = {f"{followup}.eml" for (followup,) in sql.run(session, "SELECT id FROM followup")}
    assert set(names) == wanted
    assert len(names) == post.written
    assert post.states() == {"sent": post.written}
    assert not post.sink.got


@pytest.mark.timeout(120)
@pytest.mark.parametrize("broken", ["no fencing", "sends again when the lease runs out"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_hub_that_sends_twice_is_found_out(post: Post, broken: str) -> None:
    # Given a mail server so slow that a sender is surely killed in the middle
    post.sink.slowest = 0.5
    with pytest.raises(AssertionError, match="sent twice"):
        storm(post, 8, broken=broken)
