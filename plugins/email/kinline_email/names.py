"""Names of the network: TXT records, asked for with little patience, and which domains are of one organisation."""

import threading
import time
from functools import cache

import dns.exception
import dns.resolver

from kinline.domains import registrable

PATIENCE = 2.0  #: seconds for one look-up, with all its tries
REST = 30.0  #: seconds in which nobody is asked after no answer came: history of thousands of mails must go on
LONGEST = 10_000
_state = threading.local()


class NoAnswer(Exception):
    """Nobody answered in time: nothing is known."""


@cache
def _resolver() -> dns.resolver.Resolver:
    found = dns.resolver.Resolver()
    found.lifetime = PATIENCE
    found.cache = dns.resolver.LRUCache(2_000)
    return found


def txt(name: str) -> bytes | None:
    """The TXT record of a name; None where there is none. Raises `NoAnswer`."""
    if getattr(_state, "rests_until", 0.0) > time.monotonic():
        raise NoAnswer(name)
    try:
        answer = _resolver().resolve(name.rstrip("."), "TXT")
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return None
    except (dns.exception.DNSException, OSError, UnicodeError) as error:
        if isinstance(error, dns.exception.Timeout | dns.resolver.NoNameservers | dns.resolver.NoResolverConfiguration):
            _state.rests_until = time.monotonic() + REST
        raise NoAnswer(name) from error
    return next((b"".join(record.strings)[:LONGEST] for record in answer), None)


def aligned(signer: str, author: str) -> bool:
    """Whether both are of one organisation: DMARC's relaxed alignment (RFC 7489, section 3.1)."""
    signer, author = signer.lower().rstrip("."), author.lower().rstrip(".")
    found = registrable(author)
    return bool(signer) and bool(found) and registrable(signer) == found
