"""The hub's secret, and the keys derived from it (HKDF, RFC 5869): one for each use.

Who holds the secret can read stored credentials and forge links, so it comes from the environment or a
file of its own, never from the database.
"""

import base64
import hmac
from functools import cached_property
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kinline.errors import Misconfigured

WEAK = frozenset({"", "changeme", "change-me", "secret", "password", "default", "test"})


class Secret:
    """Signs and encrypts for the hub. Never prints itself."""

    def __init__(self, material: str) -> None:
        if material.strip().lower() in WEAK or len(material) < 16:
            raise Misconfigured(
                "KINLINE_SECRET is missing or too weak: set it to at least 16 characters nobody can guess, "
                "for example the output of: openssl rand -hex 32",
                code="weak_secret",
            )
        self._material = material.encode()

    def __repr__(self) -> str:
        return "Secret(…)"

    def key(self, use: str) -> bytes:
        """32 bytes for one use; different uses cannot be told from one another."""
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"kinline/{use}".encode()).derive(self._material)

    def sign(self, use: str, message: bytes) -> bytes:
        return hmac.digest(self.key(use), message, sha256)

    def verify(self, use: str, message: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(self.sign(use, message), signature)

    @cached_property
    def _fernet(self) -> Fernet:
        return Fernet(base64.urlsafe_b64encode(self.key("stored-credentials")))

    def seal(self, plain: str) -> str:
        """Encrypt for storing."""
        return self._fernet.encrypt(plain.encode()).decode()

    def unseal(self, sealed: str) -> str:
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise Misconfigured(
                "A stored credential cannot be read with this KINLINE_SECRET: it was written under another one.",
                code="wrong_secret",
            ) from None
