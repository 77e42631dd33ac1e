"""Joining people through the door, taking it back, and what joins them without a human."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient

from kinline import clock
from kinline.identity.proofs import TOKEN, sign_assertion
from kinline_api.app import Application

Door = TestClient[Application]
ANN, BEN = "/v1/people/email:ann@example.org", "/v1/people/email:ben@example.org"
JOIN = {"with": "email:ben@example.org", "reason": "they told us on the telephone"}


@pytest.fixture
def two(door: Door, message: Callable[..., dict[str, Any]]) -> Door:
    """A door behind which Ann and Ben are known."""
    for name in ("ann", "ben"):
        party = {"role": "author", "handle": f"email:{name}@example.org", "standing": "verified"}
        door.post("/v1/interactions", json=message(source_id=name, parties=[party])).raise_for_status()
    return door


def lines(door: Door, path: str) -> int:
    return len(door.get(f"{path}/timeline").json()["entries"])


def test_a_merge_shows_one_timeline_and_its_undoing_two(two: Door) -> None:
    # When Ann and Ben are said to be one
    merged = two.post(f"{ANN}/merge", json=JOIN)

    # Then either name shows both lines, and the log says why
    assert merged.status_code == 201
    assert (lines(two, ANN), lines(two, BEN)) == (2, 2)
    [line] = two.get(f"{BEN}/merges").json()["merges"]
    assert (line["id"], line["evidence"]["reason"], line["undone_at"]) == (merged.json()["id"], JOIN["reason"], None)

    # And when that is undone, each has their own again, once
    assert two.post(f"/v1/merges/{merged.json()['id']}/undo").status_code == 200
    assert (lines(two, ANN), lines(two, BEN)) == (1, 1)
    again = two.post(f"/v1/merges/{merged.json()['id']}/undo")
    assert (again.status_code, again.json()["code"]) == (409, "already_undone")


def test_a_merge_after_somebody_elses_is_refused_with_the_version_that_stands(two: Door) -> None:
    # Given a version of Ann that somebody looked at, and a merge since
    seen = two.get(ANN).headers["etag"]
    two.post(f"{ANN}/merge", json=JOIN)

    # When a merge comes that rests on it
    answer = two.post(f"{ANN}/merge", json=JOIN, headers={"If-Match": seen})

    # Then it is refused, and names the version of now
    assert (answer.status_code, answer.json()["code"]) == (412, "stale_precondition")
    assert answer.json()["current"] == two.get(ANN).headers["etag"]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (f"{ANN}/merge", {"with": "email:ann@example.org", "reason": "x"}, 422, "already_merged"),
        (f"{ANN}/merge", {"with": "email:nobody@example.org", "reason": "x"}, 404, "no_such_person"),
        (f"{ANN}/merge", {"with": "email:ben@example.org"}, 422, "required"),
        (f"{ANN}/not-same", {"with": "email:ann@example.org"}, 422, "same_person"),
        (f"/v1/merges/{'0' * 32}/undo", None, 404, "no_such_merge"),
        ("/v1/merges/x/undo", None, 404, "not_found"),
        (f"{ANN}/proofs", {"handle": "email:ben@example.org"}, 404, "no_such_handle"),
        (f"{ANN}/proofs", {"handle": "pigeon:7"}, 422, "invalid_handle"),
    ],
)
def test_a_merge_of_nobody_or_oneself_is_refused(
    two: Door, path: str, body: dict[str, str] | None, status: int, code: str
) -> None:
    answer = two.post(path, json=body) if body else two.post(path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_what_is_merged_cannot_be_merged_again(two: Door) -> None:
    two.post(f"{ANN}/merge", json=JOIN)

    answer = two.post(f"{ANN}/merge", json=JOIN)

    assert (answer.status_code, answer.json()["code"]) == (409, "already_merged")


def test_two_who_are_kept_apart_stay_apart_until_that_is_withdrawn(two: Door) -> None:
    # Given a decision that they are two
    assert two.post(f"{ANN}/not-same", json={"with": "email:ben@example.org"}).status_code == 204

    # When somebody merges them, before and after it is withdrawn
    before = two.post(f"{ANN}/merge", json=JOIN)
    withdrawn = two.delete(f"{ANN}/not-same", params={"with": "email:ben@example.org"})
    after = two.post(f"{ANN}/merge", json=JOIN)

    # Then only the second works
    assert (before.status_code, before.json()["code"]) == (409, "not_the_same")
    assert (withdrawn.status_code, after.status_code) == (204, 201)


def test_a_proof_is_a_token_for_one_handle(two: Door) -> None:
    answer = two.post(f"{ANN}/proofs", json={"handle": "email:ann@example.org"})

    assert answer.status_code == 201
    assert TOKEN.fullmatch(answer.json()["token"])


def test_a_trusted_source_joins_two_handles_and_a_forger_does_not(two: Door) -> None:
    # Given a shop that is trusted for mail addresses
    trusted = two.post("/v1/trusted-sources", json={"name": "shop", "handle_types": ["email"]})
    body = json.dumps(
        {"at": clock.now() // clock.SECOND, "handles": ["email:ann@example.org", "email:ben@example.org"]}
    ).encode()

    # When an assertion comes unsigned, wrongly signed, and signed
    def claim(signature: bytes | None) -> Any:
        signed = {} if signature is None else {b"Kinline-Signature": signature}
        return two.post("/v1/assertions?source=shop", content=body, headers=signed)

    forged = [claim(each) for each in (None, b"v1=00", b"\xf1")]
    signed = claim(sign_assertion(trusted.json()["secret"], body).encode())

    # Then only the signed one joins them
    assert {(answer.status_code, answer.json()["code"]) for answer in forged} == {(401, "bad_signature")}
    assert (signed.status_code, len(signed.json()["merges"])) == (200, 1)
    assert lines(two, ANN) == 2


def test_a_merge_binds_those_who_were_named_and_not_their_root(
    two: Door, message: Callable[..., dict[str, Any]]
) -> None:
    # Given Ann and Ben said to be one, and then that Cleo is Ben
    party = {"role": "author", "handle": "email:cleo@example.org", "standing": "verified"}
    two.post("/v1/interactions", json=message(source_id="cleo", parties=[party])).raise_for_status()
    first = two.post(f"{ANN}/merge", json=JOIN).json()["id"]
    second = two.post("/v1/people/email:cleo@example.org/merge", json=JOIN).json()["id"]
    assert lines(two, ANN) == 3

    # When the first is undone, Cleo and Ben are one and Ann is alone
    two.post(f"/v1/merges/{first}/undo").raise_for_status()
    assert (lines(two, ANN), lines(two, BEN)) == (1, 2)
    assert two.get(BEN).json()["id"] == two.get("/v1/people/email:cleo@example.org").json()["id"]

    # And when the second is undone too, everybody is who they were
    two.post(f"/v1/merges/{second}/undo").raise_for_status()
    assert (lines(two, ANN), lines(two, BEN)) == (1, 1)


def test_keeping_two_apart_binds_those_who_were_named(two: Door, message: Callable[..., dict[str, Any]]) -> None:
    # Given Ann and Ben joined, and a decision that Cleo is not Ben
    party = {"role": "author", "handle": "email:cleo@example.org", "standing": "verified"}
    two.post("/v1/interactions", json=message(source_id="cleo", parties=[party])).raise_for_status()
    merge = two.post(f"{ANN}/merge", json=JOIN).json()["id"]
    cleo = "/v1/people/email:cleo@example.org"
    assert two.post(f"{cleo}/not-same", json={"with": "email:ben@example.org"}).status_code == 204
    assert two.post(f"{cleo}/merge", json={"with": "email:ann@example.org", "reason": "x"}).status_code == 409

    # When the merge is undone, the decision is about Ben, and Ann may be Cleo
    two.post(f"/v1/merges/{merge}/undo").raise_for_status()
    assert two.post(f"{cleo}/merge", json=JOIN).json()["code"] == "not_the_same"
    assert two.post(f"{cleo}/merge", json={"with": "email:ann@example.org", "reason": "x"}).status_code == 201
