"""Webmentions, as the W3C asks of a receiver: what is let in, what is fetched, what a page means."""

import gzip
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from litestar.testing import TestClient

from kinline import (
    ChannelError,
    Deletion,
    Direction,
    Fetched,
    HandleType,
    Hint,
    Interaction,
    Kind,
    Request,
    VerificationFailed,
    addresses,
    clock,
    handlers,
)
from kinline.accounts import connected
from kinline.clock import MINUTE, SECOND
from kinline.errors import Malformed, RateLimited
from kinline.hub import Hub
from kinline.intake.receive import receive
from kinline.messages import Source
from kinline.pretend import FakeAnswer, FakeCall, Fault, PretendServer, Route
from kinline.store import sql
from kinline.testing.laws import the_ledger_adds_up
from kinline_api.app import create_app
from kinline_blog import BlogChannel
from kinline_blog.mentions import door, fetching
from kinline_blog.settings import BlogSettings
from reading import read

SITE = "https://blog.example.org"
TARGET = f"{SITE}/2026/a-lamp/"
FORM = {"content-type": "application/x-www-form-urlencoded"}
SETTINGS = BlogSettings(site=SITE, webmention=True, webhook_secret="a secret")
CHANNEL = BlogChannel()
START = 1_800_000_000 * SECOND
BAD = yaml.safe_load((Path(__file__).parents[2] / "tests" / "bad_inputs" / "webmention.yaml").read_text())
REPLY = """<html><head><title>A note</title></head><body class="h-entry">
<a class="u-in-reply-to" href="{target}">A lamp</a>
<a class="p-author h-card" href="https://ann.example/">Ann</a>
<div class="e-content"><p>It is <b>bright</b>.</p><script>alert(1)</script></div>
<time class="dt-published" datetime="2026-03-01T10:00:00+01:00">1 March</time></body></html>"""


class Web(PretendServer):
    """Somebody's site. ``pages`` are its answers by path."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, FakeAnswer] = {}

    def settings_for(self, url: str) -> dict[str, Any]:
        return {}

    def routes(self) -> Sequence[Route]:
        return [("GET", r"(/.*)", self._page)]

    def _page(self, asked: FakeCall) -> FakeAnswer:
        return self.pages.get(asked.path, FakeAnswer(b"nothing here", 404))

    def says(self, path: str, page: str, status: int = 200, kind: str = "text/html; charset=utf-8") -> str:
        self.pages[path] = FakeAnswer(page.encode(), status, {"content-type": kind})
        return self.url.replace("127.0.0.1", "ann.example") + path


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A public site at ann.example, which here is this machine; all other names are looked up as ever."""
    found, real = Web(), addresses.resolved

    def resolved(host: str, port: int, *, trusted: bool = False) -> list[str]:
        return ["127.0.0.1"] if host == "ann.example" else real(host, port, trusted=trusted)

    monkeypatch.setattr(addresses, "resolved", resolved)
    found.start()
    door.limits.clear()
    fetching.pages.clear()
    yield found
    found.stop()


def call(source: Any, target: Any = TARGET, **more: Any) -> Request:
    given = {"source": source, "target": target} | more
    body = urlencode({name: value for name, value in given.items() if value is not None}, doseq=True).encode()
    return Request(method="POST", headers=dict(FORM), query={}, body=body)


def hint(source: str, target: str = TARGET, at: int | None = None) -> Hint:
    headers = Source(name="webhook", media_type=FORM["content-type"], headers=dict(FORM))
    moment = clock.to_datetime(clock.now() if at is None else at)
    return Hint(body=call(source, target).body, source=headers, received_at=moment)


def mention(source: str, target: str = TARGET, at: int | None = None) -> Any:
    """What a mention means: fetched, then read."""
    [fetched] = CHANNEL.complete(hint(source, target, at), SETTINGS)
    assert isinstance(fetched, Fetched)
    [found] = read(fetched.body, SETTINGS, fetched.source)
    return found


# --- the door


@pytest.mark.parametrize("case", BAD["door"], ids=lambda case: case["id"])
def test_what_is_no_webmention_for_us_is_refused_at_the_door(case: dict[str, Any]) -> None:
    form = {name: meant(value) for name, value in case.get("form", {}).items()}
    body = urlencode(form, doseq=True).encode() if "form" in case else case["body"].encode("latin-1")

    with pytest.raises(Malformed) as refusal:
        CHANNEL.verify(Request(method="POST", headers=dict(FORM), query={}, body=body), SETTINGS)

    assert (refusal.value.status, refusal.value.code, refusal.value.pointer[:1]) == (400, case["code"], "/")


def meant(value: Any) -> Any:
    """A value of the list, with its words put in."""
    if isinstance(value, list):
        return value
    return str(value).replace("TARGET", TARGET).replace("LONG", "a" * 2_000_000 if "<" in value else "a" * 2_000)


