"""What we send passes a real mail server whole: encrypted, signed, with files, and to addresses in any script."""

import base64
import email
import email.message
import email.policy
import io
from collections.abc import Iterator

import dkim
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from kinline import Attachment, Handle, HandleType, Interaction, Item, Outgoing, Source
from kinline.pretend import until
from kinline.testing.servers import Postfix
from kinline.testing.servers.running import free_port
from kinline_email import EmailChannel
from kinline_email.settings import EmailSettings

KEY = Ed25519PrivateKey.generate()
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


class Box:
    """Where Postfix delivers to, by LMTP."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.got.append(envelope)
        return "250 kept"


class _Door(Controller):
    def factory(self) -> LMTP:
        return LMTP(self.handler, enable_SMTPUTF8=True, data_size_limit=None)


@pytest.fixture(scope="module")
def box() -> Iterator[tuple[Box, Postfix]]:
    kept, port = Box(), free_port()
    door = _Door(kept, hostname="127.0.0.1", port=port)
    door.start()
    server = Postfix({"people.example": port})
    try:
        yield kept, server.start()
    finally:
        server.stop()
        door.stop()


def settings(server: Postfix, **more: object) -> EmailSettings:
    base = {
        "address": "help@shop.example", "smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none",
        "dkim_selector": "ed", "dkim_private_key": PEM, "plus_addressing": True,
    }  # fmt: skip
    return EmailSettings(**{**base, **more})  # type: ignore[arg-type]


def sent(box: Box, using: EmailSettings, outgoing: Outgoing) -> Envelope:
    """Hand it to Postfix, and wait until it was delivered."""
    before, channel = len(box.got), EmailChannel()
    channel.send(channel.prepare(outgoing, using), using)
    assert until(lambda: len(box.got) > before, 20)
    return box.got[-1]


def content(envelope: Envelope) -> bytes:
    assert isinstance(envelope.content, bytes)
    return envelope.content


def verified(raw: bytes) -> bool:
    record = b"v=DKIM1; k=ed25519; p=" + base64.b64encode(PUBLIC)
    return bool(dkim.verify(raw, dnsfunc=lambda name, timeout=5: record))


def test_a_signed_mail_with_html_and_files_arrives_as_it_left(box: tuple[Box, Postfix]) -> None:
    kept, server = box
    pdf = Attachment(name="Größe.pdf", media_type="application/pdf", content=bytes(range(256)) * 4000)
    outgoing = Outgoing(
        id="f1", to=Handle(HandleType.EMAIL, "ann@people.example"), to_name="Änn", subject="Ihr Päckchen " * 20,
        text=".\n..\nFrom here on\n" + "ü" * 2000, html="<p>Grüß</p>" * 300, attachments=(pdf,), reply_token="k1" + "a" * 24,
        answered={"subject": "", "facts": {"message_id": "1@x.example", "references": [f"{n}@x.example" for n in range(60)]}},
    )  # fmt: skip

    envelope = sent(kept, settings(server), outgoing)

    raw = content(envelope)
    assert verified(raw)
    read = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(read, email.message.EmailMessage)
    [file] = read.iter_attachments()
    assert (file.get_filename(), file.get_payload(decode=True)) == ("Größe.pdf", pdf.content)
    [item] = EmailChannel().parse(io.BytesIO(raw), Source(), settings(server))
    assert isinstance(item, Item)
    [back] = EmailChannel().normalise(item, settings(server))
    assert isinstance(back, Interaction)
    assert back.text.startswith(".\n..\nFrom here on\nüü")


def test_an_address_in_another_script_is_reached(box: tuple[Box, Postfix]) -> None:
    kept, server = box

    envelope = sent(
        kept, settings(server), Outgoing(id="f2", to=Handle(HandleType.EMAIL, "用户@people.example"), text="你好")
    )

    assert envelope.rcpt_tos == ["用户@people.example"]
    assert verified(content(envelope))
