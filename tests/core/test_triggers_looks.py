"""What a trigger says of itself: what it looks at, how far back, and whether it reaches anybody."""

from kinline.clock import DAY
from kinline.triggers import Trigger, read_trigger
from kinline.words import ASKING

QUIET = "{silence: {of: them, for: 3d}}"


def trigger(when: str, *, who: str = "", do: str = "task: {team: support, title: Look}", limits: str = "{}") -> Trigger:
    return read_trigger(f"name: t\nabout: A test.\nwhen: {when}\nwho: {who!r}\ndo: [{{{do}}}]\nlimits: {limits}\n")


def test_a_trigger_says_what_it_looks_at() -> None:
    found = trigger(
        "{any: [{did: {kind: order}}, {silence: {of: us, after: {direction: inbound, channel: email}, for: 2h}}]}"
    )

    assert found.interests() == {
        ("order", "inbound", "*"),
        ("order", "among", "*"),
        *((str(kind), "inbound", "email") for kind in ASKING),  # nobody waits for an answer to anything else
        ("*", "outbound", "*"),  # an answer that comes late may end one episode and begin another
    }
    assert found.concerns("order", "inbound", "blog")
    assert found.concerns("review", "inbound", "email")
    assert not found.concerns("review", "inbound", "blog")


def test_a_trigger_says_how_far_back_it_looks() -> None:
    assert trigger("{did: {kind: order}}").lookback == 0
    assert trigger("{did: {kind: order, count: 3, within: 30d}}").lookback == 30 * DAY
    assert trigger("{did: {kind: order, count: 3}}").lookback is None
    assert trigger(QUIET).lookback == 3 * DAY
    twice = "{did: {kind: order, count: 2, within: 1d}}"
    assert trigger(f"{{all: [{{did: {{kind: message, count: 1, within: 2h}}}}, {twice}]}}").lookback == DAY
    assert (
        trigger(f"{{all: [{{did: {{kind: order}}}}, {twice}]}}").lookback is None
    )  # an order of long ago holds for ever
    assert (
        trigger("{all: [{did: {kind: order, count: 2, within: 1d}}, {stage: {track: business, to: lead}}]}").lookback
        == DAY
    )
    assert trigger("{all: [{did: {kind: order}}, {not: {did: {kind: order, count: 2, within: 1d}}}]}").lookback == DAY


def test_housekeeping_reaches_nobody() -> None:
    assert trigger(QUIET, do="tag: {add: quiet}").only_housekeeping
    assert not trigger(QUIET).only_housekeeping
