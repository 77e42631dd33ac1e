"""A WordPress that is kept connected over REST: what is new, what changed, the past, and whether all of it is here.

A look reads the newest page of each state (approved and waiting, spam, trash). What is numbered above the mark is new;
what is told otherwise than at the last look has changed; what was there and is in no list any more is asked for by
itself, and was deleted if it is gone. WordPress has no list of changes: of a comment older than the newest hundred
of its state, its deletion and its state are found by going through all of them again (`rechecking`); an edit is missed by
looking, unless the blog's webhook tells of it or the history is brought in again. Everything is told as events, with the time at which the blog's own clock says it was so.
"""

import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b

import msgspec

from kinline import ChannelError, Connection, Estimate, Fetched, Source, http
from kinline.contract.connection import Ours
from kinline_blog import fields, listing
from kinline_blog.client import RIGHTS, Client
from kinline_blog.listing import STATES, Listing, Page, number
from kinline_blog.rechecking import Rechecking
from kinline_blog.settings import BlogSettings
from kinline_blog.site import canonical, scope

#: Comments that the first look brings; the rest is history.
FIRST = 20
#: Comments of each state whose last wording is remembered, to see what changes; and those asked for by themselves in
#: one look.
MARKS, ASKED = 120, 20
VERSION = re.compile(rb"<generator>https?://wordpress\.org/\?v=([0-9.]{1,12})<")


class Mark(msgspec.Struct, array_like=True):
    """How a comment was when it was last seen: in which list, and a hash of what it said."""

    state: str
    said: str


class Place(msgspec.Struct):
    """The cursor: how far each state was read, from which number on its comments are marked, and how each was."""

    read: dict[str, int] = {}
    low: dict[str, int] = {}
    marks: dict[int, Mark] = {}


class Past(msgspec.Struct):
    """The cursor of the history: a state, an offset in it counted from the oldest, the last number that was kept."""

    state: int = 0
    offset: int = 0
    last: int = 0


