"""Comment feeds: each kind, each oddity, and a real WordPress's own."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from kinline import ChannelError, Interaction, Source, Unreadable, clock
from kinline.clock import SECOND
from kinline.pretend import FakeAnswer, FakeCall, Fault, PretendServer, Route
from kinline_blog import BlogChannel
from kinline_blog.feeds import document
from kinline_blog.settings import BlogSettings
from reading import read

pytest_plugins = ["blog_servers"]

CHANNEL = BlogChannel()
SITE = "https://blog.example.org"
FEED = f"{SITE}/comments/feed/"
SETTINGS = BlogSettings(site=SITE, feeds=(FEED,))
BAD = yaml.safe_load((Path(__file__).parents[2] / "tests" / "bad_inputs" / "feed.yaml").read_text())["cases"]
ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0">
<title>Comments</title><id>x</id><entry><title>By: Ann</title>
<author><name>Ann</name><uri>https://ann.example/</uri></author>
<link rel="alternate" href="https://blog.example.org/2026/a/#comment-3"/><id>https://blog.example.org/?p=1#comment-3</id>
<updated>2026-03-01T10:00:00Z</updated><published>2026-03-01T10:00:00Z</published>
<content type="html">&lt;p&gt;Hi, it&#8217;s &lt;b&gt;me&lt;/b&gt;.&lt;script&gt;x&lt;/script&gt;&lt;/p&gt;</content>
<thr:in-reply-to ref="https://blog.example.org/?p=1#comment-2" href="https://blog.example.org/2026/a/#comment-2"/></entry></feed>"""
RSS = """<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel><title>Comments</title><item><title>By: Ann</title><link>https://blog.example.org/2026/a/#comment-3</link>
<dc:creator><![CDATA[Ann]]></dc:creator><pubDate>Sun, 01 Mar 2026 10:00:00 +0000</pubDate>
<guid isPermaLink="false">https://blog.example.org/?p=1#comment-3</guid><description>Hi, it…</description>
<content:encoded><![CDATA[<p>Hi, it&#8217;s <b>me</b>.</p>]]></content:encoded></item></channel></rss>"""
JSON = json.dumps({
    "version": "https://jsonfeed.org/version/1.1", "title": "Comments", "items": [{
        "id": "https://blog.example.org/?p=1#comment-3", "url": "https://blog.example.org/2026/a/#comment-3",
        "content_html": "<p>Hi, it’s <b>me</b>.</p>", "date_published": "2026-03-01T11:00:00+01:00",
        "authors": [{"name": "Ann", "url": "https://ann.example/"}],
    }],
})  # fmt: skip


def source(feed: str = FEED, at: str = "2026-03-02T00:00:00Z") -> Source:
    return Source(name="feed", headers={"feed": feed, "at": at})


@pytest.mark.parametrize("feed", [ATOM, RSS, JSON], ids=["Atom", "RSS", "JSON Feed"])
def test_each_kind_of_feed_says_the_same(feed: str) -> None:
    [found] = read(feed.encode(), SETTINGS, source())

    assert isinstance(found, Interaction)
    assert (found.source_id, found.text, found.html) == ("comment:3", "Hi, it’s me.", "<p>Hi, it’s <b>me</b>.</p>")
    assert str(found.occurred_at) == "2026-03-01 10:00:00+00:00"
    assert (found.parties[0].name, found.facts) == ("Ann", {"post_link": "https://blog.example.org/2026/a/"})
    assert found.url == "https://blog.example.org/2026/a/#comment-3"


def test_an_answer_says_what_it_answers() -> None:
    [found] = read(ATOM.encode(), SETTINGS, source())

    assert found.answers == "comment:2"
    assert (found.thread.parent, found.thread.ancestors) == ("comment:2", ("post:blog.example.org/2026/a",))


