"""What one of our people says about an interaction: it counts before any scorer, from now on."""

from sqlmodel import Session

from kinline import clock, ids
from kinline.contract.scorer import LONGEST_WORD, printable
from kinline.errors import Invalid, NotFound
from kinline.jobs import queue
from kinline.scoring import rows
from kinline.scoring.judging import written
from kinline.words import Scored

#: What a correction stands in the table as having been judged by.
PERSON = "person"
LANGUAGE = "a language is an ISO 639-1 code of two small letters, like es"


def correct(
    session: Session, interaction: str, what: Scored, value: float | str | None, *, by: str
) -> rows.StoredScore:
    """Say how it is. None: it cannot be told, and matches nothing.

    What was decided stays decided. Stages and tags follow, and what waits is looked at again; no message and no task
    starts from it. Raises `NotFound`, or `Invalid` for a value of the wrong kind.
    """
    found = written(session, [interaction])
    if not found:
        raise NotFound("There is no such interaction, or nobody wrote anything in it.", code="no_such_interaction")
    [about] = found
    kept = _checked(what, value)
    earlier = [row.at for row in rows.of(session, [interaction])[interaction]]
    row = rows.StoredScore(
        interaction, ids.new(), what, kept, PERSON, "", "", 1.0, about.content_hash,
        max([clock.now(), *(at + 1 for at in earlier)]), by,
    )  # fmt: skip
    rows.keep(session, [row])
    queue.plan(session, "person.rederive", about.people())
    return row


def _checked(what: Scored, value: float | str | None) -> float | str | None:
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if what is Scored.SENTIMENT:
        if not number or not -1 <= value <= 1:  # type: ignore[operator]  # it is a number here
            raise _wrong("a sentiment is a number from -1 (as bad as can be) to 1, or null where nobody can tell")
        return float(value)
    if not isinstance(value, str) or not printable(value) or value != value.strip():
        raise _wrong(f"a {what} is a word of 1 to {LONGEST_WORD} characters, or null where nobody can tell")
    if what is Scored.LANGUAGE and not (len(value) == 2 and value.isascii() and value.islower()):
        raise _wrong(LANGUAGE)
    return value


def _wrong(detail: str) -> Invalid:
    return Invalid(f"{detail[0].upper()}{detail[1:]}.", code="wrong_value", pointer="/value")