class Wordpress(Connection):
    """One blog, as the account's user sees it. Connecting asks what that user may do."""

    def __init__(self, settings: BlogSettings) -> None:
        if not canonical(settings.site):
            raise ChannelError("Say in the settings which `site` this is.", permanent=True, code="no_site")
        self._settings, self._client = settings, Client(settings)
        self._index = fields.record(self._client.index().value)
        self._me: fields.Record = {}
        if settings.user:
            self._me = fields.record(self._client.get("users/me", context="edit", _fields="id,name,capabilities").value)
        rights = fields.record(self._me.get("capabilities"))
        self._listing = Listing(self._client, whole=rights.get("moderate_comments") is True)

    def about(self) -> str:
        counts = {state: self._listing.page(state, count=1).total for state in self._listing.states}
        name, version = fields.line(self._index.get("name"), 100), self._version()
        who = f"as {fields.line(self._me.get('name'), 100)}" if self._me else "as everybody sees it"
        if not self._listing.whole:
            lack = "The user may not moderate" if self._me else "Without a user"
            return (
                f"“{name}” (WordPress {version}), {who}: {counts['approve']} comments. {lack}, so comments that wait, "
                "spam, trash and mail addresses cannot be seen: give the user the role Editor."
            )
        return (
            f"“{name}” (WordPress {version}), {who}, who may moderate: {counts['all']} comments, "
            f"{counts['spam']} in spam, {counts['trash']} in the trash."
        )

    def fetch(self, cursor: str) -> Iterator[Fetched]:
        place = msgspec.json.decode(cursor, type=Place) if cursor else Place()
        if STATES[0] in place.read and not self._listing.whole:  # what everybody sees would seem to be news
            raise ChannelError(
                f"The user “{self._settings.user}” may not moderate any more. {RIGHTS}",
                permanent=True,
                code="not_authorised",
            )
        seen: set[int] = set()
        for state in self._listing.states:
            for page in self._pages(place, state):
                seen.update(page.numbers)
                yield self._news(place, state, page)
        yield from self._vanished(place, seen)

    def _pages(self, place: Place, state: str) -> Iterator[Page]:
        if state in place.read:
            return self._listing.after(state, place.read[state])
        return iter([self._listing.page(state, count=FIRST)])

    def _news(self, place: Place, state: str, page: Page) -> Fetched:
        """What of a page is new or otherwise than it was, oldest first; the cursor moves on.

        What is not marked and older than all that is marked belongs to the past, and is only marked.
        """
        known, low = place.read.get(state, 0), place.low.get(state, 0)
        changed = [row for row in reversed(page.rows) if _changed(row, place.marks.get(number(row)), low)]
        posts = self._listing.about(changed) if changed else {}
        events = []
        for row in changed:
            what = "comment.created" if number(row) > known else "comment.updated"
            events.append(self._event(what, page.at, row, posts.get(fields.ident(row.get("post")))))
        for row in page.rows:
            place.marks[number(row)] = Mark(state, _said(row))
        place.read[state] = max([known, *page.numbers])
        place.low[state] = min(page.numbers, default=0) if page.total > len(page.rows) else 0
        return self._piece(events, place)

    def _vanished(self, place: Place, seen: set[int]) -> Iterator[Fetched]:
        """Those that should stand in the pages just read and do not: deleted, or gone where no list shows them."""
        gone = [
            ident for ident, mark in place.marks.items() if ident not in seen and ident >= place.low.get(mark.state, ident + 1)
        ]  # fmt: skip
        for ident in sorted(gone)[:ASKED]:
            row, at = self._listing.one(ident)
            if row is None:
                del place.marks[ident]
                yield self._piece([self._event("comment.deleted", at, {"id": ident})], place)
                continue
            changed = _said(row) != place.marks[ident].said
            place.marks[ident] = Mark("", _said(row))
            yield self._piece([self._event("comment.updated", at, row)] if changed else [], place)

    def _piece(self, events: list[fields.Record], place: Place) -> Fetched:
        kept: dict[int, Mark] = {}
        for state in (*self._listing.states, ""):
            newest = sorted((each for each, mark in place.marks.items() if mark.state == state), reverse=True)
            kept |= {ident: place.marks[ident] for ident in newest[:MARKS]}
        place.marks = kept
        return Fetched(body=_body(events), source=Source(name="rest"), cursor=msgspec.json.encode(place).decode())

    def _event(self, what: str, at: str, row: fields.Record, post: fields.Record | None = None) -> fields.Record:
        event: fields.Record = {"event": what, "at": at, "site": self._settings.site, "comment": row}
        if post:
            event["post"] = post
        if self._me:
            event["me"] = self._me.get("id")
        return event

    def now(self, ident: int) -> Fetched:
        """One comment as it is now, or that it is gone."""
        row, at = self._listing.one(ident)
        if row is None:
            event = self._event("comment.deleted", at, {"id": ident})
        else:
            event = self._event(
                "comment.updated", at, row, self._listing.about([row]).get(fields.ident(row.get("post")))
            )
        return Fetched(body=_body([event]), source=Source(name="rest"))

    def history(self, cursor: str) -> Iterator[Fetched]:
        """All comments of all states, the oldest first."""
        past = msgspec.json.decode(cursor, type=Past) if cursor else Past()
        while past.state < len(self._listing.states):
            state = self._listing.states[past.state]
            begin, page = self._next(state, past)
            fresh = [row for row in page.rows if number(row) > past.last]
            past.last = max([past.last, *page.numbers])
            past.offset = begin + listing.PAGE
            if past.offset >= page.total:
                past = Past(state=past.state + 1)
            posts = self._listing.about(fresh)
            events = [
                self._event("comment.created", page.at, row, posts.get(fields.ident(row.get("post")))) for row in fresh
            ]
            yield Fetched(body=_body(events), source=Source(name="rest"), cursor=msgspec.json.encode(past).decode())

    def _next(self, state: str, past: Past) -> tuple[int, Page]:
        """The page that begins with the last comment of the page before, and its offset.

        Where none does, some were deleted and the others moved up: then we step back to where it goes on.
        """
        begin = max(0, past.offset - 1)
        page = self._listing.page(state, begin, order="asc")
        while begin and (not page.rows or page.numbers[0] > past.last):
            before = max(0, begin - listing.PAGE)
            earlier = self._listing.page(state, before, order="asc")
            if not any(each > past.last for each in earlier.numbers):
                break  # all of it is known: it goes on behind it
            begin, page = before, earlier
        return begin, page

    def estimate(self) -> Estimate:
        total = sum(self._listing.page(state, count=1).total for state in self._listing.states)
        note = "" if self._listing.whole else "Only comments that everybody sees: the user may not moderate."
        return Estimate(
            items=-(-total // (listing.PAGE - 1)),
            note=f"{total} comments, {listing.PAGE - 1} in a piece. {note}".strip(),
        )

    def recent(self, count: int) -> Sequence[str]:
        pages = [self._listing.page(state, count=min(count, listing.PAGE)) for state in self._listing.states]
        numbers = sorted({ident for page in pages for ident in page.numbers}, reverse=True)[:count]
        where = scope(self._settings, self._settings.site, "")
        return [where.key("comment", str(ident)) for ident in numbers]

    def recheck(self, cursor: str, ours: Ours) -> Iterator[Fetched]:
        """Whoever may not moderate sees what is gone and what is only hidden alike, and is told nothing."""
        if not self._listing.whole:
            return
        looking = Rechecking(self._client, self._listing, scope(self._settings, self._settings.site, ""))
        for place, found in looking.parts(cursor, ours):
            posts = self._listing.about(each.row for each in found if each.row)
            events = [
                self._event("comment.updated", each.at, each.row, posts.get(fields.ident(each.row.get("post"))))
                if each.row
                else self._event("comment.deleted", each.at, {"id": each.number})
                for each in found
            ]
            yield Fetched(body=_body(events), source=Source(name="rest"), cursor=place)

    def _version(self) -> str:
        """WordPress tells its version in its feeds, where nobody hides it."""
        try:
            base = (self._settings.api or self._settings.site).rstrip("/")
            answer = http.call("GET", f"{base}/feed/", trusted=True, redirects=2, deadline=10)
        except ChannelError:
            return "of unknown version"
        found = VERSION.search(answer.body[:20_000])
        return found[1].decode() if found else "of unknown version"


def _changed(row: fields.Record, mark: Mark | None, low: int) -> bool:
    return number(row) >= low if mark is None else mark.said != _said(row)


def _said(row: fields.Record) -> str:
    """A short hash of all that we take of a comment, but for our own place in the list."""
    return blake2b(msgspec.json.encode(row, order="deterministic"), digest_size=6).hexdigest()


def _body(events: list[fields.Record]) -> bytes:
    return msgspec.json.encode(events) if events else b""
