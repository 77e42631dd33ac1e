"""The bad mails of ``tests/bad_inputs/mail.yaml``, each with its exact answer and in under two seconds."""

import io
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from kinline import Broken, ChannelError, Handle, HandleType, Interaction, Outgoing, Receipt, Role, Source, Unreadable
from kinline_email import EmailChannel
from kinline_email.settings import EmailSettings

CASES = yaml.safe_load((Path(__file__).parents[2] / "tests" / "bad_inputs" / "mail.yaml").read_text(encoding="utf-8"))
SETTINGS = EmailSettings(address="support@example.org", smtp_host="mx.example.org")


def bytes_of(case: dict[str, Any]) -> bytes:
    text = "".join(
        piece
        if isinstance(piece, str)
        else "".join(piece["each"].replace("{n}", str(n)) for n in range(piece["times"]))
        for piece in case["mail"]
    )
    return text.encode(case.get("charset", "utf-8"))


def answer_to(raw: bytes) -> dict[str, Any]:
    channel = EmailChannel()
    (piece,) = channel.parse(io.BytesIO(raw), Source(name="bad.eml"), SETTINGS)
    if isinstance(piece, Broken):
        return {"broken": piece.code}
    try:
        first, *receipts = channel.normalise(piece, SETTINGS)
    except Unreadable as error:
        return {"broken": error.code}
    assert isinstance(first, Interaction)
    return {**told(first), "receipts": [[one.report, one.permanent] for one in receipts if isinstance(one, Receipt)]}


def told(mail: Interaction) -> dict[str, Any]:
    author = mail.parties[0]
    return {
        "author": author.handle.value if author.handle else None,
        "author_name": author.name,
        "recipients": sum(party.role is Role.RECIPIENT for party in mail.parties),
        "subject": mail.subject,
        "text": mail.text,
        "text_length": len(mail.text),
        "html": mail.html,
        "automatic": mail.automatic,
        "occurred_at": mail.occurred_at.isoformat() if mail.occurred_at else None,
        "flags": list(mail.flags),
        "attachments": [[one.name, one.media_type, one.size] for one in mail.attachments],
        "carries": mail.facts.get("carries", []),
        "failed": [one["address"] for one in mail.facts.get("failed", [])],
        "message_id": mail.facts.get("message_id", ""),
    }


@pytest.mark.alone
@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_a_bad_mail_gets_its_stated_answer(case: dict[str, Any]) -> None:
    raw = bytes_of(case)
    started = time.process_time()

    answer = answer_to(raw)

    assert {key: answer.get(key) for key in case["expect"]} == case["expect"]
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "change",
    [
        {"to_name": "Ben\r\nBcc: x@evil.example"},
        {"to_name": "Ben\0"},
        {"subject": "Hello\nBcc: x@evil.example"},
        {"subject": "Hello\u2028Bcc: x@evil.example"},
        {"to": Handle(HandleType.EMAIL, "ben@example.org\r\nBcc: x@evil.example")},
        {"to": Handle(HandleType.EMAIL, "ben@example.org, x@evil.example")},
        {"to": Handle(HandleType.EMAIL, "ben@example.org> <x@evil.example")},
        {"to": Handle(HandleType.EMAIL, "")},
    ],
    ids=lambda change: f"E31 {change}",
)
def test_a_line_break_or_a_second_address_in_a_field_is_refused_for_good(change: dict[str, Any]) -> None:
    outgoing = Outgoing(**{"id": "f1", "to": Handle(HandleType.EMAIL, "ben@example.org"), "text": "Hello", **change})

    with pytest.raises(ChannelError) as refusal:
        EmailChannel().prepare(outgoing, SETTINGS)

    assert (refusal.value.code, refusal.value.permanent) == ("invalid_recipient", True)
