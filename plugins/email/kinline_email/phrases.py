"""What mail programs write around quotations and under texts, in the languages they speak.

Collected from the forms of Gmail, Outlook, Apple Mail, Thunderbird, Yahoo, and the telephones. All patterns
are for one line of bounded length and start at a fixed place, so that no line makes them slow.
"""

import re

#: The verb that ends an introduction. After some of them a name or a date follows.
_VERBS = (
    r"wrote|writes|said|schrieb|schriebst|schrieben|a écrit|écrit|escribió|escribio|ha scritto|scrisse|escreveu|va escriure|ha escrit|"
    r"schreef(?: het volgende)?|geschreven|skrev|skreiv|napisał(?:\(a\)|a)?|pisze|napsal(?:\(a\)|a)?|napísal(?:\(a\)|a)?|"
    r"kirjoitti|kirjutas|rakstīja|rašė|parašė|yazdı|a scris|je napisa[ol](?:\(la\)|\(a\)|a|la)?|je pisal[ao]?|"
    r"έγραψε|написал(?:\(а\)|а)?|пишет|писал(?:\(а\)|а)?|написав(?:\(ла\))?|написала|пише|написа|напиша|"
    r"írta|menulis|đã viết|skrifaði|idatzi du|escribiu|shkroi|כתב(?:ה)?|كتب(?:ت)?|نوشت|ने लिखा|เขียน"
)
_VERBS_BEFORE_NAMES = r"schrieb|skrev|schreef|írta|escribió|escreveu|kirjoitti|yazdı|كتب|כתב|wrote on(?= \d)"
WROTE = re.compile(
    rf"(?:\b(?:{_VERBS})(?!\w)|\b(?:{_VERBS_BEFORE_NAMES})\b.{{1,200}}|写道|寫道|写到|作成|のメッセージ|のメール|"
    r"書きました|님이 작성|작성|썼습니다)[^\w]{0,6}[:：][\s\u200e\u200f\u202a-\u202e]*$",
    re.IGNORECASE,
)
#: How introductions begin.
STARTS = re.compile(
    r"[\s\u200e\u200f\u202a-\u202e-]*(?:(?:on|am|le|el|il|em|op|den|dnia|w dniu|at|в|у|dne|dňa|în data|στις|vào|pada|"
    r"בתאריך|في)[\s:]|(?:po|út|ut|st|čt|št|pá|pi|so|ne|ma|ti|ke|to|pe|la|su|kl|на|a|em|om|ב)[.\s-]{1,2}\d|"
    r"\w{2,4}\.?,|\d{1,4}[-./年년]|\d{1,2}\.? \w{3,})",
    re.IGNORECASE,
)
#: A day in a year with the time: only a program writes both in front of a verb and a colon.
DATED = re.compile(r"(?=.{0,300}(?:19|20)\d\d\b).{0,300}\d{1,2}[:.h時시]\s?\d\d")
#: The same without a date: ``Ann <ann@example.org> wrote:``. And without a verb: ``20.11.2026, 10:10, "Ann" <…>:``.
STARTS_WITH_ADDRESS = re.compile(r".{0,80}@")
ENDS_WITH_ADDRESS = re.compile(
    r"<[\u200e\u200f\u202a-\u202e]{0,3}[^<>\s]{1,100}@[^<>\s]{1,100}>[\u200e\u200f\u202a-\u202e]{0,3}\s?[:：]"
    r"[\u200e\u200f\u202a-\u202e]{0,3}$"
)

#: ``20 Nov 2026, 10:10 by ann@example.org:``, as Tutanota writes.
ENDS_WITH_BARE_ADDRESS = re.compile(r"\b(?:by|von|par|por|da|van|av|af|od|от) [^\s<>]{1,100}@[^\s<>]{1,100}:$")
#: ``2026/11/20 Ann <ann@example.org>``, as Gmail wrote for years, above marked lines only.
DATE_AND_ADDRESS = re.compile(r"\d{4}[/-]\d{1,2}[/-]\d{1,2} .{0,100}<[^<>\s]{1,100}@[^<>\s]{1,100}>")

