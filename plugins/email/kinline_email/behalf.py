"""Mail that comes in our own name and was written by somebody outside: a web form of ours, a group address of ours.

Such a mail names its writer in Reply-To, or, where a group rewrote From (Google Groups does, for senders whose domain has
a strict DMARC policy), in X-Original-From. It is theirs, as claimed as any From that nobody proved.
"""

from kinline_email import addresses
from kinline_email.addresses import Mailbox
from kinline_email.headers import Headers
from kinline_email.settings import EmailSettings

_WRITER = ("x-original-from", "x-original-sender", "reply-to")
_TO = ("to", "cc")


def writer(found: Headers, settings: EmailSettings, author: Mailbox | None) -> Mailbox | None:
    """Who outside wrote a mail that has our own address in From and went to us alone. None: it is no such mail."""
    if author is None or not _is_ours(author, settings):
        return None
    to = [each for field in _TO for value in found.all(field)[:20] for each in addresses.read(value, set()).found]
    if not to or not all(_is_ours(each, settings) for each in to):
        return None
    named = (addresses.read(found.get(field), set()).found for field in _WRITER)
    outside = ([each for each in some if each.handle and not _is_ours(each, settings)] for some in named)
    return next((some[0] for some in outside if len(some) == 1), None)


def _is_ours(mailbox: Mailbox, settings: EmailSettings) -> bool:
    return bool(mailbox.address) and settings.is_ours(mailbox.address)
