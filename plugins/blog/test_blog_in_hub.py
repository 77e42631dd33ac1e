"""A hub and a real WordPress: what people write there reaches a timeline, what we answer stands below it, once."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from kinline import handlers, ids
from kinline.accounts import connected
from kinline.accounts.ready import ready
from kinline.followups.plan import Draft, plan
from kinline.hub import Hub
from kinline.identity import persons
from kinline.intake.receive import receive
from kinline.live import history
from kinline.live.health import Health, health
from kinline.live.keeping import Keeper
from kinline.messages import Source
from kinline.store import sql
from kinline.store.models import AccountLive
from kinline.testing.laws import the_ledger_adds_up
from kinline.timeline.reading import everything
from kinline.words import SendClass
from kinline_workers.keepers import Keepers

pytest_plugins = ["blog_servers"]


class World:
    """A hub with an account at a blog."""

    def __init__(self, hub: Hub, blog: Any) -> None:
        self.hub, self.blog = hub, blog
        with hub.store.write() as session:
            settings = blog.settings(look_every=5, webhook_secret="a secret")
            self.account = connected.connect(session, hub.secret, "blog", "the blog", settings)

    def keep(self, until: Callable[[], Any]) -> None:
        """Have a keeper look after the account until something is so."""
        keeper = Keeper(self.hub, self.account.id, "this-test", news=lambda: None)
        thread = threading.Thread(target=keeper.keep)
        thread.start()
        for _ in range(600):
            if until() or not thread.is_alive():
                break
            thread.join(0.05)
        keeper.stop.set()
        keeper.woken.set()
        thread.join(20)
        assert not thread.is_alive()
        assert until(), self.health().says
        handlers.drain(self.hub)

    def look(self) -> None:
        """One whole look."""
        before = self.live().ok_at
        self.keep(lambda: self.live().ok_at != before)

    def live(self) -> AccountLive:
        with self.hub.store.read() as session:
            return session.get(AccountLive, self.account.id) or AccountLive(account_id=self.account.id)

    def health(self) -> Health:
        with self.hub.store.read() as session:
            return health(session, self.hub.secret, connected.named(session, self.account.id))

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self.hub.store.read() as session:
            return sql.run(session, statement, *values)

    def timeline(self, email: str) -> list[dict[str, Any]]:
        """What was said on the timeline of a person."""
        with self.hub.store.read() as session:
            found = everything(session, persons.find(session, f"email:{email}"))
            return [msgspec.json.decode(entry.doc) for entry in found]


@pytest.fixture
def world(hub: Hub, wordpress: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(hub.settings, "outbound", "live")
    made = World(hub, wordpress)
    yield made
    the_ledger_adds_up(hub.store)


def test_a_comment_reaches_the_timeline_and_the_answer_stands_below_it(world: World) -> None:
    # Given a comment that Ann wrote in the blog's own form
    ann = world.blog.form(1, "Ann", "Does it come in blue?")
    world.look()
    [shown] = world.timeline("ann@example.org")
    assert (shown["text"], shown["subject"]) == ("Does it come in blue?", "Hello world!")

    # When an agent answers it
    [(about, person)] = world.rows(
        "SELECT i.id, l.person_id FROM interaction i JOIN identity_link l ON l.identity_id = i.author_id"
    )
    draft = Draft(
        id=ids.new(), person_id=person, send_class=SendClass.HUMAN, text="Yes & green.", made_by="Cleo", about=about
    )
    with world.hub.store.write() as session:
        assert plan(world.hub, session, draft) == ""
    handlers.drain(world.hub)
    assert world.rows("SELECT state FROM followup") == [("sent",)]

    # Then it stands below hers, by us, and its echo is no second one
    [answer] = [row for row in world.blog.rest("GET", "comments?context=edit&status=all") if row["id"] != ann]
    assert (answer["parent"], answer["content"]["raw"], answer["author"]) == (ann, "Yes &amp; green.", 1)
    world.look()
    told = world.rows("SELECT direction, followup_id FROM interaction ORDER BY direction")
    assert told == [("inbound", None), ("outbound", draft.id)]
    assert len({conversation for (conversation,) in world.rows("SELECT conversation_id FROM thread_key")}) == 1


def test_a_person_is_never_written_to_over_a_blog_outside_of_a_thread(world: World) -> None:
    world.blog.form(1, "Ann", "Hello")
    world.look()
    [(person,)] = world.rows(
        "SELECT l.person_id FROM interaction i JOIN identity_link l ON l.identity_id = i.author_id"
    )

    draft = Draft(id=ids.new(), person_id=person, send_class=SendClass.HUMAN, text="Hi", made_by="Cleo")
    with world.hub.store.write() as session:
        assert plan(world.hub, session, draft) == "message: no connected channel reaches this person"


def test_moderation_and_deletion_reach_the_timeline(world: World) -> None:
    ann = world.blog.form(1, "Ann", "Buy lamps")
    world.look()
    for state, shown in (("hold", "pending"), ("spam", "spam"), ("approved", "approved")):
        world.blog.rest("POST", f"comments/{ann}", status=state)
        world.look()
        assert world.rows("SELECT moderation FROM interaction") == [(shown,)]

    world.blog.rest("DELETE", f"comments/{ann}?force=true")
    world.look()
    assert world.rows("SELECT deleted_at IS NOT NULL FROM interaction") in ([(True,)], [(1,)])


def test_the_past_comes_in_and_then_all_is_in_sync(world: World) -> None:
    # Given more comments than a first look brings
    for number in range(25):
        world.blog.form(1, "Ann", f"Comment {number}")
    world.look()
    assert world.rows("SELECT count(*) FROM interaction") == [(20,)]

    # When its past is brought in
    found = ready(world.hub, world.account.id)
    told = history.estimate(found)
    assert told.note == "25 comments, 99 in a piece."
    history.start(world.hub, found, told)
    world.keep(lambda: world.live().history_state == "done")
    world.keep(lambda: world.live().compared_at)

    # Then all are here, each once
    assert world.rows("SELECT count(*) FROM interaction") == [(25,)]
    seen = world.health()
    assert (seen.in_sync, seen.verdict, seen.missing) == (True, "ok", 0)


def test_a_comment_that_was_missed_is_told_by_comparing(world: World) -> None:
    world.blog.form(1, "Ann", "Hello")
    world.look()
    world.blog.form(1, "Ben", "Missed")
    with world.hub.store.write() as session:  # as if it had been read already
        cursor = world.live().cursor.replace('"all":1', '"all":2')
        sql.changed(session, "UPDATE account_live SET cursor = {p}, compared_at = NULL", cursor)
    wordpress_hides(world)

    seen = world.health()

    assert (seen.in_sync, seen.missing, seen.verdict) == (False, 1, "behind")


def wordpress_hides(world: World) -> None:
    """Compare, without a look before it."""
    from kinline.live import state
    from kinline.live.comparing import compare

    found = ready(world.hub, world.account.id)
    with world.hub.store.write() as session:
        assert state.claim(session, world.account.id, "this-test", 60)
    with found.channel.connect(found.settings) as connection:
        compare(world.hub, found, connection, "this-test")


def test_a_blog_that_is_away_says_so_and_loses_nothing(world: World) -> None:
    world.blog.form(1, "Ann", "Hello")
    world.look()
    world.blog.away()
    try:
        world.keep(lambda: world.live().failures)
        assert (world.health().verdict, world.live().error_code) == ("failing", "unreachable")
    finally:
        world.blog.serve()
    world.blog.form(1, "Ben", "Still there?")
    world.look()

    assert world.rows("SELECT count(*) FROM interaction") == [(2,)]
    assert world.health().verdict in ("ok", "new")


def test_a_call_of_a_plugin_is_a_hint_to_look_at_that_comment(world: World) -> None:
    # Given a comment of which only a plugin tells, in words that were true a while ago
    ann = world.blog.form(1, "Ann", "Hello")
    world.blog.rest("POST", f"comments/{ann}", status="hold")
    columns = {
        "comment_ID": str(ann), "comment_post_ID": "1", "comment_author": "Ann", "comment_approved": "1",
        "comment_author_email": "ann@example.org", "comment_date_gmt": "2026-03-01 10:00:00", "comment_content": "Hello",
    }  # fmt: skip
    body = msgspec.json.encode(
        {"comment_id": ann, "comment_data": columns, "comment_meta": [], "current_post_data": {}}
    )
    headers = {"x-wp-webhook-source": f"{world.blog.url}/"}

    def called() -> None:
        with world.hub.store.write() as session:
            receive(session, world.account, body, Source(name="webhook", headers=headers))
        handlers.drain(world.hub)

    # Then the blog is asked how it is now
    called()
    assert world.rows("SELECT source_id, moderation FROM interaction") == [(f"comment:{ann}", "pending")]

    # And whether it is still there
    world.blog.rest("DELETE", f"comments/{ann}?force=true")
    called()
    assert world.rows("SELECT deleted_at IS NOT NULL FROM interaction") in ([(True,)], [(1,)])


def test_an_account_that_only_takes_files_is_left_alone(hub: Hub, wordpress: Any) -> None:
    with hub.store.write() as session:
        files = connected.connect(session, hub.secret, "blog", "files", {"site": "https://blog.example.org"})
        live = connected.connect(session, hub.secret, "blog", "live", wordpress.settings())
    keepers = Keepers(hub, news=lambda: None)
    keepers.start()

    def looked_after(account: str) -> bool:
        with hub.store.read() as session:
            return session.get(AccountLive, account) is not None

    for _ in range(200):
        if looked_after(live.id):
            break
        threading.Event().wait(0.05)
    keepers.stop()

    assert (looked_after(live.id), looked_after(files.id)) == (True, False)
