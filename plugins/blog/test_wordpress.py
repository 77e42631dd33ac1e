"""A WordPress that is kept connected: the same tests against a real one and against the stand-in, so that it is honest."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import msgspec
import pytest

from kinline import (
    ChannelError,
    Deletion,
    Direction,
    Fetched,
    Handle,
    HandleType,
    Interaction,
    OutcomeUnknown,
    Outgoing,
    SendClass,
    http,
)
from kinline.pretend import FakeAnswer, Fault
from kinline_blog import BlogChannel, listing
from kinline_blog.pretend import PretendWordPress
from kinline_blog.settings import BlogSettings
from reading import read

pytest_plugins = ["blog_servers"]

CHANNEL = BlogChannel()
ANN = Handle(HandleType.EMAIL, "ann@example.org")


class Blog(Protocol):
    """What a test does at a blog, real or not."""

    @property
    def url(self) -> str: ...
    def post(self, title: str) -> int: ...
    def form(self, post: int, name: str, text: str, *, parent: int = 0, email: str = "") -> int: ...


class World:
    """A blog, the account that is connected to it, and what looking at it has brought so far."""

    def __init__(self, blog: Blog, settings: dict[str, Any]) -> None:
        self.blog, self.settings = blog, msgspec.convert(settings, BlogSettings)
        self.cursor, self.first_post = "", 1

    def look(self) -> list[Any]:
        """One look, all that it brings understood. Each piece's cursor is kept, as the hub does."""
        with CHANNEL.connect(self.settings) as connection:
            return self._understood(connection.fetch(self.cursor), live=True)

    def bring_in_the_past(self, *, until: int = 1000, cursor: str = "") -> tuple[list[Any], str]:
        with CHANNEL.connect(self.settings) as connection:
            found: list[Any] = []
            for place, piece in enumerate(connection.history(cursor)):
                if place == until:
                    break
                found += self._understood([piece], live=False)
                cursor = piece.cursor
            return found, cursor

    def recent(self, count: int = 20) -> list[str]:
        with CHANNEL.connect(self.settings) as connection:
            return list(connection.recent(count) or ())

    def _understood(self, pieces: Any, *, live: bool) -> list[Any]:
        found: list[Any] = []
        for piece in pieces:
            assert isinstance(piece, Fetched)
            if piece.body:
                found += read(piece.body, self.settings)
            if live:
                self.cursor = piece.cursor
        return found

    def rest(self, method: str, path: str, **given: Any) -> Any:
        pair = f"{self.settings.user}:{self.settings.application_password}"
        headers = {
            "authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "content-type": "application/json",
        }
        content = json.dumps(given).encode() if given else None
        told = http.call(
            method, f"{self.blog.url}/wp-json/wp/v2/{path}", content=content, headers=headers, trusted=True
        )
        assert told.ok, told.body
        return json.loads(told.body)

    def answer(self, to: int, text: str, **given: Any) -> Outgoing:
        return Outgoing(
            id="1", to=ANN, text=text, answers=f"comment:{to}", send_class=SendClass.HUMAN, automatic=False,
            answered={"facts": {"post_id": str(self.first_post)}}, **given,
        )  # fmt: skip

    def send(self, outgoing: Outgoing) -> Any:
        CHANNEL.check(outgoing, self.settings)
        prepared = CHANNEL.prepare(outgoing, self.settings)
        return prepared, lambda: CHANNEL.send(prepared, self.settings)


