"""Pages of others: where they want their webmentions, and who says what on them."""

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinline import Unreadable
from kinline_blog import discovery, microformats, page, said

PAGE = "https://ann.example/posts/bread"


@pytest.mark.parametrize(
    ("fields", "html", "endpoint"),
    [
        (['</wm>; rel="webmention"'], "", "https://ann.example/wm"),
        (["<https://wm.example/a?b=c>; rel=webmention"], "", "https://wm.example/a?b=c"),
        (['</css>; rel=preload; as="style, x", </wm>; title="a;b\\",c"; REL="x WebMention"'], "", "https://ann.example/wm"),
        (["</no>; rel=other", "</wm>;rel=webmention"], '<link rel=webmention href="/no">', "https://ann.example/wm"),
        (['</no>; rel=webmention; anchor="https://ben.example/"'], '<a rel=webmention href="wm">', "https://ann.example/posts/wm"),
        ([], '<a href="one" rel="nofollow webmention">x</a><link rel=webmention href=two>', "https://ann.example/posts/one"),
        ([], '<link rel="not-webmention" href="/no"><!-- <a rel=webmention href="/no"> --><a rel=webmention href="/wm">', "https://ann.example/wm"),
        ([], "<textarea><a rel=webmention href='/no'></a></textarea><script>'<a rel=webmention href=/no>'</script>", ""),
        ([], "<template><a rel=webmention href='/no'></a></template>", ""),
        ([], '<link rel="webmention"><link rel=webmention href="">', PAGE),
        ([], '<base href="https://ann.example/blog/"><link rel=webmention href="wm">', "https://ann.example/blog/wm"),
        ([], '<a rel=webmention href="javascript:alert(1)">x</a><a rel=webmention href="/wm">y</a>', "https://ann.example/wm"),
        ([], '<a rel=webmention href="http://[">x</a>', ""),
        (["nonsense", "<", "<>", ";;;", "<a;rel=webmention"], "<p>Nothing here", ""),
    ],
)  # fmt: skip
def test_the_first_endpoint_that_a_page_names_counts(fields: list[str], html: str, endpoint: str) -> None:
    assert discovery.endpoint(PAGE, fields, html) == endpoint


ENTRY = """<article class="h-entry"><a class="u-url" href="bread"></a>
  <a class="p-author h-card" href="/"><img src="ann.png" alt="">Ann</a>
  <p>In reply to <a class="u-in-reply-to" href="https://shop.example/bread#c1">the shop</a></p>
  <time class="dt-published" datetime="2026-11-20T10:10:00+01:00">today</time>
  <div class="e-content">It was <b>good</b>. <a href="/more">More</a></div></article>"""


def test_an_answer_says_who_wrote_what_and_when() -> None:
    found = said.about(microformats.read(ENTRY, PAGE), "https://shop.example/bread")

    assert found == said.Said(
        deed="reply",
        url=PAGE,
        text="It was good. More",
        html='It was <b>good</b>. <a href="https://ann.example/more">More</a>',
        published="2026-11-20T10:10:00+01:00",
        author_name="Ann",
        author_url="https://ann.example/",
        author_photo="https://ann.example/posts/ann.png",
    )


@pytest.mark.parametrize(
    ("mark", "deed"),
    [("u-like-of", "like"), ("u-repost-of", "repost"), ("u-bookmark-of", "bookmark"), ("u-x", "mention")],
)
def test_what_an_entry_does_to_a_page_is_told(mark: str, deed: str) -> None:
    html = f'<div class="h-entry"><p class="p-name">I saw this</p><a class="{mark}" href="https://shop.example/bread/">it</a></div>'

    found = said.about(microformats.read(html, PAGE), "https://shop.example/bread")

    assert found is not None
    assert (found.deed, found.text) == (deed, "I saw this")


def test_of_a_feed_the_entry_about_us_is_meant_and_the_feeds_author_wrote_it() -> None:
    html = """<div class="h-feed"><p class="p-author h-card">Ben</p>
      <div class="h-entry"><p class="e-content">Other things</p></div>
      <div class="h-entry"><p class="e-content">See <a href="https://shop.example/bread">bread</a></p></div></div>"""

    found = said.about(microformats.read(html, PAGE), "https://shop.example/bread")

    assert found is not None
    assert (found.text, found.author_name, found.deed) == ("See bread", "Ben", "mention")


def test_a_page_without_an_entry_says_nothing() -> None:
    assert said.about(microformats.read("<p class=h-card>Ann</p>", PAGE), PAGE) is None


def item(html: str) -> dict[str, Any]:
    return microformats.read(html, PAGE)["items"][0]["properties"]  # type: ignore[no-any-return]


def test_properties_are_read_by_their_kind() -> None:
    found = item(
        '<div class="h-event"><p class="p-name"> Baking  day </p><abbr class="p-summary" title="all day">x</abbr>'
        '<img class="u-photo" src="a.png" alt="Bread"><a class="u-url" href="?x=1">y</a><data class="p-x-fee" value="3">three</data>'
        '<p class="dt-start"><span class="value">2026-11-20</span> at <span class="value">6:30pm</span></p>'
        '<p class="dt-end"><span class="value">22:00+01:00</span></p></div>'
    )

    assert found == {
        "name": ["Baking  day"],
        "summary": ["all day"],
        "photo": [{"value": "https://ann.example/posts/a.png", "alt": "Bread"}],
        "url": ["https://ann.example/posts/bread?x=1"],
        "x-fee": ["3"],
        "start": ["2026-11-20 18:30"],
        "end": ["2026-11-20 22:00+0100"],
    }


