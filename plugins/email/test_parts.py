"""What goes out besides plain words: HTML, files, names in any script, addresses in any script, tokens."""

import email
import email.policy
import io
import socket
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from hypothesis import given
from hypothesis import strategies as st

from kinline import Attachment, ChannelError, Handle, HandleType, Interaction, Item, Outgoing, Prepared, Source, clock
from kinline_email import EmailChannel
from kinline_email.settings import EmailSettings
from kinline_email.smtp import send

NOON = 1_795_000_000 * clock.SECOND
ANN = Handle(HandleType.EMAIL, "ann@example.org")
TOKEN = "k1" + "a2" * 12
DEADLINE = 3.0


def settings(port: int = 25, **more: object) -> EmailSettings:
    return EmailSettings(
        **{
            "address": "support@shop.example",
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "smtp_security": "none",
            **more,
        }  # type: ignore[arg-type]
    )


def prepared(using: EmailSettings | None = None, **change: object) -> Prepared:
    base = {"id": "0198f00dfeed", "to": ANN, "subject": "Hello", "text": "Hello Ann"}
    with clock.frozen(NOON):
        return EmailChannel().prepare(Outgoing(**{**base, **change}), using or settings())  # type: ignore[arg-type]


def read(mail: Prepared) -> EmailMessage:
    found = email.message_from_bytes(mail.body, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def file(name: str, content: bytes = b"\x00\x01", media_type: str = "application/pdf") -> Attachment:
    return Attachment(name=name, media_type=media_type, content=content)


def test_html_stands_beside_the_text_for_those_who_show_it() -> None:
    found = read(prepared(html="<p>Hello <b>Ann</b>, grüß dich</p>"))

    assert found.get_content_type() == "multipart/alternative"
    plain, html = found.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert plain.get_content().strip() == "Hello Ann"
    assert html.get_content().strip() == "<p>Hello <b>Ann</b>, grüß dich</p>"


def test_files_go_along_byte_for_byte() -> None:
    found = read(
        prepared(html="<p>x</p>", attachments=(file("bill.pdf", bytes(range(256)) * 300), file("b.txt", b"\r.\n")))
    )

    assert found.get_content_type() == "multipart/mixed"
    assert found.get_body(("html",)) is not None
    first, second = found.iter_attachments()
    assert (first.get_filename(), first.get_content()) == ("bill.pdf", bytes(range(256)) * 300)
    assert (second.get_filename(), second.get_payload(decode=True)) == ("b.txt", b"\r.\n")


@given(st.text(min_size=1, max_size=120))
def test_every_name_of_a_file_comes_back_as_it_was(name: str) -> None:
    kept = "".join("_" if char in "/\\" else char for char in name if char.isprintable()).strip()
    shown = kept if kept.strip(". ") else "file"

    mail = prepared(attachments=(file(name),))

    [item] = EmailChannel().parse(io.BytesIO(mail.body), Source(), settings())
    assert isinstance(item, Item)
    [interaction] = EmailChannel().normalise(item, settings())
    assert isinstance(interaction, Interaction)
    [back] = interaction.attachments
    assert " ".join(back.name.split()).strip(". ") == " ".join(shown.split()).strip(". ")  # a reader drops leading dots
    assert max(len(line) for line in mail.body.splitlines()) < 998


@pytest.mark.parametrize("name", ["Angebot für Größen.pdf", "見積書.pdf", 'a "quoted" name.pdf', "x" * 240 + ".pdf"])
def test_another_mail_program_reads_the_names_too(name: str) -> None:
    [back] = read(prepared(attachments=(file(name),))).iter_attachments()

    assert back.get_filename() == name


def test_a_mail_as_a_file_goes_as_a_plain_file() -> None:
    [back] = read(prepared(attachments=(file("a.eml", b"From: x\n\ny", "message/rfc822"),))).iter_attachments()

    assert back.get_content_type() == "application/octet-stream"


def test_too_many_bytes_are_refused_before_anything_is_written() -> None:
    outgoing = Outgoing(id="f1", to=ANN, text="x", attachments=(file("a", b"\0" * 18_000_001),))

    with pytest.raises(ChannelError) as refusal:
        EmailChannel().check(outgoing, settings())

    assert (refusal.value.code, refusal.value.permanent) == ("too_large", True)


def test_the_reply_token_stands_in_the_address_to_answer_to_and_in_the_message_id() -> None:
    mail = prepared(settings(plus_addressing=True, name="The Shop"), reply_token=TOKEN)

    assert read(mail)["Reply-To"] == f"The Shop <support+{TOKEN}@shop.example>"
    assert f".{TOKEN}@kinline.shop.example" in read(mail)["Message-ID"]


@pytest.mark.parametrize("using", [{}, {"plus_addressing": True, "address": "a" * 40 + "@shop.example"}])
def test_no_reply_address_where_the_server_takes_none_or_it_would_be_too_long(using: dict[str, Any]) -> None:
    assert read(prepared(settings(**using), reply_token=TOKEN))["Reply-To"] is None


def test_reports_are_asked_for_where_that_is_wanted() -> None:
    asking = settings(delivery_reports=True, read_receipts=True)

    assert read(prepared(asking, automatic=False))["Disposition-Notification-To"] == "support@shop.example"
    assert read(prepared(asking))["Disposition-Notification-To"] is None
    assert prepared(asking).facts["notify"] is True


class International:
    """A mail server that knows SMTPUTF8 (RFC 6531) and a limit (RFC 1870)."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.got.append(envelope)
        return "250 taken"


@pytest.mark.parametrize("knows", [True, False])
def test_an_address_in_another_script_is_written_to_where_the_server_can(knows: bool) -> None:
    mail = prepared(to=Handle(HandleType.EMAIL, "用户@例子.example"))
    inbox = International()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    controller = Controller(inbox, hostname="127.0.0.1", port=port, enable_SMTPUTF8=knows, data_size_limit=100_000)
    controller.start()
    try:
        if knows:
            send(mail, settings(port), DEADLINE)
        else:
            with pytest.raises(ChannelError) as refusal:
                send(mail, settings(port), DEADLINE)
            assert (refusal.value.code, refusal.value.permanent) == ("needs_smtputf8", True)
        with pytest.raises(ChannelError) as refusal:
            send(prepared(attachments=(file("a", b"\0" * 90_000),)), settings(port), DEADLINE)
        assert refusal.value.code == "too_large"
    finally:
        controller.stop()

    assert [envelope.rcpt_tos for envelope in inbox.got] == ([["用户@xn--fsqu00a.example"]] if knows else [])
