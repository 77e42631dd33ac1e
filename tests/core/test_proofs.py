"""What joins persons without a human, and what does not."""

import msgspec
import pytest

from kinline import clock, handlers
from kinline.accounts.connected import AccountRef
from kinline.clock import HOUR, MINUTE, SECOND
from kinline.errors import Conflict, Invalid, KinlineError, NotFound, Unauthorized
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import merges, persons, proofs
from kinline.record.batch import record_batch
from kinline.secret import Secret
from kinline.store import sql
from kinline.store.models import Account
from kinline.testing.factories import ANN, BEN, CLEO, InteractionFactory, RecordingFactory
from kinline.testing.laws import people_are_whole, timelines
from kinline.words import HandleType, Origin

INBOX = AccountRef("1" * 32, "email", "", "inbox")
NOW = 1_772_442_000 * SECOND
ANN_ON_X = Handle(HandleType.X_ID, "200")
ANNS_BLOG = Handle(HandleType.URL, "https://ann.example/blog")


@pytest.fixture(autouse=True)
def everybody_wrote_once(hub: Hub) -> None:
    with hub.store.write() as session, clock.frozen(NOW):
        session.add(Account(id=INBOX.id, channel="email", name="inbox", created_at=NOW))
        session.flush()
        said = [InteractionFactory.build(author=who) for who in (ANN, BEN, CLEO, ANN_ON_X, ANNS_BLOG)]
        record_batch(session, [RecordingFactory.build(account=INBOX, what=what) for what in said])


def token_for(hub: Hub, who: Handle) -> str:
    with hub.store.write() as session, clock.frozen(NOW):
        return proofs.issue(session, hub.secret, who)


def writes(hub: Hub, who: Handle, text: str, *, at: int = NOW + MINUTE, claimed: bool = False, **more: object) -> None:
    """Somebody writes a text to us, and the workers do what follows from it."""
    what = InteractionFactory.build(author=who, text=text, claimed=claimed)
    with clock.frozen(at):
        with hub.store.write() as session:
            record_batch(session, [RecordingFactory.build(account=INBOX, what=what, arrived_at=at, **more)])
        handlers.drain(hub)


def joined(hub: Hub, *who: Handle) -> bool:
    people_are_whole(hub.store)
    with hub.store.read() as session:
        return len({persons.of_identity(session, each.id) for each in who}) == 1


def test_a_one_time_link_that_comes_back_over_the_other_channel_joins(hub: Hub) -> None:
    # Given that we gave Ann's mailbox a token
    token = token_for(hub, ANN)

    # When it comes back, verified, from an X account
    writes(hub, ANN_ON_X, f"here it is: {token} ok?")

    # Then they are one person, and the log says why
    assert joined(hub, ANN, ANN_ON_X)
    with hub.store.read() as session:
        [line] = merges.history(session, persons.find(session, "ann@example.org"))
    assert line["evidence"]["proof"] == "one-time link"
    assert line["made_by"] == "proof"


def test_a_claimed_line_proves_nothing(hub: Hub) -> None:
    writes(hub, ANN_ON_X, token_for(hub, ANN), claimed=True)

    assert not joined(hub, ANN, ANN_ON_X)


def test_a_link_works_once(hub: Hub) -> None:
    # Given a token that came back
    token = token_for(hub, ANN)
    writes(hub, ANN_ON_X, token)

    # When somebody else sends it too
    writes(hub, BEN, token)

    # Then they join nobody
    assert joined(hub, ANN, ANN_ON_X)
    assert not joined(hub, ANN, BEN)


def test_a_link_expires_whatever_date_a_mail_claims(hub: Hub) -> None:
    # Given a token that is 73 hours old
    token = token_for(hub, ANN)

    # When it comes back in a text that claims to be from the morning it was given (as the factory's do)
    writes(hub, ANN_ON_X, token, at=NOW + 73 * HOUR)

    # Then it is too late
    assert not joined(hub, ANN, ANN_ON_X)


def test_a_forged_link_proves_nothing(hub: Hub) -> None:
    token = token_for(hub, ANN)
    forged = token[:-1] + ("a" if token[-1] != "a" else "b")
    writes(hub, ANN_ON_X, forged)
    other = Secret("another secret, of another hub")
    with hub.store.write() as session:
        writes_of_another_hub = proofs.issue(session, other, ANN)
    writes(hub, ANN_ON_X, writes_of_another_hub)
    writes(hub, ANN_ON_X, "kl1_" + "a" * 26 + "_" + "a" * 26)

    assert not joined(hub, ANN, ANN_ON_X)


def test_a_link_that_comes_back_over_its_own_channel_proves_nothing_and_is_not_used_up(hub: Hub) -> None:
    # Given that Ann's mail program quotes our mail in her answer
    token = token_for(hub, ANN)
    writes(hub, ANN, f"> {token}")

    # When it comes back over the other channel after all
    writes(hub, ANN_ON_X, token)
    assert joined(hub, ANN, ANN_ON_X)


def test_an_imported_text_proves_nothing(hub: Hub) -> None:
    writes(hub, ANN_ON_X, token_for(hub, ANN), origin=Origin.IMPORT)

    assert not joined(hub, ANN, ANN_ON_X)


