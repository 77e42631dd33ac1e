"""Who wrote: the handle a comment line hangs on, and how far it is proved.

A comment form proves nothing: the mail address and home page are *claimed*. A login proves something, if the
operator trusts the blog's; then the line is *verified*, by user id, which a person keeps when names change.
"""

import msgspec

from kinline import Handle, HandleType, Party, Role, Standing
from kinline.errors import Invalid
from kinline.handles import MAX_LENGTH, is_blocked, normalise
from kinline_blog.settings import BlogSettings
from kinline_blog.site import DISQUS, Scope


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """The author as the source tells: what they typed, or their account."""

    name: str = ""
    email: str = ""
    url: str = ""
    account: str = ""  #: user id or user name; empty for guests
    issuer: str = ""  #: who gave the account
    ours: bool = False  #: the account that we answer with
    stranger: bool = False  #: of a site that this account is not for: its user ids mean nothing here


class Written(msgspec.Struct, frozen=True):
    """The author's line, what was typed besides, and what was odd."""

    party: Party
    facts: dict[str, str] = {}
    flags: tuple[str, ...] = ()


def author(who: Who, settings: BlogSettings) -> Written:
    """The line of a comment by a person."""
    account = handle(HandleType.EXTERNAL, who.account, who.issuer) if who.issuer else None
    email, url = handle(HandleType.EMAIL, who.email), handle(HandleType.URL, who.url)
    proved = account is not None and settings.trust_login and not who.stranger
    party = Party(
        role=Role.AUTHOR,
        handle=account or email or url,
        name=who.name,
        standing=Standing.VERIFIED if proved else Standing.CLAIMED,
        ours=is_ours(who, settings),
        also=(email,) if account and email else (),
    )
    typed = {"typed_email": who.email[:MAX_LENGTH], "typed_url": who.url[:MAX_LENGTH]}
    flags = ("bad_email",) if who.email and email is None and not _is_shared(who.email) else ()
    return Written(party, {key: value for key, value in typed.items() if value}, flags)


def nobody(who: Who) -> Written:
    """The line of spam, of a machine, of an unknown thing: a name that was given, and no person."""
    return Written(Party(role=Role.AUTHOR, name=who.name))


def is_ours(who: Who, settings: BlogSettings) -> bool:
    """Only an account can be one of us: anybody can type our mail address into a comment form.

    A WordPress mails a link before it believes an address, so there the account's address counts too.
    """
    if not who.account or who.stranger:
        return False
    if who.ours:
        return True
    ours = {name.strip().casefold() for name in settings.own_authors} - {""}
    names = {f"disqus:{who.account}"} if who.issuer == DISQUS.site else {who.account, who.email}
    return not ours.isdisjoint(name.casefold() for name in names)


def handle(sort: HandleType, value: str, issuer: str = "") -> Handle | None:
    """The normalised handle; None if there is none, or if its value stands for many or for nobody."""
    if not value:
        return None
    try:
        made = normalise(Handle(sort, value, issuer))
    except Invalid:
        return None
    return None if is_blocked(made) else made


def _is_shared(email: str) -> bool:
    """A well-formed address that nobody in particular has (noreply@…): no person, and nothing odd either."""
    try:
        return is_blocked(normalise(Handle(HandleType.EMAIL, email)))
    except Invalid:
        return False


def issuer(where: Scope) -> str:
    """Who gave a WordPress user id: that very site; ids start at 1 on each."""
    return f"wordpress:{where.site}" if where.site else ""


def user(where: Scope, ident: str) -> Handle | None:
    return handle(HandleType.EXTERNAL, ident, issuer(where)) if issuer(where) else None
