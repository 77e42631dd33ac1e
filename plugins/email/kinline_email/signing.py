"""Signs what goes out (DKIM, RFC 6376; Ed25519 by RFC 8463): relaxed/relaxed, over all that a reader sees.

Written here because a prepared mail must be the same bytes whenever it is made: dkimpy writes the moment of its own
clock, and takes Ed25519 keys in a form that no other program makes. Tests check every signature with dkimpy.
"""

import base64
import re
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kinline import ChannelError, clock
from kinline_email.settings import EmailSettings

#: Signed once more than they are there, so that nobody adds another one (RFC 6376 section 8.15).
_OVERSIGNED = (
    "from", "to", "cc", "subject", "date", "message-id", "reply-to", "in-reply-to", "references", "mime-version",
    "content-type", "content-transfer-encoding", "list-unsubscribe", "list-unsubscribe-post",
)  # fmt: skip
_SIGNED = (*_OVERSIGNED, "auto-submitted", "precedence", "x-loop", "x-auto-response-suppress")
_SPACE = re.compile(rb"[ \t]+")
_BREAK = re.compile(rb"\r\n(?=[ \t])")
SMALLEST = 1024  #: bits of an RSA key (RFC 8301 section 3.2)
Key = RSAPrivateKey | Ed25519PrivateKey


def signed(mail: bytes, settings: EmailSettings) -> bytes:
    """The mail with its signature on top; as it is where the account has no key. Raises `ChannelError`."""
    if not settings.dkim_private_key:
        return mail
    key = read_key(settings.dkim_private_key)
    domain = (settings.dkim_domain or settings.address.rpartition("@")[2]).encode("idna").decode().lower()
    head, _, body = mail.partition(b"\r\n\r\n")
    fields = _fields(head)
    there = [name for name in _SIGNED if name in fields]
    names = there + list(_OVERSIGNED)
    kind = "rsa" if isinstance(key, RSAPrivateKey) else "ed25519"
    tags = (
        f"v=1; a={kind}-sha256; c=relaxed/relaxed; d={domain}; s={settings.dkim_selector};\r\n"
        f" t={clock.now() // clock.SECOND}; h={_folded(names)};\r\n"
        f" bh={base64.b64encode(sha256(_relaxed_body(body)).digest()).decode()};\r\n b="
    )
    covered = [_relaxed(name, fields[name]) for name in there]
    covered.append(_relaxed("dkim-signature", tags.encode()).removesuffix(b"\r\n"))
    return f"DKIM-Signature: {tags}{_signature(key, b''.join(covered))}\r\n".encode() + mail


def check(settings: EmailSettings) -> None:
    """Refuse a key that signs nothing, before a mail is made."""
    if settings.dkim_private_key:
        read_key(settings.dkim_private_key)
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?", settings.dkim_selector):
            raise _refused("Set dkim_selector: the name under which the public key stands in the DNS.")


@lru_cache(maxsize=64)
def read_key(pem: str) -> Key:
    """An RSA or Ed25519 key in PEM, as ``openssl genpkey`` writes it. Raises `ChannelError` ``bad_dkim_key``."""
    try:
        key = load_pem_private_key(pem.strip().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _refused("dkim_private_key is no private key in PEM without a password.") from None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise _refused("dkim_private_key is neither an RSA nor an Ed25519 key.")
    if isinstance(key, RSAPrivateKey) and key.key_size < SMALLEST:
        raise _refused(f"dkim_private_key has under {SMALLEST} bits: nobody believes it. Make one of 2048.")
    return key


def _signature(key: Key, covered: bytes) -> str:
    """RSA signs what it is given by SHA-256; Ed25519 signs the SHA-256 itself (RFC 8463 section 3)."""
    if isinstance(key, RSAPrivateKey):
        raw = key.sign(covered, padding.PKCS1v15(), SHA256())
    else:
        raw = key.sign(sha256(covered).digest())
    text = base64.b64encode(raw).decode()
    return "\r\n ".join(text[at : at + 72] for at in range(0, len(text), 72))


def _fields(head: bytes) -> dict[str, bytes]:
    """The values by lower-case name. We write each field once."""
    lines = _BREAK.sub(b"\r", head).split(b"\r\n")
    pairs = (line.partition(b":") for line in lines)
    return {name.decode().lower(): value.replace(b"\r", b"\r\n") for name, _, value in pairs}


def _relaxed(name: str, value: bytes) -> bytes:
    """RFC 6376 section 3.4.2."""
    return name.encode() + b":" + _SPACE.sub(b" ", value.replace(b"\r\n", b"")).strip() + b"\r\n"


def _relaxed_body(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4."""
    lines = [_SPACE.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def _folded(names: list[str]) -> str:
    lines, line = [], ""
    for name in names:
        if len(line) + len(name) > 66:
            lines.append(line)
            line = ""
        line += f"{name}:"
    return "\r\n  ".join([*lines, line])[:-1]


def _refused(detail: str) -> ChannelError:
    return ChannelError(detail, permanent=True, code="bad_dkim_key")
