"""Fetching the page that is said to link to ours, once in ten minutes, through the one guarded way out.

A page that a mention comes for while we have it is not fetched again: for another target, what we have is good; for the
same target (an update), the mention waits until the ten minutes are over. This is remembered in one worker's process.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from urllib.parse import urldefrag, urlsplit

import msgspec

from kinline import ChannelError, Fetched, Hint, OutcomeUnknown, Source, clock, http
from kinline.clock import MINUTE, SECOND
from kinline.errors import Malformed
from kinline_blog import fields
from kinline_blog.client import Client
from kinline_blog.mentions import pair
from kinline_blog.mentions.pair import Pair
from kinline_blog.settings import BlogSettings

NAME = "webmention"  #: of the intake that holds the page
LONGEST = 1_000_000  #: bytes of a page that are read
DEADLINE, REDIRECTS = 10.0, 3
AGAIN = 10 * MINUTE
PAGES = 16  #: pages kept for other mentions that come for them
ACCEPT = "text/html, application/xhtml+xml, application/json;q=0.8, text/plain;q=0.7, */*;q=0.1"
GONE = (404, 410)


class Page(msgspec.Struct):
    """A page as it was, and for which targets it was used."""

    at: int
    answer: http.HttpAnswer
    targets: set[str]


class Pages:
    """The pages fetched in the last ten minutes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Page] = OrderedDict()

    def get(self, wanted: Pair, received_at: int) -> Page | None:
        """One that is new enough for this mention. Raises `ChannelError` where it must wait."""
        with self._lock:
            page = self._known.get(wanted.source)
            age = clock.now() - page.at if page else AGAIN
            if page is None or age >= AGAIN:
                return None
            if page.at < received_at and wanted.target in page.targets:
                raise ChannelError(
                    "Its page was fetched less than ten minutes ago.", retry_after=(AGAIN - age) / SECOND + 1,
                    code="too_soon",
                )  # fmt: skip
            page.targets.add(wanted.target)
            return page

    def keep(self, wanted: Pair, answer: http.HttpAnswer) -> Page:
        page = Page(clock.now(), answer, {wanted.target})
        with self._lock:
            self._known[wanted.source] = page
            self._known.move_to_end(wanted.source)
            while len(self._known) > PAGES:
                self._known.popitem(last=False)
        return page

    def clear(self) -> None:
        with self._lock:
            self._known.clear()


pages = Pages()


def complete(hint: Hint, settings: BlogSettings) -> Iterator[Fetched]:
    """The page of a Webmention, with the pair and when it was fetched."""
    try:
        wanted = pair.read(hint.body, settings)
    except Malformed as error:  # the settings changed since it was let in
        raise ChannelError(error.detail, permanent=True, code=error.code) from error
    page = pages.get(wanted, clock.from_datetime(hint.received_at)) or pages.keep(wanted, _fetched(wanted))
    headers = {
        "source": wanted.source, "target": wanted.target, "at": clock.to_text(page.at) or "",
        "status": str(page.answer.status), "url": page.answer.url, "post": _post(wanted.target, settings),
    }  # fmt: skip
    media_type = page.answer.headers.get("content-type", "")
    yield Fetched(body=page.answer.body or b"\n", source=Source(name=NAME, media_type=media_type, headers=headers))


def _fetched(wanted: Pair) -> http.HttpAnswer:
    """The page, whatever it is; gone counts as an answer. Raises `ChannelError`."""
    headers = {"accept": ACCEPT, "user-agent": "Kinline/1 (Webmention)", "accept-encoding": "identity"}
    try:
        answer = http.call(
            "GET", urldefrag(wanted.source)[0], headers=headers, deadline=DEADLINE, longest=LONGEST, redirects=REDIRECTS,
            cut=True,
        )  # fmt: skip
    except OutcomeUnknown as error:
        raise ChannelError(error.detail, code=error.code) from error  # reading changes nothing
    if answer.ok or answer.status in GONE:
        return answer
    passing = answer.status == 429 or answer.status >= 500
    raise ChannelError(
        f"{wanted.host} answered {answer.status}.",
        permanent=not passing,
        code="source_failing" if passing else "source_refuses",
    )


def _post(target: str, settings: BlogSettings) -> str:
    """The number of the post at this address, where the blog tells; "" where it does not."""
    parts = [part for part in urlsplit(target).path.split("/") if part]
    if not parts or not settings.user:
        return ""
    try:
        told = Client(settings, deadline=DEADLINE).get("posts", slug=parts[-1][:200], _fields="id,link")
    except ChannelError:
        return ""
    rows = [fields.record(row) for row in told.value] if isinstance(told.value, list) else []
    return next((fields.ident(row.get("id")) for row in rows if _same(row.get("link"), target)), "")


def _same(link: object, target: str) -> bool:
    """Whether two addresses are of one page, whatever comes behind # and ?."""
    mine, theirs = (urlsplit(str(each)) for each in (link, target))
    return (mine.netloc, mine.path.rstrip("/")) == (theirs.netloc, theirs.path.rstrip("/"))
