"""Several mailboxes of ours: none of them is a customer, whatever mailbox a mail comes over."""

import pytest

from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.desk import conversation_list
from kinline.handles import parse
from kinline.hub import Hub
from kinline.identity import persons
from kinline.messages import Interaction, Party, Thread
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, InteractionFactory, RecordingFactory
from kinline.words import Role, Standing

HELP, SALES = "help@hub.example", "sales@hub.example"


@pytest.fixture
def boxes(hub: Hub) -> dict[str, AccountRef]:
    with hub.store.write() as session:
        return {
            address: connected.connect(session, hub.secret, "email", address, {"address": address})
            for address in (HELP, SALES)
        }


def to(address: str, *, ours: bool) -> Party:
    return Party(role=Role.RECIPIENT, handle=parse(f"email:{address}"), ours=ours)


def as_seen_by(box: str) -> Interaction:
    """Ann's mail to both mailboxes, as the channel reads it for one of them."""
    author = Party(role=Role.AUTHOR, handle=ANN, standing=Standing.VERIFIED)
    parties = (author, *(to(address, ours=address == box) for address in (HELP, SALES)))
    return InteractionFactory.build(source_id="mail", parties=parties, thread=Thread(key="mail", private=True))


@pytest.mark.parametrize("order", [(HELP, SALES), (SALES, HELP)])
def test_a_mail_to_two_of_our_mailboxes_is_one_and_names_one_person(
    hub: Hub, boxes: dict[str, AccountRef], order: tuple[str, str]
) -> None:
    for box in order:
        with hub.store.write() as session:
            record_batch(session, [RecordingFactory.build(account=boxes[box], what=as_seen_by(box))])

    with hub.store.read() as session:
        [(_, conversation)] = conversation_list.listed(session)
        assert conversation.persons == [persons.find(session, str(ANN))]
        assert sql.run(session, "SELECT count(*) FROM person") == [(1,)]
        assert sql.run(session, "SELECT count(*) FROM revision") == [(0,)]


@pytest.mark.parametrize("standing", Standing)
def test_what_another_mailbox_of_ours_says_is_ours_and_proved_only_where_it_is(
    hub: Hub, boxes: dict[str, AccountRef], standing: Standing
) -> None:
    # Given a mail of the sales mailbox to Ann, of which the help mailbox got a copy
    author = Party(role=Role.AUTHOR, handle=parse(f"email:{SALES}"), standing=standing)
    ann = Party(role=Role.RECIPIENT, handle=ANN)
    what = InteractionFactory.build(parties=(author, ann, to(HELP, ours=True)))
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=boxes[HELP], what=what)])

    # Then it is ours, and marked where nobody vouches for that
    with hub.store.read() as session:
        [(direction, doc)] = sql.run(session, "SELECT direction, doc FROM interaction")
    assert direction == "outbound"
    assert ("ours_unproved" in doc) == (standing is not Standing.VERIFIED)
