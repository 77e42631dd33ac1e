"""Whom and what a text names, as X reads it."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinline_twitter.entities import answered, cashtags, hashtags, links, mentions
from kinline_twitter.weight import weighted_length


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://kinline.org/a?b=c#d.", ["https://kinline.org/a?b=c#d"]),
        ("kinline.org, or shop.co.uk/sale!", ["kinline.org", "shop.co.uk/sale"]),
        ("(https://kinline.org/wiki/A_(b))", ["https://kinline.org/wiki/A_(b)"]),
        ("店はkinline.orgです。", ["kinline.org"]),
        ("https://bücher.de/é https://пример.рф/", ["https://bücher.de/é", "https://пример.рф/"]),
        ("https://xn--bcher-kva.de", ["https://xn--bcher-kva.de"]),
        ("ann@kinline.org #kinline.org $kinline.org @kinline.org", []),
        ("file.tar.bz2, e.g.this, v1.2.3, 10.30", []),
        ("https://-kinline.org https://kin_line.org https://kin..org", []),
        ("https://" + "a" * 64 + ".org", []),
        ("https://t.co/abc123's and https://t.co/" + "a" * 41, ["https://t.co/abc123"]),
        ("https://kinline.org:8080/path/,,,", ["https://kinline.org:8080/path/"]),
        ("a.org/x中b.org/y", ["a.org/x", "b.org/y"]),
        ("HTTPS://KINLINE.ORG", ["HTTPS://KINLINE.ORG"]),
    ],
)
def test_links_end_where_x_ends_them(text: str, found: list[str]) -> None:
    assert [link.url for link in links(text)] == found
    assert all(text[link.start : link.end] == link.url for link in links(text))


def test_links_without_a_scheme_may_be_left_out() -> None:
    assert [link.url for link in links("kinline.org https://kinline.org", bare=False)] == ["https://kinline.org"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@ann, ask @Ben_2 or @cleo/bakers-1.", [("ann", ""), ("Ben_2", ""), ("cleo", "/bakers-1")]),
        ("RT @ann: hi, rt:@ben, RT@cleo", [("ann", ""), ("ben", ""), ("cleo", "")]),
        ("ann@example.org f!@x a@@b @é @ann@mail", []),
        ("＠ann こんにちは@benさん", [("ann", ""), ("ben", "")]),
        ("@" + "a" * 21, [("a" * 20, "")]),
        ("@https://kinline.org", []),
    ],
)
def test_mentions_are_names_and_no_addresses(text: str, found: list[tuple[str, str]]) -> None:
    assert [(one.name, one.list) for one in mentions(text)] == found


@pytest.mark.parametrize(
    ("text", "name"), [("@ann hi", "ann"), (" \u3000@ann hi", "ann"), (".@ann hi", ""), ("hi @ann", "")]
)
def test_a_post_that_begins_with_a_name_answers(text: str, name: str) -> None:
    assert answered(text) == name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#bread and ＃パン", ["bread", "パン"]),
        ("#2026 #1st #_ #", ["1st"]),
        ("a#bread &#39; #bread#butter", []),
        ("#münchen, #il·lusió! #می‌خواهم", ["münchen", "il·lusió", "می‌خواهم"]),
        ("https://kinline.org/#bread kinline.org/#bread", []),
        ("✌️#peace", ["peace"]),
    ],
)
def test_hashtags_are_words_and_no_part_of_links(text: str, found: list[str]) -> None:
    assert [one.tag for one in hashtags(text)] == found


@pytest.mark.parametrize(
    ("text", "found"), [("$KIN $kin.a, $K1 x$KIN $TOOLONG", ["KIN", "kin.a"]), ("\u202b$KIN", ["KIN"])]
)
def test_cashtags_are_short_names_of_stocks(text: str, found: list[str]) -> None:
    assert [one.symbol for one in cashtags(text)] == found


@given(st.text(alphabet="ab.@#$/:-_é店 hTPs()?=", max_size=60))
def test_whatever_is_found_stands_in_the_text_in_order(text: str) -> None:
    for found in (links(text), mentions(text), hashtags(text), cashtags(text)):
        reached = 0
        for one in found:
            assert reached <= one.start < one.end <= len(text)
            reached = one.end


READERS: list[Callable[[str], Any]] = [links, mentions, hashtags, cashtags, answered, weighted_length]


@pytest.mark.alone
@pytest.mark.parametrize(
    "piece",
    ["a.com..", "a.comテ", "http://a.com/((((", "http://a.com/,!", "http://a.co/(a", "#a", "#aテ", "@a", "$A ", "a.b-", "rt:@",
     "?????", "-", "xn--", "/", "http://a.com/!!!!x"],
)  # fmt: skip
@pytest.mark.parametrize("reader", READERS, ids=lambda one: one.__name__)
def test_no_text_takes_long(reader: Callable[[str], Any], piece: str) -> None:
    text = piece * (100_000 // len(piece))
    began = time.perf_counter()

    found = reader(text)
    assert not isinstance(found, Iterable) or list(found) is not None

    assert time.perf_counter() - began < 2
