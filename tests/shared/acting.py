"""For tests of what triggers do: put one live, let things happen, look at rows; and a channel that can publish."""

from datetime import timedelta
from typing import Any, ClassVar

from kinline import clock, handlers
from kinline.accounts.connected import AccountRef
from kinline.catalogue import template_store, trigger_store
from kinline.catalogue.template_store import Form
from kinline.contract.channel import Ability, AccountSettings
from kinline.errors import ChannelError
from kinline.hub import Hub
from kinline.messages import Post, Prepared, Sent
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import MORNING, InteractionFactory, PartyFactory, RecordingFactory
from kinline.words import TriggerState
from saboteur import Saboteur

ABOUT = "about: Somebody wrote.\n"
WROTE = f"{ABOUT}when: {{did: {{kind: message, direction: inbound}}}}\n"


class Square(Saboteur):
    """A place where one speaks in public, in memory."""

    name = "square"
    title = "The square"
    can: ClassVar[frozenset[Ability]] = frozenset({Ability.SEND, Ability.PUBLISH})

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def prepare_post(self, post: Post, settings: AccountSettings) -> Prepared:
        if len(post.text) > 280:
            raise ChannelError("The post is too long.", permanent=True, code="too_long")
        return Prepared(body=post.text.encode(), media_type="text/plain")

    def send(self, prepared: Prepared, settings: AccountSettings) -> Sent:
        self.said.append(prepared.body.decode())
        return Sent(source_id=f"said-{len(self.said)}")


def save(hub: Hub, text: str) -> str:
    with hub.store.write() as session:
        return trigger_store.save(session, text, made_by="Cleo", override="a test")[0].id


def live(hub: Hub, name: str, do: str, *, when: str = WROTE, more: str = "") -> str:
    """A trigger that does this each time somebody writes. ``do`` is YAML in one line, or several."""
    with hub.store.write() as session:
        row, _ = trigger_store.save(session, f"name: {name}\n{when}do: {do}\n{more}", made_by="Cleo", override="a test")
        if row.state != TriggerState.LIVE:
            trigger_store.set_state(session, name, TriggerState.LIVE, override="a test")
        return row.id


def template(hub: Hub, name: str, default: str = "en", **languages: str | Form) -> None:
    forms = {
        tag.replace("_", "-"): form if isinstance(form, Form) else Form(text=form) for tag, form in languages.items()
    }
    with hub.store.write() as session:
        template_store.save(session, name, forms, default=default, by="Cleo")


def says(hub: Hub, inbox: AccountRef, text: str = "Hello", **more: Any) -> None:
    """Ann writes to us, now; and everything due is done."""
    now = clock.to_datetime(clock.now())
    given = {"text": text, "occurred_at": now, "source_id": f"{text} {now.isoformat()}"} | more
    record(hub, inbox, **given)
    handlers.drain(hub)


def record(hub: Hub, inbox: AccountRef, **what: Any) -> None:
    if not {"ours", "author", "claimed"} & set(what):
        what["parties"] = (PartyFactory.build(),)
    with hub.store.write() as session:
        made = InteractionFactory.build(**what)
        record_batch(session, [RecordingFactory.build(account=inbox, what=made, arrived_at=clock.now())])


def rows(hub: Hub, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with hub.store.read() as session:
        return sql.run(session, statement, *values)


def change(hub: Hub, statement: str, *values: object) -> None:
    with hub.store.write() as session:
        sql.run(session, statement, *values)


def later(hours: float) -> Any:
    return MORNING + timedelta(hours=hours)
