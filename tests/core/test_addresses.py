"""Mail addresses as handles: what mail can be sent to is one, and two that differ stay two."""

import pytest

from kinline import Handle, HandleType, handles
from kinline.errors import Invalid


def normalised(address: str) -> str:
    return handles.normalise(Handle(HandleType.EMAIL, address)).value


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Ann@EXAMPLE.org", "Ann@example.org"),
        (" ann@example.org\n", "ann@example.org"),
        ("ann..b.@docomo.example", "ann..b.@docomo.example"),
        ("reply+" + "a" * 70 + "@example.com", "reply+" + "a" * 70 + "@example.com"),
        ("ann@printer", "ann@printer"),
    ],
)
def test_an_address_that_mail_reaches_is_a_handle(written: str, meant: str) -> None:
    assert normalised(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        ".ann@example.test",
        "ann@-example.test",
        "ann@example-.test",
        "ann@" + "a" * 64 + ".test",
        "a" * 64 + "@" + "b" * 60 + "." + "c" * 60 + "." + "d" * 60 + "." + "e" * 20 + ".test",
        "ann@[192.0.2.1]",
        "ann@exa\tmple.org",
        "ann",
    ],
)
def test_what_mail_cannot_reach_is_none(written: str) -> None:
    with pytest.raises(Invalid):
        normalised(written)


@pytest.mark.parametrize(
    ("one", "other"), [("ann@example.org", "Ann@example.org"), ("a.nn@gmail.com", "ann@gmail.com"), ("ann+x@a.org", "ann@a.org")]
)  # fmt: skip
def test_two_addresses_that_may_be_two_people_stay_two(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_user_at_is_no_machine_and_yet_joins_nobody() -> None:
    assert not handles.is_machine(Handle(HandleType.EMAIL, "user@example.org"))
    assert handles.is_blocked(Handle(HandleType.EMAIL, "user@example.org"))
    assert handles.is_machine(Handle(HandleType.EMAIL, "noreply@example.org"))
