"""What was seen together without a proof is put before a human, and joins nobody by itself."""

import pytest

from kinline.accounts import connected
from kinline.errors import Conflict
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import persons, suggestions
from kinline.messages import Applied, Party
from kinline.record.batch import record_batch
from kinline.testing.factories import ANN, BEN, RecordingFactory
from kinline.words import HandleType, Role

USER = Handle(HandleType.EXTERNAL, "70012", "zendesk:desk.example")


@pytest.fixture
def suggested(hub: Hub) -> suggestions.Suggested:
    """A desk shows its user 70012 with Ann's address."""
    told = Applied(reason="user record", names=(Party(role=Role.AUTHOR, handle=USER, name="Ann", also=(ANN,)),))
    with hub.store.write() as session:
        desk = connected.connect(session, hub.secret, "support", "desk", {})
        record_batch(session, [RecordingFactory.build(account=desk, what=told)] * 2)
        [found] = suggestions.open_ones(session)
    return found


def test_a_suggestion_joins_nobody(hub: Hub, suggested: suggestions.Suggested) -> None:
    with hub.store.read() as session:
        assert persons.find(session, str(ANN)) != persons.find(session, str(USER))
    assert "was shown together with" in suggested.reason


def test_a_human_accepts_it(hub: Hub, suggested: suggestions.Suggested) -> None:
    with hub.store.write() as session:
        suggestions.accept(session, suggested.id, made_by="Cleo")

    with hub.store.read() as session:
        assert persons.find(session, str(ANN)) == persons.find(session, str(USER))
        assert suggestions.open_ones(session) == []


def test_a_human_rejects_it_for_good(hub: Hub, suggested: suggestions.Suggested) -> None:
    with hub.store.write() as session:
        suggestions.reject(session, suggested.id, made_by="Cleo")

    with hub.store.write() as session:
        assert suggestions.open_ones(session) == []
        with pytest.raises(Conflict, match="answered"):
            suggestions.accept(session, suggested.id, made_by="Dora")


def test_an_address_of_nobody_suggests_nothing(hub: Hub) -> None:
    nobody = Handle(HandleType.EMAIL, "no-reply@example.org")
    page = Handle(HandleType.URL, "https://example.org/ben")
    told = Applied(reason="user record", names=(Party(role=Role.AUTHOR, handle=BEN, also=(nobody, page)),))
    with hub.store.write() as session:
        desk = connected.connect(session, hub.secret, "support", "desk", {})
        record_batch(session, [RecordingFactory.build(account=desk, what=told)])

        assert suggestions.open_ones(session) == []
