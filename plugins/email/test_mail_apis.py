"""Mailboxes behind an API: Microsoft Graph and Gmail, at their stand-ins; and consent, as core asks for it."""

import io
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from kinline import ChannelError, Fetched, Handle, HandleType, Interaction, Item, OutcomeUnknown, Outgoing, http
from kinline.accounts import connected, oauth
from kinline.hub import Hub
from kinline.live.health import health
from kinline.live.keeping import Keeper
from kinline.pretend import FakeAnswer, Fault, until
from kinline.store import sql
from kinline.store.models import AccountLive
from kinline_email import EmailChannel
from kinline_email.inbound import OURS_UNPROVED
from kinline_email.mail_api import ApiMailbox
from kinline_email.pretend_gmail import PretendGmail
from kinline_email.pretend_graph import PretendGraph
from kinline_email.settings import EmailSettings

Pretended = PretendGraph | PretendGmail


@pytest.fixture(params=[PretendGraph, PretendGmail])
def provider(request: pytest.FixtureRequest) -> Iterator[Pretended]:
    found: Pretended = request.param()
    found.start()
    yield found
    found.stop()


def settings_for(provider: Pretended) -> EmailSettings:
    return msgspec.convert(provider.settings_for(provider.url), EmailSettings)


@pytest.fixture
def mine(provider: Pretended) -> EmailSettings:
    return settings_for(provider)


@pytest.fixture
def box(mine: EmailSettings) -> Iterator[ApiMailbox]:
    with EmailChannel().connect(mine) as connection:
        assert isinstance(connection, ApiMailbox)
        yield connection


def mail(number: int, sender: str = "ann@people.example") -> bytes:
    return (
        f"From: {sender}\r\nTo: help@shop.example\r\nSubject: Mail {number}\r\nMessage-ID: <{number}@people.example>\r\n"
        f"Date: Fri, 20 Nov 2026 10:00:00 +0000\r\n\r\nThis is mail {number}.\r\n"
    ).encode()


def read(pieces: Iterator[Fetched], mine: EmailSettings) -> list[Interaction]:
    found = []
    for piece in pieces:
        for item in EmailChannel().parse(io.BytesIO(piece.body), piece.source, mine) if piece.body else ():
            assert isinstance(item, Item)
            first = EmailChannel().normalise(item, mine)[0]
            assert isinstance(first, Interaction)
            found.append(first)
    return found


def subjects(pieces: Iterator[Fetched], mine: EmailSettings) -> list[str]:
    return [each.subject for each in read(pieces, mine)]


def last_cursor(pieces: Iterator[Fetched]) -> str:
    return [piece.cursor for piece in pieces if piece.cursor][-1]


LONG_AGO = 1_700_000_000.0


def test_what_comes_after_connecting_comes_once_and_the_past_when_asked_for(
    provider: Pretended, box: ApiMailbox, mine: EmailSettings
) -> None:
    # Given five mails from long ago
    for number in range(1, 6):
        provider.add(mail(number), at=LONG_AGO + number)
    start = last_cursor(box.fetch(""))

    # When some come, one of them a draft
    for number in range(6, 11):
        provider.add(mail(number), draft=number == 8)
    assert subjects(box.fetch(start), mine) == ["Mail 6", "Mail 7", "Mail 9", "Mail 10"]

    # Then the next look brings only what came after it
    cursor = last_cursor(box.fetch(start))
    assert subjects(box.fetch(cursor), mine) == []
    provider.add(mail(11))
    assert subjects(box.fetch(cursor), mine) == ["Mail 11"]

    # And the past has all of them, in pieces that can be gone on from
    assert sorted(subjects(box.history(""), mine)) == sorted(f"Mail {n}" for n in range(1, 12) if n != 8)
    first = next(piece.cursor for piece in box.history("") if piece.cursor)
    assert 0 < len(subjects(box.history(first), mine)) < 10
    assert subjects(box.history(last_cursor(box.history(""))), mine) == []
    assert box.estimate().items == 11


def test_what_was_sent_from_elsewhere_is_ours(provider: Pretended, box: ApiMailbox, mine: EmailSettings) -> None:
    start = last_cursor(box.fetch(""))
    provider.add(mail(1, sender="help@shop.example"), sent=True)
    provider.add(mail(2, sender="help@shop.example"))

    sent, received = sorted(read(box.fetch(start), mine), key=lambda each: each.subject)

    assert (OURS_UNPROVED in sent.flags, OURS_UNPROVED in received.flags) == (False, True)


