"""What a mail says, who says it, and whether a person said it."""

import time

import pytest

from kinline import Direction, Interaction, Item, handles
from kinline_email import EmailChannel, addresses, headers, reply, thread
from kinline_email.automatic import MAX_HOPS
from kinline_email.html import Reading, cleaned
from kinline_email.settings import EmailSettings

SHOP = EmailSettings(address="support@shop.example", own_addresses=("hello@shop.example",))
HEAD = "From: ann@example.org\nTo: support@shop.example\nDate: Fri, 20 Nov 2026 10:00:00 +0000\nMessage-ID: <1@example.org>\n"


def read(raw: str, settings: EmailSettings = SHOP) -> Interaction:
    first = EmailChannel().normalise(Item(body=raw.encode()), settings)[0]
    assert isinstance(first, Interaction)
    return first


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Ann <ann@example.org>", [("Ann", "ann@example.org")]),
        (
            '"Example, Ann" <ann@example.org>, ben@example.org',
            [("Example, Ann", "ann@example.org"), ("", "ben@example.org")],
        ),
        ("ann@example.org (Ann)", [("Ann", "ann@example.org")]),
        ("=?utf-8?q?Ann=2C_B=2E?= <ann@example.org>", [("Ann, B.", "ann@example.org")]),
        ('"ann b"@example.org', [("", '"ann b"@example.org')]),
        ("<@relay.example:ann@example.org>", [("", "ann@example.org")]),
        ("ann@example.org <ben@example.org>", [("ann@example.org", "ben@example.org")]),
        ("Friends: ann@example.org, Ben <ben@example.org>;", [("", "ann@example.org"), ("Ben", "ben@example.org")]),
        ("undisclosed-recipients:;", []),
        ("<ann@example.org> <ben@example.org>", [("", "")]),
        ("ann@example.org ben@example.org", [("ann@example.org ben@example.org", "")]),
        ('"Ann <ann@example.org>', [("", "")]),
        ("Ann <ann@example.org", [("Ann", "")]),
        ("", []),
    ],
)
def test_an_address_is_read_in_the_one_way_or_in_none(written: str, meant: list[tuple[str, str]]) -> None:
    assert [(one.name, one.address) for one in addresses.read(written, set()).found] == meant


def test_a_character_cut_in_half_by_encoded_words_is_whole_again() -> None:
    assert headers.decoded("=?utf-8?b?Q2Fmw6k=?= =?utf-8?q?_=C3?= =?utf-8?q?=A9t=C3=A9?=", set()) == "Café été"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("attachment; filename*=utf-8''l%C3%A1mpara.gif", "lámpara.gif"),
        ("attachment; filename*0=lam; filename*1=p.gif", "lamp.gif"),
        ("attachment; filename*0*=utf-8''l%C3%A1m; filename*1=p.gif", "lámp.gif"),
        ('attachment; filename="=?utf-8?q?l=C3=A1mp=2Egif?="', "lámp.gif"),
        ('attachment; filename="C:\\\\temp\\\\lamp.gif"', "lamp.gif"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
    ],
)
def test_file_names_are_read_in_every_notation_and_lose_their_folders(written: str, name: str) -> None:
    mail = read(f"{HEAD}Content-Type: image/gif\nContent-Disposition: {written}\n\nGIF\n")

    assert [one.name for one in mail.attachments] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "Yes.\n\nOn Fri, 20 Nov 2026 at 10:00, Ben <ben@example.org> wrote:\n> Is it?\n",
        "Yes.\n\nOn Fri, 20 Nov 2026 at 10:00, Ben\n<ben@example.org> wrote:\n\n> Is it?\n",
        "Yes.\n\nAm 20.11.2026 um 10:00 schrieb Ben:\n> Ist es so?\n",
        "Yes.\n\nLe 20 nov. 2026 à 10:00, Ben <ben@example.org> a écrit :\n> Est-ce ?\n",
        'Yes.\n\n20.11.2026, 10:00, "Ben" <ben@example.org>:\n> Is it?\n',
        "Yes.\n\n-----Original Message-----\nFrom: Ben\nIs it?\n",
        "Yes.\n\n-----Ursprüngliche Nachricht-----\nVon: Ben\nIst es so?\n",
        "Yes.\n\n________________________________\nFrom: Ben\nSent: Friday\nTo: Ann\nSubject: It\n\nIs it?\n",
        "Yes.\n\nVon: Ben\nGesendet: Freitag\nAn: Ann\nBetreff: Es\n\nIst es so?\n",
        "Yes.\n\nSent from my iPhone\n\nOn 20 Nov 2026, at 10:00, Ben <ben@example.org> wrote:\n\n> Is it?\n",
        "> Is it?\n\nYes.\n\n-- \nAnn\nExample Street 1\n",
        "Yes.\n\nVon meinem iPhone gesendet\n",
    ],
)
def test_of_a_reply_only_the_answer_is_shown(text: str) -> None:
    assert reply.visible(text) == "Yes."


