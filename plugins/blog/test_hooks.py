"""Calls of plugins and hosts: how each proves that it is them, and what it says."""

import base64
import hmac
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

import pytest

from kinline import Applied, Interaction, Request, Source, VerificationFailed
from kinline_blog import BlogChannel
from kinline_blog.settings import BlogSettings
from reading import read

SECRET = "a secret for tests only"
SETTINGS = BlogSettings(site="https://blog.example.org", webhook_secret=SECRET)
CHANNEL = BlogChannel()
BODY = (Path(__file__).parent / "samples" / "plugin-updated.json").read_bytes()
FORM = "application/x-www-form-urlencoded; charset=utf-8"
COLUMNS = {
    "comment_ID": "104", "comment_post_ID": "41", "comment_author": "Ann", "comment_author_email": "ann@example.org",
    "comment_date_gmt": "2024-05-03 08:00:00", "comment_content": "Thank you!", "comment_approved": "1",
    "comment_parent": "103", "user_id": "0", "hook": "comment_post",
}  # fmt: skip


def mac(body: bytes = BODY, secret: str = SECRET) -> bytes:
    return hmac.digest(secret.encode(), body, sha256)


def call(headers: dict[str, str] | None = None, query: dict[str, str] | None = None, body: bytes = BODY) -> Request:
    return Request(method="POST", headers=headers or {}, query=query or {}, body=body)


@pytest.mark.parametrize(
    "good",
    [
        call({"x-kinline-signature": f"sha256={mac().hex()}"}),
        call({"x-wp-webhook-signature": base64.b64encode(mac()).decode()}),
        call(query={"secret": SECRET}),
        call({"content-type": FORM}, {"secret": SECRET}, urlencode(COLUMNS).encode()),
    ],
    ids=["our snippet", "WP Webhooks", "a secret in the address", "WordPress.com"],
)
def test_each_sender_proves_itself_in_its_own_way(good: Request) -> None:
    CHANNEL.verify(good, SETTINGS)

    with pytest.raises(VerificationFailed):
        CHANNEL.verify(good, BlogSettings(site="https://blog.example.org"))


@pytest.mark.parametrize(
    "bad",
    [
        call(),
        call({"x-wp-webhook-signature": mac().hex()}),
        call({"x-wp-webhook-signature": base64.b64encode(mac(b"{}")).decode()}),
        call({"x-wp-webhook-signature": base64.b64encode(mac(secret="")).decode()}),
        call(query={"secret": ""}),
        call(query={"secret": f"{SECRET} "}),
        call({"x-kinline-signature": f"sha256={mac().hex()}"}, {"secret": "guess"}),
        call({"content-type": FORM}, body=urlencode(COLUMNS).encode()),
    ],
)
def test_nobody_else_gets_in(bad: Request) -> None:
    with pytest.raises(VerificationFailed) as refusal:
        CHANNEL.verify(bad, SETTINGS)

    assert refusal.value.status == 401


def test_a_form_of_wordpress_com_tells_the_comment() -> None:
    source = Source(name="webhook", media_type=FORM)

    [found] = read(urlencode(COLUMNS).encode(), SETTINGS, source)

    assert isinstance(found, Interaction)
    assert (found.source_id, found.text, found.moderation) == ("comment:104", "Thank you!", "approved")
    assert found.answers == "comment:103"


@pytest.mark.parametrize("hook", ["publish_post", "", "comment.deleted"])
def test_hooks_of_other_things_are_counted_and_make_nothing(hook: str) -> None:
    source = Source(name="webhook", media_type=FORM)

    [found] = read(urlencode(COLUMNS | {"hook": hook}).encode(), SETTINGS, source)

    assert isinstance(found, Applied)


def test_addresses_of_commenters_computers_are_not_taken() -> None:
    [found] = read(BODY, SETTINGS)

    assert "192.0.2.7" not in str(found)