def test_a_place_that_the_provider_forgot_loses_nothing(
    provider: Pretended, box: ApiMailbox, mine: EmailSettings
) -> None:
    # Given a mail from before connecting, and two after, one of which was read
    provider.add(mail(1), at=LONG_AGO)
    start = last_cursor(box.fetch(""))
    provider.add(mail(2))
    cursor = last_cursor(box.fetch(start))
    provider.add(mail(3))

    # When the provider forgets where we were
    if isinstance(provider, PretendGraph):
        provider.forget()
    else:
        provider.forgotten = 3
    again = subjects(box.fetch(cursor), mine)

    # Then all since connecting come again, and the next look is as always
    assert again == ["Mail 2", "Mail 3"]
    if isinstance(provider, PretendGmail):
        provider.forgotten = 0
        cursor = last_cursor(box.fetch(cursor))
        assert subjects(box.fetch(cursor), mine) == []


def test_the_newest_are_named_as_they_are_recorded(provider: Pretended, box: ApiMailbox, mine: EmailSettings) -> None:
    provider.add(mail(1), at=LONG_AGO)
    start = last_cursor(box.fetch(""))
    provider.add(mail(2))
    recorded = [each.source_id for each in read(box.fetch(start), mine)]

    assert box.recent(20) == recorded
    assert "help@shop.example" in box.about()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (FakeAnswer({"error": {"message": "Slowly"}}, 429, {"retry-after": "7"}), (False, 7.0, "rate_limited")),
        (FakeAnswer({"error": {"message": "Slowly"}}, 503), (False, 30.0, "rate_limited")),
        (FakeAnswer({"error": {"message": "No"}}, 401), (True, None, "not_authorised")),
        (FakeAnswer({"error": {"message": "No"}}, 403), (True, None, "provider_refused")),
        (FakeAnswer(b"<html>", 500), (False, None, "provider_refused")),
        (FakeAnswer(b"<html>", 200), (False, None, "no_answer")),
    ],
)
def test_what_a_refusal_means(
    provider: Pretended, box: ApiMailbox, told: FakeAnswer, expected: tuple[bool, float | None, str]
) -> None:
    provider.faults.append(Fault(told))

    with pytest.raises(ChannelError) as refused:
        box.about()

    assert (refused.value.permanent, refused.value.retry_after, refused.value.code) == expected


def test_google_words_a_rate_limit_as_forbidden() -> None:
    from kinline_email.pretend_gmail import error

    provider = PretendGmail()
    provider.start()
    with EmailChannel().connect(settings_for(provider)) as box:
        provider.faults.append(Fault(error(403, "userRateLimitExceeded", "User Rate Limit Exceeded")))
        with pytest.raises(ChannelError) as refused:
            box.about()
    provider.stop()

    assert refused.value.retry_after == 30


def test_a_token_goes_to_its_provider_and_to_nobody_else() -> None:
    provider = PretendGraph()
    provider.start()
    with EmailChannel().connect(settings_for(provider)) as box:
        away = {"value": [], "@odata.nextLink": "http://evil.example/v1.0/more"}
        provider.faults.append(Fault(FakeAnswer(away)))
        with pytest.raises(ChannelError) as refused:
            list(box.fetch(""))
    provider.stop()

    assert refused.value.code == "foreign_link"


def outgoing() -> Outgoing:
    return Outgoing(id="f1", to=Handle(HandleType.EMAIL, "ann@people.example"), text="Hello Ann", automatic=False)


def test_the_prepared_bytes_go_out_as_they_are(provider: Pretended, mine: EmailSettings) -> None:
    prepared = EmailChannel().prepare(outgoing(), mine)

    sent = EmailChannel().send(prepared, mine)

    assert provider.sent == [prepared.body]
    assert sent.source_id == prepared.source_id


@pytest.mark.parametrize(
    ("fault", "unknown", "permanent", "arrives"),
    [
        (Fault(FakeAnswer({"error": {"message": "Slowly"}}, 429)), False, False, 0),
        (Fault(FakeAnswer({"error": {"message": "Bad"}}, 400)), False, True, 0),
        (Fault(FakeAnswer({}, 502)), True, False, 0),
        (Fault(how="drop"), True, False, 0),
        (Fault(how="drop", after=True), True, False, 1),
        (Fault(how="half", after=True), None, False, 1),
    ],
    ids=["slowly", "bad", "gateway", "drop", "drop after", "half an answer"],
)
def test_how_sending_fails(
    provider: Pretended, mine: EmailSettings, fault: Fault, unknown: bool | None, permanent: bool, arrives: int
) -> None:
    prepared = EmailChannel().prepare(outgoing(), mine)
    provider.faults.append(fault)

    if unknown is None:  # a status was told: it is sent, or nobody knows; never "surely not sent"
        try:
            EmailChannel().send(prepared, mine)
        except ChannelError as error:
            assert isinstance(error, OutcomeUnknown)  # noqa: PT017
    else:
        with pytest.raises(ChannelError) as failed:
            EmailChannel().send(prepared, mine)
        assert isinstance(failed.value, OutcomeUnknown) is unknown
        if not unknown:
            assert failed.value.permanent is permanent

    assert len(provider.sent) == arrives


# Consent


