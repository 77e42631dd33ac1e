"""Who may be one person is put before a human, with evidence and a score, and joins nobody by itself."""

import pytest

from kinline import handlers
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.errors import Conflict, NotFound
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import attributes, merges, persons, suggestion_answers
from kinline.identity.suggestions import listing, rows
from kinline.identity.suggestions.listing import Suggested, SuggestionFilter
from kinline.messages import Applied, Party
from kinline.record.batch import record_batch
from kinline.store import migrate, sql
from kinline.testing.factories import ANN, BEN, InteractionFactory, PartyFactory, RecordingFactory
from kinline.upgrades import run
from kinline.words import HandleType, Role, Standing

USER = Handle(HandleType.EXTERNAL, "70012", "zendesk:desk.example")


@pytest.fixture
def desk(hub: Hub) -> AccountRef:
    with hub.store.write() as session:
        return connected.connect(session, hub.secret, "support", "desk", {})


def mail(address: str) -> Handle:
    return Handle(HandleType.EMAIL, address)


def say(hub: Hub, account: AccountRef, who: Handle, name: str, *also: Handle, claimed: bool = False) -> None:
    """Somebody writes, under this name."""
    standing = Standing.CLAIMED if claimed else Standing.VERIFIED
    party = PartyFactory.build(handle=who, name=name, also=also, standing=standing)
    what = InteractionFactory.build(source_id=f"{who} {name} {also}", parties=(party,))
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=account, what=what)])
    handlers.drain(hub)


def suggested(hub: Hub, **wanted: object) -> list[Suggested]:
    with hub.store.read() as session:
        return [each for _, each in listing.listed(session, SuggestionFilter(**wanted))]  # type: ignore[arg-type]


def kinds(hub: Hub) -> list[str]:
    return [each.kind for each in suggested(hub)]


def person(hub: Hub, who: Handle) -> str:
    with hub.store.read() as session:
        return persons.find(session, str(who))


def accept(hub: Hub, suggestion: str) -> str:
    with hub.store.write() as session:
        return suggestion_answers.accept(session, suggestion, made_by="Cleo").id


def refuse(hub: Hub, suggestion: str) -> None:
    with hub.store.write() as session:
        suggestion_answers.refuse(session, suggestion, made_by="Cleo")


def test_what_a_source_shows_with_a_handle_makes_no_person_and_is_suggested_once_that_one_takes_part(
    hub: Hub, desk: AccountRef
) -> None:
    # Given that a desk shows its user with Ann's address, who never wrote
    told = Applied(reason="user record", names=(Party(role=Role.AUTHOR, handle=USER, name="Ann", also=(ANN,)),))
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=desk, what=told)] * 2)
    handlers.drain(hub)

    # Then there is one person, whom the address does not lead to
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM person") == [(1,)]
        with pytest.raises(NotFound):
            persons.find(session, str(ANN))
        assert persons.view(session, persons.find(session, str(USER))).identities[0].aliases == [f"{ANN}"]

    # When she writes
    say(hub, desk, ANN, "")

    # Then they are two, and suggested
    [one] = suggested(hub)
    assert person(hub, ANN) != person(hub, USER)
    assert (one.kind, one.reason) == ("shown_together", f"a source showed {ANN} with both")
    assert 0.8 < one.score < 1


ALIKE = {
    "in another case": ("Ann.Archer@example.org", "", "ann.archer@example.org", "", "same_mailbox"),
    "with a plus-part": ("ann+shop@example.org", "", "ann@example.org", "", "same_mailbox"),
    "with dots": ("a.n.n@gmail.com", "", "ann@googlemail.com", "", "same_mailbox"),
    "by one name": ("a@one.example", "Ann Archer", "b@two.example", "Ann Archer", "same_name"),
    "in another order": ("a@one.example", "Ann Archer", "b@two.example", "ARCHER, Ann", "same_name"),
    "with accents": ("a@one.example", "Jose Ibanez", "b@two.example", "José Ibáñez", "same_name"),
    "in another script": ("a@one.example", "Чайковский Пётр", "b@two.example", "Chaykovskiy Petr", "same_name"),
    "by a short form": ("a@one.example", "Robert Allen", "b@two.example", "Bob Allen", "short_name"),
    "with a middle name": ("a@one.example", "Ann Mary Archer", "b@two.example", "Ann Archer", "part_name"),
    "with a slip": ("a@one.example", "Ann Archer", "b@two.example", "Ann Archre", "slip_name"),
    "by a login": ("annarcher7@one.example", "", "annarcher7@two.example", "", "same_login"),
    "by a name as a login": ("a@one.example", "Ann Archer", "ann.archer@two.example", "", "name_as_login"),
}  # fmt: skip


@pytest.mark.parametrize("how", ALIKE)
def test_two_who_are_alike_are_suggested(hub: Hub, desk: AccountRef, how: str) -> None:
    one, name, other, other_name, kind = ALIKE[how]

    say(hub, desk, mail(one), name)
    say(hub, desk, mail(other), other_name)

    assert kinds(hub) == [kind]
    assert person(hub, mail(one)) != person(hub, mail(other))