def test_answers_between_quoted_lines_all_stay() -> None:
    text = "On 20 Nov 2026, Ben wrote:\n> One?\nYes.\n> Two?\nNo.\n"

    assert reply.visible(text) == "Yes.\nNo."


@pytest.mark.parametrize(
    "text",
    [
        "She wrote:\nI am coming.",
        "Here is what I need:\n- a lamp\n- a bulb",
        "From: my point of view this is wrong.",
        "> only a quotation",
        "--\nAnn",
        "On Monday I wrote: nothing.",
        "Sent from my iPhone",
        "a -- b\n--- c\nd",
    ],
)
def test_what_is_no_quotation_stays(text: str) -> None:
    assert reply.visible(text) == text


def test_the_whole_text_is_kept_beside_the_visible_one() -> None:
    mail = read(HEAD + "\nYes.\n\n> Is it?\n")

    assert (mail.text, mail.facts["full_text"]) == ("Yes.", "Yes.\n\n> Is it?")


def test_html_becomes_text_with_its_lines_and_without_what_is_hidden() -> None:
    reading = Reading(
        "<style>p{}</style><p>A &amp; B</p><!-- <p>no</p> --><table><tr><td>1</td><td>2</td></tr></table>a < b"
    )

    assert reading.full == "A & B\n\n1 2\n\na < b"


@pytest.mark.alone
@pytest.mark.parametrize(
    "hostile",
    [
        "<div>" * 90_000,
        "<" * 400_000,
        "<!--" * 100_000,
        "<b><p>" * 80_000,
        "&" * 400_000,
        "\xa0" * 400_000,
        "&" * 50_000,
        "<a " + "x " * 200_000,
        "<p " * 100_000,
    ],
)
def test_hostile_html_takes_no_time(hostile: str) -> None:
    started = time.process_time()

    mail = read(f"{HEAD}Content-Type: text/html\n\nHello {hostile}")

    assert mail.text.startswith("Hello")
    assert time.process_time() - started < 2


def test_a_pixel_that_tells_on_its_reader_is_gone() -> None:
    shown = cleaned(
        '<img src="https://t.example/x"><img src="//t.example/x"><img src="data:image/gif;base64,AA"><img src="cid:1">'
    )

    assert shown == '<img><img><img><img src="cid:1">'


def test_a_bounce_makes_no_person_out_of_mailer_daemon() -> None:
    mail = read("From: MAILER-DAEMON@mx.example.org\nSubject: Undelivered mail\n\nSorry.\n")

    author = mail.parties[0]
    assert author.handle is not None
    assert handles.is_blocked(author.handle)
    assert mail.automatic == "bounce"


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ("Auto-Submitted: auto-generated", "auto-generated"),
        ("Auto-Submitted: auto-notified; owner-email=x", "auto-generated"),
        ("X-Auto-Response-Suppress: OOF, AutoReply", "auto-generated"),
        ("X-Autoreply: yes", "auto-reply"),
        ("X-Autorespond: Away", "auto-reply"),
        ("Precedence: auto_reply", "auto-reply"),
        ("Precedence: bulk", "bulk"),
        ("Precedence: junk", "bulk"),
        ("List-Unsubscribe: <https://example.org/off>", "list"),
        ("X-FC-MachineGenerated: true", "auto-generated"),
        ("X-Loop: somebody@example.org", "auto-generated"),
        ("X-Loop: kinline support@shop.example", "loop"),
        ("Return-Path: < >", "null-sender"),
        ("Subject: Abwesenheitsnotiz: Ihre Bestellung", "auto-reply"),
        ("\n".join(["Received: by mx.example.org"] * (MAX_HOPS + 1)), "loop"),
        ("Precedence: first-class", ""),
        ("Auto-Submitted: No", ""),
        ("X-Auto-Response-Suppress: None", ""),
        ("Subject: I am on the wrong plan", ""),
        ("Subject: Out of paper", ""),
    ],
)
def test_machine_mail_is_told_by_its_fields(field: str, why: str) -> None:
    assert read(f"{field}\n{HEAD}\nHello\n").automatic == why


