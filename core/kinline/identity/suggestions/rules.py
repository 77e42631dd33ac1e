"""How far two identities may be one person's: evidence for and against, weighed in bits, and a score. Pure.

A bit doubles the odds (I. P. Fellegi, A. B. Sunter, A Theory for Record Linkage, 1969). What many share tells little: each
weight falls with the number of identities that hold the key. The weights are judged by what they find on others' data
(docs/scores.md), and no more is claimed of the score than that higher ones are right more often.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from math import log2

import msgspec

from kinline.identity.suggestions import keys, naming
from kinline.identity.suggestions.keys import Candidate, Key, KeyType
from kinline.identity.suggestions.naming import Name

#: A key that more identities hold tells nothing and leads nowhere, so that no step grows with the hub.
HOT = 16
#: Suggestions with a lower score are not made.
LEAST = 0.5
#: The odds against two who share a key, in bits.
PRIOR = 6.0
#: A name that somebody typed, maybe somebody else's, counts so many bits less.
TYPED = 4.0


class SuggestionEvidence(msgspec.Struct, frozen=True):
    """One thing that speaks for two being one (``bits`` above zero) or against it. ``values`` are what it says."""

    code: str
    bits: float
    values: dict[str, str] = {}


class Weighed(msgspec.Struct, frozen=True):
    """What there is for and against two identities, the strongest first, and how likely that makes it."""

    evidence: tuple[SuggestionEvidence, ...]
    score: float


Counts = Mapping[Key, int]


def weigh(one: Candidate, other: Candidate, counts: Counts) -> Weighed:
    """Compare two. ``counts`` tells of each key that they share how many identities hold it, up to `HOT`."""
    counts = {key: counts[key] for key in one.keys & other.keys if key in counts}
    found = [*_address(one, other), *_handles(one, other, counts), *_birthday(one, other), *_place(one, other)]
    found += _names(one, other, counts)
    if not any(each.code == "same_mailbox" for each in found):
        found += _login(one, other, counts)
    evidence = tuple(sorted(found, key=lambda each: (-abs(each.bits), each.code)))
    return Weighed(evidence, score(evidence))


def score(evidence: Iterable[SuggestionEvidence]) -> float:
    """Between 0 and 1. 0 where nothing speaks for it."""
    bits = [each.bits for each in evidence]
    return 1 / (1 + 2 ** (PRIOR - sum(bits))) if any(each > 0 for each in bits) else 0.0


def _rare(most: float, count: int, fall: float = 1.0) -> float:
    """What a key weighs that so many hold; two hold it at least."""
    return max(0.0, most - fall * log2(max(count, 2) / 2))


def _names(one: Candidate, other: Candidate, counts: Counts) -> Iterator[SuggestionEvidence]:
    pairs = [(a, b) for a in one.names for b in other.names if a.whole and b.whole]
    if not pairs:
        yield from _word_of_name(one, other)
        return
    how, a, b = min(((naming.likeness(a, b), a, b) for a, b in pairs), key=lambda found: _ORDER.index(found[0]))
    bits = _NAME_BITS[how]
    if bits > 0:
        bits = _rare(bits, _held(a, b, counts), 1.0)
        if one.is_claimed or other.is_claimed:
            bits -= TYPED
        if how != "same" and a.initials and b.initials and a.initials != b.initials:
            bits -= 3.0
    yield SuggestionEvidence(
        f"{how}_name" if how != "other" else "other_name", bits, {"one": a.shown, "other": b.shown}
    )


def _word_of_name(one: Candidate, other: Candidate) -> Iterator[SuggestionEvidence]:
    """One is known by one word only. That it is a word of the other's name says little; it stands beside other evidence."""
    logins = keys.logins(one) | keys.logins(other)
    for a in one.names:
        for b in other.names:
            if (set(a.words) & set(b.words)) - logins:
                yield SuggestionEvidence("word_of_name", 2.0, {"one": a.shown, "other": b.shown})
                return


#: From the closest on.
_ORDER = ("same", "short", "part", "slip", "one_word", "other")
_NAME_BITS = {"same": 9.0, "short": 8.0, "part": 8.0, "slip": 7.0, "one_word": -3.0, "other": -5.0}


def _held(a: Name, b: Name, counts: Counts) -> int:
    """How many go by such a name: the name itself, or one of its words with the first letter of another."""
    shared = naming.keys(a) & naming.keys(b)
    named = [counts.get((KeyType.NAME, key), 2) for key in shared] + [counts.get((KeyType.CLAIMED, a.key), 2)]
    return max(named)


