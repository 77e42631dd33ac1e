"""Laws of walking through a blog's comments while people write, moderators delete, and we are interrupted."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinline_blog import listing
from kinline_blog.client import Told
from kinline_blog.listing import Listing
from kinline_blog.polling import Wordpress
from kinline_blog.settings import BlogSettings

PAGE = 4
#: What happens before each call: comments come, or those at these places go.
Happens = list[tuple[int, list[int]]]
HAPPENS = st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(0, 40), max_size=3)), max_size=12)


class Busy:
    """A blog in memory on which something happens before each call."""

    def __init__(self, count: int, happens: Happens) -> None:
        self.there = list(range(1, count + 1))
        self._last, self._happens = count, list(happens)

    def get(self, path: str, **query: Any) -> Told:
        if path != "comments":
            return Told([])
        if self._happens:
            come, go = self._happens.pop(0)
            for place in go:
                if place < len(self.there):
                    del self.there[place]
            self.there += range(self._last + 1, self._last + 1 + come)
            self._last += come
        rows = sorted(self.there, reverse=query["order"] == "desc")[query["offset"] :][: query["per_page"]]
        return Told([{"id": each} for each in rows], total=len(self.there))


@pytest.fixture(autouse=True, scope="module")
def small_pages() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "PAGE", PAGE)
        yield


@given(st.integers(0, 40), st.integers(0, 40), HAPPENS)
@settings(max_examples=400)
def test_whoever_wrote_before_we_looked_and_is_still_there_is_seen(count: int, known: int, happens: Happens) -> None:
    blog = Busy(count, happens)
    before = {each for each in blog.there if each > known}

    seen = {each for page in Listing(blog, whole=False).after("approve", known) for each in page.numbers}  # type: ignore[arg-type]

    assert before & set(blog.there) <= seen


@given(st.integers(0, 40), st.integers(0, 40))
def test_news_come_the_oldest_page_first(count: int, known: int) -> None:
    pages = list(Listing(Busy(count, []), whole=False).after("approve", known))  # type: ignore[arg-type]

    fresh = [each for page in pages for each in sorted(page.numbers) if each > known]
    assert list(dict.fromkeys(fresh)) == list(range(known + 1, count + 1))


@given(st.integers(0, 40), HAPPENS, st.sets(st.integers(0, 12)))
@settings(max_examples=400)
def test_the_past_is_whole_whatever_happens_and_however_often_we_stop(
    count: int, happens: Happens, stops: set[int]
) -> None:
    blog = Busy(count, happens)
    before, seen, cursor = set(blog.there), [], ""

    for _ in range(100):
        connection = _connection(blog)
        for place, piece in enumerate(connection.history(cursor)):
            seen += _numbers(piece.body)
            cursor = piece.cursor
            if place in stops:
                stops.discard(place)
                break
        else:
            break

    assert before & set(blog.there) <= set(seen)
    assert len(seen) == len(set(seen))


def _connection(blog: Busy) -> Wordpress:
    made = Wordpress.__new__(Wordpress)
    made._settings, made._me = BlogSettings(site="https://blog.example.org"), {}
    made._listing = Listing(blog, whole=False)  # type: ignore[arg-type]
    return made


def _numbers(body: bytes) -> list[int]:

    return [event["comment"]["id"] for event in json.loads(body or b"[]")]
