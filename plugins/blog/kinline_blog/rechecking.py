"""Looking once more at comments that are here, however old: which of them are gone at the blog, or stand otherwise.

WordPress has no list of changes. So the numbers of its comments are gone through from the newest down, a hundred at a
time: those that are here are asked for by number, with nothing but their states (``include``, ``status=any``,
``_fields=id,status``). One that is not in the answer is asked for by itself, and is deleted only where the blog says
that there is no such comment: a right that was lost, or a plugin that hides it, is no deletion.
"""

from collections.abc import Iterator, Mapping

import msgspec

from kinline import ChannelError
from kinline.contract.connection import Ours
from kinline_blog import fields
from kinline_blog.client import Client
from kinline_blog.comment import MACHINES, STATES
from kinline_blog.listing import PAGE, WANTED, Listing, number
from kinline_blog.site import Scope

#: Numbers looked at in one go where few of them are here, calls for lists of them, calls for a comment by itself.
LOOKED, LISTS, ASKED = 30 * PAGE, 5, 20
#: What WordPress says where there is no comment of a number (wp-includes, `WP_REST_Comments_Controller::get_comment`).
NO_SUCH = "rest_comment_invalid_id"


class Round(msgspec.Struct, array_like=True):
    """The cursor: the number from which on it goes down (0: from the newest), and the greatest number ever seen there."""

    below: int = 0
    newest: int = 0


class Otherwise(msgspec.Struct, frozen=True):
    """A comment that stands otherwise there than here. ``row`` is None where it is gone; ``at`` is the blog's clock."""

    number: int
    row: fields.Record | None
    at: str


class Rechecking:
    """One look at a part of them."""

    def __init__(self, client: Client, listing: Listing, where: Scope) -> None:
        self._client, self._listing, self._where = client, listing, where
        self._asked = 0

    def parts(self, cursor: str, ours: Ours) -> Iterator[tuple[str, list[Otherwise]]]:
        """Each part's cursor, and what of it is otherwise there."""
        place = msgspec.json.decode(cursor, type=Round) if cursor else Round()
        newest = place.newest if place.below else max(place.newest, self._newest())
        top, lists = place.below or newest, 0
        ends = max(0, top - LOOKED)
        while top > ends and lists < LISTS and self._asked < ASKED:
            numbers = range(max(0, top - PAGE) + 1, top + 1)
            here = self._here(numbers, ours)
            found = self._otherwise(here) if here else []
            lists += bool(here)
            if self._asked < ASKED or not found:  # else the rest of this part is looked at next time
                top = numbers[0] - 1
            yield msgspec.json.encode(Round(top, newest)).decode(), found

    def _newest(self) -> int:
        return max(
            (each for state in self._listing.states for each in self._listing.page(state, count=1).numbers), default=0
        )

    def _here(self, numbers: range, ours: Ours) -> dict[int, str]:
        named = {self._where.key("comment", str(each)): each for each in numbers}
        return {named[source]: stands for source, stands in ours(list(named)).items()}

    def _otherwise(self, here: Mapping[int, str]) -> list[Otherwise]:
        there = self._states(here)
        doubted = [ident for ident in sorted(here) if not _same(here[ident], there.get(ident))][: ASKED - self._asked]
        self._asked += len(doubted)
        told = [each for each in map(self._now, doubted) if each is not None]
        return [each for each in told if each.row is None or not _same(here[each.number], each.row.get("status"))]

    def _states(self, here: Mapping[int, str]) -> dict[int, str]:
        told = self._client.get(
            "comments", include=",".join(map(str, sorted(here))), status="any", type="all", context="edit",
            per_page=PAGE, orderby="id", _fields="id,status",
        )  # fmt: skip
        if not isinstance(told.value, list):
            raise ChannelError("The blog's comments are no list; a plugin changes them.", code="no_answer")
        return {number(row): fields.line(row.get("status"), 40) for row in map(fields.record, told.value)}

    def _now(self, ident: int) -> Otherwise | None:
        """As it is now. None: nobody can say."""
        try:
            told = self._client.get(f"comments/{ident}", context="edit", _fields=WANTED)
        except ChannelError as error:
            if not error.permanent:
                raise
            gone = error.code == "not_there" and error.more.get("said") == NO_SUCH
            return Otherwise(ident, None, self._client.index().at) if gone else None
        return Otherwise(ident, fields.record(told.value), told.at)


def _same(ours: str, theirs: object) -> bool:
    """Whether the states agree; what a machine left says what it is in place of “approved”."""
    stands = STATES.get(theirs, theirs) if isinstance(theirs, str) else None
    return stands == ours or (stands == "approved" and ours in MACHINES)