@pytest.mark.parametrize("case", BAD, ids=lambda case: f"{case['id']} {case['why']}")
def test_a_bad_feed_gets_its_answer(case: dict[str, Any]) -> None:
    raw, begun = body_of(case), clock.now()

    try:
        found = [msgspec.json.decode(msgspec.json.encode(one)) for one in read(raw, SETTINGS, source())]
    except Unreadable as refusal:
        found = [{"refused": refusal.code}]

    wanted = [{"refused": case["refused"]}] if "refused" in case else case["items"]
    shown = [{key: one.get(key, "missing") for key in want} for one, want in zip(found, wanted, strict=False)]
    assert shown == wanted
    assert len(found) == case.get("count", len(wanted))
    assert clock.now() - begun < 3 * SECOND


def body_of(case: dict[str, Any]) -> bytes:
    if "item" in case:
        return f'<rss version="2.0"><channel>{case["item"]}</channel></rss>'.encode()
    if "repeat" in case:
        head, piece, times, tail = case["repeat"]
        body: str = head + "".join(piece.replace("%d", str(n)) for n in range(times)) + tail
        return body.encode()
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    return str(case["body"]).encode()


def test_the_newest_five_hundred_of_a_hundred_thousand_are_read() -> None:
    items = "".join(
        f"<item><guid>g{number}</guid><description>{number}</description></item>" for number in range(50_000)
    )
    begun = clock.now()

    found = document.read(f'<rss version="2.0"><channel>{items}</channel></rss>'.encode())

    assert [entry.guid for entry in found] == [f"g{number}" for number in range(500)]
    assert clock.now() - begun < 2 * SECOND


class Site(PretendServer):
    """A site with feeds, that knows what it said last."""

    def __init__(self) -> None:
        super().__init__()
        self.feeds: dict[str, str] = {}
        self.marks = True

    def settings_for(self, url: str) -> dict[str, Any]:
        return {}

    def routes(self) -> Sequence[Route]:
        return [("GET", r"(/.*)", self._feed)]

    def _feed(self, asked: FakeCall) -> FakeAnswer:
        if asked.path not in self.feeds:
            return FakeAnswer(b"", 404)
        body = self.feeds[asked.path].encode()
        mark = f'"{hash(body)}"'
        if self.marks and asked.headers.get("if-none-match") == mark:
            return FakeAnswer(b"", 304)
        return FakeAnswer(body, headers={"etag": mark} if self.marks else {})


class Looking:
    def __init__(self, site: Site) -> None:
        self.site, self.cursor = site, ""
        self.settings = BlogSettings(site=SITE, feeds=(f"{site.url}/feed",))

    def __call__(self) -> list[str]:
        found: list[str] = []
        with CHANNEL.connect(self.settings) as connection:
            for piece in connection.fetch(self.cursor):
                self.cursor = piece.cursor
                found += [one.source_id for one in read(piece.body, self.settings, piece.source)]
        return found

    def recent(self) -> list[str]:
        with CHANNEL.connect(self.settings) as connection:
            return list(connection.recent(20) or ())


@pytest.fixture
def look() -> Iterator[Looking]:
    site = Site()
    site.start()
    yield Looking(site)
    site.stop()


def rss(*guids: str, more: str = "") -> str:
    items = "".join(f"<item><guid>{guid}</guid><description>Said {guid}</description>{more}</item>" for guid in guids)
    return f'<rss version="2.0" xmlns:wfw="http://wellformedweb.org/CommentAPI/"><channel>{items}</channel></rss>'


@pytest.mark.parametrize("marks", [True, False])
def test_a_feed_that_did_not_change_brings_nothing(look: Looking, marks: bool) -> None:
    look.site.marks = marks
    look.site.feeds["/feed"] = rss("b", "a")
    where = look.site.url.removeprefix("http://")

    assert look() == [f"feed:{where}/feed a", f"feed:{where}/feed b"]
    assert look() == []
    look.site.feeds["/feed"] = rss("c", "b", "a")
    assert look()[-1] == f"feed:{where}/feed c"
    assert set(look.recent()) == {f"feed:{where}/feed {guid}" for guid in "abc"}
    assert ("if-none-match" in look.site.calls[1].headers) is marks


