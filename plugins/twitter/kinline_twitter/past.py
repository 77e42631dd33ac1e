"""The past of an account: our posts, mentions, messages, each as far back as X lets anybody read.

X gives the newest 3,200 posts of a person, the newest 800 mentions, and messages of 30 days (docs.x.com, "Timelines",
"Direct Messages lookup").
"""

from collections.abc import Iterator

import msgspec

from kinline import ChannelError, Estimate, Fetched
from kinline_twitter.calling import MESSAGES, POSTS, Caller, StaleToken
from kinline_twitter.costs import millionths
from kinline_twitter.fields import inside
from kinline_twitter.looks import FULL, NAMES, Looks
from kinline_twitter.places import Reach
from kinline_twitter.settings import TwitterSettings

MOST_POSTS, MOST_MENTIONS = 3200, 800
RESTARTS = 3
SORTS = ("posts", "mentions", "messages")


class Past(msgspec.Struct, omit_defaults=True):
    """How far back it has come: which sort, and where in it."""

    sort: str = SORTS[0]
    reach: Reach = msgspec.field(default_factory=Reach)

    def text(self) -> str:
        return msgspec.json.encode(self).decode()


def history(cursor: str, settings: TwitterSettings, caller: Caller, looks: Looks) -> Iterator[Fetched]:
    try:
        past = msgspec.json.decode(cursor, type=Past) if cursor else Past()
    except (msgspec.DecodeError, UnicodeDecodeError):
        past = Past()
    for sort in SORTS[SORTS.index(past.sort) if past.sort in SORTS else 0 :]:
        if sort == "messages" and not settings.messages:
            continue
        past = past if past.sort == sort else Past(sort)
        yield from _one_sort(past, settings, caller, looks)
    yield Fetched(limits=caller.limits())


def _one_sort(past: Past, settings: TwitterSettings, caller: Caller, looks: Looks) -> Iterator[Fetched]:
    paths = {"posts": f"/2/users/{settings.user_id}/tweets", "mentions": f"/2/users/{settings.user_id}/mentions",
             "messages": "/2/dm_events"}  # fmt: skip
    shown, charged = (MESSAGES, "message") if past.sort == "messages" else (POSTS, "owned")
    restarts = 0
    while True:
        asked = {**shown, "max_results": FULL, **past.reach.query()}
        if past.sort == "messages":
            asked.pop("until_id", "")
        try:
            page = caller.get(past.sort, paths[past.sort], asked)
        except StaleToken:
            restarts += past.sort == "messages"  # these begin anew; what is here already is a duplicate
            if restarts > RESTARTS:
                raise
            past.reach.drop_token()
            continue
        except ChannelError as error:
            raise _spread(error, past, settings) from error
        past.reach.turn(page)
        past.reach.since, past.reach.near = "", []
        ends = not past.reach.token
        text = (Past(_next(past.sort)) if ends else past).text()
        if page.data:
            yield looks.piece(page, f"past {past.sort}", text, charged)
        if ends:
            return


def _next(sort: str) -> str:
    return SORTS[min(SORTS.index(sort) + 1, len(SORTS) - 1)]


def _spread(error: ChannelError, past: Past, settings: TwitterSettings) -> ChannelError:
    """A wait of the past is no wait of the present: that is looked at again in its own rhythm."""
    if error.code != "rate_limited" or error.retry_after is None:
        return error
    said = f"X lets us read the past of {NAMES[past.sort]} again in {error.retry_after:.0f} s; it goes on then."
    return ChannelError(said, code="rate_limited", retry_after=min(error.retry_after, float(settings.poll_every)))


def estimate(settings: TwitterSettings, caller: Caller) -> Estimate:
    """At most so much: X says how many posts are ours, and of the rest only where it ends."""
    me = caller.get("me", "/2/users/me", {"user.fields": "public_metrics"})
    count = inside(me.value, "data", "public_metrics", "tweet_count")
    ours = min(count, MOST_POSTS) if isinstance(count, int) else MOST_POSTS
    prices = settings.prices
    each = millionths(prices.owned_read if settings.owns_app else prices.post_read)
    return Estimate(
        items=ours + MOST_MENTIONS, cost=(ours + MOST_MENTIONS) * each,
        note=f"At most: {ours} of our own posts, {MOST_MENTIONS} mentions (X gives no more), and the direct messages of the "
        f"last 30 days, whose number X does not say ({prices.message_read:.3f} $ each). The people in them come on top, "
        f"once a day each ({prices.user_read:.3f} $).",
    )  # fmt: skip
