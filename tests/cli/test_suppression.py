"""``kinline suppression``: see, set and lift what keeps the hub from writing to somebody."""

from collections.abc import Callable
from typing import Any

ANN = "email:ann@example.org"


def test_a_handle_is_suppressed_seen_and_lifted(cli: Callable[..., Any]) -> None:
    cli("migrate")
    assert "Nothing keeps" in cli("suppression", "show", ANN).out

    assert cli("suppression", "add", ANN, "--reason", "asked by letter").code == 0
    assert "for ever: asked by letter" in cli("suppression", "show", "email:Ann@EXAMPLE.org").out
    assert cli("suppression", "show", ANN, "--json").json["suppressed"] is True

    assert cli("suppression", "lift", ANN, "--json").json == {"handle": ANN, "suppressed": False}
    again = cli("suppression", "lift", ANN)
    assert again.code != 0
    assert "is not suppressed" in again.err
