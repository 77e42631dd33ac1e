"""Whether a mail is from whom it says: a DKIM signature, or what a trusted server found (RFC 6376, 7489, 8601, 8617).

Proved is only an author whose domain is vouched for: by a signature of that domain, by the Authentication-Results of
the operator's own server, or by an ARC chain whose last seal is of a forwarder that the operator named. A mail that
came out of a file is proved by no signature: keys are changed, and old mails would all seem forged.
"""

import re
from collections.abc import Collection

import dkim

from kinline.domains import registrable
from kinline_email import names, vouched
from kinline_email.headers import Headers
from kinline_email.settings import EmailSettings

MAX_MAIL = 30_000_000  #: bytes; a larger one is not checked
MAX_HEAD = 256_000
MAX_SIGNATURE = 5_000  #: characters of one; dkimpy's patterns take their square
MAX_SIGNATURES, MAX_CHECKED = 20, 3
MAX_SEALS = 10
_TAG = re.compile(r"(?:^|;)\s*([a-z]{1,10})\s*=\s*([^;]{0,1000})")


def is_proved(raw: bytes, found: Headers, settings: EmailSettings, address: str, form: Collection[str]) -> bool:
    """Whether the author's ``address`` is proved. ``raw``: the mail as it came over the wire."""
    domain = address.rpartition("@")[2].lower()
    verdict = vouched.verdict(found, settings.authserv_id, address)
    if verdict:
        return verdict == "pass"
    if "live" not in form or not settings.check_signatures or not _is_bounded(raw, found):
        return False
    return _is_signed(raw, found, domain) or _is_sealed(raw, found, settings.trusted_sealers, domain)


def _is_bounded(raw: bytes, found: Headers) -> bool:
    every = [*found.all("dkim-signature"), *(value for name in _ARC for value in found.all(name))]
    head = re.search(rb"\r?\n\r?\n", raw[:MAX_HEAD])
    return len(raw) <= MAX_MAIL and head is not None and all(len(value) <= MAX_SIGNATURE for value in every)


def _is_signed(raw: bytes, found: Headers, domain: str) -> bool:
    """By a signature of the author's own organisation that covers the whole body and one From field."""
    checked = 0
    for number, value in enumerate(found.all("dkim-signature")[:MAX_SIGNATURES]):
        tags = _tags(value)
        if "l" in tags or not names.aligned(tags.get("d", ""), domain):
            continue
        if tags["d"].lower() != domain and _is_strict(domain):
            continue
        checked += 1
        if checked > MAX_CHECKED:
            return False
        try:
            if dkim.DKIM(raw, minkey=1024).verify(idx=number, dnsfunc=_key):
                return True
        except Exception:  # noqa: S112 - a signature that breaks its reader, or has no key to be had, proves nothing
            continue
    return False


def _is_strict(domain: str) -> bool:
    """Whether the author's domain wants signatures of itself alone (RFC 7489, section 6.3: adkim). Unknown: strict."""
    try:
        record = names.txt(f"_dmarc.{domain}") or names.txt(f"_dmarc.{registrable(domain)}") or b""
    except names.NoAnswer:
        return True
    return _tags(record.decode("ascii", "replace")).get("adkim", "r").lower() == "s"


_ARC = ("arc-seal", "arc-message-signature", "arc-authentication-results")


def _is_sealed(raw: bytes, found: Headers, trusted: tuple[str, ...], domain: str) -> bool:
    """By an unbroken chain whose last seal is of somebody trusted, who found the author in order."""
    seals = found.all("arc-seal")
    if not trusted or not seals or len(seals) > MAX_SEALS:
        return False
    last = max((_tags(value) for value in seals), key=lambda tags: _number(tags.get("i", "")))
    if last.get("d", "").lower() not in {each.lower() for each in trusted}:
        return False
    try:
        result, *_ = dkim.arc_verify(raw, dnsfunc=_key)
    except Exception:  # whatever a forged chain does to its reader
        return False
    if result != dkim.CV_Pass:
        return False
    told = [value for value in found.all("arc-authentication-results") if _tags(value).get("i") == last.get("i")]
    return len(told) == 1 and vouched.results(told[0].partition(";")[2].partition(";")[2], domain) == "pass"


def _key(name: bytes, timeout: int = 5) -> bytes | None:
    """dkimpy's way to ask for a key."""
    return names.txt(name.decode("ascii"))


def _tags(value: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, told in _TAG.findall(value):
        found.setdefault(name, "".join(told.split()))
    return found


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
