"""A folder of mails as the trees that mail programs show (RFC 5256, REFERENCES and ORDEREDSUBJECT).

The hub itself joins by ids only and within one person (`thread`); these trees are for whole mailboxes: a mail
program's view, where also a subject joins what lacks References. Without recursion: a thread may be thousands deep.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from kinline_email import message_ids
from kinline_email.headers import Headers

MAX_MAILS = 5_000  #: at once
MAX_SUBJECT = 1_000
MAX_VALUE = 100_000  #: characters of References

_QUOTING = re.compile(r"\"|\\(?=.)")
_TRAILER = "(fwd)"
_BLOB = re.compile(r"\[[^\[\]]*\]\s*")
_REFWD = re.compile(r"(?:re|fwd?)\s*(?:\[[^\[\]]*\]\s*)?:", re.IGNORECASE)
_FORWARDED = re.compile(r"\[fwd:(.*)\]", re.IGNORECASE | re.DOTALL)
_NEVER = datetime.min.replace(tzinfo=UTC)


class Mail(msgspec.Struct, frozen=True):
    """What decides where a mail stands. ``parents``: References from the root down, else the first of In-Reply-To."""

    key: str = ""  #: Message-ID
    parents: tuple[str, ...] = ()
    subject: str = ""
    sent: datetime | None = None  #: the Date field; else when it arrived


def of(found: Headers, subject: str, sent: datetime | None) -> Mail:
    """What the fields of a mail say about its place. Of several ids in In-Reply-To the first counts, as RFC 5256 has it."""
    own = _ids(found.get("message-id"))
    above = _ids(found.get("references")[-MAX_VALUE:]) or _ids(found.get("in-reply-to"))[:1]
    return Mail(key=own[0] if own else "", parents=above, subject=subject, sent=sent)


def _ids(value: str) -> tuple[str, ...]:
    """The valid ids of a field. ``<"a"@b>`` and ``<a@b>`` are one."""
    found = (one.rpartition("@") for one in message_ids.keys(value[:MAX_VALUE]))
    return tuple(f"{_QUOTING.sub('', local)}@{domain}" for local, _, domain in found if local and domain)


class Tree(msgspec.Struct, eq=False):
    """A mail by its number in the sequence, and what answers it. Without a number: answers to a mail that is not there."""

    number: int | None
    children: list["Tree"] = msgspec.field(default_factory=list)
    parent: "Tree | None" = None

    def written(self) -> str:
        """As IMAP writes it, counted from 1: ``(1 2 (3)(4 5))``."""
        pieces: list[str] = []
        todo: list[Tree | str] = [")", self, "("]
        while todo:
            one = todo.pop()
            if isinstance(one, str):
                pieces.append(one)
                continue
            if one.number is not None:
                pieces.append(str(one.number + 1))
            if one.number is not None and one.children:
                pieces.append(" ")
            if len(one.children) == 1:
                todo.append(one.children[0])
            else:
                for child in reversed(one.children):
                    todo += [")", child, "("]
        return "".join(pieces)


def base_subject(subject: str) -> tuple[str, bool]:
    """The base subject (section 2.1), and whether it was one of a reply or a forwarded mail. Case is folded."""
    rest, replied = " ".join(subject[:MAX_SUBJECT].split()), False
    while True:
        rest, answered = _without_ends(rest)
        replied = replied or answered
        forwarded = _FORWARDED.fullmatch(rest)
        if forwarded is None:
            return rest.casefold(), replied
        rest, replied = forwarded[1], True


def _without_ends(rest: str) -> tuple[str, bool]:
    replied = False
    while (rest := rest.rstrip())[-len(_TRAILER) :].lower() == _TRAILER:
        rest, replied = rest[: -len(_TRAILER)], True
    while True:
        rest = rest.lstrip()
        at = _past_blobs(rest)
        refwd = _REFWD.match(rest, at)
        blob = _BLOB.match(rest)
        if refwd:
            rest, replied = rest[refwd.end() :], True
        elif blob and rest[blob.end() :]:
            rest = rest[blob.end() :]
        else:
            return rest, replied


def _past_blobs(rest: str) -> int:
    at = 0
    while blob := _BLOB.match(rest, at):
        at = blob.end()
    return at


def by_subject(mails: Sequence[Mail]) -> list[Tree]:
    """Mails of one base subject under the first of them (section 3, ORDEREDSUBJECT)."""
    threads: dict[str, Tree] = {}
    for number in sorted(range(min(len(mails), MAX_MAILS)), key=lambda one: _order(mails[one], one)):
        subject, _ = base_subject(mails[number].subject)
        if subject in threads:
            threads[subject].children.append(Tree(number))
        else:
            threads[subject] = Tree(number)
    return list(threads.values())


def by_references(mails: Sequence[Mail]) -> list[Tree]:
    """Answers under what they answer, and threads of one subject together (section 3, REFERENCES)."""
    mails = mails[:MAX_MAILS]
    roots = [node for node in _linked(mails) if node.parent is None]
    top = Tree(None)
    for root in roots:
        _adopt(top, root)
    _prune(top)
    _sort(top, mails)
    _gather(top, mails)
    _sort(top, mails)
    return top.children


def _linked(mails: Sequence[Mail]) -> Iterator[Tree]:
    """Step 1: a node for each mail and for each one that is only named, under its parent."""
    nodes: dict[str, Tree] = {}
    own: list[Tree] = []
    for number, mail in enumerate(mails):
        named = nodes.get(mail.key) if mail.key else None
        if named is not None and named.number is None:
            named.number = number
        elif named is not None or not mail.key:
            named = Tree(number)  # without an id, or with one that another has
            nodes[f"\0{number}"] = named
        else:
            named = nodes[mail.key] = Tree(number)
        own.append(named)
        above: Tree | None = None
        for key in mail.parents:
            node = nodes.setdefault(key, Tree(None))
            if above is not None and node.parent is None and not _stands_under(above, node):
                _adopt(above, node)
            above = node
        if named.parent is not None:
            named.parent.children.remove(named)
            named.parent = None
        if above is not None and not _stands_under(above, named):
            _adopt(above, named)
    return iter(nodes.values())


def _stands_under(node: Tree, other: Tree) -> bool:
    above: Tree | None = node
    while above is not None and above is not other:
        above = above.parent
    return above is not None


def _adopt(parent: Tree, child: Tree) -> None:
    child.parent = parent
    parent.children.append(child)


def _below(top: Tree) -> list[Tree]:
    """A node and all below it, each before its children."""
    found = [top]
    for node in found:
        found += node.children
    return found


def _prune(top: Tree) -> None:
    """Step 3: nodes of mails that are not there go; their children move up, to the top only an only child."""
    for node in reversed(_below(top)):
        kept: list[Tree] = []
        for child in node.children:
            gone = child.number is None and (node is not top or len(child.children) < 2)
            kept += child.children if gone else [child]
        for child in kept:
            child.parent = node
        node.children = kept


def _sort(top: Tree, mails: Sequence[Mail]) -> None:
    """Steps 4 and 6: siblings by date; a missing mail stands where the first of its answers does."""
    for node in reversed(_below(top)):
        node.children.sort(key=lambda child: _order(mails[_number(child)], _number(child)))


def _order(mail: Mail, number: int) -> tuple[datetime, int]:
    return mail.sent or _NEVER, number


def _number(node: Tree) -> int:
    """Of a missing mail, the number of its first answer."""
    while node.number is None:
        node = node.children[0]
    return node.number


def _gather(top: Tree, mails: Sequence[Mail]) -> None:
    """Step 5: threads of one base subject become one."""
    subjects = {id(node): base_subject(mails[_number(node)].subject) for node in top.children}
    table: dict[str, Tree] = {}
    for node in top.children:
        subject, replied = subjects[id(node)]
        other = table.get(subject)
        if subject and (other is None or _goes_before(node, replied, other, subjects[id(other)][1])):
            table[subject] = node
    loose = []
    for node in top.children:
        subject, replied = subjects[id(node)]
        other = table.get(subject)
        if other is None:
            loose.append(node)
        elif other is node:
            continue
        elif other.number is None:
            for child in node.children if node.number is None else [node]:
                _adopt(other, child)
        elif node.number is not None and replied and not subjects[id(other)][1]:
            _adopt(other, node)
        else:
            table[subject] = _together(other, node)
    top.children = [*loose, *table.values()]


def _goes_before(node: Tree, replied: bool, other: Tree, other_replied: bool) -> bool:
    """A missing mail before one that is there, and what began a thread before an answer."""
    return other.number is not None and (node.number is None or (other_replied and not replied))


def _together(one: Tree, other: Tree) -> Tree:
    """Two threads side by side under a mail that is not there."""
    both = Tree(None)
    _adopt(both, one)
    _adopt(both, other)
    return both
