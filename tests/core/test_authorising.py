"""Consent at a provider: asked for, exchanged, refreshed in time, and taken back."""

import base64
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from kinline import clock
from kinline.accounts import connected, oauth
from kinline.accounts.ready import ready
from kinline.contract.channel import Ability, AccountSettings
from kinline.contract.plugins import channels
from kinline.errors import ChannelError, Invalid
from kinline.hub import Hub
from kinline.messages import OAuth
from kinline.pretend import FakeAnswer, FakeCall, Fault, PretendServer
from kinline.store.models import Account
from saboteur import Saboteur

BACK = "https://hub.example/v1/oauth/callback"


class ConsentSettings(AccountSettings, frozen=True):
    secrets: ClassVar[frozenset[str]] = frozenset({"client_secret", "access_token", "refresh_token"})
    base: str = ""
    client_id: str = ""
    client_secret: str = ""
    access_token: str = ""
    refresh_token: str = ""
    token_expires_at: int = 0


class Provider(PretendServer):
    """Gives a code to whoever asks, and tokens to whoever has the code and its verifier. Refresh tokens work once."""

    def __init__(self) -> None:
        super().__init__()
        self.challenge = ""
        self.refresh = "r0"
        self.count = 0
        self.revoked = False

    def settings_for(self, url: str) -> dict[str, Any]:
        return {"base": url, "client_id": "us", "client_secret": "hush"}

    def routes(self) -> list[Any]:
        return [("POST", "/token", self.token)]

    def say_yes(self, page: str) -> dict[str, str]:
        """What a person does in the browser: the parameters that come back."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}
        assert (query["client_id"], query["redirect_uri"], query["response_type"]) == ("us", BACK, "code")
        assert query["code_challenge_method"] == "S256"
        self.challenge = query["code_challenge"]
        return {"state": query["state"], "code": "c0de"}

    def token(self, asked: FakeCall) -> FakeAnswer:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        if form.get("client_secret") != "hush":
            return FakeAnswer({"error": "invalid_client"}, 401)
        if self.revoked or not self._right(form):
            return FakeAnswer({"error": "invalid_grant", "error_description": "It was taken back."}, 400)
        self.count += 1
        self.refresh = f"r{self.count}"
        return FakeAnswer({"access_token": f"a{self.count}", "refresh_token": self.refresh, "expires_in": 3600})

    def _right(self, form: dict[str, str]) -> bool:
        if form["grant_type"] == "refresh_token":
            return form["refresh_token"] == self.refresh
        made = base64.urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        return form["code"] == "c0de" and form["redirect_uri"] == BACK and made == self.challenge


class Consenting(Saboteur):
    name = "consenting"
    settings = ConsentSettings
    can: ClassVar[frozenset[Ability]] = frozenset({Ability.OAUTH})

    def oauth(self, settings: AccountSettings) -> OAuth:
        assert isinstance(settings, ConsentSettings)
        return OAuth(
            authorise_url=settings.base + "/consent", token_url=settings.base + "/token",
            client_id=settings.client_id, client_secret=settings.client_secret, scopes=("read", "write"),
        )  # fmt: skip


@pytest.fixture
def provider() -> Iterator[Provider]:
    channels().loaded["consenting"] = Consenting()
    found = Provider()
    found.start()
    yield found
    found.stop()
    del channels().loaded["consenting"]


@pytest.fixture
def account(hub: Hub, provider: Provider) -> Account:
    with hub.store.write() as session:
        made = connected.connect(session, hub.secret, "consenting", "theirs", provider.settings_for(provider.url))
    with hub.store.read() as session:
        return session.get_one(Account, made.id)


def settings_of(hub: Hub, account: Account) -> ConsentSettings:
    found = ready(hub, account.id).settings
    assert isinstance(found, ConsentSettings)
    return found


def authorise(hub: Hub, account: Account, provider: Provider) -> None:
    back = provider.say_yes(oauth.page(hub.secret, account, BACK))
    assert oauth.account_of(hub.secret, back["state"]) == account.id
    tokens = oauth.exchange(hub.secret, account, back["state"], back["code"], BACK)
    with hub.store.write() as session:
        oauth.keep(session, hub.secret, session.get_one(Account, account.id), tokens)


def test_a_yes_becomes_tokens_that_nobody_can_read_in_the_database(
    hub: Hub, account: Account, provider: Provider
) -> None:
    authorise(hub, account, provider)

    found = settings_of(hub, account)
    assert (found.access_token, found.refresh_token) == ("a1", "r1")
    assert found.token_expires_at > clock.now() / clock.SECOND + 3000
    with hub.store.read() as session:
        row = session.get_one(Account, account.id)
    assert '"a1"' not in row.settings + row.sealed
    assert connected.shown(row)["access_token"] == "********"


def test_a_token_is_refreshed_before_it_ends_and_the_new_refresh_token_is_kept(
    hub: Hub, account: Account, provider: Provider
) -> None:
    authorise(hub, account, provider)

    with clock.frozen(clock.now() + 59 * clock.MINUTE):
        assert settings_of(hub, account).access_token == "a2"
        assert settings_of(hub, account).access_token == "a2"
    with clock.frozen(clock.now() + 3 * clock.HOUR):
        assert settings_of(hub, account).access_token == "a3"


def test_a_consent_that_was_taken_back_needs_a_person(hub: Hub, account: Account, provider: Provider) -> None:
    authorise(hub, account, provider)
    provider.revoked = True

    with clock.frozen(clock.now() + clock.HOUR), pytest.raises(ChannelError) as refusal:
        ready(hub, account.id)

    assert (refusal.value.code, refusal.value.permanent) == ("not_authorised", True)
    assert "It was taken back" in refusal.value.detail


@pytest.mark.parametrize(
    "fault",
    [
        Fault(told=FakeAnswer(b"<html>", 502)),
        Fault(how="drop"),
        Fault(told=FakeAnswer(b"no json")),
        Fault(told=FakeAnswer({}, 429)),
    ],
)
def test_a_provider_that_stumbles_costs_no_consent(
    hub: Hub, account: Account, provider: Provider, fault: Fault
) -> None:
    authorise(hub, account, provider)
    provider.faults.append(fault)

    with clock.frozen(clock.now() + clock.HOUR):
        with pytest.raises(ChannelError) as trouble:
            ready(hub, account.id)
        assert not trouble.value.permanent
        assert settings_of(hub, account).access_token == "a2"


def test_a_state_is_good_for_its_account_and_a_quarter_of_an_hour(
    hub: Hub, account: Account, provider: Provider
) -> None:
    state = provider.say_yes(oauth.page(hub.secret, account, BACK))["state"]
    parts = state.split(".")

    for forged in ("", "x", "a.b.c.d", ".".join(["0" * 32, *parts[1:]]), state + "x", ".".join([*parts[:3], "ñ"])):
        with pytest.raises(Invalid):
            oauth.account_of(hub.secret, forged)
    with clock.frozen(clock.now() + 16 * clock.MINUTE), pytest.raises(Invalid):
        oauth.account_of(hub.secret, state)


def test_a_channel_that_needs_no_consent_says_so(hub: Hub, account: Account) -> None:
    with hub.store.write() as session:
        made = connected.connect(session, hub.secret, "consenting", "bare", {})
        with pytest.raises(Invalid, match="client_id"):
            oauth.page(hub.secret, session.get_one(Account, made.id), BACK)
