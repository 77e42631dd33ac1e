"""What may stand under a comment, decided before anything is sent."""

from typing import Any

import msgspec
import pytest

from kinline import ChannelError, Handle, HandleType, Outgoing, SendClass
from kinline_blog import BlogChannel
from kinline_blog.settings import BlogSettings

CHANNEL = BlogChannel()
ANN = Handle(HandleType.EMAIL, "ann@example.org")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"send_class": SendClass.TRANSACTIONAL}, "public"),
        ({"send_class": SendClass.MARKETING}, "public"),
        ({"answers": ""}, "nothing_to_answer"),
        ({"answers": "disqus/comment:7"}, "nothing_to_answer"),
        ({"answers": "shop.example/comment:7"}, "nothing_to_answer"),
        ({"text": " \n "}, "empty"),
        ({"text": "ü" * 40_000}, "too_long"),
    ],
)
def test_what_does_not_belong_under_a_comment_is_refused_before_anything_is_sent(
    change: dict[str, Any], code: str
) -> None:
    settings = BlogSettings(site="https://blog.example.org", user="cleo", application_password="secret")
    outgoing = Outgoing(id="1", to=ANN, text="Hi", answers="comment:7", send_class=SendClass.HUMAN)
    CHANNEL.check(outgoing, settings)

    with pytest.raises(ChannelError) as refusal:
        CHANNEL.check(msgspec.structs.replace(outgoing, **change), settings)

    assert (refusal.value.permanent, refusal.value.code) == (True, code)