_TITLES = (
    r"original message|original appointment|ursprüngliche nachricht|urspr.ngliche nachricht|originalnachricht|"
    r"message d['’]origine|message original|mensaje original|mensagem original|messaggio originale|"
    r"missatge original|oorspronkelijk bericht|oprindelig meddelelse|opprinnelig melding|ursprungligt meddelande|"
    r"alkuperäinen viesti|wiadomość oryginalna|oryginalna wiadomość|původní zpráva|pôvodná správa|eredeti üzenet|"
    r"mesaj original|mesajul original|orijinal mesaj|orjinal mesaj|αρχικό μήνυμα|исходное сообщение|оригинальное сообщение|"
    r"пересылаемое сообщение|вихідне повідомлення|izvorna poruka|izvirno sporočilo|元のメッセージ|原始邮件|原始郵件|"
    r"邮件原件|원본 메시지|원본 메일|thư gốc|הודעה מקורית|الرسالة الأصلية|reply message|"
    r"reply above this line.{0,60}|antwort oberhalb dieser zeile.{0,60}|forwarded message|forwarded by .{1,80}|"
    r"weitergeleitete nachricht|message transféré|mensaje reenviado|mensagem encaminhada|messaggio inoltrato|"
    r"doorgestuurd bericht|videresendt meddelelse|vidarebefordrat meddelande|přeposlaná zpráva|转发邮件|転送メッセージ"
)
#: A title between dashes, of which the line is stripped before it is looked at.
TITLE = re.compile(_TITLES, re.IGNORECASE)
FORWARD = re.compile(
    r"\s*(?:begin forwarded message|anfang der weitergeleiteten (?:e-mail|nachricht)|"
    r"début du message (?:réexpédié|transféré)|inicio del mensaje reenviado|inizio messaggio inoltrato|"
    r"início da mensagem (?:reenviada|encaminhada)|begin doorgestuurd bericht|start på videresendt (?:besked|melding)|"
    r"vidarebefordrat brev)\s*[:：]\s*",
    re.IGNORECASE,
)
RULE = re.compile(r"\s*(?:_{20,}|-{20,})\s*")
#: A mailing list's footer: Mailman's line of underscores is followed by the name of the list.
LIST_FOOTER = re.compile(r".{1,100}(?:mailing list|mailinglist|-liste)\b.{0,60}", re.IGNORECASE)

_AUTHOR = (
    r"from|von|de la|de|da|van|från|fra|od|от|від|lähettäjä|feladó|kimden|gönderen|από|dari|từ|saatja|no|nuo|"
    r"差出人|送信者|发件人|寄件者|寄件人|보낸 사람|보낸사람|מאת|من"
)
_SUBJECT = (
    r"subject|betreff|objet|asunto|oggetto|assunto|assumpte|onderwerp|ämne|emne|тема|temat|předmět|predmet|tárgy|subiect|"
    r"konu|θέμα|относно|subjek|chủ đề|teema|aihe|件名|主题|主旨|제목|נושא|الموضوع"
)
_SENT = (
    r"sent|gesendet|отправлено|envoyé|enviad[oa](?: el| em)?|enviat|inviato|verzonden|skickat|sendt|wysłano|odesláno|"
    r"odoslané|poslano|elküldve|küldve|trimis|gönderme(?: tarihi)?|gönderildi|στάλθηκε|надіслано|изпратено|dikirim|đã gửi|saadetud|"
    r"lähetetty|送信日時|发送时间|发送日期|寄件日期|보낸 날짜|נשלח|تم الإرسال"
)
_OTHERS = (
    r"date|datum|dato|fecha|data|дата|dátum|tarih|ημερομηνία|päivämäärä|kuupäev|"
    r"to|an|à|para|per a|a|aan|till|til|кому|do|komu|za|címzett|către|kime|alıcı|προς|до|kepada|tới|adressaat|vastaanottaja|"
    r"cc|kopie|kopio|copia|cópia|копия|копія|reply-to|answer to|antwort an|importance|priorität|"
    r"日時|日付|宛先|日期|时间|收件人|收件者|抄送|副本|날짜|받는 사람|받는사람|참조|תאריך|אל|التاريخ|إلى"
)


def _fields(names: str) -> re.Pattern[str]:
    return re.compile(rf"[\s>]{{0,10}}\*{{0,2}}(?:{names})\s?[:：]\*{{0,2}}(?:\s|$|(?<=：))", re.IGNORECASE)


AUTHOR_FIELD = _fields(_AUTHOR)
SURE_FIELD = _fields(f"{_SUBJECT}|{_SENT}")  #: which only mails have
FIELD = _fields(f"{_AUTHOR}|{_SUBJECT}|{_SENT}|{_OTHERS}")

