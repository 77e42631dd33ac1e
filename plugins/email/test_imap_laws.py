"""Whatever happens in a mailbox between two looks, each mail comes, and a mail that comes again has its old name."""

from collections import Counter
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinline.testing.servers import Dovecot
from kinline.testing.servers.dovecot import PASSWORD
from kinline_email import imap
from kinline_email.imap import Mailbox
from kinline_email.settings import EmailSettings

_users, _validities = count(1), count(1_000)
#: What may happen: a mail to the inbox, one that we sent, a look, half a look, a deletion of all that is there, UIDs that
#: become void, a connection that ends.
HAPPENS = st.lists(st.sampled_from(["mail", "sent", "look", "half", "gone", "void", "cut"]), min_size=1, max_size=14)


class Account:
    """Our side: what came, by the name under which it is recorded, and where to go on."""

    def __init__(self, mine: EmailSettings) -> None:
        self.mine, self.cursor, self.came = mine, "", Counter[str]()
        self.box = Mailbox(mine)

    def look(self, most: int = 1000) -> None:
        for number, piece in enumerate(self.box.fetch(self.cursor)):
            if number == most:
                return  # we died here: this piece was fetched and not kept
            if piece.body:
                self.came[piece.body.decode().split("Mail ")[1].split("\r\n")[0]] += 1
            self.cursor = piece.cursor or self.cursor

    def cut(self) -> None:
        self.box.close()
        self.box = Mailbox(self.mine)


@given(happens=HAPPENS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_each_mail_comes(
    dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch, happens: list[str]
) -> None:
    monkeypatch.setattr(imap, "GROUP", 2)
    user = f"law{next(_users)}@shop.example"
    account = Account(
        EmailSettings(
            address=user, imap_host="127.0.0.1", imap_port=dovecot.imap, imap_security="none", imap_password=PASSWORD
        )
    )
    account.look()
    there: set[str] = set()  # in the mailbox, and to be brought by the next whole look
    numbers, voided = count(1), False
    for what in happens:
        if what in ("mail", "sent"):
            number = str(next(numbers))
            text = f"From: {user}\r\nMessage-ID: <{number}@x.example>\r\nSubject: Mail {number}\r\n\r\nHello\r\n"
            dovecot.append(user, text.encode(), "INBOX" if what == "mail" else "Sent Things")
            there.add(number)
        elif what == "look":
            account.look()
            assert there <= set(account.came)
        elif what == "half":
            account.look(most=2)
        elif what == "gone":
            dovecot.admin("expunge", "-u", user, "mailbox", "*", "all")
            there.clear()
        elif what == "void":
            voided = True
            dovecot.admin("mailbox", "update", "--uid-validity", str(next(_validities)), "-u", user, "INBOX")
            account.cut()
        else:
            account.cut()
    account.look()
    account.box.close()

    # Then nothing is missing; and nothing came twice unless its UID was void
    assert there <= set(account.came)
    if not voided:
        assert set(account.came.values()) <= {1}
