"""The file that the README gives to people for their WordPress, in a real WordPress."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kinline import Deletion, Interaction, Request
from kinline.pretend import FakeAnswer, FakeCall, PretendServer, Route
from kinline_blog import BlogChannel
from kinline_blog.settings import BlogSettings
from reading import read

pytest_plugins = ["blog_servers"]

SECRET = "a secret for tests only"
README = (Path(__file__).parent / "README.md").read_text()


class Hub(PretendServer):
    """Takes what the blog tells."""

    def settings_for(self, url: str) -> dict[str, Any]:
        return {}

    def routes(self) -> Sequence[Route]:
        return [("POST", "/hook", lambda asked: FakeAnswer({"intake": "1"}, 202))]


@pytest.fixture
def told(wordpress: Any) -> Iterator[list[FakeCall]]:
    """The calls of a blog that has the README's file."""
    hub = Hub()
    hub.start()
    [code] = re.findall(r"```php\n(.*?)```", README, re.DOTALL)
    code = re.sub(r"KINLINE_URL = '.*?'", f"KINLINE_URL = '{hub.url}/hook'", code)
    code = re.sub(r"KINLINE_SECRET = '.*?'", f"KINLINE_SECRET = '{SECRET}'", code)
    with wordpress.plugin("kinline.php", code):
        yield hub.calls
    hub.stop()


def test_each_change_is_told_signed_and_understood(wordpress: Any, told: list[FakeCall]) -> None:
    settings = BlogSettings(site=wordpress.url, webhook_secret=SECRET)

    # When somebody comments, a moderator holds it, edits it, trashes it, and deletes it
    ann = wordpress.form(1, "Ann", "Hello")
    for change in ({"status": "hold"}, {"content": "Hello (edited)"}):
        wordpress.rest("POST", f"comments/{ann}", **change)
    wordpress.rest("DELETE", f"comments/{ann}")
    wordpress.rest("DELETE", f"comments/{ann}?force=true")

    # Then each call is proved, and says what was so
    found: list[Any] = []
    for asked in told:
        call = Request(method="POST", headers=asked.headers, query={}, body=asked.body)
        BlogChannel().verify(call, settings)
        found += read(asked.body, settings)
    states = [(one.text, one.moderation) for one in found if isinstance(one, Interaction)]
    assert list(dict.fromkeys(states)) == [
        ("Hello", "approved"), ("Hello", "pending"), ("Hello (edited)", "pending"), ("Hello (edited)", "trash"),
    ]  # fmt: skip

    # And its deletion is the last word
    assert isinstance(found[-1], Deletion)
    times: list[Any] = [one.occurred_at if isinstance(one, Deletion) else one.changed_at for one in found]
    assert times == sorted(times)
    assert len({*times}) == len(times)
    assert {one.source_id for one in found} == {f"comment:{ann}"}
