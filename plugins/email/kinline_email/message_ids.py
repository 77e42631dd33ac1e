"""Names of mails: Message-IDs as thread keys, and the source id under which a mail is recorded once.

A mail's source id is a hash of its Message-ID, author, date and decoded content: the same mail out of a
file, of two mailboxes or of a folder of sent mail has one, whatever servers did to its headers, line ends
and transfer encoding; two different mails that share a Message-ID have two.

Our own mails carry their content's digest *inside* the Message-ID, ``<{follow-up}.{digest}.{token}@kinline.{domain}>``,
so that their source id follows from the Message-ID alone: a bounce, which quotes no more, can be linked. A
mail that carries such an id with other content fails the digest and is named like any foreign mail: nobody
can take the place of what we sent. The token is the hub's, for whoever answers (`kinline.Outgoing.reply_token`).
"""

import re
from collections.abc import Iterator
from hashlib import blake2b, sha256

from kinline import ids
from kinline_email import headers
from kinline_email.mime import Part

PIECE = 1 << 18  #: characters that are hashed at once
MAX_DECODED = 20_000  #: characters of a value that was written as encoded words
MAX_KEY = 250  #: longer Message-IDs are kept as their hash
_BRACKETED = re.compile(r"<([^<>]+)>")
_BARE = re.compile(r"[^\s<>()\[\],;\"]+@[^\s<>()\[\],;\"]+")
_OURS = re.compile(r"([0-9A-Za-z_-]{1,64})\.([0-9a-f]{32})(?:\.(k[1-9][a-z2-7]{24}))?@kinline\.[a-z0-9.-]{1,200}")
_FROM_QUOTED = re.compile(r"^>+(?=From )", re.MULTILINE)


def keys(value: str) -> list[str]:
    """The ids of a Message-ID, In-Reply-To or References value, in order, without brackets."""
    found = ["".join(one.split()) for one in _BRACKETED.findall(value)]
    if not found and "=?" in value:  # some programs write long ids as encoded words, though no field of ids has any
        value = headers.decoded(value, set(), MAX_DECODED)
        found = ["".join(one.split()) for one in _BRACKETED.findall(value)]
    if not found and _BARE.fullmatch(value.strip()):
        found = [value.strip()]
    return [short(one) for one in found if one]


def short(key: str) -> str:
    return key if len(key) <= MAX_KEY else "sha256-" + sha256(key.encode("utf-8", "replace")).hexdigest()


def is_shortened(key: str) -> bool:
    """Whether a key stands for an id that is too long to be kept, and so was never sent as it is."""
    return re.fullmatch(r"sha256-[0-9a-f]{64}", key) is not None


def ours(followup: str, digest: str, domain: str, token: str = "") -> str:
    """The Message-ID, without brackets, of a mail we send."""
    return f"{followup}.{digest}{'.' if token else ''}{token}@kinline.{domain.lower()}"


def is_ours(key: str) -> bool:
    return _OURS.fullmatch(key) is not None


def token_of(key: str) -> str:
    """The reply token in a Message-ID that looks like ours; empty where there is none."""
    own = _OURS.fullmatch(key)
    return own[3] or "" if own else ""


def find_ours(text: str) -> str:
    """The first Message-ID of ours in a text, as old bounces quote it; empty where there is none."""
    found = _OURS.search(text)
    return found[0] if found else ""


def source_id_of_ours(key: str) -> str:
    """The source id of a mail we sent, from its Message-ID alone."""
    return ids.derived("mail-of-ours", key)


def source_id(key: str, digest: str) -> str:
    """The source id of a mail with this Message-ID (may be empty) and this content."""
    own = _OURS.fullmatch(key)
    if own and own[2] == digest:
        return source_id_of_ours(key)
    return ids.derived("mail", key, digest)


def digest(author: str, date: str, root: Part) -> str:
    """32 hex digits over author, date and everything the mail says."""
    total = blake2b(digest_size=16)
    for piece in (author, date):
        encoded = piece.encode("utf-8", "replace")
        total.update(len(encoded).to_bytes(4, "big") + encoded)
    for part in root.walk():
        if not part.children or part.is_message:
            said = blake2b(digest_size=16)
            for raw in _canonical(part):
                said.update(raw)
            total.update(said.digest())
    return total.hexdigest()


def _canonical(part: Part) -> Iterator[bytes]:
    """What transport leaves alone: decoded, without blanks at line ends, without mbox quoting of ``From ``.

    Given in pieces of whole lines, so that a mail of one long text does not become millions of lines at once.
    """
    if not part.media_type.startswith(("text/", "message/")):
        yield part.content
        return
    text = (part.text if part.media_type.startswith("text/") else part.raw.decode("utf-8", "replace")).strip()
    at = 0
    while at < len(text):
        end = text.find("\n", at + PIECE) + 1 or len(text)
        piece = text[at:end]
        if ">From " in piece:
            piece = _FROM_QUOTED.sub("", piece)
        yield "\n".join([line.rstrip() for line in piece.split("\n")]).encode("utf-8", "replace")
        at = end
