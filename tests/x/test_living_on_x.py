"""The X account kept connected, against the stand-in: what is said there, here; what we say, there; and what goes wrong."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kinline import clock, ids
from kinline.accounts import connected
from kinline.accounts.ready import ready
from kinline.followups.plan import Draft, plan
from kinline.hub import Hub
from kinline.intake.ledger import ledger
from kinline.live import history
from kinline.pretend import FakeAnswer, Fault
from kinline.testing import laws
from kinline.words import SendClass
from kinline_twitter.pretend import PretendX
from kinline_twitter.pretend_world import said

from .conftest import Company


@pytest.fixture(autouse=True)
def live(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A hub that really sends."""
    monkeypatch.setattr(hub.settings, "outbound", "live")
    yield
    with hub.store.read() as session:
        assert all(line.holds for line in ledger(session))
    laws.people_are_whole(hub.store)


def replies(company: Company, text: str, to: str) -> str:
    """An agent answers the interaction with this text; gives the follow-up."""
    [(about, author)] = company.sql(
        "SELECT i.id, l.person_id FROM interaction i JOIN identity_link l ON l.identity_id = i.author_id "
        "WHERE i.doc LIKE {p}", f"%{to}%",
    )  # fmt: skip
    draft = Draft(id=ids.new(), person_id=author, send_class=SendClass.HUMAN, text=text, made_by="Cleo", about=about)
    with company.hub.store.write() as session:
        assert plan(company.hub, session, draft) == ""
    company.works()
    return draft.id


def state(company: Company, followup: str) -> tuple[str, str]:
    [(found, reason)] = company.sql("SELECT state, reason FROM followup WHERE id = {p}", followup)
    return found, reason


def conversations(company: Company) -> set[str]:
    return {
        found
        for (found,) in company.sql(
            "SELECT conversation_id FROM thread_key WHERE id IN (SELECT thread_key_id FROM interaction)"
        )
    }


def test_a_mention_and_a_message_come_in_an_answer_goes_out_and_stands_in_the_thread(
    company: Company, x: PretendX
) -> None:
    # Given Ann who names us and Ben who writes to us
    asked = x.world.post(x.ann, "Which grind for a moka pot, @exampleroasters?")
    x.world.message(x.ben, x.us, "Where is my parcel?")
    company.looks()
    assert sorted(company.says()) == ["Where is my parcel?", "Which grind for a moka pot, @exampleroasters?"]

    # When an agent answers both
    public = replies(company, "Rather coarse & slow, see shop.example.com/moka", "moka")
    private = replies(company, "On its way", "parcel")

    # Then X has the answer under the post and the message with Ben
    assert (state(company, public), state(company, private)) == (("sent", ""), ("sent", ""))
    [answer] = [one for one in x.world.posts.values() if one["author_id"] == x.us]
    assert answer["referenced_tweets"] == [{"type": "replied_to", "id": asked}]
    assert said(answer).startswith("Rather coarse &amp; slow")
    assert x.world.messages[-1]["text"] == "On its way"

    # And once our own timeline brings them back they are here once, in their conversations
    company.looks()
    assert len(company.says()) == 4
    assert len(conversations(company)) == 2

    # And Ann's next answer joins
    x.world.post(x.ann, "@exampleroasters thanks!", answers=answer["id"])
    company.looks()
    assert (len(company.says()), len(conversations(company))) == (5, 2)
    assert company.health().verdict == "ok"


def test_what_we_write_in_x_itself_is_ours_on_the_timeline(company: Company, x: PretendX) -> None:
    asked = x.world.post(x.ann, "Open today, @exampleroasters?")
    x.world.post(x.us, "From nine", answers=asked)
    x.world.message(x.us, x.ben, "It is on its way")
    company.looks()

    rows = company.sql("SELECT direction, kind FROM interaction ORDER BY sort_at, sequence, id")
    assert sorted(rows) == [("inbound", "mention"), ("outbound", "comment"), ("outbound", "message")]


