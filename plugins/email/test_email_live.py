"""The mailboxes behind an API keep the contract of all live channels, at their stand-ins."""

import pytest

from kinline.testing import LiveContract
from kinline_email import EmailChannel, mail_api
from kinline_email.pretend_gmail import PretendGmail
from kinline_email.pretend_graph import PretendGraph
from kinline_email.pretend_mail import PretendMail


class _Mailbox(LiveContract):
    channel = EmailChannel

    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mail_api, "DEADLINE", 2.0)

    def happen(self, stand_in: PretendMail, number: int) -> None:
        head = f"From: ann@people.example\r\nMessage-ID: <{number}@people.example>\r\nSubject: Mail {number}\r\n\r\n"
        stand_in.add(head.encode() + b"Hello\r\n")


class TestGraph(_Mailbox):
    def make_stand_in(self) -> PretendGraph:
        return PretendGraph()


class TestGmail(_Mailbox):
    def make_stand_in(self) -> PretendGmail:
        return PretendGmail()


del _Mailbox  # it is a suite to inherit, not one to run
