"""What calls cost: reads for each thing that comes back, once in a UTC day; writes for each call.

X does not say whether people and posts that an expansion brings are charged; they are counted here, for a cap that counts
too much is one, and a cap that counts too little is none.
"""

from collections.abc import Callable

from kinline_twitter.calling import Page
from kinline_twitter.fields import id_of, objects, seconds, within
from kinline_twitter.links import links
from kinline_twitter.settings import TwitterSettings

MOST = 50_000  #: things remembered of one day; beyond it they are counted twice


def millionths(dollars: float) -> int:
    return round(dollars * 1_000_000)


class Costs:
    """Counts for one connection. What another one read today is counted again: rather too much than too little."""

    def __init__(self, settings: TwitterSettings, now: Callable[[], float] = seconds) -> None:
        self._prices, self._owns, self._now = settings.prices, settings.owns_app, now
        self._day, self._paid = 0, set[str]()

    def read(self, page: Page, sort: str) -> int:
        """What this page costs, in millionths of a dollar. ``sort``: post, owned, message or user."""
        self._turn_the_day()
        owned = sort == "owned" and self._owns
        price = {
            "post": self._prices.post_read, "owned": self._prices.owned_read if owned else self._prices.post_read,
            "message": self._prices.message_read, "user": self._prices.user_read,
        }[sort]  # fmt: skip
        includes = within(page.value, "includes")
        cost = self._new("post" if sort == "owned" else sort, page.data, price)
        cost += self._new("post", objects(includes.get("tweets")), self._prices.post_read)
        return cost + self._new("user", objects(includes.get("users")), self._prices.user_read)

    def _new(self, sort: str, things: list[dict[str, object]], price: float) -> int:
        names = {f"{sort}:{id_of(one)}" for one in things} - self._paid
        if len(self._paid) < MOST:
            self._paid |= names
        return len(names) * millionths(price)

    def _turn_the_day(self) -> None:
        if (today := int(self._now() // 86_400)) != self._day:
            self._day, self._paid = today, set()


def of_writing(text: str, settings: TwitterSettings, *, sort: str) -> int:
    """What a post, a reply or a message costs. A link makes a post dear, not a message."""
    prices = settings.prices
    if sort != "message" and next(iter(links(text)), None):
        return millionths(prices.with_link)
    return millionths({"post": prices.post, "reply": prices.reply, "message": prices.message}[sort])
