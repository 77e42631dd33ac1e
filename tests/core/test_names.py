"""What people are called: the newest proved name; what somebody typed is shown among us and never goes out."""

from datetime import timedelta
from itertools import permutations

import pytest

from kinline.accounts.connected import AccountRef
from kinline.hub import Hub
from kinline.identity import persons
from kinline.identity.names import proved_name
from kinline.messages import Interaction
from kinline.record.batch import record_batch
from kinline.testing.factories import ANN, MORNING, InteractionFactory, PartyFactory, RecordingFactory
from kinline.words import Standing

WINS = "Ann WIN 1000 EUR at evil.example"


def said(number: int, name: str, standing: Standing = Standing.VERIFIED) -> Interaction:
    return InteractionFactory.build(
        source_id=f"said-{number}",
        occurred_at=MORNING + timedelta(days=number),
        parties=(PartyFactory.build(name=name, standing=standing),),
    )


def called(hub: Hub) -> tuple[str, str]:
    with hub.store.read() as session:
        shown = persons.view(session, persons.find(session, str(ANN)))
    return shown.name, shown.name_standing


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_newest_proved_name_counts_in_whatever_order_they_came(
    hub: Hub, inbox: AccountRef, order: tuple[int, ...]
) -> None:
    # Given somebody who was Archer, then Baker after a wedding, and Archer again
    lines = [said(1, "Ann Archer"), said(2, "Ann Baker-Longer-Than-Archer"), said(3, "Ann Archer")]
    for number in order:
        with hub.store.write() as session:
            record_batch(session, [RecordingFactory.build(account=inbox, what=lines[number])])

    assert called(hub) == ("Ann Archer", "verified")


def test_a_name_that_a_stranger_typed_never_beats_a_proved_one_nor_leaves_the_house(
    hub: Hub, inbox: AccountRef
) -> None:
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=inbox, what=said(2, WINS, Standing.CLAIMED))])
    assert called(hub) == (WINS, "claimed")
    with hub.store.read() as session:
        assert proved_name(session, ANN.id) == ""

    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=inbox, what=said(1, "Ann"))])
    assert called(hub) == ("Ann", "verified")
    with hub.store.read() as session:
        assert proved_name(session, ANN.id) == "Ann"


def test_who_has_no_name_is_called_by_their_handle_among_us(hub: Hub, inbox: AccountRef) -> None:
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=inbox, what=said(1, ""))])

    assert called(hub) == (ANN.value, "")
