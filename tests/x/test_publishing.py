"""A trigger posts on X: once, after somebody approved it, and what became of it is asked for."""

import pytest

from acting import live
from kinline import clock
from kinline.accounts import connected
from kinline.desk import approvals
from kinline.followups import manage
from kinline.hub import Hub
from kinline.pretend import Fault
from kinline.record.batch import record_batch
from kinline.testing.factories import InteractionFactory, RecordingFactory
from kinline_twitter.channel import TwitterChannel
from kinline_twitter.pretend import PretendX

from .conftest import Company

MATRIX = {
    "answered": (None, "sent", "sent", 1),
    "dropped before it arrived": (Fault(how="drop"), "unknown", "failed", 0),
    "dropped after it arrived": (Fault(how="drop", after=True), "unknown", "sent", 1),
    "half an answer": (Fault(how="half"), "unknown", "sent", 1),
}


def posts(x: PretendX) -> list[str]:
    return [str(one["text"]) for one in x.world.posts.values() if one["author_id"] == x.us]


@pytest.mark.parametrize(("fault", "at_once", "in_the_end", "arrived"), MATRIX.values(), ids=list(MATRIX))
def test_a_public_post_ends_in_its_state_and_goes_once(
    hub: Hub, company: Company, x: PretendX, monkeypatch: pytest.MonkeyPatch,
    fault: Fault | None, at_once: str, in_the_end: str, arrived: int,
) -> None:  # fmt: skip
    # Given a hub that really posts, the same words of last week there, and a trigger that somebody set off
    monkeypatch.setattr(hub.settings, "outbound", "live")
    monkeypatch.setattr(TwitterChannel, "deadline", 1.0)
    x.world.post(x.us, "A thousand orders!", ago=7 * 86_400)
    live(hub, "tell", "[{publish: {account: our X, text: A thousand orders!}}]")
    with hub.store.write() as session:
        inbox = connected.connect(session, hub.secret, "email", "inbox", {})
        said = InteractionFactory.build(occurred_at=clock.to_datetime(clock.now()))
        record_batch(session, [RecordingFactory.build(account=inbox, what=said, arrived_at=clock.now())])
    company.works()
    assert len(posts(x)) == 1

    # When somebody approves it, and the line breaks
    x.faults.extend([fault] if fault else [])
    with hub.store.write() as session:
        [waiting] = approvals.listed(session)
        manage.approve(session, waiting.id, by="Dora")
    company.works()
    assert company.sql("SELECT state FROM followup") == [(at_once,)]

    # And X is asked
    company.sql("UPDATE job SET run_at = run_at - {p} WHERE state = 'pending'", 3 * clock.MINUTE)
    company.works()
    assert company.sql("SELECT state FROM followup") == [(in_the_end,)]
    assert len(posts(x)) == 1 + arrived
