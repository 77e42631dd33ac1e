"""The consent: from the address to open, over X's page, to an account that looks; and back."""

import json
from urllib.parse import urlsplit

import pytest
from litestar.testing import TestClient

from kinline import http
from kinline.accounts import connected, keys
from kinline.hub import Hub
from kinline_api.app import create_app
from kinline_twitter.pretend import PretendX

from .conftest import Company


def test_a_person_says_yes_and_the_account_looks(hub: Hub, x: PretendX, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given an account with the app's client, and no token yet
    monkeypatch.setattr(hub.settings, "public_url", "https://hub.example")
    company = Company(hub, x, access_token="", refresh_token="", token_expires_at=0)
    x.world.post(x.ann, "Hello, @exampleroasters")
    company.looks()
    assert company.health().verdict == "needs_you"

    with hub.store.write() as session:
        key = keys.create(session, "a test", ("admin",))
    with TestClient(create_app(hub), base_url="http://127.0.0.1") as door:
        # When somebody opens the page and says yes
        asked = door.post("/v1/accounts/our X/authorisation", headers={"Authorization": f"Bearer {key}"})
        page = asked.json()["url"]
        assert page.startswith(f"{x.url}/i/oauth2/authorize?")
        back = urlsplit(http.call("GET", page, trusted=True).headers["location"])
        done = door.get(f"{back.path}?{back.query}")

        # And when somebody sends the same answer once more
        again = door.get(f"{back.path}?{back.query}")

    # Then the tokens are there, sealed, and the account looks
    assert (asked.status_code, done.status_code) == (201, 200)
    assert again.status_code >= 400
    with hub.store.read() as session:
        row = connected.named(session, company.account)
        assert connected.shown(row)["access_token"] == "********"
        assert connected.plain(row, hub.secret)["refresh_token"].startswith("rt-")
    company.wants_now()
    company.looks()
    assert (company.says(), company.health().verdict) == (["Hello, @exampleroasters"], "ok")
    assert company.health().token_expires_at is not None


def test_who_says_no_leaves_the_account_as_it_was(hub: Hub, x: PretendX, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.settings, "public_url", "https://hub.example")
    Company(hub, x, access_token="", refresh_token="")
    with hub.store.write() as session:
        key = keys.create(session, "a test", ("admin",))
    with TestClient(create_app(hub), base_url="http://127.0.0.1") as door:
        page = door.post("/v1/accounts/our X/authorisation", headers={"Authorization": f"Bearer {key}"}).json()["url"]
        back = urlsplit(http.call("GET", f"{page}&deny=1", trusted=True).headers["location"])
        refused = door.get(f"{back.path}?{back.query}")

    assert refused.json()["code"] == "not_authorised"
    assert "access_denied" in refused.json()["detail"]


def test_a_consent_taken_back_at_x_is_said_at_the_next_refresh(company: Company, x: PretendX) -> None:
    company.looks()
    x.consents.end()
    [(settings,)] = company.sql("SELECT settings FROM account")
    company.sql("UPDATE account SET settings = {p}", json.dumps(json.loads(settings) | {"token_expires_at": 1}))

    company.wants_now()
    company.looks()

    assert company.health().verdict == "needs_you"
    assert "does not authorise this account any more" in company.health().says