def test_others_in_our_threads_are_heard_within_bounds(hub: Hub, x: PretendX) -> None:
    # Given a thread in which Ben answers Ann without naming us, and a look that may read twelve posts of others a day
    company = Company(hub, x, thread_reads=12)
    asked = x.world.post(x.ann, "Which grind, @exampleroasters?")
    x.world._written = lambda text: {"text": text, "entities": {}}  # type: ignore[method-assign]
    x.world.post(x.ben, "Finer than you think", answers=asked)

    company.looks()
    assert "@ann_example Finer than you think" in company.says()

    # When it goes on and on
    for number in range(30):
        x.world.post(x.ben, f"And {number}", answers=asked)
    company.looks()
    company.looks()

    # Then the day's bound holds
    assert len([one for one in company.says() if "And" in one]) == 10


def test_an_edit_a_deletion_and_a_new_handle_follow(company: Company, x: PretendX) -> None:
    # Given a post that is edited
    first = x.world.post(x.ann, "Which gind, @exampleroasters?")
    company.looks()
    x.world.edit(first, "Which grind, @exampleroasters?")
    company.looks()
    assert company.says() == ["Which grind, @exampleroasters?"]
    assert company.sql("SELECT revised FROM interaction") == [(1,)]

    # When Ann takes another handle, and somebody else takes hers
    x.world.rename(x.ann, "ann_archer")
    thief = x.world.person("ann_example", "Somebody else")
    x.world.post(x.ann, "Hello again, @exampleroasters")
    x.world.post(thief, "I am new, @exampleroasters")
    company.looks()

    # Then Ann is who she was, with both handles, and the other one is somebody else
    names = company.sql("SELECT identity_id, value FROM alias WHERE type = 'x_handle' ORDER BY value, seen_from")
    anns = {identity for identity, value in names if value == "ann_archer"}
    assert len(anns) == 1
    assert {value for identity, value in names if identity in anns} == {"ann_archer", "ann_example"}
    assert len({identity for identity, value in names if value == "ann_example"}) == 2

    # And what is deleted there is deleted here, once known posts are asked for again
    x.world.delete(first)
    [(settings,)] = company.sql("SELECT settings FROM account")
    company.sql("UPDATE account SET settings = {p}", json.dumps(json.loads(settings) | {"recheck_hours": 1}))
    company.sql("UPDATE account_live SET cursor = {p}", json.dumps(json.loads(company.row().cursor) | {"checked": 1}))
    company.looks()
    assert company.says() == ["Hello again, @exampleroasters", "I am new, @exampleroasters"]


def test_a_full_window_is_waited_for_said_and_loses_nothing(company: Company, x: PretendX) -> None:
    # Given X that lets us ask for mentions and posts once
    x.limiter.limits |= {"mentions": 1, "timeline": 1}
    company.looks()
    x.world.post(x.ann, "Still there, @exampleroasters?")
    x.world.message(x.ben, x.us, "And my parcel?")

    # When another keeper looks again
    company.wants_now()
    company.looks(owner="keeper-2")

    # Then it is said until when, messages came in all the same, and nobody asked in vain
    found = company.health()
    assert found.verdict == "waiting"
    assert "mentions at " in found.says
    assert found.limits["mentions"]["left"] == 0
    assert found.next_try_at is not None
    assert company.says() == ["And my parcel?"]
    assert not [call for call in x.calls if call.path.endswith("/mentions")][1:]

    # And once the window is open again, what was said meanwhile is here
    x.limiter.reopen()
    x.limiter.limits |= {"mentions": 300, "timeline": 300}
    later = clock.now() + 16 * clock.MINUTE
    with clock.frozen(later):
        company.wants_now()
        company.looks()
    assert "Still there, @exampleroasters?" in company.says()


def test_being_refused_for_asking_too_often_is_no_loss_either(company: Company, x: PretendX) -> None:
    x.world.post(x.ann, "Hello, @exampleroasters")
    busy = {"title": "Too Many Requests", "type": "about:blank", "status": 429, "detail": "Too Many Requests"}
    x.faults.append(Fault(told=FakeAnswer(busy, 429, {"x-rate-limit-reset": "9999999999"})))

    company.looks()
    assert company.row().error_kind == "waiting"
    company.wants_now()
    company.looks()

    assert company.says() == ["Hello, @exampleroasters"]
    assert company.health().verdict == "ok"