def keep(hub: Hub, account: str, true: Any) -> bool:
    keeper = Keeper(hub, account, "this-test", news=lambda: None)
    thread = threading.Thread(target=keeper.keep)
    thread.start()
    found = until(lambda: true() or not thread.is_alive(), 20)
    keeper.stop.set()
    keeper.woken.set()
    thread.join(10)
    return found


def test_a_token_that_ended_is_refreshed_and_a_consent_taken_back_needs_a_person(hub: Hub, provider: Pretended) -> None:
    # Given an account whose token ended
    given = provider.settings_for(provider.url) | {"token_expires_at": int(time.time()) - 10}
    with hub.store.write() as session:
        account = connected.connect(session, hub.secret, "email", "inbox", given).id
    provider.access.clear()

    # When somebody looks after it
    def looked() -> bool:
        with hub.store.read() as session:
            row = session.get(AccountLive, account)
            return row is not None and row.ok_at is not None

    assert keep(hub, account, looked)
    assert looked()

    # Then it has new tokens, sealed
    with hub.store.read() as session:
        row = connected.named(session, account)
        assert connected.plain(row, hub.secret)["access_token"] in provider.access
        assert connected.shown(row)["access_token"] == "********"
        assert health(session, hub.secret, row).verdict in ("ok", "new")

    # And when the person takes the consent back, a person is asked
    provider.revoke()
    with hub.store.write() as session:
        row = connected.named(session, account)
        ended = connected.plain(row, hub.secret) | {"token_expires_at": 1}
        connected.configure(session, hub.secret, row, ended)
        sql.changed(session, "UPDATE account_live SET next_at = 0")
    keep(hub, account, lambda: False)
    with hub.store.read() as session:
        told = health(session, hub.secret, connected.named(session, account))
    assert (told.verdict, told.error and told.error["kind"]) == ("needs_you", "not_authorised")


def test_consent_is_asked_for_at_the_provider_and_brings_tokens(hub: Hub, provider: Pretended) -> None:
    # Given an account that nobody authorised
    given = provider.settings_for(provider.url) | {"access_token": "", "refresh_token": "", "token_expires_at": 0}
    with hub.store.write() as session:
        name = connected.connect(session, hub.secret, "email", "inbox", given).id
    with hub.store.read() as session:
        row = connected.named(session, name)
    with pytest.raises(ChannelError, match="authorise"):
        EmailChannel().connect(connected.settings_of(row, hub.secret))  # type: ignore[arg-type]

    # When somebody opens the page and says yes
    page = oauth.page(hub.secret, row, "https://hub.example/back")
    answer = http.call("GET", page, trusted=True)
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    tokens = oauth.exchange(hub.secret, row, back["state"][0], back["code"][0], "https://hub.example/back")

    # Then it works
    with hub.store.write() as session:
        oauth.keep(session, hub.secret, connected.named(session, name), tokens)
    with hub.store.read() as session:
        found = connected.settings_of(connected.named(session, name), hub.secret)
    assert isinstance(found, EmailSettings)
    assert "help@shop.example" in EmailChannel().test(found)


@pytest.mark.parametrize(
    ("given", "where", "scopes"),
    [
        (
            {"provider": "microsoft", "tenant": "shop.example"},
            "https://login.microsoftonline.com/shop.example/oauth2/v2.0/authorize",
            "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access",
        ),
        ({"provider": "google"}, "https://accounts.google.com/o/oauth2/v2/auth", "https://mail.google.com/"),
        (
            {"provider": "google", "over": "api"},
            "https://accounts.google.com/o/oauth2/v2/auth",
            "https://www.googleapis.com/auth/gmail.readonly https://www.googleapis.com/auth/gmail.send",
        ),
    ],
)
def test_the_consent_page_asks_for_what_is_needed_and_no_more(given: dict[str, Any], where: str, scopes: str) -> None:
    asked = EmailChannel().oauth(EmailSettings(client_id="x", **given))

    assert asked is not None
    assert (asked.authorise_url, " ".join(asked.scopes)) == (where, scopes)


def test_a_provider_fills_in_its_hosts_and_a_password_needs_none() -> None:
    found = EmailSettings(provider="microsoft", address="help@shop.example")
    assert (found.imap_host, found.smtp_host) == ("outlook.office365.com", "smtp.office365.com")
    assert EmailChannel().oauth(EmailSettings()) is None
    assert not EmailChannel().is_live(EmailSettings())
    assert EmailChannel().pause_between(found) == 60


def test_a_pretended_mailbox_works_by_itself(hub: Hub) -> None:
    # Given the stand-in as `kinline up --pretend` starts it
    stand_in = EmailChannel().pretend()
    given = stand_in.start()
    with hub.store.write() as session:
        account = connected.connect(session, hub.secret, "email", "pretended", given).id

    # When a worker looks after it, a mail is there
    def came() -> bool:
        with hub.store.read() as session:
            return sql.run(session, "SELECT count(*) FROM intake") == [(1,)]

    assert keep(hub, account, came)
    assert came()
    stand_in.stop()
