"""What is known of one identity, and the keys by which others like it are found. Pure."""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache

import msgspec
from anyascii import anyascii

from kinline.handles import Handle, match_key
from kinline.identity.suggestions import naming
from kinline.identity.suggestions.naming import Name
from kinline.words import HandleType

#: Mailboxes and logins of a task, not of a person (RFC 2142, and what desks meet).
TASKS = frozenset(
    """account accounts accounting admin administrator all anonymous author bot build buildbot billing business
    careers ci code commits community contact contactme customer customerservice data design dev developer developers
    development devnull email enquiries events everyone feedback finance github gitlab git google guest hello help
    helpdesk hi home hostmaster hr info information inquiries invoice invoices it jobs legal list lists local
    localhost login mail mailbox mailinglist main maintainer maintainers management manager marketing master me media
    members myemail newsletter news nobody noreply office ops order orders owner payment payments personal post
    postmaster press private privacy project public purchasing question questions register reservations root sales
    security service services shop software spam staff store student subscribe support system team tech technical
    test testing tester ubuntu user users vagrant web webadmin webmaster welcome work www you yourname
    jenkins travis dependabot renovate""".split()  # noqa: SIM905 - reads as a list of words
)
#: Where the login stands behind the plus (https://docs.github.com: commit email addresses).
LOGIN_BEHIND_PLUS = frozenset({"users.noreply.github.com"})
#: Shorter ones are anybody's.
SHORTEST_LOGIN = 4
#: Of so many candidates it is remembered what follows from them.
REMEMBERED = 4_000
_PLAIN = re.compile(r"[^a-z0-9]")


class KeyType(StrEnum):
    """What two identities may share."""

    NAME = "name"  #: a proved whole name, its words in order of the alphabet; short forms too
    CLAIMED = "claimed"  #: a whole name, proved or typed by somebody, its words in order of the alphabet
    PART = "part"  #: a word of a proved name with the first letter of another: names with a slip are near
    ADDRESS = "address"  #: a mailbox without plus-parts, dots and cases
    LOGIN = "login"  #: what stands before the @, or a login
    SPELLED = "spelled"  #: a login, or a proved name written as one; two who only have the name share nothing by it
    HANDLE = "handle"  #: a handle, of one's own or shown beside one's own
    BIRTHDAY = "birthday"  #: a day of birth with the first letter of a name


Key = tuple[KeyType, str]
#: Keys of these types weigh less, the more hold them.
WEIGHED = frozenset({KeyType.NAME, KeyType.CLAIMED, KeyType.LOGIN, KeyType.SPELLED, KeyType.HANDLE})


class Candidate(msgspec.Struct, frozen=True, cache_hash=True):
    """What is known of one identity."""

    id: str
    handle: Handle
    proved: tuple[str, ...] = ()
    claimed: tuple[str, ...] = ()
    beside: tuple[Handle, ...] = ()  #: handles that were shown with it
    birthday: str = ""
    places: tuple[str, ...] = ()  #: city, postal code, street, as they were told

    @property
    def names(self) -> tuple[Name, ...]:
        """Its proved names; where there are none, those that were claimed."""
        return _names(self)

    @property
    def is_claimed(self) -> bool:
        """No name of it is proved."""
        return not self.proved

    @property
    def keys(self) -> frozenset[Key]:
        """What it is found by."""
        return _keys(self)


@lru_cache(maxsize=REMEMBERED)
def _names(candidate: Candidate) -> tuple[Name, ...]:
    return tuple(name for text in candidate.proved or candidate.claimed if (name := naming.read(text)).words)


def bare(text: str) -> str:
    """Letters and digits only, folded."""
    return _PLAIN.sub("", anyascii(text).lower())


def mailbox(handle: Handle) -> tuple[str, str]:
    """What stands before the @ without plus-part, dots and case, and the domain."""
    local, _, domain = match_key(handle).rpartition("@")
    if domain in LOGIN_BEHIND_PLUS:
        local = handle.value.rpartition("@")[0].casefold().rpartition("+")[2]
    return bare(local) or local, "gmail.com" if domain == "googlemail.com" else domain


@lru_cache(maxsize=REMEMBERED)
def mailboxes(candidate: Candidate) -> frozenset[tuple[str, str]]:
    """Those of its address, and of addresses that were shown with it."""
    return frozenset(mailbox(handle) for handle in _handles(candidate) if handle.type is HandleType.EMAIL)


def written(candidate: Candidate, box: tuple[str, str]) -> str:
    """How this one writes the address of a mailbox."""
    return min(each.value for each in _handles(candidate) if each.type is HandleType.EMAIL and mailbox(each) == box)


@lru_cache(maxsize=REMEMBERED)
def logins(candidate: Candidate) -> frozenset[str]:
    """What this one logs in by, as far as addresses and names tell: annarcher of ann.archer@example.org."""
    found = {bare(name.words[0]) for name in candidate.names if len(name.words) == 1 and not name.whole}
    found |= {local for local, _ in mailboxes(candidate)}
    found |= {bare(handle.value) for handle in _handles(candidate) if handle.type is HandleType.X_HANDLE}
    return frozenset(x for x in found if len(x) >= SHORTEST_LOGIN and x not in TASKS and not x.isdigit())


@lru_cache(maxsize=REMEMBERED)
def spelled(name: Name) -> dict[str, bool]:
    """A whole name as people make logins of it; True where all of it is there, False where one word is a letter."""
    if not name.whole or len(name.words) < 2:
        return {}
    found = {a[0] + b: False for a, b in _orders(name)} | {a + b[0]: False for a, b in _orders(name)}
    found |= {a + b: True for a, b in _orders(name)}
    if len(name.words) > 2:
        found["".join(naming.read(name.shown).words)] = True
    return {login: whole for login, whole in found.items() if len(login) > SHORTEST_LOGIN}


def _orders(name: Name) -> Iterator[tuple[str, str]]:
    return ((a, b) for a in name.words for b in name.words if a != b)


def _handles(candidate: Candidate) -> Iterator[Handle]:
    return iter((candidate.handle, *candidate.beside))


@lru_cache(maxsize=REMEMBERED)
def _keys(candidate: Candidate) -> frozenset[Key]:
    return frozenset(_each_key(candidate))


def _each_key(candidate: Candidate) -> Iterator[Key]:
    yield from ((KeyType.ADDRESS, "@".join(box)) for box in mailboxes(candidate))
    yield from ((KeyType.HANDLE, as_key(handle)) for handle in _handles(candidate))
    yield from ((kind, login) for login in logins(candidate) for kind in (KeyType.LOGIN, KeyType.SPELLED))
    for name in candidate.names:
        yield from _of_name(name, candidate)


def _of_name(name: Name, candidate: Candidate) -> Iterable[Key]:
    if candidate.birthday:
        yield from ((KeyType.BIRTHDAY, f"{bare(candidate.birthday)} {word[0]}") for word in name.words)
    if not name.whole:
        return
    yield KeyType.CLAIMED, name.key
    if candidate.is_claimed:
        return
    yield from ((KeyType.NAME, key) for key in naming.keys(name))
    yield from ((KeyType.PART, f"{a} {b[0]}") for a, b in _orders(name))
    yield from ((KeyType.SPELLED, login) for login in spelled(name))


def as_key(handle: Handle) -> str:
    """One spelling, for a page with and without www and its last slash."""
    text = str(handle).casefold()
    if handle.type is not HandleType.URL:
        return text
    return f"url:{handle.value.partition('://')[2].casefold().removeprefix('www.').rstrip('/')}"
