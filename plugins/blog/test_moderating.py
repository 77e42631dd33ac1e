"""What one of us makes of a comment is done at the blog, and what the blog says then stands here: real, and pretended."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import msgspec
import pytest

from kinline import handlers
from kinline.accounts import connected
from kinline.desk import conversation_list, moderating
from kinline.desk.mirror import Mirrored
from kinline.hub import Hub
from kinline.pretend import FakeAnswer, FakeCall, Fault
from kinline.store import sql
from kinline.store.models import Account
from kinline.testing.laws import the_ledger_adds_up
from kinline.words import Moderation
from kinline_blog.pretend import PretendWordPress
from test_blog_in_hub import World

pytest_plugins = ["blog_servers"]
ON_ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  #: what the database has no part in


class Pretended(PretendWordPress):
    """The stand-in, to be used as the real one is."""

    meddles: Callable[[int], None] = staticmethod(lambda ident: None)  #: what happens there while it is told something

    def settings(self, **more: Any) -> dict[str, Any]:
        return {"site": self.url, "user": self.user, "application_password": self.password, **more}

    def status(self, ident: int) -> str:
        return str(self.rows[ident]["status"]) if ident in self.rows else ""

    def _update(self, asked: FakeCall) -> FakeAnswer:
        told = super()._update(asked)
        self.meddles(int(asked.groups[0]))
        return told


class Scene(World):
    """A hub, a blog, and Ann's comment on it, which is here."""

    def __init__(self, hub: Hub, blog: Any) -> None:
        super().__init__(hub, blog)
        self.ann = blog.form(1, "Ann", "Does it come in blue?")
        self.look()
        [(self.interaction,)] = self.rows("SELECT id FROM interaction")

    def asks(self, state: Moderation) -> None:
        with self.hub.store.write() as session:
            moderating.moderate(self.hub, session, self.interaction, state, agent="Cleo")

    def moderates(self, state: Moderation) -> None:
        self.asks(state)
        handlers.drain(self.hub)

    def works_later(self) -> None:
        """Do what waits for its time."""
        with self.hub.store.write() as session:
            sql.changed(session, "UPDATE job SET run_at = 0 WHERE state = 'pending'")
        handlers.drain(self.hub)

    def there(self) -> str:
        if isinstance(self.blog, Pretended):
            return self.blog.status(self.ann)
        found = self.blog.run(f"echo wp_get_comment_status({self.ann});")
        return {"unapproved": "hold"}.get(found, str(found))

    def here(self) -> str:
        return str(self.rows("SELECT moderation FROM interaction WHERE id = {p}", self.interaction)[0][0])

    def mirrored(self) -> list[Mirrored]:
        with self.hub.store.read() as session:
            [(_, found)] = conversation_list.listed(session)
        return found.mirrored

    def versions(self) -> int:
        return int(self.rows("SELECT count(*) FROM revision")[0][0])


@pytest.fixture
def blog(request: pytest.FixtureRequest) -> Iterator[Any]:
    if getattr(request, "param", "pretend") == "real":
        yield request.getfixturevalue("wordpress")
        return
    pretended = Pretended()
    pretended.start()
    pretended.rows.clear()
    yield pretended
    pretended.stop()