def test_the_cap_pauses_the_account_and_says_so(hub: Hub, x: PretendX) -> None:
    # Given money for who we are, one mention and Ann (0.01 + 0.005 + 0.01 dollars), not more
    company = Company(hub, x, monthly_cap=0.025)
    x.world.post(x.ann, "One, @exampleroasters")
    company.looks()

    # When more is said
    x.world.post(x.ann, "Two, @exampleroasters")
    company.looks()

    # Then it waits for the next month or a higher cap, and says so
    found = company.health()
    assert found.verdict == "over_cap"
    assert found.spent is not None
    assert (found.spent["cap"], found.spent["cost"]) == (25_000, 25_000)
    assert company.says() == ["One, @exampleroasters"]
    calls = len(x.calls)
    company.wants_now()
    company.looks()
    assert len(x.calls) == calls


@pytest.mark.parametrize("after", [1, 2, 3, 5])
def test_killed_in_the_middle_nothing_is_lost_or_doubled(company: Company, x: PretendX, after: int) -> None:
    # Given 250 mentions, which are three pages, and 40 messages
    for number in range(250):
        x.world.post(x.ann, f"Number {number}, @exampleroasters")
    for number in range(40):
        x.world.message(x.ben, x.us, f"Message {number}")

    # When the line breaks after some calls, and later another keeper takes over
    x.faults.extend([*([None] * after)])  # type: ignore[list-item]
    x.faults.append(Fault(how="drop"))
    company.looks(owner="keeper-1")
    assert company.row().error_kind == "unreachable"
    company.wants_now()
    company.looks(owner="keeper-2")

    # Then everything is here once
    assert sorted(set(company.says())) == sorted(company.says())
    assert len(company.says()) == 290


def test_a_page_token_that_x_takes_no_more_is_no_end(company: Company, x: PretendX) -> None:
    for number in range(250):
        x.world.post(x.ann, f"Number {number}, @exampleroasters")
    x.faults.extend([None, None, Fault(how="drop")])  # type: ignore[list-item]
    company.looks()
    x.pages.era += 1
    company.wants_now()
    company.looks()

    assert len(company.says()) == 250


def test_what_x_shows_late_is_not_missed_and_what_is_known_is_not_kept_again(company: Company, x: PretendX) -> None:
    # Given a mention that was here before X showed an earlier one
    x.world.post(x.ann, "Second, @exampleroasters")
    x.world.message(x.ben, x.us, "The second message")
    company.looks()
    x.world.post(x.ann, "First, @exampleroasters", ago=5)
    x.world.message(x.ben, x.us, "The first message", ago=5)

    company.looks()
    company.looks()

    # Then both are here, and looking again kept nothing again
    assert sorted(company.says()) == sorted(
        ["First, @exampleroasters", "Second, @exampleroasters", "The first message", "The second message"]
    )
    bodies = company.sql("SELECT count(*) FROM intake WHERE account_id = {p}", company.account)[0][0]
    company.looks()
    assert company.sql("SELECT count(*) FROM intake WHERE account_id = {p}", company.account) == [(bodies,)]


def test_the_past_comes_in_with_an_estimate_and_starts_nothing(company: Company, x: PretendX) -> None:
    # Given a past that the first look does not reach
    for day in range(1, 130):
        x.world.post(x.ann, f"Mention {day}, @exampleroasters", ago=86_400 * day)
    for day in range(1, 20):
        x.world.post(x.us, f"Ours {day}", ago=86_400 * day)
    x.world.message(x.ben, x.us, "A message of last week", ago=86_400 * 7)
    x.world.message(x.ben, x.us, "A message of last year", ago=86_400 * 300)
    company.looks()
    assert company.says() == []

    # When it is asked for
    account = ready(company.hub, company.account)
    told = history.estimate(account)
    history.start(company.hub, account, told)
    company.looks(until=lambda: company.row().history_state == "done")

    # Then all that X gives is here, and the estimate said how much and how dear at most
    assert (told.items, told.cost) == (19 + 800, (19 + 800) * 5000)
    assert "30 days" in told.note
    assert len(company.says()) == 129 + 19 + 1
    assert company.sql("SELECT DISTINCT origin FROM interaction") == [("import",)]
    assert company.sql("SELECT count(*) FROM followup") == [(0,)]


