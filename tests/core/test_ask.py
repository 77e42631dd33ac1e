"""Statements are written as SQLModel writes them, compiled once for each database, and give rows by name."""

import msgspec
import pytest
from sqlalchemy import bindparam
from sqlmodel import col, select, update

from kinline.hub import Hub
from kinline.store.ask import Ask, Change, among, keyset, place
from kinline.store.models import Team


class Found(msgspec.Struct):
    id: str
    name: str


BY_NAME = Ask(select(Team.id, Team.name).where(among(col(Team.name), "names")).order_by(Team.name), Found)
AFTER = Ask(
    select(Team.id, Team.name).where(keyset(col(Team.name), col(Team.id))).order_by(Team.name, Team.id).limit(2), Found
)
RENAME = Change(update(Team).where(col(Team.id) == bindparam("team")).values(name=bindparam("called")))
#: What SQL, JSON and an array of PostgreSQL each have a meaning for.
NASTY = ['"', "\\", "{}", "NULL", "o'neil", "a,b", "%s", ":x", "ñandú", "客"]


@pytest.fixture
def teams(hub: Hub) -> Hub:
    with hub.store.write() as session:
        session.add_all([Team(id=f"{number:032x}", name=name, created_at=0) for number, name in enumerate(NASTY)])
    return hub


def test_a_list_of_texts_finds_each_of_them_and_nothing_else(teams: Hub) -> None:
    with teams.store.read() as session:
        assert {found.name for found in BY_NAME.rows(session, names=NASTY)} == set(NASTY)
        assert [found.name for found in BY_NAME.rows(session, names=["NULL", "nobody"])] == ["NULL"]
        assert BY_NAME.rows(session, names=()) == []
        assert BY_NAME.first(session, names=()) is None


def test_pages_by_key_give_every_row_once_in_order(teams: Hub) -> None:
    found: list[Found] = []
    with teams.store.read() as session:
        while page := AFTER.rows(session, **place((found[-1].name, found[-1].id) if found else ("", ""))):
            found += page

    assert [each.name for each in found] == sorted(NASTY)


def test_a_change_tells_how_many_rows_it_changed(teams: Hub) -> None:
    with teams.store.write() as session:
        assert RENAME.run(session, team="0" * 32, called="renamed") == 1
        assert RENAME.run(session, team="f" * 32, called="nobody") == 0
    with teams.store.read() as session:
        assert BY_NAME.first(session, names=["renamed"]) == Found("0" * 32, "renamed")


def test_a_statement_whose_columns_are_not_the_fields_of_its_row_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="are not the fields of Found"):
        Ask(select(Team.name, Team.id), Found)


def test_a_parameter_that_is_not_given_is_an_error(teams: Hub) -> None:
    with teams.store.read() as session, pytest.raises(KeyError, match="names"):
        BY_NAME.rows(session)
