"""The email channel keeps the contract of all channels, on its own samples."""

from pathlib import Path
from typing import Any, ClassVar

from kinline.contract.plugins import channels
from kinline.testing import ChannelContract
from kinline_email import EmailChannel


class TestEmail(ChannelContract):
    channel = EmailChannel
    samples = Path(__file__).parent / "samples"
    settings: ClassVar[dict[str, Any]] = {
        "address": "support@shop.example",
        "own_addresses": ["abuse@shop.example"],
        "name": "The Shop",
        "authserv_id": "mail.shop.example",
        "webhook_secret": "not a real one",
    }
    signature_headers = ("x-kinline-signature",)


def test_the_hub_finds_it_by_its_entry_point() -> None:
    found = channels()

    assert isinstance(found.get("email"), EmailChannel)