def test_in_sync_is_said_when_the_newest_there_are_here(company: Company, x: PretendX) -> None:
    x.world.post(x.ann, "Of long ago, @exampleroasters", ago=86_400)
    x.world.post(x.ann, "Hello, @exampleroasters")
    company.looks()
    company.looks(until=lambda: company.row().compared_at)

    assert company.health().in_sync is True


def test_a_consent_that_was_taken_back_is_said(company: Company, x: PretendX) -> None:
    x.consents.end()

    company.looks()

    found = company.health()
    assert found.verdict == "needs_you"
    assert "Authorise" in found.says


def test_a_token_that_ends_is_refreshed_in_time(company: Company, x: PretendX) -> None:
    settings = company.sql("SELECT settings FROM account")[0][0]
    company.sql("UPDATE account SET settings = {p}", json.dumps(json.loads(settings) | {"token_expires_at": 1}))
    x.consents.tokens.clear()
    x.world.post(x.ann, "Hello, @exampleroasters")

    company.looks()

    assert company.says() == ["Hello, @exampleroasters"]
    assert company.health().verdict == "ok"


def test_asking_who_we_are_is_paid_once_a_day_however_often_the_line_breaks(company: Company, x: PretendX) -> None:
    for _ in range(3):
        company.looks()
        company.wants_now()
    access, refresh = x.consents.give(x.us)
    with company.hub.store.write() as session:
        row = connected.named(session, company.account)
        told = connected.plain(row, company.hub.secret) | {"access_token": access, "refresh_token": refresh}
        connected.configure(session, company.hub.secret, row, told)
    company.looks()

    found = company.health().spent
    assert found is not None
    assert found["cost"] == 10_000
    assert len([call for call in x.calls if call.path == "/2/users/me"]) == 2


def test_a_token_of_another_account_is_refused_by_name(hub: Hub, x: PretendX) -> None:
    company = Company(hub, x, user_id="99")

    company.looks()

    assert company.health().verdict == "needs_you"
    assert "@exampleroasters, whose id is 2244001100" in company.health().says


def test_an_account_that_only_imports_is_left_alone(hub: Hub, x: PretendX) -> None:
    settings: dict[str, dict[str, Any]] = {
        "no token": {"access_token": "", "refresh_token": "", "client_id": ""},
        "never": {"poll_every": 0},
    }
    for name, more in settings.items():
        company = Company(hub, x, name=name, **more)
        company.looks()
        assert company.health().verdict in ("ok", "new")
        assert company.health().in_sync is None
    assert x.calls == []


def test_an_account_that_was_never_authorised_says_so(hub: Hub, x: PretendX) -> None:
    company = Company(hub, x, access_token="", refresh_token="", bearer_token="")

    company.looks()

    assert company.health().verdict == "needs_you"
    assert "authorise it" in company.health().says


def test_the_past_goes_on_though_all_its_page_tokens_are_old(company: Company, x: PretendX) -> None:
    for day in range(1, 251):
        x.world.post(x.ann, f"Mention {day}, @exampleroasters", ago=86_400 * day)
        x.world.message(x.ben, x.us, f"Message {day}", ago=3600 * day)
    account = ready(company.hub, company.account)
    pieces, names = [], set[str]()
    with account.channel.connect(account.settings) as connection:
        for piece in connection.history(""):
            pieces.append(piece)
            x.pages.era += len(pieces) in (1, 5)
    for piece in pieces:
        names |= {one["id"] for one in json.loads(piece.body or b'{"data": []}')["data"]}

    assert len(names) == 500


def test_a_thread_whose_beginning_could_not_be_read_is_read_later(company: Company, x: PretendX) -> None:
    asked = x.world.post(x.ann, "Which grind, @exampleroasters?")
    x.world.post(x.ben, "Coarse", answers=asked, ago=1)
    x.limiter.limits["search"] = 0
    company.looks()

    x.limiter.limits["search"] = 300
    x.limiter.reopen()
    cursor = json.loads(company.row().cursor)
    company.sql("UPDATE account_live SET cursor = {p}", json.dumps({**cursor, "rests": {}}))
    company.wants_now()
    company.looks()

    assert "@ann_example Coarse" in company.says()
