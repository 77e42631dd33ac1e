"""Old comments are looked at again, a part at a time: what was deleted or moderated there long after it was new."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from kinline import ChannelError, Deletion, Interaction
from kinline.hub import Hub
from kinline.pretend import FakeAnswer, FakeCall
from kinline.store import sql
from kinline_blog import listing, rechecking
from kinline_blog.pretend import PretendWordPress
from reading import read
from test_blog_in_hub import World as HubWorld
from test_wordpress import CHANNEL, World, pretend, world

pytest_plugins = ["blog_servers"]
__all__ = ["pretend", "world"]
Hands = Callable[..., "Held"]


class Held:
    """What is here of a blog, and where the looking goes on."""

    def __init__(self, world: World, numbers: Sequence[int]) -> None:
        self.world, self.cursor = world, ""
        self.states = {f"comment:{each}": "approved" for each in numbers}

    def ours(self, source_ids: Sequence[str]) -> Mapping[str, str]:
        return {each: self.states[each] for each in source_ids if each in self.states}

    def look(self) -> list[tuple[str, str]]:
        """One look: what it says of what, and the hub keeps it."""
        found: list[Any] = []
        with CHANNEL.connect(self.world.settings) as connection:
            for piece in connection.recheck(self.cursor, self.ours):
                found += read(piece.body, self.world.settings) if piece.body else []
                self.cursor = piece.cursor
        for one in found:
            if isinstance(one, Deletion):
                del self.states[one.source_id]
            else:
                self.states[one.source_id] = one.moderation
        return [(one.source_id, one.moderation if isinstance(one, Interaction) else "gone") for one in found]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four numbers make a part, and a look has three of them."""
    monkeypatch.setattr(rechecking, "PAGE", 4)
    monkeypatch.setattr(rechecking, "LOOKED", 12)
    monkeypatch.setattr(rechecking, "LISTS", 2)
    monkeypatch.setattr(rechecking, "ASKED", 3)


def written(world: World, count: int) -> list[int]:
    return [world.blog.form(1, "Ann", f"Comment {number}") for number in range(count)]


def test_what_was_deleted_or_moderated_long_ago_is_found_a_part_at_a_time(world: World) -> None:
    # Given ten comments that are here, of which the oldest were deleted, thrown away, and called spam
    numbers = written(world, 10)
    held = Held(world, numbers)
    gone, trashed, spam = numbers[0], numbers[1], numbers[2]
    world.rest("DELETE", f"comments/{gone}?force=true")
    world.rest("DELETE", f"comments/{trashed}")
    world.rest("POST", f"comments/{spam}", status="spam")

    # When it is looked at again and again
    looks = [held.look() for _ in range(4)]

    # Then all of it is told, once, the deletion too; and the round begins anew
    told = list(itertools.chain(*looks))
    assert sorted(told) == sorted(
        [(f"comment:{gone}", "gone"), (f"comment:{trashed}", "trash"), (f"comment:{spam}", "spam")]
    )
    world.rest("DELETE", f"comments/{numbers[9]}?force=true")
    assert (f"comment:{numbers[9]}", "gone") in [*held.look(), *held.look()]


def test_a_look_costs_few_calls_and_numbers_that_are_not_here_cost_none(pretend: World) -> None:
    assert isinstance(pretend.blog, PretendWordPress)
    numbers = written(pretend, 40)
    held = Held(pretend, numbers[:4])
    for _ in range(4):
        assert held.look() == []
    for each in numbers:
        pretend.rest("DELETE", f"comments/{each}?force=true")

    calls, looks = [], []
    for _ in range(6):
        before = len(pretend.blog.calls)
        looks.append(held.look())
        calls.append([each.path for each in pretend.blog.calls[before:]])

    # Then ours, the oldest, are found gone, in the bounds of a look
    assert sorted(itertools.chain(*looks)) == [(f"comment:{each}", "gone") for each in sorted(numbers[:4])]
    lists = [sum(path.endswith("/comments") for path in each) for each in calls]
    single = [sum("/comments/" in path for path in each) for each in calls]
    assert max(single) <= 3
    assert max(lists) <= 3 + 2  # the newest number of each of three states, and the parts


@pytest.mark.parametrize("hides", [401, 403, 404])
def test_what_is_only_hidden_was_not_deleted(pretend: World, hides: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a blog whose plugin hides all comments: from lists, and behind an error that is not WordPress's own
    assert isinstance(pretend.blog, PretendWordPress)
    held = Held(pretend, written(pretend, 6))
    monkeypatch.setattr(pretend.blog, "_list", lambda asked: FakeAnswer([], headers={"x-wp-total": "0"}))
    held.cursor = msgspec.json.encode(rechecking.Round(6 + 2)).decode()

    def one(asked: FakeCall) -> FakeAnswer:
        return FakeAnswer({"code": "rest_no_route", "message": "No.", "data": {"status": hides}}, hides)

    monkeypatch.setattr(pretend.blog, "_one", one)

    assert [held.look() for _ in range(4)] == [[], [], [], []]


def test_who_may_not_moderate_is_told_nothing(pretend: World) -> None:
    assert isinstance(pretend.blog, PretendWordPress)
    held = Held(pretend, written(pretend, 3))
    pretend.blog.rows.clear()
    pretend.blog.rights = False

    assert held.look() == []


def test_a_blog_that_fails_deletes_nothing(pretend: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(pretend.blog, PretendWordPress)
    held = Held(pretend, written(pretend, 3))
    monkeypatch.setattr(pretend.blog, "_one", lambda asked: FakeAnswer(b"", 502))
    del pretend.blog.rows[min(pretend.blog.rows)]

    with pytest.raises(ChannelError) as refusal:
        held.look()

    assert (refusal.value.code, len(held.states)) == ("blog_failing", 3)


def test_an_old_deletion_reaches_the_hub_without_any_webhook(
    hub: Hub, wordpress: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given three comments that are here, of which a look sees only the newest
    monkeypatch.setattr(listing, "PAGE", 2)
    monkeypatch.setattr("kinline_blog.polling.MARKS", 2)
    there = HubWorld(hub, wordpress)
    ann = wordpress.form(1, "Ann", "The first")
    there.look()
    for text in ("The second", "The third", "The fourth"):
        wordpress.form(1, "Ben", text)
    there.look()

    there.keep(lambda: there.live().compared_at)

    # When the oldest is deleted at the blog, and nobody tells
    wordpress.rest("DELETE", f"comments/{ann}?force=true")
    there.look()
    assert deleted(there) == []
    with hub.store.write() as session:
        sql.changed(session, "UPDATE account_live SET compared_at = NULL")

    # Then what goes on beside the next comparison finds it, and nothing else
    there.keep(lambda: there.live().compared_at and there.rows("SELECT 1 FROM intake WHERE state = 'new'"))
    assert deleted(there) == [(f"comment:{ann}",)]
    assert there.live().recheck_cursor


def deleted(there: HubWorld) -> list[tuple[Any, ...]]:
    return there.rows("SELECT source_id FROM interaction WHERE deleted_at IS NOT NULL")
