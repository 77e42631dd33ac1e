"""One mail is one interaction, whatever way it came; two mails are two, whatever they claim."""

import base64
import io
import quopri

import pytest

from kinline import Direction, Handle, HandleType, Interaction, Item, Outgoing, Receipt, Source, Standing, clock
from kinline_email import EmailChannel
from kinline_email.settings import EmailSettings

SHOP = EmailSettings(address="support@shop.example", name="The Shop", smtp_host="mx.example.org")
NOON = 1_795_000_000 * clock.SECOND  # a day in November 2026

HEAD = (
    b"From: Ann <ann@example.org>\nTo: support@shop.example\nSubject: Hello\n"
    b"Date: Fri, 20 Nov 2026 10:00:00 +0100\nMessage-ID: <1@example.org>\n"
)
TEXT = "Caf\u00e9 at noon?\nFrom me  \n"
PLAIN = HEAD + b"Content-Type: text/plain; charset=utf-8\n\n" + TEXT.encode()


def read(raw: bytes, settings: EmailSettings = SHOP) -> Interaction:
    (piece,) = EmailChannel().parse(io.BytesIO(raw), Source(), settings)
    assert isinstance(piece, Item)
    first = EmailChannel().normalise(piece, settings)[0]
    assert isinstance(first, Interaction)
    return first


def encoded(encoding: str, charset: str, body: bytes) -> bytes:
    fields = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n"
    return HEAD + fields.encode() + body


@pytest.mark.parametrize(
    "copy",
    [
        PLAIN.replace(b"\n", b"\r\n"),
        encoded("base64", "utf-8", base64.encodebytes(TEXT.encode())),
        encoded("quoted-printable", "utf-8", quopri.encodestring(TEXT.encode())),
        encoded("8bit", "iso-8859-1", TEXT.encode("latin-1")),
        b"Delivered-To: other@shop.example\nReceived: by mx; Fri, 20 Nov 2026 09:00:09 +0000\n" + PLAIN,
        PLAIN.replace(b"10:00:00 +0100", b"09:00:00 +0000"),
        PLAIN.replace(b"Ann <ann@example.org>", b"ann@EXAMPLE.org"),
        PLAIN.replace(b"\nFrom me", b"\n>From me"),
        b"From ann@example.org Fri Nov 20 10:00:01 2026\n" + PLAIN.replace(b"\nFrom me", b"\n>From me") + b"\n",
        PLAIN.rstrip() + b"\n\n\n",
    ],
    ids=["crlf", "base64", "qp", "latin-1", "other mailbox", "zone", "case of domain", "mboxo", "mbox", "blank end"],
)
def test_the_same_mail_by_another_way_is_the_same(copy: bytes) -> None:
    assert read(copy).source_id == read(PLAIN).source_id


def test_two_mails_that_share_a_message_id_are_two_in_one_thread() -> None:
    one, other = read(PLAIN), read(PLAIN.replace(b"noon", b"nine"))

    assert one.source_id != other.source_id
    assert one.thread is not None
    assert one.thread == other.thread


def test_a_mail_without_message_id_is_named_by_its_content() -> None:
    bare = PLAIN.replace(b"Message-ID: <1@example.org>\n", b"")

    assert read(bare).source_id == read(bare.replace(b"\n", b"\r\n")).source_id
    assert read(bare).source_id != read(bare.replace(b"noon", b"nine")).source_id


def test_attachments_are_part_of_what_a_mail_says() -> None:
    mixed = (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n--b\nContent-Type: image/gif\n\n%s\n--b--\n"
    )

    assert read(mixed % b"GIF1").source_id != read(mixed % b"GIF2").source_id


