"""One look at X: mentions, what we wrote in X itself, messages, our threads, and whether known posts are still there.

Each sort goes on where it stopped, page by page. One that X makes wait is left out until its window reopens, and the
others go on; at the end the wait is said, so that it stands in the account's health.
"""

import json
from collections.abc import Callable, Iterator

from kinline import ChannelError, Fetched, Source
from kinline_twitter.calling import MESSAGES, POSTS, Caller, Page, StaleToken, clock_time
from kinline_twitter.costs import Costs
from kinline_twitter.fields import id_of, objects
from kinline_twitter.places import THREADS, Cursor, Reach, day_of, id_at, later
from kinline_twitter.settings import TwitterSettings

FULL, FEW = "100", "10"  #: of messages a few are asked first, for X charges for old ones too
A_WHILE = 60  #: seconds that a sort may rest without a word
WEEK = 7 * 86_400 - 3600  #: recent search reaches no further back
NAMES = {"mentions": "mentions", "posts": "our own posts", "messages": "direct messages", "search": "our threads",
         "recheck": "known posts"}  # fmt: skip


class Looks:
    """The looks of one connection. `fetch` is one of them."""

    def __init__(self, settings: TwitterSettings, caller: Caller, costs: Costs) -> None:
        self._settings, self._caller, self._costs = settings, caller, costs

    def fetch(self, cursor: Cursor) -> Iterator[Fetched]:
        before = cursor.text()
        cursor.rests = {sort: until for sort, until in cursor.rests.items() if until > self._caller.now()}
        user = self._settings.user_id
        sorts: dict[str, Callable[[], Iterator[Fetched]]] = {
            "mentions": lambda: self.timeline(cursor, "mentions", cursor.mentions, f"/2/users/{user}/mentions"),
            "posts": lambda: self.timeline(cursor, "posts", cursor.posts, f"/2/users/{user}/tweets"),
            "messages": lambda: self._messages(cursor),
            "search": lambda: self._threads(cursor),
            "recheck": lambda: self._recheck(cursor),
        }
        for sort, look in sorts.items():
            if sort not in cursor.rests and self._caller.is_due(sort):
                yield from self._unless_limited(cursor, sort, look())
        cursor.rests |= {
            sort: one.reset for sort, one in self._caller.windows.items() if sort in sorts and one.left <= 0
        }
        if cursor.text() != before or self._caller.windows:
            resting = {sort: {"left": 0, "until": clock_time(until)} for sort, until in cursor.rests.items()}
            yield Fetched(cursor=cursor.text(), limits=resting | self._caller.limits())
        worth_saying = self._caller.now() + max(A_WHILE, self._settings.poll_every)
        if rests := {sort: until for sort, until in cursor.rests.items() if until > worth_saying}:
            raise self.waiting(rests)

    def _unless_limited(self, cursor: Cursor, sort: str, pieces: Iterator[Fetched]) -> Iterator[Fetched]:
        try:
            yield from pieces
        except ChannelError as error:
            if error.code != "rate_limited":
                raise
            cursor.rests[sort] = int(self._caller.now() + (error.retry_after or 0)) + 1

    def waiting(self, rests: dict[str, int]) -> ChannelError:
        """Says what waits until when. The rest is looked at in the usual rhythm meanwhile."""
        said = ", ".join(f"{NAMES.get(sort, sort)} at {clock_time(until)}" for sort, until in sorted(rests.items()))
        left = max(1.0, min(rests.values()) - self._caller.now())
        everything = {"mentions", "posts"} <= rests.keys()
        pause = left if everything else min(left, float(self._settings.poll_every))
        return ChannelError(f"X lets us read again: {said}.", code="rate_limited", retry_after=pause)

    def timeline(self, cursor: Cursor, sort: str, reach: Reach, path: str) -> Iterator[Fetched]:
        """A timeline by since-id. Each page moves the cursor; the id of the newest counts once all pages are here."""
        going = True
        while going:
            try:
                page = self._caller.get(sort, path, {**POSTS, "max_results": FULL, **reach.query()})
            except StaleToken:
                reach.drop_token()
                continue
            news = reach.news(page)
            reach.turn(page)
            cursor.remember(page)
            going = bool(reach.token)
            if news:
                yield self.piece(page, sort, cursor.text(), "owned")

    def piece(self, page: Page, sort: str, cursor: str, charged: str) -> Fetched:
        return Fetched(
            body=page.raw, source=Source(name=f"x:{sort}", media_type="application/json"), cursor=cursor,
            cost=self._costs.read(page, charged), limits=self._caller.limits(),
        )  # fmt: skip

    def _messages(self, cursor: Cursor) -> Iterator[Fetched]:
        """Newest first, until the page on which they are known. X has no since-id for messages."""
        reach, size, again = cursor.messages, FEW, bool(cursor.messages.token)
        while self._settings.messages:
            asked = {"pagination_token": reach.token} if reach.token else {}
            try:
                page = self._caller.get("messages", "/2/dm_events", {**MESSAGES, "max_results": size, **asked})
            except StaleToken:
                if not again:
                    raise
                reach.token, again = "", False  # from the beginning: what is here already is a duplicate
                continue
            known = any(int(id_of(one) or 0) <= int(reach.since) for one in page.data)
            news = reach.news(page)
            reach.turn(page)
            if known:
                reach.finish()
            if news:
                yield self.piece(page, "messages", cursor.text(), "message")
            size = FULL
            if not reach.token:
                return

    def _threads(self, cursor: Cursor) -> Iterator[Fetched]:
        """What others say in conversations that concern us: new threads from their beginning, known ones since then."""
        if cursor.read_on != (day := day_of(self._caller.now())):
            cursor.read_on, cursor.thread_reads = day, 0
        if cursor.fresh and self._may_read(cursor):
            yield from self._search(cursor, Reach(), cursor.fresh)
        if cursor.threads and self._may_read(cursor):
            cursor.search.since = later(cursor.search.since, id_at(self._caller.now() - WEEK))
            yield from self._search(cursor, cursor.search, cursor.threads)

    def _may_read(self, cursor: Cursor) -> bool:
        return cursor.thread_reads < self._settings.thread_reads

    def _search(self, cursor: Cursor, reach: Reach, threads: list[str]) -> Iterator[Fetched]:
        """One page only: what a thread of thousands says would cost, and concerns us little."""
        query = " OR ".join(f"conversation_id:{id}" for id in threads[:THREADS])
        most = max(10, min(100, self._settings.thread_reads - cursor.thread_reads))
        asked = {"query": query, "max_results": str(most), **reach.query()}
        page = self._caller.get("search", "/2/tweets/search/recent", {**POSTS, **asked})
        news = reach.news(page)
        reach.turn(page)
        reach.finish()
        cursor.fresh = [id for id in cursor.fresh if id not in threads]
        cursor.thread_reads += news
        if news:
            yield self.piece(page, "threads", cursor.text(), "post")

    def _recheck(self, cursor: Cursor) -> Iterator[Fetched]:
        """Ask for the posts of the last week that we know: those that are gone come back as errors.

        Only the errors are kept, for they tell of the deletions; the posts themselves are asked for without anything
        that would cost more.
        """
        now, every = int(self._caller.now()), self._settings.recheck_hours * 3600
        week_ago = int(id_at(now - WEEK))
        cursor.seen = [id for id in cursor.seen if int(id) > week_ago]
        if not every or not cursor.seen or now < cursor.checked + every:
            return
        page = self._caller.get("recheck", "/2/tweets", {"ids": ",".join(cursor.seen)})
        cursor.checked = now
        errors = objects(page.value.get("errors"))
        gone = {id_of(one, "resource_id") for one in errors}
        cursor.seen = [id for id in cursor.seen if id not in gone]
        told = Page(json.dumps({"errors": errors}).encode() if errors else b"", page.value)
        yield self.piece(told, "recheck", cursor.text(), "post")
