"""Pages that are made to be slow to read."""

import pytest

from kinline import Source, Unreadable, clock
from kinline.clock import SECOND
from kinline_blog.mentions import fetching
from kinline_blog.settings import BlogSettings
from reading import read

SITE = "https://blog.example.org"
TARGET = f"{SITE}/2026/a-lamp/"
SETTINGS = BlogSettings(site=SITE, webmention=True)


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 100_000,
        "<!--" * 200_000,
        "<a " * 300_000,
        "<a href='x'>" * 80_000,
        "&#" * 400_000,
        "<p class='h-entry'>" * 50_000,
    ],
    ids=lambda page: page[:12],
)
def test_a_hostile_page_is_soon_set_aside(page: str) -> None:
    source = Source(
        name=fetching.NAME, media_type="text/html",
        headers={"source": "https://ann.example/", "target": TARGET, "at": "2026-03-01T10:00:00Z", "status": "200"},
    )  # fmt: skip
    begun, code = clock.now(), ""

    try:
        read(f"<a href='{TARGET}'>x</a>{page}".encode(), SETTINGS, source)
    except Unreadable as refusal:
        code = refusal.code
    assert code in ("", "page_too_large", "page_too_deep")
    assert clock.now() - begun < 2 * SECOND
