"""How far an account has come: the cursor, as JSON that survives everything but being somebody else's."""

import msgspec

from kinline_twitter.calling import Page, next_token
from kinline_twitter.fields import ID, SNOWFLAKE_EPOCH, id_of, inside, words

#: Ids are in order only by and large (twitter-archive/snowflake: "roughly sorted"), and timelines show some late. So the
#: last half minute is asked for again, and what is known of it is passed over.
OVERLAP = 30_000 << 22
MOST_NEAR = 300  #: ids remembered of it
KEPT = 100  #: posts that are asked for again, to see deletions; one look-up takes a hundred
THREADS = 12  #: conversations that fit into one search of 512 characters


class Reach(msgspec.Struct, omit_defaults=True):
    """How far one timeline was read. Pages come newest first, so ``since`` moves only after the last of them."""

    since: str = ""  #: everything up to this id is here
    newest: str = ""  #: the newest id of the look that is under way
    token: str = ""  #: the page to go on with
    below: str = ""  #: where to go on when X takes the token no more
    near: list[str] = []  #: what is here of the half minute before ``since``, and since then

    def query(self) -> dict[str, str]:
        since = str(max(1, int(self.since) - OVERLAP)) if self.since else ""
        asked = {"since_id": since, "pagination_token": self.token}
        asked |= {"until_id": self.below} if self.below and not self.token else {}
        return {name: value for name, value in asked.items() if value}

    def news(self, page: Page) -> int:
        """How much of it is not here yet."""
        floor = int(self.since or 0) - OVERLAP
        return sum(id not in self.near and int(id) > floor for one in page.data if (id := id_of(one)))

    def turn(self, page: Page) -> None:
        """Go on behind this page."""
        ids = [int(id) for one in page.data if (id := id_of(one))]
        self.near = list(dict.fromkeys([*self.near, *map(str, ids)]))
        self.newest = self.newest or words(page.meta.get("newest_id")) or (str(max(ids)) if ids else "")
        self.below = str(min(ids)) if ids else self.below
        self.token = next_token(page)
        if not self.token:
            self.finish()

    def finish(self) -> None:
        self.since = later(self.since, self.newest)
        self.newest = self.token = self.below = ""
        floor = int(self.since or 0) - OVERLAP
        self.near = sorted((id for id in self.near if int(id) > floor), key=int, reverse=True)[:MOST_NEAR]

    def drop_token(self) -> bool:
        """Go on by id instead. False: there is no place to go on from."""
        had, self.token = self.token, ""
        if not self.below:
            self.newest = ""
        return bool(had)


class Cursor(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Where to go on, for each sort of thing. Ids are snowflakes, so they are times too."""

    met: str = ""  #: the day and the token with which X said who we are
    username: str = ""  #: what it said
    begun: str = ""  #: what is older was there before this account was connected
    mentions: Reach = msgspec.field(default_factory=Reach)
    posts: Reach = msgspec.field(default_factory=Reach)
    messages: Reach = msgspec.field(default_factory=Reach)
    search: Reach = msgspec.field(default_factory=Reach)
    threads: list[str] = []  #: conversations that concern us, newest first
    fresh: list[str] = []  #: those of them whose beginning was not read yet
    read_on: int = 0  #: the day for which ``thread_reads`` counts
    thread_reads: int = 0
    seen: list[str] = []  #: posts that are here, newest first, for looking whether they still are there
    checked: int = 0  #: when that was done last, in seconds
    rests: dict[str, int] = {}  #: what X lets us read again only then, in seconds

    def text(self) -> str:
        return msgspec.json.encode(self).decode()

    def remember(self, page: Page) -> None:
        """Note the posts of a page, and the conversations they stand in."""
        firsts, threads = [], []
        for post in page.data:
            history = inside(post, "edit_history_tweet_ids")
            first = words(history[0]) if isinstance(history, list) and history else ""
            firsts.append(first or id_of(post))
            threads.append(id_of(post, "conversation_id"))
        self.seen = _newest(firsts, self.seen, KEPT)
        self.fresh = _newest([one for one in threads if one not in self.threads], self.fresh, THREADS)
        self.threads = _newest(threads, self.threads, THREADS)


def _newest(new: list[str], old: list[str], most: int) -> list[str]:
    return list(dict.fromkeys(one for one in (*new, *old) if ID.fullmatch(one)))[:most]


def read(cursor: str, now: float, first_look: float) -> Cursor:
    """The cursor of this text. "", or one that nobody can read: begin, ``first_look`` seconds ago."""
    try:
        found = msgspec.json.decode(cursor, type=Cursor) if cursor else Cursor()
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = Cursor()
    if not found.begun:
        found.begun = id_at(now - first_look)
    for reach in (found.mentions, found.posts, found.messages, found.search):
        reach.since = reach.since or found.begun
    found.checked = found.checked or int(now)
    return found


def id_at(seconds: float) -> str:
    """The first id of this moment."""
    return str(max(1, (int(seconds * 1000) - SNOWFLAKE_EPOCH) << 22))


def later(one: str, other: str) -> str:
    return max(one, other, key=lambda id: int(id or 0))


def day_of(now: float) -> int:
    return int(now // 86_400)
