"""What other projects promise each other: Standard Webhooks."""

import json
from pathlib import Path

from kinline import VerificationFailed, clock, signatures
from kinline.errors import Misconfigured
from sets import Case, Cases


def standard_webhooks(folder: Path) -> Cases:
    """Exactly the signature of the vector, and all that must pass and must fail beside it."""
    told = json.loads((folder / "vectors.json").read_text(encoding="utf-8"))
    secret, id, at, body = told["secret"], told["id"], int(told["timestamp"]), told["payload"].encode()
    right = {"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": told["signature"]}
    with clock.frozen(at * clock.SECOND):
        made = signatures.headers([secret], id, at, body)
        yield Case("the signature", "" if made == right else f"{made}")
        passes = {
            "as it is": (secret, right),
            "several, one valid": (secret, right | {"webhook-signature": f"v2,x v1,AAAA {told['signature']}"}),
            "without the prefix": (secret.removeprefix("whsec_"), right),
            "without padding": (secret.rstrip("="), right),
        }
        for name, (key, headers) in passes.items():
            yield Case(name, _refused(key, headers, body))
        fails = {
            "another signature": (secret, right | {"webhook-signature": told["signature"].replace("OE=", "OA=")}),
            "no secret": ("", right),
            **{f"no {name}": (secret, {**right, name: ""}) for name in right},
        }
        for name, (key, headers) in fails.items():
            yield Case(name, "" if _refused(key, headers, body) else "was taken")
    for name, off in (("too old", 301), ("too new", -301)):
        with clock.frozen((at + off) * clock.SECOND):
            yield Case(name, "" if _refused(secret, right, body) else "was taken")


def _refused(secret: str, headers: dict[str, str], body: bytes) -> str:
    try:
        signatures.verify([secret], headers, body)
    except (VerificationFailed, Misconfigured) as error:
        return error.code
    return ""