@pytest.fixture
def scene(hub: Hub, blog: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(hub.settings, "outbound", "live")
    made = Scene(hub, blog)
    yield made
    the_ledger_adds_up(hub.store)


both = pytest.mark.parametrize("blog", ["pretend", "real"], indirect=True)


@both
def test_what_we_make_of_it_is_so_there_and_then_here_and_its_echo_is_no_news(scene: Scene) -> None:
    for state, status in (
        (Moderation.PENDING, "hold"),
        (Moderation.SPAM, "spam"),
        (Moderation.APPROVED, "approved"),
        (Moderation.TRASH, "trash"),
        (Moderation.PENDING, "hold"),
    ):
        scene.moderates(state)

        assert (scene.there(), scene.here(), scene.mirrored()) == (status, state, [])

    # Then the blog tells the same of itself, and nothing new is made of it
    before = scene.versions()
    scene.look()
    assert scene.versions() == before
    notes = scene.rows("SELECT doc FROM interaction WHERE kind = 'note' ORDER BY sort_at, id")
    assert [msgspec.json.decode(doc)["facts"]["moderation"] for (doc,) in notes] == [
        "pending", "spam", "approved", "trash", "pending"
    ]  # fmt: skip


@ON_ONE
@both
def test_without_the_right_it_says_what_to_do_and_stands_as_before(scene: Scene) -> None:
    given = scene.blog.settings()
    if isinstance(scene.blog, Pretended):
        scene.blog.rights = False
    else:
        reader = scene.blog.reader
        configured(scene, user=reader, application_password=scene.blog.passwords[reader])

    scene.moderates(Moderation.SPAM)

    [told] = scene.mirrored()
    assert (told.what, told.state, told.interaction) == ("moderation", "failed", scene.interaction)
    assert told.reason.startswith("not_authorised: ")
    assert "Give that user the role Editor" in told.reason or "application password" in told.reason
    assert (scene.there(), scene.here()) == ("approved", "approved")

    # And when it has the right, one asks again
    if isinstance(scene.blog, Pretended):
        scene.blog.rights = True
    else:
        configured(scene, **{name: given[name] for name in ("user", "application_password")})
    scene.moderates(Moderation.SPAM)
    assert (scene.there(), scene.here(), scene.mirrored()) == ("spam", "spam", [])


def configured(scene: Scene, **changes: Any) -> None:
    with scene.hub.store.write() as session:
        row = session.get_one(Account, scene.account.id)
        connected.configure(session, scene.hub.secret, row, connected.plain(row, scene.hub.secret) | changes)


@ON_ONE
@both
def test_a_blog_without_a_trash_deletes_nothing(scene: Scene) -> None:
    if isinstance(scene.blog, Pretended):
        scene.blog.trash = False
    code = "<?php add_filter('rest_comment_trashable', '__return_false');"
    lacking: AbstractContextManager[None] = (
        nullcontext() if isinstance(scene.blog, Pretended) else scene.blog.plugin("no_trash.php", code)
    )
    with lacking:
        scene.moderates(Moderation.TRASH)

    [told] = scene.mirrored()
    assert (told.state, told.reason.partition(":")[0]) == ("failed", "trash_not_supported")
    assert (scene.there(), scene.here()) == ("approved", "approved")


@ON_ONE
@both
def test_of_one_that_is_gone_there_is_nothing_to_approve_and_nothing_left_to_put_away(scene: Scene) -> None:
    scene.blog.rest("DELETE", f"comments/{scene.ann}?force=true") if not isinstance(scene.blog, Pretended) else (
        scene.blog.rows.clear()
    )

    scene.moderates(Moderation.PENDING)
    assert [(each.state, each.reason.partition(":")[0]) for each in scene.mirrored()] == [("failed", "gone")]

    scene.moderates(Moderation.TRASH)
    assert scene.mirrored() == []
    assert scene.rows("SELECT deleted_at IS NOT NULL FROM interaction WHERE kind = 'comment'") in ([(True,)], [(1,)])


FAULTS: list[tuple[str, Fault, str]] = [
    ("429", Fault(FakeAnswer({"code": "x"}, 429, {"retry-after": "7"})), "pending"),
    ("503 with a time", Fault(FakeAnswer(b"", 503, {"retry-after": "7"})), "pending"),
    ("500 before it was done", Fault(FakeAnswer({"code": "x"}, 500)), "unknown"),
    ("500 after it was done", Fault(FakeAnswer({"code": "x"}, 500), after=True), "unknown"),
    ("reset after it was done", Fault(how="drop", after=True), "unknown"),
    ("reset before", Fault(how="drop"), "unknown"),
    ("half an answer", Fault(how="half"), "unknown"),
    ("200 with garbage", Fault(FakeAnswer(b"<html>", 200), after=True), "unknown"),
]


@ON_ONE
@pytest.mark.parametrize("fault", FAULTS, ids=[each[0] for each in FAULTS])
def test_whatever_breaks_it_is_done_in_the_end_and_once(
    scene: Scene, blog: Pretended, fault: tuple[str, Fault, str]
) -> None:
    _, what, at_once = fault
    blog.faults.extend([None, None, what])  # type: ignore[list-item]  # the API is found and the comment looked at first

    scene.moderates(Moderation.SPAM)
    assert [each.state for each in scene.mirrored()] == [at_once]
    blog.faults.clear()
    scene.works_later()

    assert (blog.status(scene.ann), scene.here(), scene.mirrored()) == ("spam", "spam", [])
    assert sum(each.method == "POST" and f"/comments/{scene.ann}" in each.path for each in blog.calls) == 1


def test_what_is_asked_last_is_what_is_done(scene: Scene, blog: Pretended) -> None:
    # Given one that is asked for while an earlier one is under way, and the other before it
    scene.asks(Moderation.TRASH)
    scene.asks(Moderation.SPAM)

    def changes_their_mind(ident: int) -> None:
        blog.meddles = lambda ident: None
        scene.asks(Moderation.PENDING)

    blog.meddles = changes_their_mind
    handlers.drain(scene.hub)

    assert (blog.status(scene.ann), scene.here(), scene.mirrored()) == ("hold", "pending", [])


@ON_ONE
def test_the_blog_has_the_last_word(scene: Scene, blog: Pretended) -> None:
    # Given a blog whose spam filter undoes what we do
    scene.moderates(Moderation.SPAM)
    update = PretendWordPress._update

    def filtered(asked: FakeCall) -> FakeAnswer:
        told = update(blog, asked)
        blog.rows[scene.ann]["status"] = "spam"
        return FakeAnswer({**msgspec.json.decode(_bytes(told)), "status": "spam"}, told.status)

    blog._update = filtered  # type: ignore[method-assign]
    scene.moderates(Moderation.APPROVED)

    assert [(each.state, each.reason.partition(":")[0]) for each in scene.mirrored()] == [("failed", "kept_otherwise")]
    assert scene.here() == "spam"


def _bytes(told: FakeAnswer) -> bytes:
    return told.body if isinstance(told.body, bytes) else msgspec.json.encode(told.body)
