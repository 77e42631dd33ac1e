"""What one X account of ours needs. Nothing at all, when it only imports files."""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from kinline import AccountSettings

Dollars = Annotated[float, Meta(ge=0, le=1_000_000)]


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What X charges, in dollars (docs.x.com, "X API pay-per-usage pricing", August 2026).

    X changes them; the Developer Console has those of today. Reads are charged for each thing that comes back, once in a
    UTC day; writes for each call.
    """

    post_read: Dollars = 0.005
    owned_read: Dollars = 0.001  #: our own posts and mentions, where `owns_app`
    user_read: Dollars = 0.010
    message_read: Dollars = 0.010
    post: Dollars = 0.015
    reply: Dollars = 0.010  #: to somebody who named or quoted us; X calls it summoned
    with_link: Dollars = 0.200  #: a post or reply that holds a link
    message: Dollars = 0.015


class TwitterSettings(AccountSettings, frozen=True, kw_only=True):
    """Settings of one X account. The ids in the developer portal are digits; keep them as text."""

    secrets: ClassVar[frozenset[str]] = frozenset(
        {"consumer_secret", "client_secret", "access_token", "refresh_token", "bearer_token"}
    )

    user_id: str = ""  #: our own account id; it tells what we wrote and what was said to us
    consumer_secret: str = ""  #: of the app; proves webhook calls and answers the challenge
    client_id: str = ""  #: OAuth 2.0 client of the app, for the consent
    client_secret: str = ""  #: only where X gave one (a confidential client)
    access_token: str = ""  #: OAuth 2.0 user token; the consent puts it here
    refresh_token: str = ""
    token_expires_at: int = 0  #: seconds since 1970
    bearer_token: str = ""  #: the app's own token; only for the stream
    stream: bool = False  #: be woken by the filtered stream (needs `bearer_token`)
    poll_every: Annotated[int, Meta(ge=0, le=86_400)] = (
        60  #: seconds between two looks; 0: never, files and webhooks only
    )
    messages: bool = True  #: read direct messages
    thread_reads: Annotated[int, Meta(ge=0, le=100_000)] = 200  #: posts of others in our threads, read in a day at most
    recheck_hours: Annotated[int, Meta(ge=0, le=720)] = (
        24  #: how often known posts are asked for, to see deletions; 0: never
    )
    monthly_cap: Dollars | None = None  #: what a month may cost, in dollars
    owns_app: bool = False  #: this account owns the developer app, so reading its own things is cheaper
    prices: Prices = Prices()
    api_base: str = "https://api.x.com"  #: another one only for tests and proxies
    site: str = "https://x.com"  #: where people say yes

    @property
    def looks(self) -> bool:
        """Whether X is asked at all: an account that only imports, or is only called, needs no token."""
        return self.poll_every > 0 and bool(self.access_token or self.client_id)