def test_an_account_takes_webmentions_only_when_told_to(web: Web) -> None:
    CHANNEL.verify(call("https://ann.example/a"), SETTINGS)

    with pytest.raises(VerificationFailed, match="set `webmention`"):
        CHANNEL.verify(call("https://ann.example/a"), BlogSettings(site=SITE))
    with pytest.raises(Malformed, match="no page of ours"):
        CHANNEL.verify(call("https://ann.example/a"), BlogSettings(webmention=True))


def test_ten_thousand_mentions_of_one_host_are_not_taken(web: Web) -> None:
    taken, waits = 0, set()
    with clock.frozen(START):
        for number in range(10_000):
            try:
                CHANNEL.verify(call(f"https://ann.example/{number}"), SETTINGS)
                taken += 1
            except RateLimited as refusal:
                waits.add((refusal.status, refusal.retry_after))
        CHANNEL.verify(call("https://ben.example/"), SETTINGS)
    with clock.frozen(START + MINUTE):
        CHANNEL.verify(call("https://ann.example/later"), SETTINGS)

    assert (taken, waits) == (door.BURST, {(429, 6.0)})


# --- the page


def test_an_answer_on_somebodys_own_page_is_theirs(web: Web) -> None:
    source = web.says("/note", REPLY.format(target=TARGET))

    found = mention(source)

    assert (found.kind, found.direction, found.text) == (Kind.COMMENT, Direction.INBOUND, "It is bright.")
    assert found.html == "<p>It is <b>bright</b>.</p>"
    [author] = found.parties
    assert (author.name, author.handle.type, author.handle.value) == ("Ann", HandleType.URL, "https://ann.example")
    assert found.occurred_at.isoformat() == "2026-03-01T09:00:00+00:00"
    assert found.thread.parent == found.answers == "post:blog.example.org/2026/a-lamp"
    assert (found.url, found.moderation, found.automatic) == (source, "webmention", "")
    [asked] = web.calls
    assert "Webmention" in asked.headers["user-agent"]
    assert asked.headers["accept"].startswith("text/html")


@pytest.mark.parametrize(
    ("property", "kind", "deed"),
    [
        ("u-like-of", Kind.REACTION, "like"),
        ("u-repost-of", Kind.SHARE, "repost"),
        ("u-bookmark-of", Kind.SHARE, "bookmark"),
        ("", Kind.MENTION, "mention"),
    ],
)
def test_a_like_a_share_and_a_mention_are_told_apart(web: Web, property: str, kind: Kind, deed: str) -> None:
    page = f'<div class="h-entry"><a class="{property}" href="{TARGET}">it</a></div>'

    found = mention(web.says("/note", page))

    assert (found.kind, found.facts["type"]) == (kind, deed)
    assert (found.about or found.answers) == "post:blog.example.org/2026/a-lamp"


def test_a_bare_link_is_a_mention_by_a_machine(web: Web) -> None:
    found = mention(web.says("/links", f"<p><a href='{TARGET}'>a lamp</a>"))

    assert (found.kind, found.automatic, found.text) == (Kind.MENTION, "webmention", "")
    assert (found.parties[0].name, found.parties[0].handle) == ("ann.example:" + source_port(web), None)


def source_port(web: Web) -> str:
    return web.url.rpartition(":")[2]


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        (f"<img src='{TARGET}'>", "text/html"),
        (f"<video src='{TARGET}'></video>", "text/html"),
        (f"<blockquote cite='{TARGET}'>x</blockquote>", "application/xhtml+xml"),
        ("<base href='https://blog.example.org/2026/'><a href='a-lamp/'>x</a>", "text/html"),
        ("<a href='HTTPS://Blog.example.org:443/2026/a-lamp/'>x</a>", "text/html"),
        (f'{{"type": "entry", "links": ["{TARGET}"]}}', "application/json"),
        (f'[["{TARGET}"]]', "application/activity+json"),
        (f"See {TARGET}, it is good.", "text/plain"),
        (f"See <{TARGET}>.", "text/plain; charset=latin-1"),
    ],
)
def test_a_link_is_found_in_each_kind_of_page(web: Web, page: str, kind: str) -> None:
    assert isinstance(mention(web.says("/p", page, kind=kind)), Interaction)


@pytest.mark.parametrize("case", BAD["pages"], ids=lambda case: case["id"])
def test_what_is_no_link_is_no_mention_and_ends_one_that_was(web: Web, case: dict[str, Any]) -> None:
    source = web.says("/p", meant(case["page"]), kind=case["type"])

    found = mention(source)

    assert isinstance(found, Deletion)
    assert (found.source_id, found.reason[:13]) == (f"webmention:{source} {TARGET}", "no_link_found")


