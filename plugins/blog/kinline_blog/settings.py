"""What an operator says about one blog."""

from typing import ClassVar

from kinline import AccountSettings


class BlogSettings(AccountSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One blog. Everything has a default; ``site`` and ``own_authors`` are worth setting before the first import."""

    secrets: ClassVar[frozenset[str]] = frozenset({"webhook_secret", "application_password"})

    #: The blog's base address (https://blog.example.org). Empty: each file says it, and ids carry it.
    site: str = ""
    #: Addresses that the blog had before. Files that name one of them are this blog's.
    former_sites: tuple[str, ...] = ()
    #: Who writes for us: WordPress user ids (``"7"``), mail addresses of their WordPress accounts, and Disqus
    #: user names as ``"disqus:ann"``.
    own_authors: tuple[str, ...] = ()
    #: Believe the blog's login: comments of logged-in users are then proved to be theirs.
    trust_login: bool = False
    #: Shared with the snippet that calls the webhook. Empty: nobody may call.
    webhook_secret: str = ""
    #: Who we are at a WordPress that is asked and answered over REST, and a password made for this alone.
    user: str = ""
    application_password: str = ""
    #: Where its REST API is reached, where that is not below ``site`` (an address inside the house).
    api: str = ""
    #: Seconds between two looks at it.
    look_every: int = 60
    #: Take Webmentions for pages of ``site``: the account's webhook address is then also its Webmention endpoint.
    webmention: bool = False
    #: Comment feeds (Atom, RSS, JSON Feed) to look at where there is no ``user``; or a feed of posts that names them.
    feeds: tuple[str, ...] = ()
