"""One address in two spellings of its local part, over the door for mail: two persons, and a suggestion with its reason."""

import smtplib

import pytest
from tests.live.test_mail_door import serving

from kinline import handlers
from kinline.accounts import connected
from kinline.hub import Hub
from kinline.identity import persons
from kinline.identity.suggestions import listing

MAIL = (
    "From: Ann Archer <{address}>\r\nTo: Support <support@shop.example>\r\nSubject: Parcel 42\r\n"
    "Message-ID: <{number}@x.example>\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\nMail {number}.\r\n"
)
SPELLINGS = ["Ann.Archer@Example.org", "ann.archer@example.org"]


@pytest.mark.parametrize("order", [1, -1])
def test_two_spellings_are_two_persons_and_a_suggestion(hub: Hub, order: int) -> None:
    # Given a mailbox of ours behind the door
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "email", "support", {"address": "support@shop.example"})

    # When Ann writes twice, by another spelling each time
    with serving(hub) as port, smtplib.SMTP("127.0.0.1", port, local_hostname="x.example") as talk:
        for number, address in enumerate(SPELLINGS[::order]):
            mail = MAIL.format(address=address, number=number)
            talk.sendmail(address, ["support@shop.example"], mail.encode())
    handlers.drain(hub)

    # Then they are two, each with their own mail, and suggested for their address
    with hub.store.read() as session:
        found = {
            persons.find(session, f"email:{each}") for each in ("Ann.Archer@example.org", "ann.archer@example.org")
        }
        [(_, one)] = listing.listed(session)
    assert len(found) == 2
    assert {one.person_a, one.person_b} == found
    assert one.kind == "same_mailbox"
    assert one.reason.endswith("are one address but for upper and lower case")
