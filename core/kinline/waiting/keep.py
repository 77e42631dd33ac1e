"""THE STORY of waiting: what was just recorded changes who waits for us, in the transaction that records it.

Of everybody whom it concerns the episodes are folded anew from where it begins to matter: usually from the row that runs
already, and only over what is new. So what is kept up equals what is folded from nothing, in whatever order things come.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import select
from sqlmodel import Session

from kinline.store.ask import Ask, among, columns
from kinline.store.models import ThreadKey
from kinline.waiting import due, lines, places, rows, rules, spoken
from kinline.waiting.clocks import FOREVER
from kinline.waiting.events import Pair
from kinline.waiting.places import News
from kinline.waiting.rules import WaitingLine
from kinline.waiting.touched import NEVER, Touched, plan_waking


class Said(msgspec.Struct, frozen=True):
    """Something that was just recorded. ``bears``: it may ask us something, or answer something."""

    id: str
    key: str | None  #: under which it stands in a conversation
    at: int
    bears: bool


class _KeyHome(msgspec.Struct, frozen=True):
    id: str
    conversation_id: str | None


_HOMES = Ask(select(*columns(ThreadKey, _KeyHome)).where(among(ThreadKey.id, "keys")), _KeyHome)


def keep(
    session: Session, fresh: Sequence[Said], joined: Sequence[tuple[str, str]] = (), changed: Iterable[str] = ()
) -> list[str]:
    """Bring who waits up to what was just recorded, in the transaction that records it and after all else but jobs: two
    that wrote these rows and then others would wait for each other.

    ``joined``: conversations that it joined, each with the one it is part of now; ``changed``: what it edited or deleted.
    Returns the conversations that came to be pending.
    """
    found = lines.load(session, (said.id for said in fresh if said.bears))
    new = {said.id for said in fresh if said.id in found}
    touched = Touched(session, found)
    touched.lock(place for pair in joined for place in pair)
    whole = [pair for old, root in joined for pair in rows.move(session, old, root)]
    touched.hear(new)
    whole += rows.known(session, touched.answering)
    edited = sorted(set(changed))
    whole += touched.changed(edited)
    news = {root: News() for _, root in joined} | _last(session, fresh, found)
    pending = touched.settle(dict.fromkeys(whole, NEVER), news)
    if ours := touched.places_of_ours([*edited, *touched.vouched]):
        pending += recount(session, ours)
    return pending


def settle_person(session: Session, identity: str) -> None:
    """Work out anew how the person who holds this identity waits, everywhere: after a merge and its undoing."""
    touched = Touched(session, {})
    touched.meet(lines.holders(session, [identity]).values())
    touched.lock(())
    touched.settle({row.pair: NEVER for row in touched.rows_of_all(NEVER)}, {})


def settle_pairs(session: Session, pairs: Iterable[Pair]) -> list[str]:
    """Work out anew how these wait, from all that is stored."""
    listed = sorted(set(pairs))
    touched = Touched(session, {})
    touched.meet(lines.holders(session, [who for who, _ in listed]).values())
    touched.lock(place for _, place in listed)
    return touched.settle(dict.fromkeys(listed, NEVER), {})


def move(session: Session, conversation: str, state: str, *, at: int, by: str, elsewhere: bool = False) -> list[str]:
    """Somebody put a conversation into a state; ``elsewhere``: at the desk where it lives. Returns it where it came to be
    pending by that."""
    places.remember_move(session, conversation, state, at, by, elsewhere=elsewhere)
    touched = Touched(session, {})
    if state in places.OVER:
        touched.end(conversation, places.closing(at, by, elsewhere=elsewhere))
    pending = touched.settle({}, {conversation: News()})
    due.aim(session, [conversation])
    return pending


def reconsider(session: Session, interactions: Iterable[str]) -> None:
    """What is known of these changed, though not their words: they were judged, or did not arrive."""
    keep(session, [], changed=interactions)


def part(session: Session, conversation: str, fresh: str) -> None:
    """A part of a conversation became one of its own: work out anew who waits in either."""
    rows.copy_dismissals(session, conversation, fresh)
    those = {row.who for row in rows.every_in(session, [conversation])} | spoken.askers(session, [fresh])
    settle_pairs(session, [(who, place) for who in those for place in (conversation, fresh)])
    recount(session, [conversation, fresh])


def recount(session: Session, conversations: Iterable[str]) -> list[str]:
    """Read anew when something was last said in these, when one of us answered, and so how they stand. Returns those that
    came to be pending."""
    listed = sorted(set(conversations))
    news = {each: News(recount=True) for each in listed}
    for place, at in spoken.last_said(session, listed):
        news[place].last.append(at)
    for line in spoken.our_answers(session, listed):
        news[line.place].answered.append(line.at)
    standing = {each: places.forgotten(here) for each, here in places.standing(session, listed).items()}
    pending = places.settle(session, standing, news)
    due.aim(session, listed)  # what was promised for the first answer and for the next ones may differ
    return pending


def wake(session: Session, conversation: str) -> None:
    """Somebody's rest is over in a place: they wait again, and the place stands by that."""
    waiting = rows.open_in(session, [conversation], FOREVER)
    for row in waiting:
        rows.put(session, row)
    plan_waking(session, ((row.place, row.episode) for row in waiting))
    places.settle(session, places.standing(session, [conversation]), {})


def _last(session: Session, fresh: Sequence[Said], found: Mapping[str, WaitingLine]) -> dict[str, News]:
    """When something was last said in each conversation."""
    news: dict[str, News] = {}
    keys = {said.key: said for said in fresh if said.key and said.id not in found}
    home = {row.id: row.conversation_id for row in _HOMES.rows(session, keys=sorted(keys))} if keys else {}
    for said in fresh:
        place = found[said.id].place if said.id in found else home.get(said.key or "")
        if place is not None:
            told = news.setdefault(place, News())
            told.last.append(said.at)
            if said.id in found and found[said.id].ours and rules.answers(found[said.id]):
                told.answered.append(found[said.id].at)
    return news