def test_a_feed_of_posts_leads_to_their_comments(look: Looking) -> None:
    comments = [f"<wfw:commentRss>{look.site.url}/{number}/feed</wfw:commentRss>" for number in (1, 2)]
    posts = "".join(f"<item><guid>p{number}</guid>{each}</item>" for number, each in enumerate(comments))
    look.site.feeds = {
        "/feed": rss().replace("<channel>", f"<channel>{posts}"), "/1/feed": rss("one"), "/2/feed": rss("two")
    }  # fmt: skip

    assert [key.rpartition(" ")[2] for key in look()] == ["one", "two"]
    assert look() == []
    look.site.feeds["/2/feed"] = rss("three", "two")
    assert [key.rpartition(" ")[2] for key in look()] == ["two", "three"]
    assert CHANNEL.test(look.settings) == "1 feeds with 2 entries, leading to the comments of 2 posts."
    assert {key.rpartition(" ")[2] for key in look.recent()} == {"one", "two", "three"}


def test_a_feed_that_another_site_names_is_not_looked_for_in_the_house(look: Looking) -> None:
    look.site.feeds["/feed"] = rss("p", more="<wfw:commentRss>http://127.0.0.1:1/feed</wfw:commentRss>")

    with pytest.raises(ChannelError) as refusal:
        look()

    assert refusal.value.code == "private_address"


def test_one_feed_that_fails_does_not_keep_the_others_waiting(look: Looking) -> None:
    look.site.feeds["/feed"] = rss("a")
    feeds = (f"{look.site.url}/gone", f"{look.site.url}/feed")
    look.settings = msgspec.structs.replace(look.settings, feeds=feeds)

    with pytest.raises(ChannelError) as refusal:
        look()

    assert refusal.value.code == "not_there"
    assert '/feed"' in look.cursor


@pytest.mark.parametrize(
    ("fault", "code", "wait"),
    [
        (Fault(told=FakeAnswer(b"", 429, {"retry-after": "99"})), "slow_down", 99),
        (Fault(told=FakeAnswer(b"", 500)), "blog_failing", None),
        (Fault(told=FakeAnswer(b"x" * 5_100_000)), "answer_too_long", None),
        (Fault(told=FakeAnswer(b"<html>Hello</html>")), "not_a_feed", None),
        (Fault(how="drop"), "no_answer", None),
    ],
)
def test_a_feed_in_trouble_says_so(look: Looking, fault: Fault, code: str, wait: float | None) -> None:
    look.site.faults.append(fault)

    with pytest.raises(ChannelError) as refusal:
        look()

    assert (refusal.value.code, refusal.value.retry_after) == (code, wait)


def test_a_feed_has_no_past(look: Looking) -> None:
    with CHANNEL.connect(look.settings) as connection, pytest.raises(ChannelError, match="import an export"):
        connection.estimate()


@pytest.mark.parametrize("path", ["/comments/feed/", "/comments/feed/atom/", "/feed/"])
def test_a_real_blog_says_in_its_feeds_what_it_says_over_rest(wordpress: Any, path: str) -> None:
    # Given an answer on a real blog, known over REST
    first = wordpress.form(1, "Ann", "Hello <b>you</b>")
    wordpress.form(1, "Ben", "It's me", parent=first)
    asked = msgspec.convert(wordpress.settings(), BlogSettings)
    fed = BlogSettings(site=wordpress.url, feeds=(f"{wordpress.url}{path}",))

    told = []
    for settings in (asked, fed):
        with CHANNEL.connect(settings) as connection:
            pieces = [piece for piece in connection.fetch("") if piece.body]
        found = [one for piece in pieces for one in read(piece.body, settings, piece.source)]
        told.append({one.source_id: (one.text, one.occurred_at, one.parties[0].name, one.url) for one in found})

    # Then the feed tells of the same comments, by the same names
    assert told[0].keys() == told[1].keys() == {"comment:1", "comment:2"}
    assert told[1]["comment:1"] == told[0]["comment:1"]
