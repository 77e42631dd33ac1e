"""DKIM signatures, checked by a program that did not make them, with the DNS in our hands."""

import base64
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from kinline import Attachment, ChannelError, Handle, HandleType, Outgoing, clock
from kinline_email import EmailChannel
from kinline_email.settings import EmailSettings

NOON = 1_795_000_000 * clock.SECOND
ANN = Handle(HandleType.EMAIL, "ann@example.org")
RSA, ED = generate_private_key(65537, 2048), Ed25519PrivateKey.generate()


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


RECORDS = {
    b"rsa._domainkey.shop.example.": b"v=DKIM1; k=rsa; p="
    + base64.b64encode(RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
    b"ed._domainkey.shop.example.": b"v=DKIM1; k=ed25519; p="
    + base64.b64encode(ED.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)),
}


def settings(key: Any = RSA, **more: Any) -> EmailSettings:
    base = {"address": "support@shop.example", "name": "Größe & Co", "dkim_selector": "rsa" if key is RSA else "ed"}
    return EmailSettings(**{**base, "dkim_private_key": pem(key), **more})


def mail(using: EmailSettings, **change: Any) -> bytes:
    answered = {
        "subject": "Wo?",
        "facts": {"message_id": "2@example.org", "references": [f"{n}@example.org" for n in range(9)]},
    }
    base = {
        "id": "f1",
        "to": ANN,
        "text": "Hallo  Größe \t\n.\n\n\n",
        "answered": answered,
        "reply_token": "k1" + "a" * 24,
    }
    with clock.frozen(NOON):
        return EmailChannel().prepare(Outgoing(**{**base, **change}), using).body


def verified(raw: bytes) -> bool:
    return bool(dkim.verify(raw, dnsfunc=lambda name, timeout=5: RECORDS.get(name)))


FULL = {
    "html": "<p>Hallo  Größe</p>\n" * 50, "stop_url": "https://hub.example/v1/stop/x",
    "attachments": (Attachment(name="a.pdf", media_type="application/pdf", content=bytes(range(256)) * 99),),
}  # fmt: skip


@pytest.mark.parametrize("key", [RSA, ED], ids=["rsa", "ed25519"])
@pytest.mark.parametrize("change", [{}, FULL, {"text": ""}, {"answered": {}, "subject": "日本語" * 40}])
def test_another_program_verifies_what_we_sign(key: Any, change: dict[str, Any]) -> None:
    raw = mail(settings(key, plus_addressing=True), **change)

    assert verified(raw)
    assert raw == mail(settings(key, plus_addressing=True), **change)


def test_what_servers_may_do_on_the_way_breaks_nothing() -> None:
    raw = mail(settings(), **FULL)
    folded = raw.replace(b"Subject: Re: Wo?", b"Subject:  Re:\r\n\tWo?  ")

    assert folded != raw
    assert verified(b"Received: by mx.example.org\r\n" + folded + b"\r\n\r\n")


@pytest.mark.parametrize(
    ("what", "by"),
    [
        (b"Hallo  G", b"Hello  G"),
        (b"Subject: Re: Wo?", b"Subject: Re: Da!"),
        (b"/v1/stop/x", b"/v1/stop/y"),
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
        (b"From: ", b"From: eve@evil.example\r\nFrom: "),
        (b"To: ", b"Cc: eve@evil.example\r\nTo: "),
        (b"Reply-To: ", b"Reply-To: eve@evil.example\r\nReply-To: "),
        (b"Subject: ", b"Subject: Win!\r\nSubject: "),
    ],
)
def test_what_anybody_changes_or_adds_is_seen(what: bytes, by: bytes) -> None:
    raw = mail(settings(plus_addressing=True), **{**FULL, "html": ""})
    assert raw.count(what) >= 1

    assert not verified(raw.replace(what, by, 1))


def test_without_a_key_nothing_is_signed() -> None:
    assert b"DKIM-Signature" not in mail(EmailSettings(address="support@shop.example"))


@pytest.mark.parametrize(
    "more",
    [
        {"dkim_private_key": "nonsense"},
        {"dkim_private_key": pem(ec.generate_private_key(ec.SECP256R1()))},
        {"dkim_selector": ""},
        {"dkim_selector": "a; b=c"},
    ],
)
def test_a_key_that_cannot_sign_is_said_before_anything_goes_out(more: dict[str, str]) -> None:
    with pytest.raises(ChannelError) as refusal:
        EmailChannel().check(Outgoing(id="f1", to=ANN, text="Hello"), settings(**more))

    assert (refusal.value.code, refusal.value.permanent) == ("bad_dkim_key", True)