@pytest.mark.parametrize("mailbox", ["no-reply", "noreply", "postmaster", "bounces+ann", "do-not-reply"])
def test_machines_mailboxes_are_machines(mailbox: str) -> None:
    assert read(f"From: {mailbox}@example.org\nTo: support@shop.example\n\nHello\n").automatic == "machine-mailbox"


@pytest.mark.parametrize("address", ["support@shop.example", "Support+x@SHOP.example", "hello@shop.example"])
def test_what_one_of_our_addresses_wrote_is_ours(address: str) -> None:
    mail = read(f"From: {address}\nTo: ann@example.org\n\nHello\n")

    assert mail.direction is Direction.OUTBOUND
    assert [party.ours for party in mail.parties] == [True, False]


def test_without_an_address_of_ours_everything_comes_in() -> None:
    assert read(HEAD + "\nHello\n", EmailSettings()).direction is Direction.INBOUND


def test_the_parent_is_the_last_reference_and_the_root_is_never_lost() -> None:
    long = " ".join(f"<{number}@example.org>" for number in range(300))

    found = read(f"References: {long}\nIn-Reply-To: <299@example.org> <other@example.org>\n{HEAD}\nHello\n").thread

    assert found is not None
    assert (found.parent, found.ancestors[0]) == ("299@example.org", "298@example.org")
    assert len(found.ancestors) == thread.MAX_ANCESTORS - 1


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Re: AW: Fwd: Lamp", "Lamp"),
        ("RE[5]: Lamp", "Lamp"),
        ("Antw: SV: Lamp", "Lamp"),
        ("Re:Re:", ""),
        ("Rest: Lamp", "Rest: Lamp"),
    ],
)
def test_prefixes_of_answers_are_known_in_many_languages(subject: str, base: str) -> None:
    assert thread.base_subject(subject)[0] == base


def test_a_read_receipt_of_our_mail_is_a_receipt() -> None:
    raw = (
        "From: ann@example.org\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n"
        "--b\n\nRead.\n--b\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; ann@example.org\n"
        "Original-Message-ID: <f1.0123456789abcdef0123456789abcdef@kinline.shop.example>\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n--b--\n"
    )

    mail, receipt = EmailChannel().normalise(Item(body=raw.encode()), SHOP)

    assert isinstance(mail, Interaction)
    assert mail.automatic == "read-receipt"
    assert getattr(receipt, "report", None) == "read"


@pytest.mark.parametrize(
    ("date", "moment", "flags"),
    [
        ("Fri, 20 Nov 2026 10:00:00 -1900", "2026-11-21T05:00:00", ("bad_date",)),
        ("Fri, 20 Nov 2026 10:00:00 +1400", "2026-11-19T20:00:00", ()),
        ("Fri, 20 Nov 2026 10:00:00 GMT+1", "2026-11-20T09:00:00", ()),
        ("Fri, 20 Nov 2026 10:00:00 GMT-05:30", "2026-11-20T15:30:00", ()),
        ("Fri, 20 Nov 2026 10:00:00 GMT", "2026-11-20T10:00:00", ()),
        ("Fri, 20 Nov 2026 10:00:00 +0100 (GMT+1)", "2026-11-20T09:00:00", ()),
    ],
)
def test_a_zone_is_believed_while_it_is_less_than_a_day(date: str, moment: str, flags: tuple[str, ...]) -> None:
    mail = read(f"From: ann@example.org\nMessage-ID: <1@example.org>\nDate: {date}\n\nHello\n")

    assert mail.occurred_at is not None
    assert mail.occurred_at.isoformat() == f"{moment}+00:00"
    assert mail.flags == flags


@pytest.mark.parametrize("mailbox", ["user", "test", "email", "guest"])
def test_a_mailbox_of_a_common_word_may_be_a_persons(mailbox: str) -> None:
    assert read(f"From: {mailbox}@example.org\nTo: support@shop.example\n\nHello\n").automatic == ""


def test_a_text_that_is_shown_in_place_is_what_the_mail_says_where_it_says_nothing_else() -> None:
    mail = read(
        f"{HEAD}Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain; name=a.txt\n"
        "Content-Disposition: inline; filename=a.txt\n\nIs the shop open?\n--x--\n"
    )

    assert mail.text == "Is the shop open?"
    assert [one.name for one in mail.attachments] == ["a.txt"]


def test_a_file_that_arrived_empty_and_without_a_name_is_still_told() -> None:
    mail = read(
        f"{HEAD}Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nHello\n"
        '--x\nContent-Type: image/png; name=""\nContent-Disposition: attachment; filename=""\n\n--x--\n'
    )

    assert [(one.media_type, one.size) for one in mail.attachments] == [("image/png", 0)]


