"""When two private mails are of one conversation: pure, and the only place that knows.

Anybody can write any Message-ID into a mail. So what a mail names joins it to what it names only where its author took
part there, visibly: two customers who answer one mailing, and a stranger who names a customer's Message-ID, stand apart.
Two mails of one base subject (`kinline.subjects`) are joined if

1. the one names the other's own key, and its outside author is visible there (author, To, Cc), or is proved and of one
   organisation with an outsider visible there; or it is ours and addressed to an outsider visible there, or to where
   that asks to be answered. Of what ours names the nearest counts alone: the rest stands there because somebody else
   wrote it; or
2. they share a key, and have one outside author, or each sees the other; or
3. our reply token came back: whoever has it got our mail.

What a machine says of a mail (a bounce, an out-of-office) stands where that mail stands, whatever its subject. An audience
of over ten counts as hidden, but for a reply that goes to another of it. An edge depends on its two ends only, so no order
of arrival can matter; a conversation is a component.
"""

from functools import cached_property

import msgspec

from kinline.domains import organisation_of

#: More outsiders than this on one mail do not know each other.
LARGEST_AUDIENCE = 10


class Mail(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A private mail as its edges see it. People are addresses, as `kinline.handles.match_key` writes them."""

    id: str
    key: str  #: the key by which others name it
    names: tuple[str, ...] = ()  #: the keys that it names, the nearest first
    vouched: frozenset[str] = frozenset()  #: those of them of which our token came back
    topic: str = ""
    author: str = ""  #: "" for us and for nobody
    organisation: str = ""  #: the author's, where the author is proved
    ours: bool = False
    automatic: bool = False
    seen: frozenset[str] = frozenset()  #: the outsiders whom everybody who got it sees: author, To, Cc
    reply_to: frozenset[str] = frozenset()  #: where it asks to be answered

    @cached_property
    def said(self) -> tuple[str, ...]:
        """What it names by itself."""
        return self.names[:1] if self.ours else self.names

    @cached_property
    def organisations(self) -> frozenset[str]:
        return frozenset(map(organisation_of, self.seen)) - {""}


def joined(one: Mail, other: Mail) -> bool:
    """Whether they are of one conversation by what they say themselves."""
    return _answers(one, other) or _answers(other, one) or _stand_beside(one, other)


def is_mailing(mail: Mail) -> bool:
    """Whether those who got it were not shown to each other."""
    return mail.ours and (not mail.seen or len(mail.seen) > LARGEST_AUDIENCE)


def _answers(mail: Mail, named: Mail) -> bool:
    """Rules 1 and 3: it names the other's own key, as somebody who was there."""
    if named.key not in mail.said or named.id == mail.id:
        return False
    if mail.automatic and named.key == mail.names[0] and (not mail.topic or mail.topic == named.topic):
        return named.ours or _was_there(mail, named)
    return mail.topic == named.topic and (named.key in mail.vouched or _was_there(mail, named))


def _was_there(mail: Mail, named: Mail) -> bool:
    visible = _visible(named, mail)
    if mail.ours:
        return not mail.seen.isdisjoint(visible | named.reply_to)
    proved = bool(mail.organisation) and mail.organisation in named.organisations and bool(visible)
    return mail.author in visible or proved


def _stand_beside(one: Mail, other: Mail) -> bool:
    """Rule 2: both speak of one thing, and know of each other."""
    if one.topic != other.topic or {one.key, *one.said}.isdisjoint((other.key, *other.said)):
        return False
    if one.author and one.author == other.author:
        return True
    return _sees(one, other) and _sees(other, one)


def _sees(mail: Mail, other: Mail) -> bool:
    """Whether the other's author stands visibly on this mail. Whatever lies in our mailbox, we see."""
    if other.ours:
        return not mail.ours or not mail.seen.isdisjoint(other.seen)
    return bool(other.author) and other.author in _visible(mail, other)


def _visible(mail: Mail, to: Mail) -> frozenset[str]:
    """The outsiders of a mail as far as a mail that speaks of it may count them as known."""
    if len(mail.seen) <= LARGEST_AUDIENCE:
        return mail.seen
    return mail.seen if (to.seen - {to.author}) & mail.seen else frozenset()
