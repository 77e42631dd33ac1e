"""The events channel: the conformance suite over its samples, and the rules of both dialects."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinline import Broken, HandleType, Interaction, Item, Kind, Profile, Source, Standing, Unreadable
from kinline.testing import ChannelContract
from kinline_events import EventsChannel
from kinline_events.kinds import TABLE, kind_of
from kinline_events.settings import EventsSettings

SETTINGS = EventsSettings(issuer="shop", trusted=(HandleType.EXTERNAL,))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class TestEvents(ChannelContract):
    channel = EventsChannel
    samples = Path(__file__).parent / "samples"
    settings: ClassVar[dict[str, Any]] = {"issuer": "shop", "trusted": ["external"]}


def read(value: Any, settings: EventsSettings = SETTINGS, *, received: datetime | None = None) -> list[Any]:
    """What a body means, in order; a piece that is broken as its code."""
    channel = EventsChannel()
    source = Source(headers={"received-at": received.isoformat()} if received else {})
    found: list[Any] = []
    for piece in channel.parse(io.BytesIO(json.dumps(value).encode()), source, settings):
        if isinstance(piece, Broken):
            found.append(piece.code)
            continue
        try:
            found += channel.normalise(piece, settings)
        except Unreadable as error:
            found.append(error.code)
    return found


def track(**more: Any) -> dict[str, Any]:
    told = {"type": "track", "messageId": "m", "userId": "42", "event": "Order Completed"} | more
    return {name: value for name, value in told.items() if value is not None}


def event(**more: Any) -> dict[str, Any]:
    told = {"specversion": "1.0", "id": "1", "source": "/site", "type": "com.example.x"} | more
    return {name: value for name, value in told.items() if value != "absent"}


@given(skew=st.integers(-400 * 86_400, 400 * 86_400), before=st.integers(0, 86_400), travel=st.integers(0, 30))
def test_any_clock_is_corrected_as_segment_does_it(skew: int, before: int, travel: int) -> None:
    # Given a device whose clock is wrong, which sends an event some time after it happened
    wrong = timedelta(seconds=skew)
    happened, sent = NOON - timedelta(seconds=before), NOON
    received = NOON + timedelta(seconds=travel)
    body = {"batch": [track(timestamp=(happened + wrong).isoformat())], "sentAt": (sent + wrong).isoformat()}

    # Then it happened when it did, but for how long the message travelled
    [one] = read(body, received=received)
    assert one.occurred_at == happened + timedelta(seconds=travel)


def test_nothing_happens_after_it_was_received() -> None:
    [one] = read(
        {"batch": [track(timestamp="2026-03-03T12:00:00Z")], "sentAt": "2026-03-02T12:00:00Z"},
        received=NOON,
    )

    assert one.occurred_at == NOON


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (track(event=None), "required"), (track(userId=None), "no_user_anon_id"), (track(type="dance"), "unknown_type"),
        (track(messageId="m" * 101), "too_long"), (track(timestamp="yesterday"), "invalid_datetime"),
        (track(type="group", groupId=""), "required"), (track(type="alias"), "required"),
        (track(properties={"x": "y" * 33_000}), "too_large"),
    ],
)  # fmt: skip
def test_what_segment_would_not_accept_is_set_aside_and_its_neighbours_go_on(told: dict[str, Any], code: str) -> None:
    first, second = read({"batch": [told, track(messageId="good")]})

    assert first == code
    assert isinstance(second, Interaction)


def test_a_batch_ends_where_segments_ends() -> None:
    found = read({"batch": [track(messageId=f"{number}") for number in range(2502)]})

    assert found[2500:] == ["too_many", "too_many"]


def test_traits_are_kept_as_the_account_allows() -> None:
    told = track(
        type="identify", traits={"Plan": "gold", "password": "x", "favouriteColour": "red", "email": "ann@example.org"}
    )

    [everything] = read(told)
    [few] = read(told, EventsSettings(issuer="shop", traits=("plan", "password")))
    [none] = read(told, EventsSettings(issuer="shop", traits=()))

    assert isinstance(everything, Profile)
    assert everything.known == {"plan": "gold", "favourite_colour": "red"}
    assert [str(each.handle) for each in everything.also] == ["email:ann@example.org"]
    assert (few.known, none.known) == ({"plan": "gold"}, {})


def test_only_the_types_that_the_operator_trusts_are_believed() -> None:
    [told] = read(track(type="identify", traits={"email": "ann@example.org"}))

    assert told.who.standing is Standing.VERIFIED
    assert [each.standing for each in told.also] == [Standing.CLAIMED]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Order Completed", Kind.ORDER), ("com.example.order.created.v2", Kind.ORDER), ("orderPlaced", Kind.ORDER),
        ("com.example.purchase", Kind.ORDER), ("Page Viewed", Kind.PAGE_VIEW), ("page_view", Kind.PAGE_VIEW),
        ("pageview", Kind.PAGE_VIEW), ("Product Reviewed", Kind.REVIEW), ("Order Refunded", Kind.APP_EVENT),
        ("Signed Up", Kind.APP_EVENT), ("", Kind.APP_EVENT), ("came by", Kind.VISIT),
    ],
)  # fmt: skip
def test_a_name_becomes_a_kind_by_the_table(name: str, kind: Kind) -> None:
    assert kind_of(name, {"came by": Kind.VISIT}) is kind
    assert set(TABLE.values()) <= EventsChannel.kinds


@pytest.mark.parametrize(
    ("more", "code", "pointer"),
    [
        *(({name: "absent"}, "required", f"/{name}") for name in ("id", "source", "type")),
        ({"specversion": "0.3"}, "unsupported_specversion", "/specversion"),
        ({"id": ""}, "too_short", "/id"), ({"id": 7}, "wrong_type", "/id"), ({"id": "x" * 601}, "too_long", "/id"),
        ({"source": "a b"}, "invalid_uri", "/source"), ({"type": ""}, "too_short", "/type"),
        ({"time": "2026-03-02"}, "invalid_datetime", "/time"), ({"time": "2026-02-30T00:00:00Z"}, "invalid_datetime", "/time"),
        ({"dataschema": "not absolute"}, "invalid_uri", "/dataschema"), ({"dataschema": "x/y"}, "invalid_uri", "/dataschema"),
        ({"datacontenttype": "json"}, "invalid_media_type", "/datacontenttype"), ({"subject": ""}, "too_short", "/subject"),
        ({"subject": "email:nobody"}, "invalid_handle", "/subject"), ({"Name": "x"}, "invalid_attribute_name", "/Name"),
        ({"a/b": "x"}, "invalid_attribute_name", "/a~1b"), ({"extra": {"x": 1}}, "wrong_type", "/extra"),
        ({"extra": 1.5}, "wrong_type", "/extra"), ({"extra": 2**31}, "out_of_range", "/extra"),
        ({"type": "a\u0007b"}, "invalid_characters", "/type"), ({"recordedtime": "soon"}, "invalid_datetime", "/recordedtime"),
        ({"data": 1, "data_base64": "e30="}, "two_payloads", "/data_base64"), ({"data_base64": "%"}, "invalid_base64", "/data_base64"),
    ],
)  # fmt: skip
def test_what_the_specification_forbids_is_refused_where_it_stands(
    more: dict[str, Any], code: str, pointer: str
) -> None:
    with pytest.raises(Unreadable) as refusal:
        EventsChannel().normalise(Item(body=event(**more), form="cloudevent"), SETTINGS)

    assert (refusal.value.code, refusal.value.pointer) == (code, pointer)


def test_null_is_an_attribute_that_is_not_there_and_extensions_are_kept() -> None:
    [one] = read(event(subject=None, time=None, causationid="c", mine=True, data={"total": 3}))

    assert (one.occurred_at, one.parties) == (None, ())
    assert one.facts == {
        "event": "com.example.x", "source": "/site", "total": 3.0, "causation_id": "c", "data": {"total": 3},
        "extensions": {"mine": True},
    }  # fmt: skip


def test_source_and_id_do_not_run_into_each_other() -> None:
    [one, other] = read([event(source="/a", id="b c"), event(source="/a", id="b")])

    assert (one.source_id, other.source_id) == ("/a b c", "/a b")
    assert msgspec.json.decode(msgspec.json.encode(one), type=Interaction) == one


def test_a_subject_may_be_a_user_of_the_issuer() -> None:
    [plain] = read(event(subject="42"))
    [user] = read(event(subject="42"), EventsSettings(issuer="shop", subjects_are_users=True))

    assert plain.parties == ()
    assert str(user.parties[0].handle) == "external:shop/42"