def _address(one: Candidate, other: Candidate) -> Iterator[SuggestionEvidence]:
    for box in sorted(keys.mailboxes(one) & keys.mailboxes(other)):
        mine, theirs = keys.written(one, box), keys.written(other, box)
        if mine != theirs:
            values = {"one": mine, "other": theirs, "how": spelling(mine, theirs)}
            yield SuggestionEvidence("same_mailbox", 10.0, values)
            return


def spelling(one: str, other: str) -> str:
    """In what two addresses of one mailbox differ: ``case``, ``plus`` (a part behind a plus) or ``dots``."""
    if one.casefold() == other.casefold():
        return "case"
    return "plus" if one.count("+") != other.count("+") or "+" in one else "dots"


def _handles(one: Candidate, other: Candidate, counts: Counts) -> Iterator[SuggestionEvidence]:
    for key in sorted(one.keys & other.keys):
        if key[0] is KeyType.HANDLE:
            bits = _rare(9.0, counts.get(key, 2), 1.5)
            own = key[1] in (keys.as_key(one.handle), keys.as_key(other.handle))
            yield SuggestionEvidence("shown_together" if own else "same_handle", bits, {"handle": key[1]})
            return


def _login(one: Candidate, other: Candidate, counts: Counts) -> Iterator[SuggestionEvidence]:
    mine, theirs = keys.logins(one), keys.logins(other)
    words = {word for each in (one, other) for name in each.names if name.whole for word in name.words}
    same = [(_login_bits(login, words, counts.get((KeyType.LOGIN, login), 2)), login) for login in mine & theirs]
    if same:
        bits, login = max(same)
        yield SuggestionEvidence("same_login", bits, {"login": login})
        return
    spelled = [
        (_spelled_bits(whole, counts.get((KeyType.SPELLED, login), 2), named), login, name.shown)
        for named, logins in ((one, theirs), (other, mine))
        for name in named.names
        for login, whole in keys.spelled(name).items()
        if login in logins
    ]
    if spelled:
        bits, login, shown = max(spelled)
        yield SuggestionEvidence("name_as_login", bits, {"name": shown, "login": login})


def _spelled_bits(whole: bool, count: int, named: Candidate) -> float:
    return _rare(8.0 if whole else 5.0, count, 1.5) - (TYPED if named.is_claimed else 0.0)


def _login_bits(login: str, words: set[str], count: int) -> float:
    """Many log in by their first name, or by their last."""
    if login in words or naming.is_first_name(login):
        return _rare(3.0, count)
    digits = 1.0 if any(map(str.isdigit, login)) else 0.0
    return _rare(6.5 + min(len(login), 12) * 0.25 + digits, count, 1.5)


def _birthday(one: Candidate, other: Candidate) -> Iterator[SuggestionEvidence]:
    if not one.birthday or not other.birthday:
        return
    a, b = keys.bare(one.birthday), keys.bare(other.birthday)
    off = len(a) + len(b) if len(a) != len(b) else sum(x != y for x, y in zip(a, b, strict=True))
    code, bits = (
        ("same_birthday", 6.0) if not off else ("near_birthday", 4.0 - off) if off < 4 else ("other_birthday", -4.0)
    )
    yield SuggestionEvidence(code, bits, {"one": one.birthday, "other": other.birthday})


def _place(one: Candidate, other: Candidate) -> Iterator[SuggestionEvidence]:
    same = sorted(set(map(keys.bare, one.places)) & set(map(keys.bare, other.places)) - {""})
    if same:
        yield SuggestionEvidence("same_place", min(3.0 * len(same), 6.0), {"place": ", ".join(same)})


def leads(key: Key, one: Candidate, other: Candidate) -> bool:
    """Whether a key that two share, and few hold, leads from the one to the other."""
    return key[0] is not KeyType.SPELLED or not {(KeyType.LOGIN, key[1])}.isdisjoint(one.keys | other.keys)


def pairs(everybody: Iterable[Candidate]) -> dict[tuple[str, str], Weighed]:
    """All suggestions among these, worked out from nothing. What is kept up step by step comes to the same."""
    known = {each.id: each for each in everybody}
    blocks: dict[Key, list[str]] = {}
    for each in known.values():
        for key in each.keys:
            blocks.setdefault(key, []).append(each.id)
    counts = {key: min(len(block), HOT) for key, block in blocks.items()}
    near = {
        pair
        for key, block in blocks.items()
        if len(block) < HOT
        for pair in combinations(sorted(block), 2)
        if leads(key, known[pair[0]], known[pair[1]])
    }
    weighed = {(a, b): weigh(known[a], known[b], counts) for a, b in near}
    return {pair: found for pair, found in sorted(weighed.items()) if found.score >= LEAST}