UNLIKE = {
    "one word": ("a@one.example", "Ann", "b@two.example", "Ann"),
    "a first name as a login": ("robert@one.example", "Robert Allen", "robert@two.example", "Robert Brown"),
    "a mailbox of a task": ("info@one.example", "", "info@two.example", ""),
    "a family": ("archer@one.example", "Ann Archer", "archer@two.example", "Ben Archer"),
    "one organisation": ("ann@one.example", "Ann Archer", "ben@one.example", "Ben Bowman"),
    "an address for a name": ("a@one.example", "help@shop.example", "b@two.example", "help@shop.example"),
}


@pytest.mark.parametrize("how", UNLIKE)
def test_what_many_share_suggests_nothing(hub: Hub, desk: AccountRef, how: str) -> None:
    one, name, other, other_name = UNLIKE[how]

    say(hub, desk, mail(one), name)
    say(hub, desk, mail(other), other_name)

    assert kinds(hub) == []


def test_a_common_name_weighs_less_and_at_last_nothing(hub: Hub, desk: AccountRef) -> None:
    scores = []
    for number in range(26):
        say(hub, desk, mail(f"c{number}@customers.example"), "Ann Archer")
        scores.append(max((each.score for each in suggested(hub)), default=0.0))

    assert scores[1] > scores[3] > scores[6] > scores[-1] == 0
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM suggestion") == [(0,)]


def test_a_name_that_somebody_typed_suggests_weakly(hub: Hub, desk: AccountRef) -> None:
    say(hub, desk, mail("a@one.example"), "Ann Archer")
    say(hub, desk, mail("b@two.example"), "Ann Archer", claimed=True)
    assert kinds(hub) == []

    # but it does speak for one beside other evidence
    say(hub, desk, mail("archer77@one.example"), "Ann Archer")
    say(hub, desk, mail("archer77@three.example"), "", claimed=True)
    without = suggested(hub, kind="same_login")
    say(hub, desk, mail("archer77@three.example"), "Ann Archer", claimed=True)
    assert suggested(hub, kind="same_login")[0].score > without[0].score


def test_a_day_of_birth_and_a_place_speak_for_and_against(hub: Hub, desk: AccountRef) -> None:
    # Given two of one name
    one, other = mail("a@one.example"), mail("b@two.example")
    for who in one, other:
        say(hub, desk, who, "Ann Archer")
    [before] = suggested(hub)

    def born(who: Handle, day: str) -> None:
        with hub.store.write() as session:
            attributes.state(session, who.id, "birthday", day, source="Cleo")
        handlers.drain(hub)

    # When they are born on one day, then on another
    born(one, "1990-05-04")
    born(other, "1990-05-04")
    [same] = suggested(hub)
    born(other, "1971-12-30")

    # Then they are likelier, and then not likely at all
    assert same.score > before.score
    assert suggested(hub) == []


def test_a_human_accepts_it_and_why_stands_in_the_merge(hub: Hub, desk: AccountRef) -> None:
    say(hub, desk, mail("Ann.Archer@example.org"), "")
    say(hub, desk, mail("ann.archer@example.org"), "")
    [one] = suggested(hub)

    merge = accept(hub, one.id)

    with hub.store.read() as session:
        [line] = merges.history(session, person(hub, mail("ann.archer@example.org")))
    assert line["made_by"] == "Cleo"
    assert line["evidence"]["suggestion"] == one.id
    assert line["evidence"]["found"][0]["values"]["how"] == "case"
    assert "but for upper and lower case" in line["evidence"]["reason"]
    assert suggested(hub) == []
    [answered] = suggested(hub, state="accepted")
    assert (answered.answered_by, answered.merge) == ("Cleo", merge)


def test_what_was_accepted_and_undone_is_not_suggested_again(hub: Hub, desk: AccountRef) -> None:
    say(hub, desk, mail("ann+a@example.org"), "")
    say(hub, desk, mail("ann+b@example.org"), "")
    merge = accept(hub, suggested(hub)[0].id)

    with hub.store.write() as session:
        merges.undo(session, merge, made_by="Dora")
    say(hub, desk, mail("ann+b@example.org"), "Ann Archer")

    assert suggested(hub) == []