def outgoing(**change: object) -> Outgoing:
    base = {"id": "0198f00dfeed", "to": Handle(HandleType.EMAIL, "ann@example.org"), "subject": "Hello", "text": TEXT}
    return Outgoing(**{**base, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        TEXT,
        "From me\n.dot\n..\n",
        "é" * 3000,
        "a" * 3000,
        "  indented\n\n\nend  \n\n",
        "tab\there\r\nx\ry",
        "",
        "=3D",
    ],
)
def test_what_we_send_has_the_same_name_when_it_is_read_back_from_the_sent_folder(text: str) -> None:
    with clock.frozen(NOON):
        prepared = EmailChannel().prepare(outgoing(text=text), SHOP)

    back = read(b"Received: by mx.example.org; Fri, 20 Nov 2026 10:00:00 +0000\r\n" + prepared.body)

    assert back.source_id == prepared.source_id
    assert back.direction is Direction.OUTBOUND
    assert back.thread == prepared.thread


def test_a_bounce_names_our_mail_by_its_message_id_alone() -> None:
    with clock.frozen(NOON):
        prepared = EmailChannel().prepare(outgoing(), SHOP)
    report = (
        "Return-Path: <>\nFrom: mailer-daemon@example.org\nContent-Type: multipart/report; boundary=b\n\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; ann@example.org\n"
        "Action: failed\nStatus: 5.1.1\n--b\nContent-Type: text/rfc822-headers\n\n"
        f"Message-ID: <{prepared.facts['message_id']}>\n--b--\n"
    )

    _, receipt = EmailChannel().normalise(Item(body=report.encode()), SHOP)

    assert isinstance(receipt, Receipt)
    assert (receipt.source_id, receipt.report, receipt.permanent) == (prepared.source_id, "bounced", True)
    assert receipt.recipient == Handle(HandleType.EMAIL, "ann@example.org")


def test_nobody_takes_the_place_of_our_mail_with_its_message_id() -> None:
    with clock.frozen(NOON):
        prepared = EmailChannel().prepare(outgoing(), SHOP)

    forged = read(prepared.body.replace(b"Caf", b"Bar"))

    assert forged.source_id != prepared.source_id


@pytest.mark.parametrize(
    ("field", "standing"),
    [
        ("mail.shop.example; dmarc=pass header.from=example.org", Standing.VERIFIED),
        ("mail.shop.example; dkim=pass header.d=example.org", Standing.VERIFIED),
        ("mail.shop.example 1; spf=fail; dkim=pass (2048 bit) header.i=@example.org", Standing.VERIFIED),
        ("mail.shop.example; dkim=pass header.d=evil.example", Standing.CLAIMED),
        ("mail.shop.example; dkim=pass header.d=ample.org", Standing.CLAIMED),
        ("mail.shop.example; dkim=pass header.d=org", Standing.CLAIMED),
        ("mail.shop.example; dmarc=fail header.from=example.org; dkim=pass header.d=example.org", Standing.CLAIMED),
        ("mail.shop.example; dmarc=pass header.from=evil.example", Standing.CLAIMED),
        ("mail.shop.example; spf=pass (dmarc=pass header.from=example.org)", Standing.CLAIMED),
        ("mail.shop.example.evil.example; dmarc=pass", Standing.CLAIMED),
        ("evil.example; dmarc=pass\nAuthentication-Results: mail.shop.example; dmarc=pass", Standing.CLAIMED),
    ],
)
def test_only_our_own_servers_word_makes_an_author_verified(field: str, standing: Standing) -> None:
    trusting = EmailSettings(address="support@shop.example", authserv_id="mail.shop.example")
    raw = f"Authentication-Results: {field}\n".encode() + PLAIN

    assert read(raw, trusting).parties[0].standing is standing
    assert read(raw).parties[0].standing is Standing.CLAIMED


def test_a_long_mail_is_the_same_in_an_mbox_too() -> None:
    long = HEAD + b"\n" + b"A line\nFrom me to you  \n" * 40_000

    assert read(long).source_id == read(long.replace(b"\nFrom", b"\n>From").replace(b"\n", b"\r\n")).source_id
