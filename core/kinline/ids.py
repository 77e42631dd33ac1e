"""Ids: 32 lower-case hex digits.

What comes from outside gets an id *derived* from what it is, so that any order of arrival, any replay
and any second hub gives the same id. What the hub itself makes (jobs, merges, keys) gets a UUIDv7
(RFC 9562), which sorts by time.
"""

import re
from hashlib import blake2b

import uuid_utils

PATTERN = re.compile(r"[0-9a-f]{32}")


def derived(sort: str, *parts: str) -> str:
    """The id of the thing of this ``sort`` that ``parts`` name. Parts cannot run into each other."""
    digest = blake2b(digest_size=16, person=sort.encode()[:16])
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(4, "big"))
        digest.update(encoded)
    return digest.hexdigest()


def new() -> str:
    """A fresh id that sorts by the time it was made."""
    return uuid_utils.uuid7().hex


def looks_like(text: str) -> bool:
    return PATTERN.fullmatch(text) is not None