def test_a_link_does_not_overrule_a_human(hub: Hub) -> None:
    # Given that somebody decided that Ann and Ben are two
    with hub.store.write() as session:
        one, other = persons.find(session, str(ANN)), persons.find(session, str(BEN))
        merges.keep_apart(session, one, other, made_by="Cleo")

    # When a token says otherwise
    writes(hub, BEN, token_for(hub, ANN))

    # Then they stay two, and no job is left trying
    assert not joined(hub, ANN, BEN)
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM job WHERE actor = 'proof.check'") == [(0,)]


def test_what_a_proof_joined_stays_joined_when_a_guess_is_undone(hub: Hub) -> None:
    # Given that somebody joined Ann's mail and her X account by guessing, and a proof her X account and her blog
    with hub.store.write() as session:
        one, other = (persons.find(session, str(who)) for who in (ANN, ANN_ON_X))
        guess = merges.merge(session, one, other, evidence={"why": "same picture"}, made_by="Cleo").id
    writes(hub, ANNS_BLOG, token_for(hub, ANN_ON_X))
    assert joined(hub, ANN, ANN_ON_X, ANNS_BLOG)

    # When the guess is undone
    with hub.store.write() as session:
        merges.undo(session, guess, made_by="Cleo")

    # Then the proof holds, and it was about those two
    assert joined(hub, ANN_ON_X, ANNS_BLOG)
    assert not joined(hub, ANN, ANN_ON_X)


def test_a_token_is_for_somebody_known(hub: Hub) -> None:
    with hub.store.write() as session, pytest.raises(NotFound):
        proofs.issue(session, hub.secret, Handle(HandleType.EMAIL, "stranger@example.org"))


def asserted(
    hub: Hub, shared: str, *who: str, at: int = NOW, signature: str | None = None, by: str = "login"
) -> list[str]:
    body = msgspec.json.encode({"at": at // SECOND, "handles": who})
    with hub.store.write() as session, clock.frozen(NOW):
        return proofs.assert_same(session, hub.secret, by, body, signature or proofs.sign_assertion(shared, body))


@pytest.fixture
def shared(hub: Hub) -> str:
    """The secret of a login that the operator trusts with mail addresses and its own ids."""
    with hub.store.write() as session:
        return proofs.trust(session, hub.secret, "login", ("email", "external"))[1]


def test_a_trusted_source_joins_what_it_is_trusted_with(hub: Hub, shared: str) -> None:
    # When the login says that Ann's and Ben's addresses are one account's
    made = asserted(hub, shared, str(ANN), str(BEN), "external:login/7")

    # Then they are one, also with an id not seen before; and saying it again joins nobody anew
    assert len(made) == 2
    assert joined(hub, ANN, BEN, Handle(HandleType.EXTERNAL, "7", "login"))
    assert asserted(hub, shared, str(BEN), str(ANN)) == []


@pytest.mark.parametrize(
    ("handles", "code"),
    [
        ((str(ANN), str(CLEO)), "not_trusted_for_type"),
        ((str(ANN), "x_handle:ann"), "not_trusted_for_type"),
        ((str(ANN), "email:noreply@example.org"), "blocked_handle"),
        ((str(ANN), "external:login/null"), "blocked_handle"),
        ((str(ANN),), "invalid_assertion"),
        ((str(ANN), "nonsense"), "invalid_handle"),
    ],
)
def test_a_trusted_source_does_not_join(hub: Hub, shared: str, handles: tuple[str, ...], code: str) -> None:
    before = timelines(hub.store)
    with pytest.raises(Invalid) as refused:
        asserted(hub, shared, *handles)

    assert refused.value.code == code
    assert timelines(hub.store) == before


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"at": NOW - 6 * MINUTE}, "stale_timestamp"),
        ({"at": NOW + 6 * MINUTE}, "stale_timestamp"),
        ({"signature": "v1=" + "0" * 64}, "bad_signature"),
        ({"signature": "é"}, "bad_signature"),
        ({"by": "nobody"}, "bad_signature"),
    ],
)
def test_who_did_not_sign_now_is_not_believed(hub: Hub, shared: str, more: dict[str, object], code: str) -> None:
    with pytest.raises(Unauthorized) as refused:
        asserted(hub, shared, str(ANN), str(BEN), **more)  # type: ignore[arg-type]

    assert refused.value.code == code
    assert not joined(hub, ANN, BEN)


def test_an_unknown_source_cannot_sign_with_no_secret(hub: Hub) -> None:
    body = msgspec.json.encode({"at": NOW // SECOND, "handles": [str(ANN), str(BEN)]})
    with hub.store.write() as session, clock.frozen(NOW), pytest.raises(Unauthorized):
        proofs.assert_same(session, hub.secret, "nobody", body, proofs.sign_assertion("", body))


@pytest.mark.parametrize("body", [b"", b"[]", b'{"at": 1}', b'{"at": "now", "handles": []}', b"\xff", b"[" * 20_000])
def test_a_body_that_is_no_assertion_is_refused_in_our_words(hub: Hub, shared: str, body: bytes) -> None:
    with hub.store.write() as session, pytest.raises(KinlineError) as refused:
        proofs.assert_same(session, hub.secret, "login", body, proofs.sign_assertion(shared, body))

    assert refused.value.code == "invalid_assertion"


def test_a_source_does_not_overrule_a_human(hub: Hub, shared: str) -> None:
    with hub.store.write() as session:
        one, other = persons.find(session, str(ANN)), persons.find(session, str(BEN))
        merges.keep_apart(session, one, other, made_by="Cleo")

    with pytest.raises(Conflict) as refused:
        asserted(hub, shared, str(ANN), str(BEN))
    assert refused.value.code == "not_the_same"
