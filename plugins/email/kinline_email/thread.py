"""Where a mail stands in its conversation (RFC 5322 section 3.6.4; J. Zawinski's message threading; RFC 5256).

The order of evidence is: a token of ours in the address that was written to, then in a Message-ID of ours that is
answered (`token`; the hub finds out whose it is), then References and In-Reply-To. Subjects alone never join: for a
reply without all that, `base_subject` is told to the core, which may look among the same person's mails and nowhere
else. But a subject parts: who answers under another one begins something new (`topic`).
"""

import re

from kinline import Thread
from kinline_email import message_ids
from kinline_email.headers import Headers
from kinline_email.settings import EmailSettings

MAX_ANCESTORS = 100
MAX_TOPIC = 60  #: letters and digits of a subject that count
MAX_VALUE = 100_000  #: characters of References that are read, the newest

#: Answered, forwarded, in the languages of common mailers, also counted (``Re[5]:``).
_PREFIX = re.compile(
    r"\s*(?:re|fwd?|aw|wg|sv|vs|vb|antw|odp|pd|r|rv|i|enc|tr|ynt|doorst|回复|答复|转发|отв|ha)\s{0,3}(?:\[\d{1,4}\]|\(\d{1,4}\))?\s{0,3}[:：]",
    re.IGNORECASE,
)
_MARK = re.compile(
    r"\s*(?:\[[^\[\]]{0,40}\]|\*{1,5}[a-z]{1,20}\*{1,5}:?|(?:external|extern|spam)\s{0,3}:)\s*", re.IGNORECASE
)
_LETTERS = re.compile(r"\w+")
_TOKEN = re.compile(r"k[1-9][a-z2-7]{24}")


def read(key: str, found: Headers) -> Thread:
    """References name the parent last; In-Reply-To names it where there are none."""
    references = message_ids.keys(found.get("references")[-MAX_VALUE:])
    answered = message_ids.keys(found.get("in-reply-to")[:MAX_VALUE])
    above = list(dict.fromkeys(one for one in [*reversed(references), *answered] if one != key))
    if len(above) > MAX_ANCESTORS:
        above = [*above[: MAX_ANCESTORS - 1], above[-1]]  # the root stays: it names the conversation
    return Thread(key=key, parent=above[0] if above else "", ancestors=tuple(above[1:]))


def token(recipients: list[str], answered: Thread, settings: EmailSettings) -> str:
    """The reply token that came back with a mail; empty where there is none."""
    for address in recipients:
        tag = address.rpartition("@")[0].rpartition("+")[2].lower()
        if _TOKEN.fullmatch(tag) and settings.is_ours(address):
            return tag
    above = (answered.parent, *answered.ancestors)
    return next((found for found in map(message_ids.token_of, above) if found), "")


def topic(subject: str) -> str:
    """What a mail is about, as every answer to it repeats: letters and digits, without prefixes and marks in brackets.

    Mailers fold, cut and re-encode subjects, and gateways put ``[EXTERNAL]`` before them; none of that is a new topic.
    """
    base, marks = subject, 0
    while marks < 20:
        base, _ = base_subject(base)
        mark = _MARK.match(base)
        if mark is None:
            break
        base, marks = base[mark.end() :], marks + 1
    return "".join(_LETTERS.findall(base.casefold()))[:MAX_TOPIC]


def base_subject(subject: str) -> tuple[str, bool]:
    """The subject without ``Re:``, ``AW:`` and so on, and whether it had any."""
    rest = subject
    for _ in range(20):
        prefix = _PREFIX.match(rest)
        if prefix is None:
            break
        rest = rest[prefix.end() :]
    return rest.strip(), rest != subject
