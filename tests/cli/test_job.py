"""``kinline job``: what was given up is seen with its error, and planned again."""

import pytest
from tests.cli.conftest import Kinline

from kinline.hub import Hub
from kinline.jobs import queue
from kinline.store import sql
from kinline_cli.endings import Ending

ERROR = "ChannelError: the desk \x1b[31m said no"


@pytest.fixture
def failed(cli: Kinline, hub: Hub) -> Kinline:
    """A hub in which two jobs were given up."""
    with hub.store.write() as session:
        queue.plan(session, "desk.mirror", ["ann:1", "ben"])
        sql.run(session, "UPDATE job SET state = 'dead', attempts = 8, error = {p}", ERROR)
    return cli


def test_what_was_given_up_is_listed_with_its_error(failed: Kinline) -> None:
    listed = failed("job", "list", "--json").json
    shown = failed("job", "list").out

    assert sorted((job["actor"], job["about"], job["attempts"], job["error"]) for job in listed) == [
        ("desk.mirror", "ann:1", 8, ERROR), ("desk.mirror", "ben", 8, ERROR)
    ]  # fmt: skip
    assert "the desk" in shown
    assert "\x1b" not in shown
    assert failed("job", "list", "--state", "running").out == "No job runs.\n"


def test_the_cure_that_the_doctor_names_works(failed: Kinline) -> None:
    # Given what the doctor says
    [before] = [each for each in failed("doctor", "--json").json if each["check"] == "jobs"]
    assert (before["state"], "kinline job retry --all" in before["cure"]) == ("look", True)

    # When somebody does it
    told = failed("job", "retry", "--all", "--json").json

    # Then all is well, and the work waits for a worker
    [after] = [each for each in failed("doctor", "--json").json if each["check"] == "jobs"]
    assert (told, after["state"]) == ({"planned_again": 2}, "ok")
    assert {job["attempts"] for job in failed("job", "list", "--state", "pending", "--json").json} == {0}
    assert failed("job", "retry", "--all").out == "No job was given up.\n"


def test_one_job_is_planned_again_by_its_id(failed: Kinline) -> None:
    [first, _] = failed("job", "list", "--json").json

    ended, again = failed("job", "retry", first["id"]), failed("job", "retry", first["id"])

    assert ended.code == Ending.OK
    assert (again.code, "kinline job list" in again.err) == (Ending.REFUSED, True)
    assert len(failed("job", "list", "--json").json) == 1
    assert failed("job", "retry").code == failed("job", "retry", first["id"], "--all").code == Ending.USAGE
