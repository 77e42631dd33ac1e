"""Who is proved to have written a mail, and forty ways to seem somebody else."""

import base64
import io
import time

import dkim
import dns.exception
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kinline import Interaction, Item, Source, Standing
from kinline_email import EmailChannel, names
from kinline_email.settings import EmailSettings

OUR_SERVER = "mx.shop.example"
SETTINGS = EmailSettings(
    address="help@shop.example", authserv_id=OUR_SERVER, trusted_sealers=("lists.example.net",)
)  # fmt: skip
LIVE, FILE = Source(name="mail"), Source(name="old.mbox")


class Key:
    def __init__(self, size: int = 1024) -> None:
        made = rsa.generate_private_key(65537, size)
        self.private = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = made.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


ANNS, EVIL, SEALER = Key(), Key(), Key()


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The names of the network. What is not there is not there."""
    records = {
        "s1._domainkey.people.example": ANNS.record,
        "s1._domainkey.mail.people.example": ANNS.record,
        "s1._domainkey.evil.example": EVIL.record,
        "s1._domainkey.strict.example": ANNS.record,
        "s1._domainkey.mail.strict.example": ANNS.record,
        "_dmarc.strict.example": b"v=DMARC1; p=reject; adkim=s",
        "s1._domainkey.lists.example.net": SEALER.record,
        "s1._domainkey.co.uk": EVIL.record,
    }
    monkeypatch.setattr(names, "txt", lambda name: records.get(name.rstrip(".")))
    return records


def mail(sender: str = "Ann <ann@people.example>", more: str = "", body: str = "Hello\r\n") -> bytes:
    return (
        f"From: {sender}\r\nTo: help@shop.example\r\nSubject: Hello\r\nMessage-ID: <1@people.example>\r\n"
        f"Date: Fri, 20 Nov 2026 10:00:00 +0000\r\n{more}\r\n{body}"
    ).encode()


def signed(raw: bytes, domain: str = "people.example", key: Key = ANNS, **more: object) -> bytes:
    options = {"include_headers": [b"from", b"to", b"subject", b"date", b"message-id"], **more}
    line: bytes = dkim.sign(raw, b"s1", domain.encode(), key.private, **options)
    return line + raw


def standing(raw: bytes, source: Source = LIVE, settings: EmailSettings = SETTINGS) -> tuple[str, bool]:
    """The author's address, and whether it is proved."""
    (item,) = EmailChannel().parse(io.BytesIO(raw), source, settings)
    assert isinstance(item, Item)
    first = EmailChannel().normalise(item, settings)[0]
    assert isinstance(first, Interaction)
    author = first.parties[0]
    return (author.handle.value if author.handle else ""), author.standing is Standing.VERIFIED


def result(told: str, name: str = OUR_SERVER) -> str:
    return f"Authentication-Results: {name}; {told}\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        signed(mail()),
        signed(mail(), canonicalize=(b"relaxed", b"relaxed")),
        signed(mail("ann@people.example"), "mail.people.example"),
        signed(mail("ann@eu.people.example")),
        signed(signed(mail()), "evil.example", EVIL),
        signed(mail("ann@strict.example"), "strict.example"),
        result("dmarc=pass header.from=people.example").encode() + mail(),
        result("dkim=pass header.d=mail.people.example").encode() + mail(),
        result("spf=pass smtp.mailfrom=bounce@mail.people.example").encode() + mail(),
    ],
    ids=["signed", "relaxed", "by a subdomain", "by the parent", "twice", "strict", "dmarc", "dkim", "spf"],
)
def test_who_is_vouched_for_is_proved(zone: dict[str, bytes], raw: bytes) -> None:
    _, proved = standing(raw)

    assert proved


