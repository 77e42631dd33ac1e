"""The stand-in's webhooks: registering with a challenge, and deliveries that X signs over the raw bytes.

docs.x.com, "V2 Webhooks API" and "X Activity API": a CRC on registration and on ``PUT``; events of the accounts that are
subscribed; the same event twice, and out of order, are to be expected.
"""

import base64
import hashlib
import hmac
import json
import secrets
from urllib.parse import quote

from kinline import http
from kinline.errors import ChannelError
from kinline.pretend import FakeAnswer, FakeCall
from kinline_twitter import pretend_rules as rules
from kinline_twitter.fields import Json
from kinline_twitter.pretend_world import World, moment

SIGNATURE = "x-twitter-webhooks-signature"
#: What people do, and which events of the X Activity API tell of it.
EVENTS = {"delete": "post.delete", "like": "like.create", "follow": "follow.follow", "unfollow": "follow.unfollow"}


class Hooks:
    """``pending`` holds what was not delivered yet: `deliver` sends it, in an order and as often as a test wants."""

    def __init__(self, world: World, secret: str) -> None:
        self._world, self._secret = world, secret
        self.hooks: dict[str, Json] = {}
        self.subscribed: list[Json] = []
        self.pending: list[bytes] = []

    def signed(self, content: bytes) -> str:
        digest = hmac.digest(self._secret.encode(), content, hashlib.sha256)
        return "sha256=" + base64.b64encode(digest).decode()

    def list_webhooks(self, asked: FakeCall, user: str) -> FakeAnswer:
        return FakeAnswer({"data": list(self.hooks.values()), "meta": {"result_count": len(self.hooks)}})

    def add_webhook(self, asked: FakeCall, user: str) -> FakeAnswer:
        url = str(asked.json().get("url", ""))
        if not url.startswith(("https://", "http://127.0.0.1")):  # X itself takes https only; we are on loopback
            return _failed("UrlValidationFailed", "The url must be https.")
        if any(one["url"] == url for one in self.hooks.values()):
            return _failed("DuplicateUrlFailed", "This url is registered.")
        if not self.challenged(url):
            return _failed("CrcValidationFailed", "The url did not answer the challenge correctly.")
        id = self._world.new_id()
        self.hooks[id] = {"id": id, "url": url, "valid": True, "created_at": moment(id)}
        return FakeAnswer({"data": self.hooks[id]})

    def check_webhook(self, asked: FakeCall, user: str) -> FakeAnswer:
        found = self.hooks.get(asked.groups[0])
        if found is None:
            return _failed("WebhookIdInvalid", "There is no such webhook.")
        found["valid"] = self.challenged(found["url"])
        return FakeAnswer({"data": {"valid": found["valid"]}})

    def remove_webhook(self, asked: FakeCall, user: str) -> FakeAnswer:
        gone = self.hooks.pop(asked.groups[0], None)
        return (
            FakeAnswer({"data": {"deleted": True}})
            if gone
            else _failed("WebhookIdInvalid", "There is no such webhook.")
        )

    def subscribe(self, asked: FakeCall, user: str) -> FakeAnswer:
        made = {"subscription_id": self._world.new_id(), **asked.json()}
        self.subscribed.append(made)
        return FakeAnswer({"data": {"subscription": made}, "meta": {"total_subscriptions": len(self.subscribed)}})

    def subscriptions(self, asked: FakeCall, user: str) -> FakeAnswer:
        return FakeAnswer({"data": self.subscribed, "meta": {"total_subscriptions": len(self.subscribed)}})

    def challenged(self, url: str) -> bool:
        token = secrets.token_urlsafe(24)
        try:
            answer = http.call("GET", f"{url}?crc_token={quote(token)}", deadline=3.0, trusted=True)
            told = json.loads(answer.body).get("response_token") if answer.ok else ""
        except (ChannelError, ValueError, AttributeError):
            return False
        return bool(told == self.signed(token.encode()))

    def happened(self, what: str, thing: Json) -> None:
        for user, event, payload in self._told(what, thing):
            self.pending.append(self.envelope(user, event, payload))

    def _told(self, what: str, thing: Json) -> list[tuple[str, str, Json]]:
        if what == "post":
            named = [(who, "post.mention.create", thing) for who in self._world.named_in(thing) - {thing["author_id"]}]
            return [*named, (thing["author_id"], "post.create", thing)]
        if what == "message":
            payload = self._message(thing)
            return [(thing["to"], "dm.received", payload), (thing["sender_id"], "dm.sent", payload)]
        if what == "delete":
            return [(thing["author_id"], "post.delete", {"id": thing["id"], "author_id": thing["author_id"]})]
        if what == "like":
            post, id = thing["post"], secrets.token_hex(16)
            payload = {"id": id, "liked_tweet_id": post["id"], "liked_tweet_author_id": post["author_id"],
                       "timestamp_ms": str(int(self._world.now() * 1000))}  # fmt: skip
            return [(thing["who"], "like.create", payload)]
        sides = {"source": {"data": self._user(thing["who"])}, "target": {"data": self._user(thing["whom"])}}
        return [(thing["who"], EVENTS[what], sides)]

    def _message(self, event: Json) -> Json:
        ends = (event["sender_id"], event["to"])
        create = {"target": {"recipient_id": event["to"]}, "sender_id": event["sender_id"],
                  "message_data": {"text": event["text"]}}  # fmt: skip
        at = str((int(event["id"]) >> 22) + 1_288_834_974_657)
        return {
            "direct_message_events": [
                {"type": "message_create", "id": event["id"], "created_timestamp": at, "message_create": create}
            ],
            "users": {id: {"data": self._user(id)} for id in ends},
        }

    def _user(self, id: str) -> Json:
        return {key: self._world.users[id][key] for key in ("id", "name", "username")}

    def envelope(self, user: str, event: str, payload: Json) -> bytes:
        """One event as the X Activity API sends it."""
        people = {str(payload.get("author_id", user)), user}
        includes = {"users": [self._user(id) for id in sorted(people) if id in self._world.users]}
        data = {
            "event_uuid": self._world.new_id(), "filter": {"user_id": user}, "event_type": event, "tag": "kinline",
            "payload": payload, "includes": includes,
        }  # fmt: skip
        return json.dumps({"data": data}).encode()

    def deliver(self, url: str, bodies: list[bytes]) -> list[int]:
        """Call the webhook with each body, signed. Gives what it answered."""
        headers = {"content-type": "application/json"}
        return [
            http.call("POST", url, content=body, headers={**headers, SIGNATURE: self.signed(body)}, trusted=True).status
            for body in bodies
        ]


def _failed(reason: str, detail: str) -> FakeAnswer:
    return rules.problem(400, reason, detail, f"{rules.PROBLEMS}invalid-request")
