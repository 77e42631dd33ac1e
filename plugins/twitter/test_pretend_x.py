"""The stand-in checks what X checks: who asks, with what, how often, and what may be said."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from kinline import http
from kinline_twitter.pretend import APP_TOKEN, CLIENT, CLIENT_SECRET, PretendX


@pytest.fixture
def x() -> Iterator[PretendX]:
    found = PretendX(peopled=False)
    found.start()
    yield found
    found.stop()


def ask(
    x: PretendX, path: str, token: str | None = None, method: str = "GET", body: Any = None, **query: str
) -> tuple[int, Any, dict[str, str]]:
    headers = {"authorization": f"Bearer {x.settings['access_token'] if token is None else token}"}
    content = None if body is None else json.dumps(body).encode()
    headers |= {"content-type": "application/json"} if content is not None else {}
    url = f"{x.url}{path}" + (f"?{urlencode(query)}" if query else "")
    answer = http.call(method, url, headers=headers, content=content, trusted=True)
    return answer.status, json.loads(answer.body or b"null"), answer.headers


def test_it_wants_a_token_of_the_right_kind_with_the_right_scopes(x: PretendX) -> None:
    few, _ = x.consents.give(x.us, frozenset(("tweet.read", "users.read")))

    assert ask(x, "/2/users/me", token="wrong")[0] == 401
    assert ask(x, "/2/users/me", token=APP_TOKEN)[1]["type"].endswith("unsupported-authentication")
    assert ask(x, "/2/users/me", token=few)[0] == 200
    assert ask(x, "/2/dm_events", token=few)[0] == 403
    assert ask(x, "/2/tweets/search/stream/rules")[0] == 403
    assert ask(x, "/2/tweets/search/stream/rules", token=APP_TOKEN)[0] == 200


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/2/users/2244001100/mentions", {"max_results": "4"}),
        ("/2/users/2244001100/mentions", {"max_results": "101"}),
        ("/2/users/2244001100/mentions", {"since_id": "x"}),
        ("/2/users/2244001100/mentions", {"start_time": "yesterday"}),
        ("/2/users/2244001100/mentions", {"pagination_token": "never given"}),
        ("/2/users/2244001100/mentions", {"tweet.fields": "author_id,secrets"}),
        ("/2/users/2244001100/mentions", {"colour": "blue"}),
        ("/2/tweets", {"ids": ",".join(str(n) for n in range(1, 102))}),
        ("/2/tweets/search/recent", {"query": "x" * 513}),
        ("/2/tweets/search/recent", {"query": "conversation_id:1", "since_id": "1"}),
        ("/2/tweets/search/recent", {"query": "conversation_id:1", "max_results": "9"}),
    ],
)
def test_it_refuses_parameters_that_x_refuses(x: PretendX, path: str, query: dict[str, str]) -> None:
    status, told, _ = ask(x, path, **query)

    assert (status, told["title"]) == (400, "Invalid Request")


def test_it_gives_only_the_fields_that_were_asked_for_newest_first_page_by_page(x: PretendX) -> None:
    for number in range(12):
        x.world.post(x.ann, f"{number}, @exampleroasters")
    path = f"/2/users/{x.us}/mentions"

    _, first, _ = ask(x, path, max_results="5")
    _, second, _ = ask(x, path, max_results="5", pagination_token=first["meta"]["next_token"])
    _, third, _ = ask(x, path, max_results="5", pagination_token=second["meta"]["next_token"])

    texts = [one["text"] for page in (first, second, third) for one in page["data"]]
    assert texts == [f"{number}, @exampleroasters" for number in reversed(range(12))]
    assert set(first["data"][0]) == {"id", "text", "edit_history_tweet_ids"}
    assert "next_token" not in third["meta"]
    assert ask(x, path, since_id=third["data"][0]["id"])[1]["meta"]["result_count"] == 10


def test_it_counts_calls_and_stops_at_the_limit(x: PretendX) -> None:
    left = [ask(x, "/2/dm_events")[2]["x-rate-limit-remaining"] for _ in range(15)]
    status, told, headers = ask(x, "/2/dm_events")

    assert (left[0], left[-1]) == ("14", "0")
    assert (status, told["title"]) == (429, "Too Many Requests")
    assert int(headers["x-rate-limit-reset"]) > 0


def test_it_refuses_what_x_does_not_let_us_say(x: PretendX) -> None:
    asked = x.world.post(x.ann, "Hello, @exampleroasters")
    unasked = x.world.post(x.ann, "Nice weather")

    def say(text: str, to: str = "", **more: Any) -> tuple[int, str]:
        body = {"text": text, **({"reply": {"in_reply_to_tweet_id": to}} if to else {}), **more}
        status, told, _ = ask(x, "/2/tweets", method="POST", body=body)
        return status, told.get("detail", "")

    assert say("Hello Ann", asked)[0] == 201
    assert "duplicate" in say("Hello Ann", asked)[1]
    assert say("Hello Ann", unasked)[0] == 403
    assert say("x" * 281)[0] == 403
    assert say("コ" * 141)[0] == 403
    assert say("$AAA or $BBB")[0] == 403
    assert say("")[0] == 400
    assert say("Hello", colour="blue")[0] == 400
    x.world.delete(asked)
    assert say("Still there?", asked)[0] == 403
    assert len([one for one in x.world.posts.values() if one["author_id"] == x.us]) == 1


def test_messages_reach_people_who_take_them(x: PretendX) -> None:
    path = f"/2/dm_conversations/with/{x.ben}/messages"
    status, told, _ = ask(x, path, method="POST", body={"text": "Hello Ben"})
    x.writes.closed.add(x.ben)

    assert (status, told["data"]["dm_conversation_id"]) == (201, f"{x.us}-{x.ben}")
    assert ask(x, path, method="POST", body={"text": "Hello again"})[0] == 403
    assert ask(x, path, method="POST", body={"text": ""})[0] == 400


def test_what_is_gone_is_a_partial_error_and_only_our_own_may_go(x: PretendX) -> None:
    hers, ours = x.world.post(x.ann, "Hers"), x.world.post(x.us, "Ours")

    assert ask(x, f"/2/tweets/{hers}", method="DELETE")[0] == 403
    assert ask(x, f"/2/tweets/{ours}", method="DELETE")[1] == {"data": {"deleted": True}}
    _, told, _ = ask(x, "/2/tweets", ids=f"{hers},{ours}")
    assert [one["id"] for one in told["data"]] == [hers]
    [error] = told["errors"]
    assert (error["resource_id"], error["type"].rpartition("/")[2]) == (ours, "resource-not-found")


def test_consent_is_by_pkce_and_a_refresh_token_holds_once(x: PretendX) -> None:
    # Given somebody who says yes
    verifier, back = "a verifier", "https://hub.example/back"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"response_type": "code", "client_id": CLIENT, "redirect_uri": back, "state": "s", "scope": "tweet.read offline.access",
             "code_challenge": challenge, "code_challenge_method": "S256"}  # fmt: skip
    said_yes = http.call("GET", f"{x.url}/i/oauth2/authorize?{urlencode(asked)}", trusted=True)
    answer = parse_qs(urlsplit(said_yes.headers["location"]).query)
    assert answer["state"] == ["s"]

    def token(secret: str = CLIENT_SECRET, **form: str) -> tuple[int, Any]:
        pair = base64.b64encode(f"{CLIENT}:{secret}".encode()).decode()
        told = http.call("POST", f"{x.url}/2/oauth2/token", headers={"authorization": f"Basic {pair}"},
                         content=urlencode(form).encode(), trusted=True)  # fmt: skip
        return told.status, json.loads(told.body)

    # Then the code is worth tokens once, to the app and with the verifier only
    form = {"grant_type": "authorization_code", "code": answer["code"][0], "redirect_uri": back}
    assert token(secret="wrong", **form, code_verifier=verifier)[0] == 401
    status, told = token(**form, code_verifier=verifier)
    assert (status, told["expires_in"]) == (200, 7200)
    assert token(**form, code_verifier=verifier)[0] == 400

    # And the refresh token gives new ones, once
    assert token(grant_type="refresh_token", refresh_token=told["refresh_token"])[0] == 200
    assert token(grant_type="refresh_token", refresh_token=told["refresh_token"])[0] == 400


def test_somebody_who_tries_it_can_speak_as_anybody(x: PretendX) -> None:
    http.call("POST", f"{x.url}/pretend/say", content=b'{"as": "cleo", "text": "Hi @exampleroasters"}', trusted=True)
    http.call(
        "POST", f"{x.url}/pretend/say", content=b'{"as": "cleo", "to": "exampleroasters", "text": "Psst"}', trusted=True
    )

    assert [one["text"] for one in x.world.mentioning(x.us)] == ["Hi @exampleroasters"]
    assert x.world.messages[0]["text"] == "Psst"


def test_a_webhook_is_registered_only_where_the_challenge_is_answered(x: PretendX) -> None:
    status, told, _ = ask(x, "/2/webhooks", token=APP_TOKEN, method="POST", body={"url": "http://127.0.0.1:9/nobody"})
    assert (status, told["title"]) == (400, "CrcValidationFailed")
    status, told, _ = ask(x, "/2/webhooks", token=APP_TOKEN, method="POST", body={"url": "http://hub.example/x"})
    assert (status, told["title"]) == (400, "UrlValidationFailed")
