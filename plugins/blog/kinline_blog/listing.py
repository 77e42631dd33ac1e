"""The blog's comments as lists that can be walked: by state, by number, a page at a time, and nothing falls between.

WordPress numbers comments in the order in which it gets them, whatever date they have, so the number is the mark up to
which we have read. Lists are asked for by offset; comments come and go meanwhile, so pages overlap and are checked.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from kinline import ChannelError
from kinline_blog import fields
from kinline_blog.client import Client

PAGE = 100  #: WordPress gives no more
#: The states that are separate lists there; "all" is what stands on the blog and what waits for a moderator.
STATES = ("all", "spam", "trash")
#: What we need of a comment. Addresses of computers and browsers of commenters never leave the blog.
WANTED = "id,post,parent,author,author_name,author_email,author_url,date,date_gmt,content,link,status,type"
DOUBTS = 3  #: times that a place is looked for again, while comments come and go
TITLES = 2_000  #: posts remembered while connected


class Page(msgspec.Struct, frozen=True):
    """Some comments of one state, with how many of it there are in all and the blog's clock."""

    rows: list[fields.Record]
    total: int
    at: str

    @property
    def numbers(self) -> list[int]:
        return [number(row) for row in self.rows]

    def reaches(self, offset: int, known: int) -> bool:
        """Whether, counted from the newest, it goes down to what is known, or to the end."""
        return any(each <= known for each in self.numbers) or offset + len(self.rows) >= self.total


class Listing:
    """What one user may read there. ``whole``: all states and mail addresses; else what everybody sees."""

    def __init__(self, client: Client, *, whole: bool) -> None:
        self._client, self.whole = client, whole
        self._posts: dict[str, fields.Record] = {}

    @property
    def states(self) -> Sequence[str]:
        return STATES if self.whole else ("approve",)

    def page(self, state: str, offset: int = 0, *, count: int = 0, order: str = "desc") -> Page:
        """Comments of a state by number, ``count`` of them or as many as there may be in a page."""
        query: dict[str, Any] = {"orderby": "id", "order": order, "per_page": count or PAGE, "offset": offset}
        query["_fields"] = WANTED
        if self.whole:
            query |= {"status": state, "context": "edit", "type": "all"}
        told = self._client.get("comments", **query)
        if not isinstance(told.value, list):
            raise ChannelError("The blog's comments are no list; a plugin changes them.", code="no_answer")
        rows = [fields.record(row) for row in told.value]
        return Page([row for row in rows if number(row)], told.total, told.at)

    def after(self, state: str, known: int) -> Iterator[Page]:
        """Pages with all comments numbered above ``known``, the oldest page first; the last is the newest page.

        More than a page of news (we were away) is walked from the oldest on. Each page must reach down to one that is
        known: if it does not, some came or went meanwhile, and the place is looked for again.
        """
        doubts = 0
        while not (newest := self.page(state)).reaches(0, known):
            offset = max(0, self._depth(state, known) - (PAGE - 1))
            found = self.page(state, offset)
            fresh = [each for each in found.numbers if each > known]
            if fresh and (found.reaches(offset, known) or doubts >= DOUBTS):
                yield found
                known, doubts = max(fresh), 0
            elif doubts >= DOUBTS:
                break
            else:
                doubts += 1
        yield newest

    def _depth(self, state: str, known: int) -> int:
        """How many of this state are numbered above ``known``: asked for one at a time, by halves."""
        low, high = 0, self.page(state, count=1).total
        while low < high:
            middle = (low + high) // 2
            if any(each > known for each in self.page(state, middle, count=1).numbers):
                low = middle + 1
            else:
                high = middle
        return low

    def one(self, ident: int) -> tuple[fields.Record | None, str]:
        """One comment as it is now, and when that was. None: it is not there, or not for us to see any more."""
        try:
            query = {"context": "edit"} if self.whole else {}
            told = self._client.get(f"comments/{ident}", _fields=WANTED, **query)
        except ChannelError as error:
            if error.code in ("not_there", "not_authorised"):
                return None, self._client.index().at
            raise
        return fields.record(told.value), told.at

    def about(self, rows: Iterable[fields.Record]) -> dict[str, fields.Record]:
        """Titles and addresses of the posts that these comments stand under, as far as the blog tells."""
        wanted = {fields.ident(row.get("post")) for row in rows} - {""}
        for kind in ("posts", "pages"):
            unknown = sorted(wanted - self._posts.keys())
            if unknown:
                self._ask(kind, unknown)
        for ident in wanted - self._posts.keys():
            self._posts[ident] = {}  # of another type; the comment's own link tells where
        found = {ident: self._posts[ident] for ident in wanted if self._posts[ident]}
        if len(self._posts) > TITLES:
            self._posts.clear()
        return found

    def _ask(self, kind: str, unknown: list[str]) -> None:
        try:
            told = self._client.get(kind, include=",".join(unknown), per_page=PAGE, _fields="id,title,link")
        except ChannelError as error:
            if not error.permanent:
                raise
            return
        for row in told.value if isinstance(told.value, list) else ():
            post = fields.record(row)
            title = fields.record(post.get("title")).get("rendered")
            self._posts[fields.ident(post.get("id"))] = {"title": title, "link": post.get("link")}


def number(row: fields.Record) -> int:
    return int(fields.ident(row.get("id")) or 0)
