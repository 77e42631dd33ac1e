"""Which blog something belongs to, and how its ids are written.

The same ``comment_id`` on two blogs is two comments, and the same comment by export and by REST is one. So
where the account names its site, ids of that site are bare (``comment:7``), since they are unique in the
provider instance; anything of another site, and everything where no site is set, carries the site in front.
"""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from kinline_blog.settings import BlogSettings

#: The longest address that is believed, in characters.
MAX_ADDRESS = 2_000
MAX_SITE = 200


class Scope(msgspec.Struct, frozen=True):
    """The site of a record and what stands before its ids. ``foreign``: not the site this account is for."""

    site: str
    prefix: str = ""
    foreign: bool = False

    def key(self, what: str, ident: str) -> str:
        return f"{self.prefix}{what}:{ident}"


#: Disqus numbers the posts of all its forums in one row, so its ids need no site.
DISQUS = Scope("disqus", "disqus/")


def canonical(address: str) -> str:
    """Host and path of an address, without scheme, ``www.`` and the slash at the end; empty if it is none."""
    text = address.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = (parts.hostname or "").removeprefix("www."), parts.port
    except ValueError:
        return ""
    if not host or len(text) > MAX_SITE or not text.isprintable() or " " in text:
        return ""
    return f"{host}:{port}".removesuffix(":None").removesuffix(":80").removesuffix(":443") + parts.path.rstrip("/")


def scope(settings: BlogSettings, base: str, link: str) -> Scope:
    """Where a record belongs: by the base address its source names, else by the host of its link."""
    own, found = canonical(settings.site), canonical(base) or host_of(link)
    if not own:
        return Scope(found, f"{found}/" if found else "")
    if not found or _is_ours(settings, canonical(base), link):
        return Scope(own)
    return Scope(found, f"{found}/", foreign=True)


def _is_ours(settings: BlogSettings, base: str, link: str) -> bool:
    ours = [canonical(site) for site in (settings.site, *settings.former_sites) if canonical(site)]
    if base:
        return base in ours
    return any(f"{_place(link)}/".startswith(f"{site}/") for site in ours)


def within(settings: BlogSettings, link: str) -> bool:
    """Whether this is an address of the blog, by what the settings call it."""
    return bool(canonical(settings.site)) and _is_ours(settings, "", link)


def _place(link: str) -> str:
    """`canonical` of an address of any length; only its beginning matters here."""
    return canonical(link.strip()[:MAX_SITE])


def host_of(link: str) -> str:
    return _place(link).partition("/")[0]


def address(value: Any) -> str:
    """A web address fit to be shown as a link, or nothing."""
    text = value.strip() if isinstance(value, str) else ""
    fit = text.lower().startswith(("http://", "https://")) and len(text) <= MAX_ADDRESS
    return text if fit and text.isprintable() and not set(text) & set(' "<>\\^`{|}') else ""
