"""A live connection of one X account to the API v2: what `kinline` asks of a `Connection`, put together."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import NoReturn

from kinline import ChannelError, Connection, Estimate, Fetched, Source
from kinline_twitter import past, places
from kinline_twitter.calling import Caller, Page
from kinline_twitter.costs import Costs, millionths
from kinline_twitter.fields import id_of, inside, words
from kinline_twitter.looks import Looks
from kinline_twitter.posts import post_id
from kinline_twitter.settings import TwitterSettings
from kinline_twitter.watching import Watch

FIRST_LOOK = 3600.0  #: seconds that the first look goes back; `history` brings what is older
COMPARED = 10  #: posts of a timeline that are compared; X charges for each that is new


class XConnection(Connection):
    """Asks who we are once, then looks. Opened without a call: the first one is made when something is asked."""

    def __init__(self, settings: TwitterSettings) -> None:
        self._settings = settings
        self._caller = Caller(settings)
        self._costs = Costs(settings)
        self._looks = Looks(settings, self._caller, self._costs)
        self._begun, self._aside, self._username = "", 0, ""
        self._watch: Watch | None = None
        self.watches = settings.looks and settings.stream and bool(settings.bearer_token)

    def about(self) -> str:
        me = self._me()
        return f"X account @{me['username']} ({me['name']}), id {me['id']}"

    def fetch(self, cursor: str) -> Iterator[Fetched]:
        if not self._settings.looks:
            return
        place = places.read(cursor, self._caller.now(), FIRST_LOOK)
        self._begun = place.begun
        yield from self._meet(place)
        if self.watches and self._watch is None:
            self._watch = Watch(self._settings, self._username)
        if self._watch is not None:
            yield from self._streamed(self._watch, place)
        yield from self._looks.fetch(place)

    def _meet(self, place: places.Cursor) -> Iterator[Fetched]:
        """Ask X once a day, and whenever the token is another one, whose it is; X charges for it once a day."""
        day = f"{places.day_of(self._caller.now())}:"
        met = day + blake2b(self._settings.access_token.encode(), digest_size=8).hexdigest()
        if place.met != met:
            place.username = self._me()["username"]
            paid = place.met.startswith(day)
            place.met, cost = met, self.spent()
            yield Fetched(cursor=place.text(), cost=0 if paid else cost, limits=self._caller.limits())
        self._username = place.username

    def _streamed(self, watch: Watch, place: places.Cursor) -> Iterator[Fetched]:
        price = millionths(self._settings.prices.post_read)
        source = Source(name="x:stream", media_type="application/json")
        self._caller.notes["stream"] = watch.state
        for line in watch.taken():
            yield Fetched(body=line, source=source, cursor=place.text(), cost=price)

    def wait(self, seconds: float) -> bool:
        return self._watch.wait(seconds) if self._watch else super().wait(seconds)

    def history(self, cursor: str) -> Iterator[Fetched]:
        yield from past.history(cursor, self._settings, self._caller, self._looks)

    def estimate(self) -> Estimate:
        return past.estimate(self._settings, self._caller)

    def recent(self, count: int) -> Sequence[str] | None:
        """The newest mentions and posts of ours since this account was connected, newest first."""
        if not self._settings.looks:
            return None
        user, found, asked = self._settings.user_id, list[str](), 0
        for sort, path in (("mentions", f"/2/users/{user}/mentions"), ("posts", f"/2/users/{user}/tweets")):
            if self._caller.opens_in(sort):
                continue
            page = self._caller.get(sort, path, {"max_results": str(max(5, min(count, COMPARED)))})
            self._aside += self._costs.read(page, "owned")
            found += [_first(one) for one in page.data if int(id_of(one) or 0) > int(self._begun or 0)]
            asked += 1
        if not asked:
            pause = float(self._settings.poll_every)
            raise ChannelError("X lets us compare later.", code="rate_limited", retry_after=pause)
        return [post_id(id) for id in sorted(set(found), key=int, reverse=True)[:count]]

    def spent(self) -> int:
        told, self._aside = self._aside, 0
        return told

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()

    def _me(self) -> dict[str, str]:
        page: Page = self._caller.get("me", "/2/users/me", {"user.fields": "username,name"})
        self._aside += self._costs.read(page, "user")
        id = words(inside(page.value, "data", "id"))
        me = {"id": id, "username": words(inside(page.value, "data", "username"))}
        if id != self._settings.user_id:
            _somebody_else(me, self._settings.user_id)
        return {**me, "name": words(inside(page.value, "data", "name"))}


def _somebody_else(me: dict[str, str], wanted: str) -> NoReturn:
    said = (
        f"The token is of @{me['username']}, whose id is {me['id']}; the setting user_id says {wanted or 'nothing'}. "
        "Put the right one there, or authorise as the other account."
    )
    raise ChannelError(said, permanent=True, code="other_account")


def _first(post: dict[str, object]) -> str:
    history = post.get("edit_history_tweet_ids")
    return words(history[0]) if isinstance(history, list) and history else id_of(post)
