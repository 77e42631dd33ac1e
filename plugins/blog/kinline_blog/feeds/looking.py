"""Looking at comment feeds: each is asked for what changed since the last look, by its own marks (RFC 9110, 13.1).

A feed of posts leads to the feeds of the comments under them (``wfw:commentRss``), the newest posts first. A feed holds
only the newest comments: what came and went between two looks is missed, deletions are never told, and there is no past.
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from urllib.parse import urlsplit

import msgspec

from kinline import ChannelError, Connection, Estimate, Fetched, OutcomeUnknown, Source, Unreadable, http
from kinline_blog import client
from kinline_blog.feeds import document, entries
from kinline_blog.settings import BlogSettings
from kinline_blog.site import address

DEADLINE, REDIRECTS = 20.0, 3
#: Posts whose comments are looked at.
POSTS = 30
MARKS = 500  #: feeds whose state is remembered
ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, application/json;q=0.8"
)


class Marks(msgspec.Struct, omit_defaults=True):
    """How a feed was when it was last read, in its own words, and a hash of it where it has none."""

    etag: str = ""
    modified: str = ""
    said: str = ""


class Feeds(Connection):
    def __init__(self, settings: BlogSettings) -> None:
        self._settings = settings
        self._failed: ChannelError | None = None

    def about(self) -> str:
        found = [_read(url, self._answer(url)) for url in self._settings.feeds]
        led = sum(len(_led_to(feed)) for feed in found)
        more = f", leading to the comments of {min(led, POSTS)} posts" if led else ""
        return f"{len(found)} feeds with {sum(map(len, found))} entries{more}."

    def fetch(self, cursor: str) -> Iterator[Fetched]:
        """Every feed that changed. One that fails does not keep the others waiting; it is told of at the end."""
        marks = msgspec.json.decode(cursor, type=dict[str, Marks]) if cursor else {}
        self._failed = None
        for url in self._settings.feeds:
            yield from self._look(url, marks, POSTS)
        if self._failed:
            raise self._failed

    def _look(self, url: str, marks: dict[str, Marks], deeper: int) -> Iterator[Fetched]:
        known = marks.get(url, Marks())
        try:
            answer = self._answer(url, known)
            said = blake2b(answer.body, digest_size=8).hexdigest()
            if answer.status == 304 or said == known.said:
                return
            led_to = _led_to(_read(url, answer))[:deeper]
        except ChannelError as error:
            self._failed = self._failed or error
            return
        if led_to:  # a feed of posts is read whole each time, for comments come without it changing
            for each in led_to:
                yield from self._look(each, marks, 0)
            return
        marks.pop(url, None)
        marks[url] = Marks(answer.headers.get("etag", "")[:200], answer.headers.get("last-modified", "")[:100], said)
        for old in list(marks)[:-MARKS]:
            del marks[old]
        headers = {"feed": url, "at": client.date_of(answer)}
        source = Source(name=entries.NAME, media_type=answer.headers.get("content-type", ""), headers=headers)
        yield Fetched(body=answer.body, source=source, cursor=msgspec.json.encode(marks).decode())

    def _answer(self, url: str, known: Marks | None = None) -> http.HttpAnswer:
        """The feed, or that it did not change. A feed that another site named is never looked for in the house."""
        headers = {"accept": ACCEPT}
        if known and known.etag:
            headers["if-none-match"] = known.etag
        if known and known.modified:
            headers["if-modified-since"] = known.modified
        ours = {urlsplit(each).netloc for each in self._settings.feeds}
        try:
            answer = http.call(
                "GET", url, headers=headers, deadline=DEADLINE, redirects=REDIRECTS, longest=document.MAX_BODY,
                trusted=urlsplit(url).netloc in ours,
            )  # fmt: skip
        except OutcomeUnknown as error:
            raise ChannelError(f"{url[:200]}: {error.detail}", code=error.code) from error  # reading changes nothing
        if answer.ok or answer.status == 304:
            return answer
        raise client.refusal(answer, self._settings, changing=False)

    def estimate(self) -> Estimate:
        raise ChannelError(
            "A feed holds only the newest comments; import an export for the past.", permanent=True, code="no_history"
        )

    def recent(self, count: int) -> Sequence[str]:
        found = []
        for url in self._settings.feeds:
            for each, entry in self._entries(url, POSTS):
                found.append((entry.published or entry.updated, entries.key_of(entry, each, self._settings)))
        return [key for _, key in sorted(found, reverse=True)[:count]]

    def _entries(self, url: str, deeper: int) -> Iterator[tuple[str, document.Entry]]:
        found = _read(url, self._answer(url))
        led_to = _led_to(found)[:deeper]
        for each in led_to:
            yield from self._entries(each, 0)
        yield from () if led_to else ((url, entry) for entry in found)


def _read(url: str, answer: http.HttpAnswer) -> list[document.Entry]:
    try:
        return document.read(answer.body)
    except Unreadable as error:
        raise ChannelError(f"{url[:200]}: {error.detail}", code=error.code) from error


def _led_to(found: list[document.Entry]) -> list[str]:
    """The comment feeds that a feed of posts names."""
    return [url for entry in found if (url := address(entry.comments))]