@pytest.fixture(params=["pretend", "real"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "real":
        real = request.getfixturevalue("wordpress")
        yield World(real, real.settings())
        return
    pretend = PretendWordPress()
    settings = pretend.start()
    pretend.rows.clear()
    yield World(pretend, settings)
    pretend.stop()


def said(found: list[Any]) -> list[tuple[str, str, str]]:
    return [(one.source_id, one.text, one.moderation) for one in found if isinstance(one, Interaction)]


def test_what_people_write_comes_in_once_with_its_post_and_its_thread(world: World) -> None:
    # Given a comment and an answer to it
    ann = world.blog.form(1, "Ann", "Does it come in <b>blue</b>?")
    ben = world.blog.form(1, "Ben", "Mine is.", parent=ann)

    found = world.look()

    # Then both are here, in their order
    assert said(found) == [
        (f"comment:{ann}", "Does it come in blue?", "approved"),
        (f"comment:{ben}", "Mine is.", "approved"),
    ]
    first, second = found
    assert first.facts["post_title"] == "Hello world!"
    assert first.facts["typed_email"] == "ann@example.org"
    assert first.parties[0].handle == ANN
    assert first.url.endswith(f"#comment-{ann}")
    assert (second.thread.parent, second.answers) == (f"comment:{ann}", f"comment:{ann}")
    assert first.occurred_at is not None

    # And a second look brings nothing
    assert world.look() == []


def test_the_words_are_those_of_the_person_whatever_the_theme_makes_of_them(world: World) -> None:
    ann = world.blog.form(1, "Ann", 'She said "it\'s -- fine" :-)')

    [found] = world.look()

    assert (found.source_id, found.text) == (f"comment:{ann}", 'She said "it\'s -- fine" :-)')


def test_spam_and_trash_are_seen_as_such(world: World) -> None:
    spam, ham = world.blog.form(1, "Eve", "Buy this"), world.blog.form(1, "Ann", "Nice")
    trash = world.blog.form(1, "Joe", "casino casino")
    world.rest("POST", f"comments/{spam}", status="spam")

    found = {one.source_id: one.moderation for one in world.look()}

    assert found == {f"comment:{spam}": "spam", f"comment:{ham}": "approved", f"comment:{trash}": "trash"}


def test_a_change_is_seen_without_anybody_telling(world: World) -> None:
    ann = world.blog.form(1, "Ann", "Hello")
    world.look()

    # When a moderator holds it back, edits it, and lets it go
    seen = []
    for change in ({"status": "hold"}, {"content": "Hello (edited)"}, {"status": "approved"}, {"status": "spam"}):
        world.rest("POST", f"comments/{ann}", **change)
        seen += said(world.look())

    # Then each change is a version
    assert [(text, state) for _, text, state in seen] == [
        ("Hello", "pending"),
        ("Hello (edited)", "pending"),
        ("Hello (edited)", "approved"),
        ("Hello (edited)", "spam"),
    ]
    assert world.look() == []


def test_a_deletion_is_seen_and_the_trash_is_none(world: World) -> None:
    ann, ben = world.blog.form(1, "Ann", "Hello"), world.blog.form(1, "Ben", "Hi")
    world.look()

    world.rest("DELETE", f"comments/{ben}")
    assert said(world.look()) == [(f"comment:{ben}", "Hi", "trash")]

    world.rest("DELETE", f"comments/{ben}?force=true")
    [gone] = world.look()
    assert isinstance(gone, Deletion)
    assert (gone.source_id, gone.occurred_at is not None) == (f"comment:{ben}", True)
    assert world.look() == []
    assert world.recent() == [f"comment:{ann}"]


def test_after_a_long_absence_every_comment_comes_the_oldest_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given pages of four, one known comment, and 23 that came while we were away
    monkeypatch.setattr(listing, "PAGE", 4)
    world.blog.form(1, "Ann", "The first")
    world.look()
    numbers = [world.blog.form(1, "Ann", f"Comment {number}") for number in range(23)]

    found = world.look()

    assert [one.source_id for one in found] == [f"comment:{number}" for number in numbers]
    assert world.look() == []


def test_a_first_look_brings_the_newest_and_no_look_brings_the_past(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE", 4)
    monkeypatch.setattr("kinline_blog.polling.FIRST", 2)
    monkeypatch.setattr("kinline_blog.polling.MARKS", 5)
    trash = world.blog.form(1, "Joe", "casino")
    numbers = [world.blog.form(1, "Ann", f"Comment {number}") for number in range(9)]

    # Given a first look, which brings two of each state
    assert [one.source_id for one in world.look()] == [f"comment:{each}" for each in [*numbers[-2:], trash]]

    # Then what is older is not brought, look after look, and what is old in a short list is brought once
    assert [world.look(), world.look()] == [[], []]

    # And a change of one that was marked is seen, also of one that was only marked
    world.rest("POST", f"comments/{numbers[-4]}", content="Edited")
    world.rest("POST", f"comments/{trash}", status="spam")
    assert said(world.look()) == [
        (f"comment:{numbers[-4]}", "Edited", "approved"),
        (f"comment:{trash}", "casino", "spam"),
    ]
    assert world.look() == []


def test_the_past_comes_whole_and_goes_on_where_it_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE", 4)
    numbers = [world.blog.form(1, "Ann", f"Comment {number}") for number in range(11)]
    trash = world.blog.form(1, "Joe", "casino")

    # When it stops after two pieces, four comments of those are deleted, and it goes on
    before, cursor = world.bring_in_the_past(until=2)
    for ident in numbers[:4]:
        world.rest("DELETE", f"comments/{ident}?force=true")
    after, _ = world.bring_in_the_past(cursor=cursor)

    # Then none is missing
    assert [one.source_id for one in before + after] == [f"comment:{each}" for each in [*numbers, trash]]
    with CHANNEL.connect(world.settings) as connection:
        told = connection.estimate()
    assert (told.items, told.note) == (3, "8 comments, 3 in a piece.")


def test_it_says_what_it_reached_and_what_it_may(world: World) -> None:
    world.blog.form(1, "Ann", "Hello")
    told = CHANNEL.test(world.settings)

    assert (
        told
        == "“A blog about lamps” (WordPress 6.1.9), as cleo, who may moderate: 1 comments, 0 in spam, 0 in the trash."
    )


def test_a_wrong_password_says_what_to_do(world: World) -> None:
    wrong = msgspec.structs.replace(world.settings, application_password="abcd abcd abcd abcd")

    with pytest.raises(ChannelError, match="Make a new application password") as refusal:
        CHANNEL.test(wrong)

    assert (refusal.value.permanent, refusal.value.code) == (True, "not_authorised")


def test_without_a_user_one_sees_what_everybody_sees(world: World) -> None:
    ann, eve = world.blog.form(1, "Ann", "Hello"), world.blog.form(1, "Eve", "Buy this")
    world.rest("POST", f"comments/{eve}", status="hold")
    world.settings = msgspec.structs.replace(world.settings, user="", application_password="", api=world.blog.url)

    [found] = world.look()

    assert (found.source_id, found.parties[0].handle) == (f"comment:{ann}", None)
    assert "cannot be seen: give the user the role Editor" in CHANNEL.test(world.settings)


def test_rights_that_were_taken_away_are_told_and_change_nothing(world: World) -> None:
    world.blog.form(1, "Ann", "Hello")
    world.look()
    if isinstance(world.blog, PretendWordPress):
        world.blog.rights = False
    else:
        real: Any = world.blog
        reader = real.reader
        world.settings = msgspec.structs.replace(
            world.settings, user=reader, application_password=real.passwords[reader]
        )

    with pytest.raises(ChannelError, match="may not moderate any more") as refusal:
        world.look()

    assert (refusal.value.permanent, refusal.value.code) == (True, "not_authorised")


def test_an_answer_stands_below_the_comment_and_is_ours(world: World) -> None:
    ann = world.blog.form(1, "Ann", "Does it come in blue?")
    world.look()

    _, send = world.send(world.answer(ann, 'Yes: <blue> & "green".\n\nCleo'))
    sent = send()

    # Then it is on the blog, and comes back as ours with the same words
    [found] = world.look()
    assert (found.source_id, found.direction, found.answers) == (sent.source_id, Direction.OUTBOUND, f"comment:{ann}")
    assert found.text == 'Yes: <blue> & "green".\n\nCleo'
    assert sent.detail == f"comment {sent.source_id.removeprefix('comment:')}"


def test_what_was_lost_on_the_way_is_found_by_its_words(world: World) -> None:
    ann = world.blog.form(1, "Ann", "Does it come in blue?")
    prepared, send = world.send(world.answer(ann, "Yes & no"))
    assert CHANNEL.find_sent(prepared, world.settings) is None

    sent = send()

    assert CHANNEL.find_sent(prepared, world.settings) == sent
    other, _ = world.send(world.answer(ann, "Something else"))
    assert CHANNEL.find_sent(other, world.settings) is None


def test_the_same_words_twice_are_refused_for_good(world: World) -> None:
    ann = world.blog.form(1, "Ann", "Does it come in blue?")
    _, send = world.send(world.answer(ann, "Yes"))
    send()

    with pytest.raises(ChannelError) as refusal:
        send()

    assert (refusal.value.permanent, refusal.value.code) == (True, "comment_duplicate")


def test_under_a_deleted_or_rejected_comment_nothing_is_said(world: World) -> None:
    ann, eve = world.blog.form(1, "Ann", "Hello"), world.blog.form(1, "Eve", "Buy")
    world.rest("POST", f"comments/{eve}", status="spam")
    world.rest("DELETE", f"comments/{ann}?force=true")

    for ident in (ann, eve):
        _, send = world.send(world.answer(ident, "Yes"))
        with pytest.raises(ChannelError) as refusal:
            send()
        assert (refusal.value.permanent, refusal.value.code) == (True, "gone")


def test_closed_comments_are_the_end(world: World) -> None:
    post = world.blog.post("Another")
    ann = world.blog.form(post, "Ann", "Hello")
    world.first_post = post
    if isinstance(world.blog, PretendWordPress):
        world.blog.closed = True
    else:
        world.rest("POST", f"posts/{post}", comment_status="closed")

    _, send = world.send(world.answer(ann, "Yes"))
    with pytest.raises(ChannelError, match="Comments are closed") as refusal:
        send()

    assert (refusal.value.permanent, refusal.value.code) == (True, "comment_closed")


@pytest.fixture
def pretend() -> Iterator[World]:
    """The stand-in alone, for faults that a real one has only on bad days."""
    server = PretendWordPress()
    settings = server.start()
    server.rows.clear()
    yield World(server, settings)
    server.stop()


def told(status: int, code: str = "", **headers: str) -> Fault:
    body = {"code": code, "message": "No.", "data": {"status": status}} if code else b"<html>"
    return Fault(told=FakeAnswer(body, status, headers))


@pytest.mark.parametrize(
    ("fault", "permanent", "code", "wait"),
    [
        (told(429, **{"retry-after": "120"}), False, "slow_down", 120),
        (told(503, **{"retry-after": "600"}), False, "slow_down", 600),  # WordPress's own maintenance page
        (told(503), False, "slow_down", 60),
        (told(500, "internal_server_error"), False, "blog_failing", None),
        (told(502), False, "blog_failing", None),
        (told(403, "rest_forbidden_context"), True, "not_authorised", None),
        (told(401, "incorrect_password"), True, "not_authorised", None),
        (told(403), True, "not_authorised", None),  # a firewall before it
        (Fault(told=FakeAnswer(b"<html>Hello", 200)), False, "no_answer", None),
        (Fault(told=FakeAnswer({"not": "a list"}, 200)), False, "no_answer", None),
        (Fault(how="half"), False, "no_answer", None),
        (Fault(how="drop"), False, "no_answer", None),
    ],
)
def test_a_bad_answer_is_told_as_what_it_is(
    pretend: World, fault: Fault, permanent: bool, code: str, wait: float | None
) -> None:
    assert isinstance(pretend.blog, PretendWordPress)
    with CHANNEL.connect(pretend.settings) as connection:
        pretend.blog.faults.append(fault)
        with pytest.raises(ChannelError) as refusal:
            list(connection.fetch(""))

    assert not isinstance(refusal.value, OutcomeUnknown)
    assert (refusal.value.permanent, refusal.value.code, refusal.value.retry_after) == (permanent, code, wait)


@pytest.mark.parametrize(
    ("fault", "sent"),
    [
        (Fault(how="drop", after=True), True),
        (Fault(how="drop"), False),
        (Fault(how="half"), True),
        (Fault(told=FakeAnswer(b"", 500), after=True), True),
        (Fault(told=FakeAnswer(b"", 504)), False),
        (Fault(told=FakeAnswer(b"<html>", 201), after=True), True),
    ],
)
def test_when_nobody_knows_whether_it_was_said_the_blog_is_asked(pretend: World, fault: Fault, sent: bool) -> None:
    assert isinstance(pretend.blog, PretendWordPress)
    ann = pretend.blog.form(1, "Ann", "Hello")
    prepared, send = pretend.send(pretend.answer(ann, "Yes"))
    pretend.blog.faults.extend([_nothing(pretend.blog), _nothing(pretend.blog), fault])

    with pytest.raises(OutcomeUnknown):
        send()

    found = CHANNEL.find_sent(prepared, pretend.settings)
    assert (found is not None) is sent
    assert len(pretend.blog.rows) == 1 + sent


def _nothing(blog: PretendWordPress) -> Any:
    """No fault: the call before the one that fails."""
    return None


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (told(400, "comment_flood"), "slow_down"),
        (told(429), "slow_down"),
        (told(503, **{"retry-after": "600"}), "slow_down"),
        (told(500, "rest_comment_failed_create"), "blog_failing"),
    ],
)
def test_what_was_surely_not_said_is_tried_again(pretend: World, fault: Fault, code: str) -> None:
    assert isinstance(pretend.blog, PretendWordPress)
    ann = pretend.blog.form(1, "Ann", "Hello")
    _, send = pretend.send(pretend.answer(ann, "Yes"))
    pretend.blog.faults.extend([_nothing(pretend.blog), _nothing(pretend.blog), fault])

    with pytest.raises(ChannelError) as refusal:
        send()

    assert (refusal.value.permanent, refusal.value.code) == (False, code)
    assert not isinstance(refusal.value, OutcomeUnknown)
    assert send().source_id == "comment:4"


def test_a_blog_with_plain_links_is_reached_by_its_other_address(
    pretend: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(pretend.blog, PretendWordPress)
    pretend.blog.form(1, "Ann", "Hello")
    before: Callable[..., Any] = pretend.blog.answer

    def plain_links(asked: Any) -> FakeAnswer:
        route = asked.query.pop("rest_route", [""])[0]
        if not route:
            return FakeAnswer(b"<html>", 404)
        answered: FakeAnswer = before(msgspec.structs.replace(asked, path=f"/wp-json{route}"))
        return answered

    monkeypatch.setattr(pretend.blog, "answer", plain_links)

    assert len(pretend.look()) == 1


def test_no_wordpress_at_all_says_so(pretend: World) -> None:
    other = msgspec.structs.replace(pretend.settings, api=f"{pretend.blog.url}/shop")

    with pytest.raises(ChannelError, match="no WordPress REST API") as refusal:
        CHANNEL.test(other)

    assert (refusal.value.permanent, refusal.value.code) == (True, "no_rest_api")
