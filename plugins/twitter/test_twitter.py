from pathlib import Path
from typing import Any, ClassVar

from kinline.testing import ChannelContract
from kinline_twitter import TwitterChannel

SAMPLES = Path(__file__).parent / "samples"


class TestTwitter(ChannelContract):
    channel = TwitterChannel
    samples = SAMPLES
    settings: ClassVar[dict[str, Any]] = {"user_id": "2244001100", "consumer_secret": "a secret of the tests"}
    signature_headers = ("x-twitter-webhooks-signature",)
