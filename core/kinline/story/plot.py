"""THE STORY, step by step: who does what, and when, counted in days from its beginning.

Each step is one transaction. What comes from outside comes as raw bytes, over the way that everything takes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

import msgspec
from sqlmodel import Session, col, select

from kinline import clock, ids
from kinline.accounts import connected
from kinline.catalogue import trigger_store
from kinline.clock import DAY, HOUR, MINUTE
from kinline.followups.plan import Draft, plan
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import persons, proofs
from kinline.intake.receive import receive
from kinline.intake.typed import TypedPost, record_posts
from kinline.messages import Interaction, Party, Source
from kinline.record.recording import Recording
from kinline.store.models import FollowUp, InteractionRow, TrustedSource
from kinline.story import cast, samples
from kinline.words import Direction, Kind, Role, SendClass, Standing, TriggerState

TRIGGER = "rescue-quiet-complaint"
ANSWER = ids.derived("story", "the answer to Ann's question")


@dataclass(frozen=True)
class Scene:
    """What a step may use: the hub, a transaction, and every moment of the story in every spelling."""

    hub: Hub
    session: Session
    words: dict[str, str]


@dataclass(frozen=True)
class StoryStep:
    """Something that happens ``day`` days after the beginning, at an hour and minute of that day."""

    name: str
    day: int
    hour: int
    minute: int
    do: Callable[[Scene], None]

    def at(self, began: int) -> int:
        return began + self.day * DAY + self.hour * HOUR + self.minute * MINUTE


def words(began: int) -> dict[str, str]:
    """The moments of all steps, as payloads spell them."""
    return {name: text for step in PLOT for name, text in samples.spellings(step.name, step.at(began))}


def connect(scene: Scene) -> None:
    """The company connects its four channels, trusts its own login, and puts its triggers live."""
    for name, channel, settings, purpose in cast.ACCOUNTS:
        connected.connect(scene.session, scene.hub.secret, channel, name, settings, purpose=purpose)
    proofs.trust(scene.session, scene.hub.secret, cast.LOGIN, ("email", "external"))
    trigger_store.install_shipped(scene.session)
    text = files(__package__).joinpath(f"{TRIGGER}.yaml").read_text(encoding="utf-8")
    row, _ = trigger_store.save(scene.session, text, made_by="kinline")
    if row.state != TriggerState.LIVE:
        trigger_store.set_state(scene.session, row.name, TriggerState.LIVE, override="a story is told as it went")


def brings(account: str, payload: str) -> Callable[[Scene], None]:
    """A provider brings a payload to one of the accounts, as it happens."""

    def do(scene: Scene) -> None:
        raw = samples.body(payload, scene.words)
        source = Source(name=payload, media_type=samples.media_type(payload))
        receive(scene.session, connected.ref(connected.named(scene.session, account)), raw, source)

    return do


def logs_in(*known: Handle) -> Callable[[Scene], None]:
    """The company's own login says, signed, that these are one person's."""

    def do(scene: Scene) -> None:
        source = scene.session.exec(select(TrustedSource).where(TrustedSource.name == cast.LOGIN)).one()
        shared = scene.hub.secret.unseal(source.sealed_secret)
        claims = proofs.Claims(at=clock.now() // clock.SECOND, handles=tuple(map(str, known)))
        body = msgspec.json.encode(claims)
        proofs.assert_same(scene.session, scene.hub.secret, cast.LOGIN, body, proofs.sign_assertion(shared, body))

    return do


def orders(scene: Scene) -> None:
    """The shop tells of an order, over the API."""
    what = Interaction(
        source_id="order:2041", kind=Kind.ORDER, direction=Direction.INBOUND, occurred_at=clock.to_datetime(clock.now()),
        subject="Order 2041", text="1 × Harbour Commuter, blue, with child seat",
        facts={"order": "2041", "total": 1249.0, "currency": "EUR"},
        parties=(Party(role=Role.AUTHOR, handle=cast.ANN_AT_THE_SHOP, name="Ann Archer", standing=Standing.VERIFIED),),
    )  # fmt: skip
    account = connected.ref(connected.named(scene.session, "harbour-desk"))
    record_posts(scene.session, [TypedPost((Recording(account=account, what=what, arrived_at=clock.now()),))])


def answers(scene: Scene) -> None:
    """Dana answers Ann's mail, and gives her a one-time code, so that we know her on X too."""
    token = proofs.issue(scene.session, scene.hub.secret, cast.ANN)
    plan(
        scene.hub,
        scene.session,
        Draft(
            id=ANSWER,
            person_id=persons.find(scene.session, str(cast.ANN)),
            send_class=SendClass.HUMAN,
            made_by=cast.AGENT,
            about=_newest(scene.session, cast.ANN, Kind.MESSAGE),
            text="Hello Ann,\n\nyes: if you order this week, the Commuter is with you before the holidays, child seat "
            "mounted.\n\nYou also write to us on X? Send us this code there in a direct message, and we will know that "
            f"it is you:\n\n{token}\n\nDana\n",
        ),
    )


