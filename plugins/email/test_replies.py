"""Where an answer ends, in the languages of mail programs; how people sign; and what is no quotation stays."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinline_email import reply, signature
from kinline_email.html import Reading

#: How programs introduce what they quote. All were written for these tests, after the forms that the programs use.
INTRODUCTIONS = [
    "On Fri, Nov 20, 2026 at 10:10 AM Ann Example <ann@example.org> wrote:",
    "Am Fr., 20. Nov. 2026 um 10:10 Uhr schrieb Ann Example <ann@example.org>:",
    "Le ven. 20 nov. 2026 à 10:10, Ann Example <ann@example.org> a écrit :",
    "El vie, 20 nov 2026 a las 10:10, Ann Example (<ann@example.org>) escribió:",
    "Il giorno ven 20 nov 2026 alle ore 10:10 Ann Example <ann@example.org> ha scritto:",
    "Em sex., 20 de nov. de 2026 às 10:10, Ann Example <ann@example.org> escreveu:",
    "Op vr 20 nov 2026 om 10:10 schreef Ann Example <ann@example.org>:",
    "Den fre 20 nov. 2026 kl 10:10 skrev Ann Example <ann@example.org>:",
    "Den fre. 20. nov. 2026 kl. 10.10 skrev Ann Example <ann@example.org>:",
    "fre. 20. nov. 2026 kl. 10:10 skrev Ann Example <ann@example.org>:",
    "pe 20. marrask. 2026 klo 10.10 Ann Example (ann@example.org) kirjoitti:",
    "pt., 20 lis 2026 o 10:10 Ann Example <ann@example.org> napisał(a):",
    "pá 20. 11. 2026 v 10:10 odesílatel Ann Example <ann@example.org> napsal:",
    "pi 20. 11. 2026 o 10:10 Ann Example <ann@example.org> napísal(a):",
    "Ann Example <ann@example.org> ezt írta (időpont: 2026. nov. 20., P, 10:10):",
    "20 Kas 2026 Cum, 10:10 tarihinde Ann Example <ann@example.org> şunu yazdı:",
    "În vin., 20 nov. 2026 la 10:10, Ann Example <ann@example.org> a scris:",
    "Στις Παρ 20 Νοε 2026 στις 10:10 π.μ., ο χρήστης Ann Example <ann@example.org> έγραψε:",
    "пт, 20 нояб. 2026 г. в 10:10, Ann Example <ann@example.org>:",
    "20.11.2026 10:10, Ann Example пишет:",
    "пт, 20 лист. 2026 р. о 10:10 Ann Example <ann@example.org> пише:",
    "Pada Jum, 20 Nov 2026 pukul 10.10 Ann Example <ann@example.org> menulis:",
    "Vào Th 6, 20 thg 11, 2026 vào lúc 10:10 Ann Example <ann@example.org> đã viết:",
    "2026年11月20日(金) 10:10 Ann Example <ann@example.org>:",
    "Ann Example <ann@example.org> 于2026年11月20日周五 10:10写道：",
    "Ann Example <ann@example.org> 於 2026年11月20日 週五 上午10:10寫道：",
    "2026년 11월 20일 (금) 오전 10:10, Ann Example <ann@example.org>님이 작성:",
    "\u202bבתאריך יום ו׳, 20 בנוב׳ 2026 ב-10:10 מאת \u202aAnn Example\u202c\u200f <\u202aann@example.org\u202c\u200f>:\u202c",
    "--- On Fri, 11/20/26, Ann Example <ann@example.org> wrote:",
    "On 20.11.26 10:10, Ann Example wrote:",
    "Ann Example <ann@example.org> wrote:",
    "Ann Example/BAKERY wrote on 11/20/2026 10:10:10 AM:",
    "Ann Example <ann@example.org> kirjoitti 20.11.2026 kello 10.10:",
    "Ann Example <ann@example.org> şunları yazdı (20 Kas 2026 10:10):",
    "2026. nov. 20. dátummal, 10:10 időpontban Ann Example <ann@example.org> írta:",
    "W dniu 20.11.2026 o 10:10, Ann Example pisze:",
    "2026/11/20 10:10、Ann Example <ann@example.org>のメール:",
    "在 2026年11月20日，10:10，Ann Example <ann@example.org> 写道：",
    "2026. 11. 20. 오전 10:10, Ann Example <ann@example.org> 작성:",
    "Пятница, 20 ноября 2026, 10:10 +03:00 от Ann Example <ann@example.org>:",
    "20 Nov 2026, 10:10 by ann@example.org:",
    "‐‐‐‐‐‐‐ Original Message ‐‐‐‐‐‐‐",
    "------- Original Message -------\nOn Friday, November 20th, 2026 at 10:10, Ann Example <ann@example.org> wrote:",
    "---- On Fri, 20 Nov 2026 10:10:10 +0530 Ann Example <ann@example.org> wrote ----",
    '------------------ 原始邮件 ------------------\n发件人: "Ann" <ann@example.org>;\n发送时间: 2026年11月20日(星期五)\n主题: 面包',
    "-------- Original message --------\nFrom: Ann Example <ann@example.org>\nDate: 20/11/2026 10:10 (GMT+01:00)",
    "-------- Weitergeleitete Nachricht --------\nBetreff: Brot\nDatum: Fri, 20 Nov 2026 10:10:10 +0100",
    "On Nov 20, 2026, at 10:10, Ann Example\n<ann@example.org>\nwrote:",
    "On Friday, November 20, 2026 at 10:10:10 AM UTC+1, Ann Example <ann@example.org>\nwrote:",
]


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
@pytest.mark.parametrize("mark", ["> ", ""], ids=["marked", "unmarked"])
def test_an_introduction_of_any_program_ends_the_answer(introduction: str, mark: str) -> None:
    quoted = "\n".join(f"{mark}{line}" for line in ["Hello Shop,", "is it open?"])

    assert reply.visible(f"Yes, until six.\n\n{introduction}\n\n{quoted}\n") == "Yes, until six."


FIELDS = [
    "From: Ann\nSent: Friday, November 20, 2026 10:10 AM\nTo: The Shop\nSubject: Order 42",
    "Von: Ann\nGesendet: Freitag, 20. November 2026 10:10\nAn: Der Laden\nBetreff: Bestellung 42",
    "De : Ann\nEnvoyé : vendredi 20 novembre 2026 10:10\nÀ : Boutique\nObjet : Commande 42",
    "De: Ann\nEnviado el: viernes, 20 de noviembre de 2026 10:10\nPara: Tienda\nAsunto: Pedido 42",
    "De: Ann\nEnviada em: sexta-feira, 20 de novembro de 2026 10:10\nPara: Loja\nAssunto: Pedido 42",
    "Da: Ann\nInviato: venerdì 20 novembre 2026 10:10\nA: Negozio\nOggetto: Ordine 42",
    "Van: Ann\nVerzonden: vrijdag 20 november 2026 10:10\nAan: Winkel\nOnderwerp: Bestelling 42",
    "Från: Ann\nSkickat: den 20 november 2026 10:10\nTill: Butiken\nÄmne: Beställning 42",
    "Fra: Ann\nSendt: 20. november 2026 10:10\nTil: Butikken\nEmne: Bestilling 42",
    "Lähettäjä: Ann\nLähetetty: perjantai 20. marraskuuta 2026 10.10\nVastaanottaja: Kauppa\nAihe: Tilaus 42",
    "Od: Ann\nWysłano: piątek, 20 listopada 2026 10:10\nDo: Sklep\nTemat: Zamówienie 42",
    "Od: Ann\nOdesláno: pátek 20. listopadu 2026 10:10\nKomu: Obchod\nPředmět: Objednávka 42",
    "Feladó: Ann\nElküldve: 2026. november 20., péntek 10:10\nCímzett: Bolt\nTárgy: 42. rendelés",
    "Kimden: Ann\nGönderildi: 20 Kasım 2026 Cuma 10:10\nKime: Dükkan\nKonu: Sipariş 42",
    "От: Ann\nОтправлено: 20 ноября 2026 г. 10:10\nКому: Магазин\nТема: Заказ 42",
    "差出人: Ann\n送信日時: 2026年11月20日 10:10\n宛先: 店\n件名: 注文42",
    "发件人： Ann\n发送时间： 2026年11月20日 10:10\n收件人： 商店\n主题： 订单42",
    "보낸 사람: Ann\n보낸 날짜: 2026년 11월 20일 금요일 10:10\n받는 사람: 가게\n제목: 주문 42",
    "Date: Fri, 20 Nov 2026 10:10:10 +0100\nSubject: Order 42\nFrom: ann@example.org\nTo: shop@example.org",
    "*From:* Ann\n*Sent:* Friday, November 20, 2026 10:10 AM\n*To:* The Shop\n*Subject:* Order 42",
]


@pytest.mark.parametrize("fields", FIELDS)
@pytest.mark.parametrize("rule", ["", "_" * 32 + "\n", "-----Original Message-----\n"], ids=["bare", "rule", "title"])
def test_the_fields_that_outlook_sets_above_a_quotation_end_the_answer(fields: str, rule: str) -> None:
    assert reply.visible(f"Fine.\n\n{rule}{fields}\n\nHello, is it open?\n") == "Fine."


@pytest.mark.parametrize(
    "mark",
    [
        "Sent from my iPhone",
        "Sent from my Verizon Wireless 4G LTE smartphone",
        "Sent from a tin can on a string",
        "Sent from Mail for Windows",
        "Get Outlook for Android<https://aka.ms/x>",
        "Von meinem iPhone gesendet",
        "Gesendet von Outlook für iOS",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Enviado do meu iPhone",
        "Inviato da iPhone",
        "Verstuurd vanaf mijn iPad",
        "Skickat från min iPhone",
        "Sendt fra min iPhone",
        "Lähetetty iPhonesta",
        "Wysłane z iPhone'a",
        "Отправлено с iPhone",
        "iPhoneから送信",
        "发自我的 iPhone",
        "나의 iPhone에서 보냄",
        "Get BlueMail for Android",
        "Sent from the all new AOL app for iOS",
        "Sent from Mailspring (https://getmailspring.com/), the best free email app",
        "Sent with Missive",
        "Verzonden vanuit Mail voor Windows",
        "Wysłano z iPhone'a",
    ],
)
def test_the_mark_of_a_telephone_is_not_shown(mark: str) -> None:
    assert reply.visible(f"I come at six.\n\n{mark}\n") == "I come at six."


@pytest.mark.parametrize(
    "text",
    [
        "Sent from my desk, because the telephone is broken.",
        "I need a ticket:\n\nFrom: Berlin\nTo: Paris\nDate: 3 May",
        "The parcel was\nSent from Berlin\nyesterday.",
        "It was sent from my iPhone.",
        "Enviado ayer el paquete, llega el lunes.",
        "He said:\n\nCome at six.",
        "So I wrote 3 times:\n\nnobody answered.",
        "To Ann I wrote 3 letters:\n\nnone came back.",
        "From: the beginning\nI knew it.",
        "To do:\n- bread\n- milk",
        "Pros:\nCheap\n\nCons:\nSlow",
        "Choose one:\n\n- Thursday\n\n- Friday",
        "Dear Shop,\n\nplease write to the mailing list instead.",
        "_" * 40 + "\n\nSign above the line, please.",
        "Steps:\n\n---\n\n1. knead\n2. bake",
        "The total is 12\n-5\n\nThat makes 7.",
    ],
)
def test_what_a_person_wrote_stays(text: str) -> None:
    assert reply.visible(text) == text


def test_the_footer_of_a_mailing_list_is_not_shown() -> None:
    footer = f"{'_' * 47}\nbakers mailing list\nbakers@lists.example.org\nhttps://lists.example.org/bakers"

    assert reply.visible(f"Use rye.\n\n{footer}\n") == "Use rye."


@pytest.mark.parametrize(
    "footer", ["—\nReply to this email directly, or unsubscribe.", "---\nAnn\nann@example.org", "--\nAnn", "__\nAnn"]
)
def test_what_stands_under_a_delimiter_is_no_text(footer: str) -> None:
    assert reply.visible(f"I come at six.\n\n{footer}\n") == "I come at six."


@pytest.mark.parametrize("name", ["-Ann", "-Ann Example", "— Ann", "–Ann B. Example"])
def test_a_name_with_a_dash_at_the_end_is_a_signature(name: str) -> None:
    assert reply.visible(f"I come at six.\n\n{name}\n") == "I come at six."


@pytest.mark.parametrize(
    ("text", "signed"),
    [
        ("I come at six.\n\nAnn", "Ann"),
        ("I come at six.\n\nKind regards,\nAnn Example\nHead baker\n+49 30 123456", "Kind regards,\nAnn Example\nHead baker\n+49 30 123456"),
        ("Ich komme.\n\nMit freundlichen Grüßen\nAnn Example", "Mit freundlichen Grüßen\nAnn Example"),
        ("J'arrive.\n\nCordialement,\n\nAnn", "Cordialement,\n\nAnn"),
        ("I come.\n-- \nAnn Example\nwww.example.org", "Ann Example\nwww.example.org"),
        ("I come.\n\n________\n\nExample Bakery\n\nt. 030 123 456 78", "________\n\nExample Bakery\n\nt. 030 123 456 78"),
        ("I come.\n\nSent from my iPhone", ""),
        ("I come at six.", ""),
        ("Ann comes at six, and she will bring the keys.", ""),
        ("Thanks,\nI found it.", ""),
        ("I come at six.\n\nAnn,\ncan you hear me?", ""),
    ],
)  # fmt: skip
def test_how_somebody_signs_is_told(text: str, signed: str) -> None:
    assert reply.signed(reply.read(text)[1], ("Ann Example", "ann@example.org")) == signed


def test_text_and_signature_together_are_the_text() -> None:
    text, signed = signature.split("I come at six.\n\nThanks,\nAnn\n", ["Ann"])

    assert (text, signed) == ("I come at six.", "Thanks,\nAnn")


def test_nobody_signs_a_quotation() -> None:
    _, unquoted = reply.read("Yes.\n\nOn 20.11.26 10:10, Ben wrote:\n> Hello\n> \n> Ben\n")

    assert reply.signed(unquoted, ("Ben",)) == ""


@pytest.mark.alone
@pytest.mark.parametrize(
    "text",
    [
        "On 1 Jan 2026 10:10 Ann wrote:\n" * 20_000 + "> quoted",
        "On 1 Jan 2026 10:10 Ann\n" * 20_000,
        ("Ann <" + "a" * 380 + "\n") * 20_000,
        "From: a\nSent: b\n" * 10_000,
        "_" * 40 + "\n" + "\n" * 20_000,
        ("_" * 40 + "\n") * 20_000,
        "-- \n" * 20_000,
        "Sent from my " + "iPhone " * 200_000,
        "Sent from my " + "a " * 200_000,
        (" " * 390 + "\n") * 5_000,
        "2026 10:10 " * 30 + "wrote:",
        ("2026" * 95 + ":\n") * 5_000,
        "Thanks\n" * 20_000,
        "-" * 1_000_000,
        ">" * 1_000_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_no_text_takes_long(text: str) -> None:
    began = time.perf_counter()

    reply.signed(reply.read(text)[1], ("Ann",))
    reply.signed(text, ("Ann",))

    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    "quoted",
    [
        '<div class="gmail_quote"><div class="gmail_attr">On Fri, 20 Nov 2026 Ann wrote:<br></div><blockquote>Hello?</blockquote></div>',
        '<div class="yahoo_quoted"><div>On Friday, Ann wrote:</div><div>Hello?</div></div>',
        '<blockquote type="cite"><div>On 20 Nov 2026, at 10:10, Ann wrote:</div><div>Hello?</div></blockquote>',
        '<div class="moz-cite-prefix">Am 20.11.26 um 10:10 schrieb Ann:<br></div><blockquote type="cite">Hello?</blockquote>',
        '<div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Ann</div><div>Hello?</div>',
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p><b>Von:</b> Ann</p></div><p>Hello?</p>',
        '<div name="quote" style="border-left:2px solid"><b>Gesendet:</b> Freitag<br><b>Von:</b> Ann<br>Hello?</div>',
        '<div name="messageReplySection">On Nov 20, 2026, Ann wrote:<br><blockquote>Hello?</blockquote></div>',
        '<div class="protonmail_quote">On Friday, Ann wrote:<br>Hello?</div>',
        "<p>-----Original Message-----<br>From: Ann<br>Sent: Friday<br>To: Shop<br>Subject: Bread</p><p>Hello?</p>",
        "<p><b>From:</b> Ann<br><b>Sent:</b> Friday<br><b>To:</b> Shop<br><b>Subject:</b> Bread</p><p>Hello?</p>",
    ],
    ids=lambda html: html[:30],
)
def test_what_html_marks_as_quoted_is_not_shown(quoted: str) -> None:
    assert reply.visible(Reading(f"<div>Yes, until <b>six</b>.</div><br>{quoted}").visible) == "Yes, until six."


def test_the_bare_introduction_of_old_gmail_goes_above_marked_lines_only() -> None:
    assert reply.visible("Yes.\n\n2026/11/20 Ann <ann@example.org>\n\n> Hello?\n") == "Yes."
    assert (
        reply.visible("Orders:\n\n2026/11/20 Ann <ann@example.org>\n") == "Orders:\n\n2026/11/20 Ann <ann@example.org>"
    )


@given(st.text(alphabet="Onwrotedshib :>\n-_—@<>.1023FromSetTo,*", max_size=120))
def test_a_mail_that_says_something_keeps_some_of_it(text: str) -> None:
    seen, unquoted = reply.read(text)

    assert seen.strip() or not text.strip()
    assert reply.signed(unquoted, (text,)) in unquoted or not unquoted
