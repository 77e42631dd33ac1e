from typing import Any

from kinline.testing import LiveContract
from kinline_twitter import TwitterChannel
from kinline_twitter.pretend import PretendX


class TestTwitterLive(LiveContract):
    channel = TwitterChannel

    def make_stand_in(self) -> PretendX:
        found = PretendX(peopled=False)
        found.limiter.limits["messages"] = 1_000_000
        return found

    def happen(self, stand_in: Any, number: int) -> None:
        if number % 2:
            stand_in.world.message(stand_in.ben, stand_in.us, f"Message {number}")
        else:
            stand_in.world.post(stand_in.ann, f"Mention {number}, @exampleroasters")