def sends_the_code(scene: Scene) -> None:
    """The code that went to Ann's mail address comes back from her X account."""
    body = scene.session.get_one(FollowUp, ANSWER).body
    found = proofs.TOKEN.search(body)
    scene.words["code"] = found[0] if found else ""
    brings("harbour-x", "x-ann-sends-the-code.json")(scene)


def complains(scene: Scene) -> None:
    """Ann answers Dana's mail, a week later, and is not happy."""
    prepared = msgspec.json.decode(scene.session.get_one(FollowUp, ANSWER).prepared or "{}")
    scene.words["answer_message_id"] = prepared.get("facts", {}).get("message_id", "")
    brings("harbour-mail", "mail-ann-complains.eml")(scene)


def nothing(scene: Scene) -> None:
    """Time passes, and nobody answers."""


def _newest(session: Session, author: Handle, kind: Kind) -> str:
    theirs = select(InteractionRow.id).where(InteractionRow.author_id == author.id, InteractionRow.kind == kind)
    return session.exec(theirs.order_by(col(InteractionRow.sort_at).desc()).limit(1)).one()


PLOT: tuple[StoryStep, ...] = (
    StoryStep("connect", 0, 8, 30, connect),
    StoryStep("ann_asks_on_the_blog", 0, 9, 12, brings("harbour-blog", "blog-ann-asks.json")),
    StoryStep("ann_logs_in", 0, 9, 14, logs_in(cast.ANN, cast.ANN_ON_THE_BLOG)),
    StoryStep("ben_follows", 1, 10, 5, brings("harbour-x", "x-ben-follows.json")),
    StoryStep("cleo_asks", 1, 16, 20, brings("harbour-x", "x-cleo-asks.json")),
    StoryStep("ben_answers", 1, 16, 41, brings("harbour-x", "x-ben-answers.json")),
    StoryStep("ann_mentions_us", 2, 11, 30, brings("harbour-x", "x-ann-mentions-us.json")),
    StoryStep("cleo_types_anns_address", 2, 15, 3, brings("harbour-blog", "blog-cleo-types-anns-address.json")),
    StoryStep("ann_asks_by_mail", 3, 9, 30, brings("harbour-mail", "mail-ann-asks.eml")),
    StoryStep("we_answer", 3, 10, 10, answers),
    StoryStep("ann_sends_the_code", 3, 10, 55, sends_the_code),
    StoryStep("ann_checks_out", 4, 17, 4, logs_in(cast.ANN, cast.ANN_AT_THE_SHOP)),
    StoryStep("ann_orders", 4, 17, 5, orders),
    StoryStep("we_post", 5, 11, 0, brings("harbour-x", "x-we-post.json")),
    StoryStep("ben_shares", 5, 11, 20, brings("harbour-x", "x-ben-shares.json")),
    StoryStep("ben_likes", 5, 11, 21, brings("harbour-x", "x-ben-likes.json")),
    StoryStep("ann_logs_in_at_the_desk", 8, 14, 12, logs_in(cast.ANN, cast.ANN_AT_THE_DESK)),
    StoryStep("ann_opens_a_ticket", 8, 14, 15, brings("harbour-desk", "desk-ann-opens-a-ticket.json")),
    StoryStep("the_desk_answers", 8, 14, 58, brings("harbour-desk", "desk-answers.json")),
    StoryStep("ann_complains", 11, 10, 5, complains),
    StoryStep("nobody_answers", 11, 12, 5, nothing),
)