def test_json_that_is_too_deep_is_no_link(web: Web) -> None:
    assert isinstance(mention(web.says("/p", "[" * 50_000, kind="application/json")), Deletion)


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_is_gone_ends_its_mention(web: Web, status: int) -> None:
    found = mention(web.says("/note", "Gone", status))

    assert isinstance(found, Deletion)
    assert found.reason == f"its page is gone ({status})"


@pytest.mark.parametrize("case", BAD["fetched"], ids=lambda case: case["id"])
def test_an_address_inside_is_never_called(web: Web, case: dict[str, Any]) -> None:
    CHANNEL.verify(call(case["source"]), SETTINGS)

    with pytest.raises(ChannelError) as refusal:
        list(CHANNEL.complete(hint(case["source"]), SETTINGS))

    assert (refusal.value.permanent, refusal.value.code) == (True, case["code"])
    assert web.calls == []


def test_redirects_are_followed_three_times_and_never_inside(web: Web) -> None:
    source = web.says("/note", REPLY.format(target=TARGET))
    for step in range(4):
        where = f"/step{step + 1}" if step < 3 else "/note"
        web.pages[f"/step{step}"] = FakeAnswer(b"", 302, {"location": where})
    base = source.removesuffix("/note")
    web.pages["/inside"] = FakeAnswer(b"", 302, {"location": "http://169.254.169.254/latest"})
    web.pages["/file"] = FakeAnswer(b"", 302, {"location": "file:///etc/passwd"})

    assert isinstance(mention(f"{base}/step1"), Interaction)
    for path, code in (
        ("/step0", "too_many_redirects"), ("/inside", "private_address"), ("/file", "invalid_url")
    ):  # fmt: skip
        with pytest.raises(ChannelError) as refusal:
            mention(f"{base}{path}")
        assert (refusal.value.permanent, refusal.value.code) == (True, code)


@pytest.mark.parametrize(
    ("fault", "permanent", "code"),
    [
        (Fault(told=FakeAnswer(b"", 500)), False, "source_failing"),
        (Fault(told=FakeAnswer(b"", 429)), False, "source_failing"),
        (Fault(told=FakeAnswer(b"", 403)), True, "source_refuses"),
        (Fault(how="drop"), False, "no_answer"),
        (Fault(how="half"), False, "no_answer"),
    ],
)
def test_a_site_in_trouble_is_asked_again_one_that_refuses_is_not(
    web: Web, fault: Fault, permanent: bool, code: str
) -> None:
    source = web.says("/note", REPLY.format(target=TARGET))
    web.faults.append(fault)

    with pytest.raises(ChannelError) as refusal:
        mention(source)

    assert (refusal.value.permanent, refusal.value.code) == (permanent, code)


def test_the_first_megabyte_of_a_page_counts(web: Web) -> None:
    page = f"<a href='{TARGET}'>x</a>" + "x" * 5_000_000

    assert isinstance(mention(web.says("/long", page)), Interaction)


# --- once in ten minutes


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def time() -> Iterator[Clock]:
    found = Clock()
    with clock.frozen(found):
        yield found


def test_a_page_is_fetched_once_in_ten_minutes(web: Web, time: Clock) -> None:
    other = f"{SITE}/about/"
    source = web.says("/note", REPLY.format(target=TARGET) + f"<a href='{other}'>about</a>")
    mention(source)

    # For another target what we have is good
    assert isinstance(mention(source, other), Interaction)

    # An update waits
    time.now += 4 * MINUTE
    with pytest.raises(ChannelError) as wait:
        mention(source)
    assert (wait.value.retry_after, wait.value.code) == (6 * 60 + 1, "too_soon")
    assert len(web.calls) == 1

    # And however many wait, one call answers them all
    received = time.now
    time.now += 6 * MINUTE
    web.says("/note", REPLY.format(target=TARGET).replace("bright", "dark"))
    assert {mention(source, at=received).text for _ in range(50)} == {"It is dark."}
    assert len(web.calls) == 2


# --- in the hub


class Receiving:
    def __init__(self, hub: Hub, time: Clock) -> None:
        self.hub, self.time = hub, time
        settings = {"site": SITE, "webmention": True}
        with hub.store.write() as session:
            self.account = connected.connect(session, hub.secret, "blog", "the blog", settings)

    def told(self, source: str) -> None:
        given = hint(source)
        with self.hub.store.write() as session:
            receive(session, self.account, given.body, given.source)
        handlers.drain(self.hub)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        the_ledger_adds_up(self.hub.store)
        with self.hub.store.read() as session:
            return sql.run(session, statement)


@pytest.fixture
def receiving(hub: Hub, time: Clock, web: Web) -> Receiving:
    return Receiving(hub, time)