_GOOD = signed(mail())
SPOOFS = {
    "nothing at all": mail(),
    "nothing, our own address": mail("help@shop.example"),
    "signed by another domain": signed(mail(), "evil.example", EVIL),
    "signed with another key": signed(mail(), key=EVIL),
    "signed by a public suffix": signed(mail("ann@people.co.uk"), "co.uk", EVIL),
    "a domain that ends alike": signed(mail("ann@notpeople.example")),
    "a subdomain where it is strict": signed(mail("ann@strict.example"), "mail.strict.example"),
    "no key there": signed(mail(), "nokey.example"),
    "body changed": _GOOD.replace(b"Hello\r\n", b"Pay me\r\n"),
    "body longer": _GOOD + b"Pay me\r\n",
    "subject changed": _GOOD.replace(b"Subject: Hello", b"Subject: Pay"),
    "author changed": _GOOD.replace(b"ann@people.example>\r\nTo", b"boss@people.example>\r\nTo"),
    "length limited": signed(mail(), length=True) + b"Pay me\r\n",
    "length limited and not used": signed(mail(), length=True),
    "two From, second signed": b"From: boss@shop.example\r\n" + _GOOD,
    "two From, first signed": _GOOD.replace(b"\r\nTo:", b"\r\nFrom: boss@shop.example\r\nTo:"),
    "two addresses in From": signed(mail("Ann <ann@people.example>, Boss <boss@shop.example>")),
    "a group in From": signed(mail("Bosses: boss@shop.example, ann@people.example;")),
    "no From": signed(mail()).replace(b"From: Ann <ann@people.example>\r\n", b""),
    "no From, a Sender": signed(mail()).replace(b"From: Ann", b"Sender: Ann"),
    "an address as the name": signed(mail('"ann@people.example" <x@evil.example>')),
    "an encoded address as the name": signed(mail("=?utf-8?q?ann=40people=2Eexample?= <x@evil.example>")),
    "an address in a comment": signed(mail("x@evil.example (ann@people.example)")),
    "a name with brackets": signed(mail('"Ann <ann@people.example>" <x@evil.example>')),
    "another letter in the domain": signed(mail("ann@pe\u043eple.example")),
    "Reply-To of a friend": mail(more="Reply-To: ann@people.example\r\n"),
    "Sender of a friend": mail("x@evil.example", "Sender: ann@people.example\r\n"),
    "Resent-From of a friend": mail("x@evil.example", "Resent-From: ann@people.example\r\n"),
    "a forged In-Reply-To": mail(more="In-Reply-To: <f.0123456789abcdef0123456789abcdef@kinline.shop.example>\r\n"),
    "forged list headers": mail(
        more="List-Id: <news.people.example>\r\nList-Unsubscribe: <https://people.example>\r\n"
    ),
    "results of somebody else": result("dmarc=pass header.from=people.example", "mx.evil.example").encode() + mail(),
    "results below ours": (result("dmarc=none") + result("dmarc=pass header.from=people.example")).encode() + mail(),
    "results with a name alike": result("dmarc=pass", f"{OUR_SERVER}.evil.example").encode() + mail(),
    "results in a comment": result(f"x=y (; dmarc=pass header.from=people.example); {OUR_SERVER}").encode() + mail(),
    "our name in a comment": b"Authentication-Results: (mx.shop.example) evil; dmarc=pass\r\n" + mail(),
    "dmarc of another domain": result("dmarc=pass header.from=evil.example").encode() + mail(),
    "dkim of another domain": result("dkim=pass header.d=evil.example").encode() + mail(),
    "dkim of a public suffix": result("dkim=pass header.d=co.uk").encode() + mail("ann@people.co.uk"),
    "spf of another domain": result("spf=pass smtp.mailfrom=x@evil.example").encode() + mail(),
    "spf of the greeting": result("spf=pass smtp.helo=people.example").encode() + mail(),
    "dmarc failed, dkim passed": result("dkim=pass header.d=people.example; dmarc=fail").encode() + mail(),
    "dmarc failed, and yet signed": result("dmarc=fail header.from=people.example").encode() + _GOOD,
    "a signature that is none": b"DKIM-Signature: v=1; d=people.example; b=" + b" " * 4000 + b"!\r\n" + mail(),
    "a signature without end": b"DKIM-Signature: v=1; d=people.example; b=" + b"A" * 100_000 + b"\r\n" + mail(),
    "thousands of signatures": b"DKIM-Signature: v=1; d=people.example; s=x; b=AA==\r\n" * 1_500 + mail(),
    "sealed by a stranger": b"ARC-Seal: i=1; cv=none; a=rsa-sha256; d=evil.example; s=s1; b=AA==\r\n" + mail(),
    "sealed with a forged seal": b"ARC-Seal: i=1; cv=none; a=rsa-sha256; d=lists.example.net; s=s1; b=AA==\r\n"
    + mail(),
}


