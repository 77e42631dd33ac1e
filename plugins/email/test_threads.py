"""Mailboxes as trees (RFC 5256), by the cases that its text names."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinline_email import headers, threads
from kinline_email.threads import Mail, base_subject, by_references, by_subject

DAY = datetime(2026, 11, 20, tzinfo=UTC)


def mail(key: str, *parents: str, subject: str = "", hour: int | None = None) -> Mail:
    return Mail(key=key, parents=parents, subject=subject, sent=None if hour is None else DAY + timedelta(hours=hour))


def trees(*mails: Mail) -> str:
    return "".join(tree.written() for tree in by_references(mails))


@pytest.mark.parametrize(
    ("subject", "base", "replied"),
    [
        ("Re: Bread", "bread", True),
        ("[bakers] RE[2]: FWD :  Bread (fwd) ", "bread", True),
        ("Re[bakers]: [list] Bread", "bread", True),
        ("[bakers]", "[bakers]", False),
        ("[a] [b] Bread", "bread", False),
        ("[Fwd: Re: [Fwd: Bread]]", "bread", True),
        ("re: Re: fw:", "", True),
        ("Bread: re", "bread: re", False),
        ("Straße", "strasse", False),
    ],
)
def test_the_base_of_a_subject(subject: str, base: str, replied: bool) -> None:
    assert base_subject(subject) == (base, replied)


def test_answers_stand_under_what_they_answer_by_date() -> None:
    assert (
        trees(mail("a", hour=1), mail("c", "a", hour=3), mail("b", "a", hour=2), mail("d", "a", "b", hour=4))
        == "(1 (3 4)(2))"
    )


def test_answers_to_a_mail_that_is_not_there_stand_side_by_side() -> None:
    assert trees(mail("b", "gone", hour=1), mail("c", "gone", hour=2)) == "((1)(2))"
    assert trees(mail("b", "gone", hour=1)) == "(1)"


def test_a_missing_mail_in_the_middle_leaves_no_gap() -> None:
    assert trees(mail("a", hour=1), mail("c", "a", "gone", hour=2)) == "(1 2)"


def test_a_circle_is_opened() -> None:
    assert trees(mail("a", "b", hour=1), mail("b", "a", hour=2)) == "(2 1)"


def test_two_mails_of_one_id_are_two() -> None:
    assert trees(mail("a", hour=1), mail("a", hour=2)) == "(1)(2)"


def test_an_answer_without_references_joins_by_its_subject_and_others_stand_beside() -> None:
    assert trees(mail("b", subject="Re: Bread", hour=2), mail("a", subject="Bread", hour=1)) == "(2 1)"
    assert trees(mail("a", subject="Bread", hour=1), mail("b", subject="bread", hour=2)) == "((1)(2))"
    assert trees(mail("a", hour=1), mail("b", hour=2)) == "(1)(2)"


def test_by_subject_all_stand_under_the_first() -> None:
    mails = [
        mail("a", subject="Re: x", hour=3),
        mail("b", subject="X", hour=1),
        mail("c", subject="y", hour=2),
        mail("d", subject="[l] x", hour=4),
    ]

    assert "".join(tree.written() for tree in by_subject(mails)) == "(2 (1)(4))(3)"


KEYS = st.sampled_from("abcdef")


@given(
    st.lists(
        st.builds(
            Mail,
            key=KEYS | st.just(""),
            parents=st.lists(KEYS, max_size=4).map(tuple),
            subject=st.sampled_from(["", "x", "Re: x", "y", "[fwd: y]"]),
            sent=st.none() | st.integers(0, 3).map(lambda hour: DAY + timedelta(hours=hour)),
        ),
        max_size=12,
    )
)
def test_every_mail_stands_in_the_trees_once(mails: list[Mail]) -> None:
    for made in (by_references(mails), by_subject(mails)):
        written = "".join(tree.written() for tree in made)

        assert sorted(int(word) for word in written.replace("(", " ").replace(")", " ").split()) == list(
            range(1, len(mails) + 1)
        )


@pytest.mark.alone
@pytest.mark.parametrize(
    "mails",
    [
        [Mail(key=str(one), parents=(str(one - 1),)) for one in range(5_000)],
        [Mail(key=str(one), parents=(str(one + 1),)) for one in range(5_000)],
        [Mail(key=str(one), parents=tuple(map(str, range(100)))) for one in range(5_000)],
        [Mail(key=str(one), subject="Re: " * 250 + "x") for one in range(3_000)],
        [Mail(key=str(one), subject="[" * 1_000) for one in range(3_000)],
        [Mail(key=str(one), subject="[fwd:" * 200 + "]" * 200) for one in range(100)],
        [Mail(key=str(one), subject="(fwd)" * 200) for one in range(1_000)],
    ],
    ids=["chain", "chain upwards", "wide", "re", "brackets", "forwarded", "trailers"],
)
def test_no_mailbox_takes_long(mails: list[Mail]) -> None:
    began = time.perf_counter()

    "".join(tree.written() for tree in threads.by_references(mails))

    assert time.perf_counter() - began < 10


def fields(**values: str) -> headers.Headers:
    found = headers.Headers()
    for name, value in values.items():
        found.add(name.replace("_", "-"), value)
    return found


def test_references_count_and_else_the_first_of_in_reply_to() -> None:
    both = threads.of(fields(message_id="<c@x>", references="<a@x> <b@x>", in_reply_to="<z@x>"), "s", DAY)
    one = threads.of(fields(message_id="<c@x>", in_reply_to="<y@x> <z@x>"), "s", DAY)

    assert both.parents == ("a@x", "b@x")
    assert one.parents == ("y@x",)


def test_ids_that_differ_in_quoting_only_are_one_and_what_is_no_id_is_none() -> None:
    found = threads.of(fields(message_id='<"a b"@x>', references='<"c"@x> <nonsense> c@x'), "", None)

    assert found.parents == ("c@x",)
    assert threads.of(fields(message_id="<nonsense>"), "", None).key == ""