def test_a_refusal_is_for_ever_whatever_is_joined_or_parted(hub: Hub, desk: AccountRef) -> None:
    # Given Ann's two spellings and a third who is like both
    a, b, c = (mail(f"ann{more}@example.org") for more in ("", "+b", "+c"))
    for who in a, b, c:
        say(hub, desk, who, "")
    between = {frozenset((each.person_a, each.person_b)): each.id for each in suggested(hub)}
    a_b, b_c = (
        between[frozenset((person(hub, a), person(hub, b)))],
        between[frozenset((person(hub, b), person(hub, c)))],
    )

    # When somebody says that a and b are two, and that b and c are one
    refuse(hub, a_b)
    merge = accept(hub, b_c)

    # Then a and c are not suggested any more, for that would join a with b
    assert suggested(hub) == []
    with hub.store.write() as session, pytest.raises(Conflict, match="answered"):
        suggestion_answers.accept(session, a_b, made_by="Dora")

    # And when that is undone, and something new is said, a and c are, and a and b never
    with hub.store.write() as session:
        merges.undo(session, merge, made_by="Dora")
    for who in a, b:
        say(hub, desk, who, "Ann Archer")
    [left] = suggested(hub)
    assert {left.person_a, left.person_b} == {person(hub, a), person(hub, c)}


def test_whom_another_merge_joined_are_not_suggested_until_it_is_undone(hub: Hub, desk: AccountRef) -> None:
    one, other = mail("ann+a@example.org"), mail("ann+b@example.org")
    for who in one, other:
        say(hub, desk, who, "")

    with hub.store.write() as session:
        merge = merges.merge(session, person(hub, one), person(hub, other), evidence={}, made_by="Cleo").id
    joined = suggested(hub)
    with hub.store.write() as session:
        merges.undo(session, merge, made_by="Cleo")

    assert (joined, kinds(hub)) == ([], ["same_mailbox"])


def test_an_address_of_nobody_suggests_nothing(hub: Hub, desk: AccountRef) -> None:
    nobody = mail("no-reply@example.org")
    say(hub, desk, BEN, "", nobody)
    say(hub, desk, ANN, "", nobody)

    assert suggested(hub) == []


def test_one_home_page_or_x_name_shown_with_both_is_evidence(hub: Hub, desk: AccountRef) -> None:
    page = Handle(HandleType.URL, "https://www.archer.example/")
    say(hub, desk, ANN, "", page)
    say(hub, desk, Handle(HandleType.X_ID, "300"), "", Handle(HandleType.URL, "http://archer.example"))

    [one] = suggested(hub)
    assert one.reason == "url:archer.example was shown with both"


def test_the_likeliest_come_first_page_by_page_and_are_narrowed(hub: Hub, desk: AccountRef) -> None:
    for address, name in (("ann@example.org", ""), ("ann+a@example.org", ""), ("a@one.example", "Ben Bowman")):
        say(hub, desk, mail(address), name)
    say(hub, desk, mail("b@two.example"), "Ben Bowman")

    with hub.store.read() as session:
        [(place, first)] = listing.listed(session, limit=1)
        [(_, second)] = listing.listed(session, after=place, limit=5)
    assert (first.kind, second.kind) == ("same_mailbox", "same_name")
    assert [each.kind for each in suggested(hub, kind="same_name")] == ["same_name"]
    assert [each.kind for each in suggested(hub, least=first.score)] == ["same_mailbox"]
    assert [each.kind for each in suggested(hub, person=person(hub, mail("a@one.example")))] == ["same_name"]


def test_several_are_accepted_at_once_and_what_that_settles_is_skipped(hub: Hub, desk: AccountRef) -> None:
    for more in ("", "+b", "+c"):
        say(hub, desk, mail(f"ann{more}@example.org"), "")
    found = [each.id for each in suggested(hub)]

    with hub.store.write() as session:
        merged, skipped = suggestion_answers.accept_all(session, found, made_by="Cleo")

    assert (len(found), len(merged)) == (3, 2)
    assert [each.code for each in skipped] == ["already_merged"]
    assert suggested(hub) == []


def test_what_the_version_before_suggested_and_what_was_answered_stays(hub: Hub, desk: AccountRef) -> None:
    # Given two suggestions as that version kept them, one of them rejected
    for address in ("a@one.example", "b@two.example", "c@three.example"):
        say(hub, desk, mail(address), "")
    migrate.downgrade(hub.store, "0013")
    people = [person(hub, mail(address)) for address in ("a@one.example", "b@two.example", "c@three.example")]
    with hub.store.write() as session:
        for number, state in ((1, "open"), (2, "not_same")):
            sql.run(
                session, "INSERT INTO suggestion (id, person_a, person_b, reason, state, made_at) "
                "VALUES ({p}, {p}, {p}, 'a “desk” said so', {p}, 0)",
                rows.pair_id(mail("a@one.example").id, mail(("b@two.example", "c@three.example")[number - 1]).id),
                people[0], people[number], state,
            )  # fmt: skip

    # When the hub comes to this version
    migrate.upgrade(hub.store)
    for step in run.unfinished(hub.store):
        run.take(hub.store, step)

    # Then they are there, with their reason; and can go back
    assert [each.reason for each in suggested(hub)] == ["a “desk” said so"]
    assert [each.kind for each in suggested(hub, state="refused")] == ["told"]
    migrate.downgrade(hub.store, "0013")
    with hub.store.read() as session:
        assert sql.run(session, "SELECT state FROM suggestion ORDER BY state") == [("not_same",), ("open",)]
    migrate.upgrade(hub.store)