_DEVICES = (
    r"iphone|ipad|ipod|phone|smartphone|mobile|handy|handheld|tablet|android|samsung|galaxy|htc|nokia|xperia|huawei|xiaomi|"
    r"redmi|oneplus|pixel|motorola|blackberry|windows|mac|macbook|watch|laptop|computer|device|ios|app"
)
MOBILE = re.compile(
    rf"\s*(?:sent (?:from|via|on|using|with) (?:my|a|an|the) (?:[\w&'’+/-]{{1,20}} ){{0,4}}(?:{_DEVICES})\b.{{0,100}}|"
    r"sent from (?:my|a|an|the)(?: [\w&'’+/-]{1,20}){1,5}\.?|"
    r"sent (?:from|via|using|with) (?:mobile|outlook|yahoo|mail\b|samsung|proton|gmail|spark|sparrow|"
    r"blackberry|boxer|airmail|aquamail|nine|verizon|at&t|t-mobile|canary|superhuman|thunderbird|hey|fastmail|zoho|front)\b.{0,100}|"
    r"get [\w.+-]{1,20} for (?:android|ios|iphone|ipad|mac|windows|mobile).{0,100}|von meinem .{1,60} gesendet\.?|"
    r"gesendet (?:von|mit|aus) (?:mein|der|outlook|mail|gmx|web\.de|yahoo|i?phone|ipad|proton|samsung).{0,100}|"
    r"diese nachricht wurde von mein.{0,100}|von unterwegs gesendet.{0,60}|"
    r"envoyé (?:de(?:puis)?|à partir) (?:de |d['’])?(?:mon|ma|outlook|mail|l['’]|yahoo|i?phone|ipad|proton).{0,100}|"
    r"enviado (?:desde|do|de|a partir|via) (?:mi|meu|minha|del|el|o|a|outlook|correo|e-?mail|yahoo|i?phone|ipad|proton)\b.{0,100}|"
    r"enviat des d.{1,60}|obtener outlook.{0,100}|obter (?:o )?outlook.{0,100}|ottieni outlook.{0,100}|"
    r"outlook (?:für|voor) .{1,40} (?:herunterladen|beziehen|downloaden).{0,60}|"
    r"téléchargez? outlook.{0,100}|hent outlook.{0,100}|hämta outlook.{0,100}|"
    r"inviato (?:da|dal) .{1,60}|verstuurd (?:vanaf|vanuit|via|met) .{1,60}|verzonden (?:vanaf|vanuit|via|met) .{1,60}|skickat från .{1,60}|"
    r"sendt (?:fra|med) .{1,60}|lähetetty .{0,30}(?:iphone|ipad|puhelime|samsung|outlook|android).{0,40}|"
    r"отправлено (?:с|из) .{1,60}|надіслано (?:з|із) .{1,60}|изпратено от .{1,60}|wysłan[eoy] z .{1,60}|"
    r"odesláno z .{1,60}|odoslané z .{1,60}|poslano (?:iz|s|z) .{1,60}|trimis de pe .{1,60}|"
    r".{0,30}(?:iphone|ipad|android|samsung)\S{0,8} (?:gönderildi|küldve)\.?|elküldve .{1,60}|στάλθηκε από .{1,60}|"
    r"dikirim dari .{1,60}|được gửi từ .{1,60}|đã gửi từ .{1,60}|发自我的.{0,60}|從我的.{1,40}傳送|来自我的.{1,40}|"
    r".{1,30}から送信|나의 .{1,30}에서 보냄|내 .{1,30}에서 보냄|נשלח מה.{1,60}|أ?ُ?رسلت? من .{1,60}|"
    r"yahoo! ?mail.{0,100}|via blackberry.{0,60}|sent from .{1,30} (?:iphone|ipad|phone|device)\b.{0,60})",
    re.IGNORECASE,
)

#: What other programs set there, alone in its paragraph: ``Sent from Mailspring``, ``Sent with Missive (https://…)``.
PROGRAM = re.compile(
    r"\s*Sent (?:from|via|with|using) [\[<*]{0,2}[A-Z][\w.+*\]-]{0,30}(?: [A-Z][\w.+*\]-]{0,30}){0,3}"
    r"(?:\s?[<(\[].{0,120})?\.?\s*"
)

#: How people close a letter.
CLOSING = re.compile(
    r"(?:(?:many |best |warm |warmest |kind |kindest |with |yours |all the |thanks and |thank you and |very |)"
    r"(?:thanks|thank you|thanks again|thanks in advance|thx|regards|best|best wishes|wishes|cheers|sincerely|truly|respectfully|"
    r"cordially|faithfully|kind regards|best regards|take care|yours)(?: (?:and )?(?:regards|best regards|so much|very much|in advance|yours|truly|sincerely|again))?|"
    r"(?:mit )?(?:freundlichen|freundliche|besten?|viele|liebe|herzliche|schöne|sonnige) (?:grüße?n?|grüssen?|dank)|(?:lg|vg|mfg|gruß|grüße|danke|vielen dank)|"
    r"cordialement|bien cordialement|bien à vous|cdlt|merci(?: d['’]avance)?|salutations|amicalement|(?:meilleures )?salutations distinguées|"
    r"saludos|un saludo|(?:un )?cordial saludo|saludos cordiales|gracias|muchas gracias|atentamente|"
    r"(?:cordiali|distinti) saluti|saluti|grazie(?: mille)?|atenciosamente|cumprimentos|(?:muito )?obrigad[oa]|att|abraços?|"
    r"(?:met )?(?:vriendelijke|hartelijke) groet(?:en)?|groet(?:en|jes)?|mvg|bedankt|"
    r"(?:med )?(?:venlig|vennlig|vänlig)(?:a|e)? (?:hilsen|hälsning(?:ar)?|hilsner)|(?:mvh|vh|hilsen|hälsningar|tack|takk|tak)|"
    r"ystävällisin terveisin|terveisin|kiitos|pozdrawiam|z poważaniem|dziękuję|s pozdravem|s pozdravom|děkuji|ďakujem|"
    r"üdvözlettel|köszönöm|saygılarımla|teşekkürler|iyi çalışmalar|с уважением|спасибо|з повагою|дякую|поздрави|με εκτίμηση|ευχαριστώ|"
    r"cu stimă|mulțumesc|lep pozdrav|hvala|よろしくお願いします|よろしくお願いいたします|此致|谢谢|감사합니다)[\s,.!،，]{0,4}",
    re.IGNORECASE,
)
