"""What our own mail server found out about the author (Authentication-Results, RFC 8601).

Only the topmost such field counts, only under exactly the configured name, and only for the domain of the From
address: ``dmarc=pass``, or ``dkim=pass`` or ``spf=pass`` of a domain of the same organisation. All others may have
been written by the sender.
"""

import re

from kinline_email import names
from kinline_email.headers import Headers

MAX_VALUE = 8_000
_RESULT = re.compile(r"\s*(dmarc|dkim|spf)\s*=\s*([a-z]{1,20})\b(.*)", re.IGNORECASE | re.DOTALL)
_PROPERTY = re.compile(r"\b(?:header|smtp)\.(from|d|i|mailfrom)\s*=\s*\"?([^\s;\"]{1,255})", re.IGNORECASE)


def verdict(found: Headers, authserv_id: str, address: str) -> str:
    """``pass``, ``fail``, or "" where our server says nothing. Without a configured ``authserv_id`` it says nothing."""
    values = found.all("authentication-results")
    if not authserv_id or not values or len(values[0]) > MAX_VALUE:
        return ""
    name, _, rest = _without_comments(values[0]).partition(";")
    if name.split()[:1] != [authserv_id]:
        return ""
    return results(rest, address.rpartition("@")[2].lower())


def results(listed: str, domain: str) -> str:
    """What the results say together of the author's domain: one that speaks against it weighs more."""
    verdicts = [_verdict(one, domain) for one in _without_comments(listed[:MAX_VALUE]).split(";")]
    return "fail" if "fail" in verdicts else "pass" if "pass" in verdicts else ""


def _verdict(result: str, domain: str) -> str:
    """``pass`` or ``fail`` where this result speaks for or against the domain.

    A failed DKIM signature says nothing (there may be others), and neither does a failed SPF or a domain without DMARC.
    """
    method = _RESULT.match(result)
    if method is None:
        return ""
    properties = {name.lower(): value.lower() for name, value in _PROPERTY.findall(method[3])}
    word, passed = method[1].lower(), method[2].lower() == "pass"
    if word == "dmarc":
        if method[2].lower() == "none":
            return ""
        return "pass" if passed and properties.get("from", domain) == domain else "fail"
    if word == "spf":
        signer = properties.get("mailfrom", "").rpartition("@")[2]
    else:
        signer = properties.get("d") or properties.get("i", "").rpartition("@")[2]
    return "pass" if passed and names.aligned(signer, domain) else ""


def _without_comments(value: str) -> str:
    out, depth = [], 0
    for char in value:
        depth += char == "("
        if not depth:
            out.append(char)
        depth -= char == ")" and depth > 0
    return "".join(out)