def test_raw_bytes_in_a_subject_are_read_in_the_charset_of_the_body() -> None:
    head = HEAD.encode() + "Subject: 還在\nContent-Type: text/plain; charset=big5\n\nHello\n".encode("big5")

    first = EmailChannel().normalise(Item(body=head), SHOP)[0]

    assert isinstance(first, Interaction)
    assert first.subject == "還在"


def report(parts: str, subject: str = "Undelivered", sort: str = "delivery-status") -> Interaction:
    return read(
        "From: Mail System <MAILER-DAEMON@mx.example.org>\nTo: support@shop.example\nMessage-ID: <9@mx.example.org>\n"
        f"Subject: {subject}\nContent-Type: multipart/report; report-type={sort}; boundary=x\n\n{parts}"
    )


def test_a_refusal_by_somebodys_filter_is_a_bounce() -> None:
    """A Sieve "reject" (RFC 5429) answers with a disposition notification: deleted by a machine, unread."""
    mail = report(
        "--x\nContent-Type: text/plain\n\nRejected: quota exceeded.\n--x\nContent-Type: message/disposition-notification\n\n"
        "Final-Recipient: rfc822; ann@example.org\nDisposition: automatic-action/MDN-sent-automatically; deleted\n--x--\n",
        sort="disposition-notification",
    )

    assert mail.automatic == "bounce"
    assert [one["address"] for one in mail.facts["failed"]] == ["ann@example.org"]


def test_a_mail_that_a_person_deleted_unread_did_arrive() -> None:
    mail = report(
        "--x\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; ann@example.org\n"
        "Disposition: manual-action/MDN-sent-manually; deleted\n--x--\n",
        sort="disposition-notification",
    )

    assert mail.automatic == "read-receipt"


def test_a_recipient_named_twice_in_a_report_failed_once() -> None:
    block = "\nFinal-Recipient: rfc822; ann@example.org\nAction: failed\nStatus: 5.1.1\n"

    mail = report(f"--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n{block}{block}\n--x--\n")

    assert [one["address"] for one in mail.facts["failed"]] == ["ann@example.org"]


@pytest.mark.parametrize(
    "subject",
    ["Non remis : Commande 42", "Não é possível entregar: Pedido 42", "Onbestelbaar: Bestelling 42", "Недоставленное сообщение",
     "RE: Your order : not here (delivery failed)"],
)  # fmt: skip
def test_a_bounce_without_a_form_is_told_in_many_languages(subject: str) -> None:
    mail = read(
        f"From: system@mx.example.org\nTo: support@shop.example\nSubject: {subject}\n\n"
        "Your message could not be delivered to\nann@example.org\n\nThe server answered: 550 5.1.1 unknown user\n"
    )

    assert (mail.automatic, [one["address"] for one in mail.facts["failed"]]) == ("bounce", ["ann@example.org"])


def test_a_status_that_a_server_answered_is_told_of_the_one_recipient() -> None:
    mail = read(
        "From: MAILER-DAEMON@mx.example.org\nTo: support@shop.example\nX-Failed-Recipients: ann@example.org\n"
        "Subject: Delivery Status Notification (Failure)\n\nThe response was:\n\n452 4.2.2 The mailbox is full.\n"
    )

    assert [(one["address"], one["status"]) for one in mail.facts["failed"]] == [("ann@example.org", "4.2.2")]


FREE = """Hello, this is the mail server on mx.example.org.

The message could not be brought to <ben@example.net>: 550 5.1.1 no such user.

Below this line is a copy of the message.

From: support@shop.example
To: cleo@example.net
"""


def freely(text: str) -> Interaction:
    return read(
        "From: Mail Delivery System <MAILER-DAEMON@mx.example.org>\nTo: support@shop.example\n"
        f"Subject: Undeliverable: Order 42\n\n{text}"
    )


def test_a_mail_system_that_names_one_address_in_its_own_words_means_it() -> None:
    mail = freely(FREE)

    assert [(one["address"], one["status"]) for one in mail.facts["failed"]] == [("ben@example.net", "5.1.1")]


def test_of_two_addresses_in_free_words_nobody_knows_which_failed() -> None:
    assert "failed" not in freely(FREE.replace("no such user", "ask ann@example.net")).facts


@pytest.mark.alone
@pytest.mark.parametrize("text", ["a@b" * 60_000, "a." * 100_000, "x@" + "a." * 100_000, " " * 200_000, ">" * 200_000])
def test_no_report_takes_long(text: str) -> None:
    began = time.perf_counter()

    freely(text)

    assert time.perf_counter() - began < 3