def test_a_mention_is_updated_deleted_and_may_come_back(receiving: Receiving, web: Web, time: Clock) -> None:
    page: Callable[[str], str] = lambda word: web.says("/note", REPLY.format(target=TARGET).replace("bright", word))  # noqa: E731
    shown = "SELECT kind, deleted_at IS NOT NULL, doc FROM interaction"

    source = page("bright")
    receiving.told(source)
    [(kind, deleted, doc)] = receiving.rows(shown)
    assert (kind, bool(deleted)) == ("comment", False)
    assert "It is bright." in doc

    # When the words change
    time.now += 11 * MINUTE
    page("dark")
    receiving.told(source)
    [(_, deleted, doc)] = receiving.rows(shown)
    assert (bool(deleted), "It is dark." in doc) == (False, True)

    # When the link goes
    time.now += 11 * MINUTE
    web.says("/note", "<p>I took it back.")
    receiving.told(source)
    [(_, deleted, _)] = receiving.rows(shown)
    assert bool(deleted)

    # When it comes back
    time.now += 11 * MINUTE
    page("bright")
    receiving.told(source)
    [(_, deleted, doc)] = receiving.rows(shown)
    assert (bool(deleted), "It is bright." in doc) == (False, True)


def test_a_mention_that_never_linked_makes_nothing_and_says_why(receiving: Receiving, web: Web) -> None:
    receiving.told(web.says("/note", "<p>Nothing."))

    assert receiving.rows("SELECT count(*) FROM interaction") == [(0,)]
    assert len(receiving.rows("SELECT state, reason FROM item")) == 2


def test_a_mention_out_of_the_house_is_set_aside(receiving: Receiving, web: Web) -> None:
    receiving.told(f"{web.url}/note")

    assert receiving.rows("SELECT state, code FROM item") == [("quarantined", "private_address")]
    assert web.calls == []


def test_the_accounts_webhook_address_is_a_webmention_endpoint(receiving: Receiving, web: Web) -> None:
    # Given a sender that found the endpoint in our page, and knows nothing but the standard
    source = web.says("/note", REPLY.format(target=TARGET))
    with TestClient(create_app(receiving.hub), base_url="http://127.0.0.1") as api:
        given = call(source)
        answer = api.post("/v1/channels/the blog/webhook", content=given.body, headers=given.headers)
        wrong = api.post("/v1/channels/the blog/webhook", content=call(TARGET).body, headers=given.headers)
        many = [
            api.post("/v1/channels/the blog/webhook", content=call(f"{source}?{number}").body, headers=given.headers)
            for number in range(door.BURST)
        ]

        where = answer.headers["location"]
        before = api.get(where).json()
        early = list(web.calls)
        handlers.drain(receiving.hub)
        after = api.get(where).json()
        web.says("/note", "<p>I took it back.")
        receiving.time.now += 11 * MINUTE
        again = api.post("/v1/channels/the blog/webhook", content=given.body, headers=given.headers)
        handlers.drain(receiving.hub)
        gone = api.get(again.headers["location"]).json()
        private = api.post(
            "/v1/channels/the blog/webhook", content=call("http://10.0.0.1/").body, headers=given.headers
        )
        handlers.drain(receiving.hub)
        refused = api.get(private.headers["location"]).json()
        nobody = api.get(f"/v1/channels/the blog/webhook/{'0' * 32}")

    # Then it is accepted at once, and tells what became of it
    assert (answer.status_code, before["state"], after["state"]) == (201, "waiting", "recorded")
    assert early == []  # nothing is fetched while the sender waits
    assert (gone["state"], refused["state"], refused["code"]) == ("deleted", "refused", "private_address")
    assert nobody.status_code == 404

    # And what is wrong is refused with a reason that names the parameter
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["pointer"]) == (400, "same_page", "/source")
    assert (many[-1].status_code, many[-1].headers["retry-after"]) == (429, "6")
    assert receiving.rows("SELECT count(*) FROM interaction") == [(1 + 19,)]


def test_a_bomb_is_a_page_without_a_link(web: Web) -> None:
    source = web.says("/bomb", "")
    packed = gzip.compress(b"\0" * 100_000_000)
    web.pages["/bomb"] = FakeAnswer(packed, headers={"content-encoding": "gzip", "content-type": "text/html"})
    begun = clock.now()

    found = mention(source)

    assert isinstance(found, Deletion)
    assert clock.now() - begun < 3 * SECOND
    assert web.calls[0].headers["accept-encoding"] == "identity"


def test_a_page_that_never_ends_is_given_up(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "DEADLINE", 0.3)
    source = web.says("/slow", REPLY.format(target=TARGET))
    web.faults.append(Fault(how="hang"))

    with pytest.raises(ChannelError) as refusal:
        mention(source)

    assert (refusal.value.permanent, refusal.value.code) == (False, "no_answer")