def test_what_only_one_element_says_is_implied() -> None:
    assert item('<a class="h-card" href="/"><img src="a.png" alt="Ann"></a>') == {
        "name": ["Ann"],
        "photo": [{"value": "https://ann.example/posts/a.png", "alt": "Ann"}],
        "url": ["https://ann.example/"],
    }


def test_the_old_formats_are_read_as_the_new() -> None:
    html = """<div class="hentry"><h1 class="entry-title">Bread</h1><p class="entry-content">Good.</p>
      <p class="author vcard"><a class="fn url" href="/">Ann</a></p><a rel="tag" href="/t">food</a></div>"""

    found = item(html)

    assert found["name"] == ["Bread"]
    assert found["author"][0]["properties"] == {"name": ["Ann"], "url": ["https://ann.example/"]}
    assert found["category"] == ["food"]


def test_relations_tell_their_addresses() -> None:
    found = microformats.read(
        '<a rel="me nofollow" href="/me">Me</a><link rel="me" href="https://x.example/ann">', PAGE
    )

    assert found["rels"]["me"] == ["https://ann.example/me", "https://x.example/ann"]
    assert found["rel-urls"]["https://ann.example/me"] == {"rels": ["me", "nofollow"], "text": "Me"}


@pytest.mark.alone
@pytest.mark.parametrize(
    ("html", "code"),
    [
        ("<div>" * 1_000, "page_too_deep"),
        ("<p>" * 30_000, "page_too_large"),
        ("x" * (page.MAX_HTML + 1), "page_too_large"),
        ("<div class=h-entry>" + "<div class=e-content>" * 140 + "<b>x</b>" * 6_000, "page_too_large"),
        ("<div class=h-entry>" + "<div class=p-a>" * 140 + "x" * 900_000, "page_too_large"),
        ("<div class=h-entry>" * 140 + "<b>x</b>" * 6_000, "page_too_large"),
        (
            f"<div class=h-entry><p class='{' '.join(f'p-{i}-a' for i in range(9_000))}'>" + "<b>x</b>" * 6_000,
            "page_too_large",
        ),
    ],
    ids=["deep", "many", "long", "html in html", "text in text", "items in items", "one of many names"],
)
def test_a_page_that_nobody_writes_is_refused_soon(html: str, code: str) -> None:
    began = time.perf_counter()

    with pytest.raises(Unreadable) as refused:
        microformats.read(html, PAGE)

    assert refused.value.code == code
    assert time.perf_counter() - began < 5


@pytest.mark.alone
@pytest.mark.parametrize(
    "html",
    [
        "<p class=h-card>a</p>" * 6_000,
        "".join(f"<a rel='r{i}' href=x></a>" for i in range(6_000)),
        "".join(f"<a rel=webmention href='x{i}:'></a>" for i in range(6_000)),
        f"<a rel='{' '.join(f'r{i}' for i in range(90_000))}' href=x>",
        "<div class=vcard itemref='b b b b'></div>" * 60 + "<div id=b>" + "<b>x</b>" * 150,
        "<a class=include href='#b'>" * 100 + "<p class=vcard id=b>x",
        "<div class=h-event><p class=dt-start>" + "<b class=value>2026-01-01</b>" * 10_000,
        "<a " + "x=y " * 200_000 + ">",
        "<!--" * 200_000,
    ],
    ids=lambda html: html[:20],
)
def test_no_page_takes_long(html: str) -> None:
    began = time.perf_counter()

    with contextlib.suppress(Unreadable):
        microformats.read(html, PAGE)
    list(discovery.in_page(PAGE, html[:100_000]))

    assert time.perf_counter() - began < 10


@pytest.mark.alone
@pytest.mark.parametrize(
    "field", ["<a>" + ";x" * 10_000, "<a>" + " " * 30_000, '<a>;x="' * 4_000, "<" * 30_000, "<a>," * 8_000]
)
def test_no_link_field_takes_long(field: str) -> None:
    began = time.perf_counter()

    list(discovery.in_fields(PAGE, [field] * 10))

    assert time.perf_counter() - began < 5


WORDS = ["<div class='h-entry'>", "<p class='p-name'>", "<a class=u-url href=x rel=webmention>", "<b class=value>", "</p>", "</div>", "</a>", "<img alt>",
         "<time class='dt-x' datetime='1'>", "2026-01-01", "<div class='vcard' itemref=a id=a>", "<table>", "<template>", "text", "<!--", "&amp;"]  # fmt: skip


@pytest.mark.parametrize("odd", ["\ud800", "\0", "\x85", "\ufeff", "é", "🍞"])
def test_odd_characters_hurt_nobody(odd: str) -> None:
    html = f"<a rel=webmention href='/wm'>{odd}</a><p class=h-card>{odd}Ann</p>"

    assert discovery.endpoint(PAGE, [odd], html) == "https://ann.example/wm"
    assert "Ann" in microformats.read(html, PAGE)["items"][0]["properties"]["name"][0]


@given(st.lists(st.sampled_from(WORDS), max_size=30))
def test_whatever_the_page_it_is_read(words: list[str]) -> None:
    found = microformats.read("".join(words), PAGE)

    said.about(found, PAGE)
    assert set(found) == {"items", "rels", "rel-urls"}
