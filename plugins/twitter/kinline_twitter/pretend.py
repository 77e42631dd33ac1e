"""A stand-in for X: the API v2 of one app and one account of ours, on this machine.

Written from docs.x.com (August 2026). It answers reads and writes, keeps count of rate limits, refuses what X refuses,
streams what its rules match, and calls webhooks. `World` says what people do there; a test moves its people.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from kinline.pretend import FakeAnswer, FakeCall, PretendServer, Route
from kinline_twitter import pretend_rules as rules
from kinline_twitter.fields import Json
from kinline_twitter.pretend_hooks import Hooks
from kinline_twitter.pretend_oauth import Consents
from kinline_twitter.pretend_pages import Pages
from kinline_twitter.pretend_stream import Streams
from kinline_twitter.pretend_world import World, moment
from kinline_twitter.pretend_writes import Writes

US, ANN, BEN = "2244001100", "3001001001", "3001001002"
CLIENT, CLIENT_SECRET = "pretended-client", "pretended client secret"
CONSUMER_SECRET, APP_TOKEN = "pretended consumer secret", "pretended-app-token"


class PretendX(PretendServer):
    """``world`` is who is there; ``consents``, ``limiter``, ``hooks`` and ``streams`` are for tests to turn at."""

    def __init__(self, *, peopled: bool = True) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {}  #: what `start` gave
        self.world = World()
        self.limiter = rules.Limiter()
        self.consents = Consents(CLIENT, CLIENT_SECRET)
        self.hooks, self.streams = Hooks(self.world, CONSUMER_SECRET), Streams(self.world)
        self.pages, self.writes = Pages(self.world), Writes(self.world)
        self.world.happened = self._happened
        self.us = self.world.person("exampleroasters", "Example Roasters", US)
        self.ann = self.world.person("ann_example", "Ann Archer", ANN)
        self.ben = self.world.person("ben_example", "Ben Baker", BEN)
        if peopled:
            self._people()

    def _people(self) -> None:
        """Something to see: a past, a mention and a message of a few minutes ago."""
        opened = self.world.post(self.us, "We open at nine from Monday on.", ago=86_400 * 20)
        self.world.post(self.ben, "Good to know!", answers=opened, ago=86_400 * 19)
        self.world.post(self.ann, "Which grind for a moka pot, @exampleroasters?", ago=600)
        self.world.message(self.ben, self.us, "Where is my parcel?", ago=300)

    def settings_for(self, url: str) -> dict[str, Any]:
        access, refresh = self.consents.give(self.us)
        self.settings = {
            "user_id": self.us, "api_base": url, "site": url, "client_id": CLIENT, "client_secret": CLIENT_SECRET,
            "consumer_secret": CONSUMER_SECRET, "bearer_token": APP_TOKEN, "access_token": access,
            "refresh_token": refresh, "token_expires_at": int(self.world.now()) + 7200, "poll_every": 2,
        }  # fmt: skip
        return self.settings

    def routes(self) -> Sequence[Route]:
        of_x = [(one.method, one.path, self._guarded(one)) for one in rules.ENDPOINTS]
        return [
            *of_x,
            ("GET", "/i/oauth2/authorize", lambda asked: self.consents.authorise(asked, self.us)),
            ("POST", "/2/oauth2/token", self.consents.token),
            ("POST", "/2/oauth2/revoke", self.consents.revoke),
            ("POST", "/pretend/say", self.say),
        ]

    def stop(self) -> None:
        self.streams.end()
        super().stop()

    def say(self, asked: FakeCall) -> FakeAnswer:
        """For people who try it: ``{"as": "ann_example", "text": …, "answers": …}``, or ``"to"`` for a message."""
        told = asked.json()
        who = self.world.named(told["as"]) or self.world.person(told["as"], told["as"])
        if "to" in told:
            return FakeAnswer(self.world.message(who, self.world.named(told["to"]), told["text"]), 201)
        return FakeAnswer({"id": self.world.post(who, told["text"], answers=told.get("answers", ""))}, 201)

    def _guarded(self, endpoint: rules.Endpoint) -> Callable[[FakeCall], FakeAnswer]:
        """Who asks, how often, with what; then the answer, with the limits in its head."""

        def act(asked: FakeCall) -> FakeAnswer:
            token = asked.headers.get("authorization", "").removeprefix("Bearer ")
            refused = rules.authenticated(asked, endpoint, self.consents.scopes_of(token), token == APP_TOKEN)
            if refused:
                return refused
            headers, may = self.limiter.count(endpoint, token)
            told = self._answered(endpoint, asked, token) if may else rules.too_many()
            return msgspec.structs.replace(told, headers={**headers, **told.headers})

        return act

    def _answered(self, endpoint: rules.Endpoint, asked: FakeCall, token: str) -> FakeAnswer:
        if wrong := rules.wrong_parameter(endpoint, asked.query):
            return wrong
        sides = (self.pages, self.writes, self.hooks, self.streams)
        side = next(one for one in sides if hasattr(one, endpoint.answer))
        told: FakeAnswer = getattr(side, endpoint.answer)(asked, self.consents.user_of(token))
        return told

    def _happened(self, what: str, thing: Json) -> None:
        self.streams.happened(what, thing)
        self.hooks.happened(what, thing)


__all__ = ["APP_TOKEN", "CONSUMER_SECRET", "PretendX", "moment"]