@pytest.mark.alone
@pytest.mark.parametrize("how", SPOOFS)
def test_nobody_seems_to_be_somebody_else(zone: dict[str, bytes], how: str) -> None:
    began = time.process_time()

    author, proved = standing(SPOOFS[how])

    assert not (proved and author.endswith(("@people.example", "@shop.example", "@people.co.uk", "@strict.example")))
    assert not proved
    assert time.process_time() - began < 2


def test_there_are_forty_and_more_ways() -> None:
    assert len(SPOOFS) >= 40


def sealed(raw: bytes, domain: str = "lists.example.net", key: Key = SEALER, told: str = "") -> bytes:
    told = told or "dkim=pass header.d=people.example; dmarc=pass header.from=people.example"
    seen = f"Authentication-Results: {domain}; {told}\r\n".encode() + raw
    lines = dkim.arc_sign(
        seen, b"s1", domain.encode(), key.private, domain.encode(), include_headers=[b"from", b"subject"]
    )
    return b"".join(lines) + raw


def test_a_list_that_we_trust_vouches_for_whom_it_checked(zone: dict[str, bytes]) -> None:
    # Given a mail that a list changed, so that Ann's signature holds no more
    forwarded = sealed(mail(body="Hello\r\n-- \r\nThe list\r\n"))
    assert standing(forwarded)[1]

    # Then it is nobody else's seal, no seal that was changed, and no word of it that the mail was not in order
    assert not standing(forwarded, settings=EmailSettings(trusted_sealers=("other.example.net",)))[1]
    assert not standing(sealed(mail(), "evil.example", EVIL))[1]
    assert not standing(forwarded.replace(b"The list", b"Pay me"))[1]
    assert not standing(forwarded.replace(b"ann@people.example>\r\nTo", b"bob@people.example>\r\nTo"))[1]
    assert not standing(sealed(mail(), told="dkim=fail header.d=people.example; dmarc=fail"))[1]


def test_a_mail_from_a_file_of_history_is_proved_by_no_signature(zone: dict[str, bytes]) -> None:
    assert standing(signed(mail())) == ("ann@people.example", True)
    assert standing(signed(mail()), FILE) == ("ann@people.example", False)
    past = Source(name="mailbox", headers={"kinline-past": "yes"})
    assert standing(signed(mail()), past) == ("ann@people.example", False)


def test_checking_can_be_switched_off(zone: dict[str, bytes]) -> None:
    assert not standing(signed(mail()), settings=EmailSettings(check_signatures=False))[1]


def test_a_network_without_names_is_asked_once_and_then_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given names that nobody answers for
    asked: list[str] = []

    class Silent:
        def resolve(self, name: str, kind: str) -> None:
            asked.append(name)
            raise dns.exception.Timeout

    monkeypatch.setattr(names, "_resolver", Silent)
    monkeypatch.setattr(names._state, "rests_until", 0.0, raising=False)

    # When several signed mails come
    found = [standing(signed(mail())) for _ in range(5)]
    monkeypatch.setattr(names._state, "rests_until", 0.0)

    # Then they are here, claimed, and only one waited
    assert found == [("ann@people.example", False)] * 5
    assert len(asked) == 1
