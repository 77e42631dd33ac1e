"""Those whom news concern, and how they wait: folded anew and written."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.clock import HOUR
from kinline.identity.persons import identities_of
from kinline.jobs import queue
from kinline.store import locks
from kinline.waiting import clocks, due, lines, places, rows, rules, window
from kinline.waiting.clocks import FOREVER
from kinline.waiting.events import Pair, Pairs, World, by_pair
from kinline.waiting.fold import AskEvent, End, Ended, Episode, Event, fold
from kinline.waiting.places import News, PlaceState
from kinline.waiting.policies import Policies
from kinline.waiting.rows import StoredEpisode
from kinline.waiting.rules import Level, WaitingLine

#: How long a word of ours elsewhere lets somebody's other conversations rest, in working time.
REST = 4 * HOUR
#: PostgreSQL advisory locks: who asks and who answers one person do not pass each other unseen.
WAITING, LOCKS = 727281, 1024
NEVER = -(2**62)
#: The job that looks at a conversation when somebody's rest in it is over.
WAKE = "waiting.wake"
#: The job that decides about a person, and the ways in which a wait ends without anybody's word that would plan it.
DECIDE, WORDLESS = "person.decide", frozenset({Ended.CLOSED, Ended.DISMISSED, Ended.WITHDRAWN})


def plan_waking(session: Session, resting: Iterable[tuple[str, Episode]]) -> None:
    """Plan the jobs that look at these places when a rest in them is over."""
    now = clock.now()
    for place, episode in resting:
        if episode.open and episode.paused_until is not None and episode.paused_until > now:
            queue.plan(session, WAKE, [place], run_at=episode.paused_until)


class Touched:
    """Those whom news concern, and how they wait."""

    def __init__(self, session: Session, found: dict[str, WaitingLine]) -> None:
        self._session, self._lines = session, found
        self._held: dict[str, str] = {}
        self._mine: dict[str, list[str]] = {}
        self._before: dict[str, StoredEpisode] = {}
        self._news: dict[Pair, list[Event]] = {}
        self._first: dict[Pair, int] = {}  #: of the news of a pair, the earliest that any clock says
        self.vouched: list[str] = []  #: ours, of which that was not sure before
        self.answering: list[Pair] = []  #: ours to us alone, if they waited as such: what they answer came after them
        self._policies: Policies | None = None
        self._known: set[str] = set()  #: places that were looked at
        self._standing: dict[str, PlaceState] = {}  #: of those that are conversations
        self._rests: dict[tuple[str | None, int], int] = {}
        self.meet(person for line in found.values() for person in _persons(line, found))

    def meet(self, persons: Iterable[str]) -> None:
        """Know all identities of these persons."""
        new = sorted(set(persons) - self._mine.keys())
        if new:
            mine = identities_of(self._session, new)
            self._mine |= {person: mine.get(person, []) for person in new}
            self._held |= {identity: person for person, all_ in mine.items() for identity in all_}

    def lock(self, conversations: Iterable[str]) -> None:
        """On PostgreSQL, hold the persons and places concerned until this commits. Few locks, taken in order."""
        keys = {*self._mine, *(line.place for line in self._lines.values()), *conversations}
        locks.hold_places(self._session, WAITING, (int(key[:8], 16) % LOCKS for key in keys))

    def rows_of_all(self, since: int) -> list[StoredEpisode]:
        """The rows of everybody met that were not over before that moment."""
        nameless = (person for person, identities in self._mine.items() if not identities)
        found = rows.of_those(self._session, [*self._held, *nameless], since)
        self._before |= {row.id: row for row in found}
        return found

    def hear(self, new: Collection[str]) -> None:
        """What these new interactions, and those that answer them and came before them, mean for whom."""
        if not new:
            return
        above = {each for line in new for each in self._lines[line].answers}
        self.vouched = sorted(each for each in above if each in self._lines and self._lines[each].vouched)
        heard = self._with_what_answers({*new, *self.vouched})
        self.answering = [(line.id, line.place) for line in heard if line.ours and line.answers and line.id not in new]
        self.meet(person for line in heard for person in _persons(line, self._lines))
        since = min(line.at for line in heard)
        self.rows_of_all(since)
        self._rows_in({line.place for line in heard if rules.answers(line) and rules.reaches_all(line)}, since)
        self._know({row.place for row in self._before.values()} | {line.place for line in heard})
        world = World(self._lines, self._until)
        events = [(line.at, each) for line in heard for each in (*world.own(line), *world.help(line))]
        waiting = {row.pair for row in self._before.values()} | {pair for _, (pair, _) in events}
        pairs = Pairs((pair, self._held.get(pair[0], pair[0])) for pair in sorted(waiting))
        events += [(line.at, each) for line in heard for each in world.answer(line, pairs)]
        for said_at, (pair, _) in events:
            self._first[pair] = min(said_at, self._first.get(pair, said_at))
        for pair, told in by_pair(each for _, each in events).items():
            self._news.setdefault(pair, []).extend(told)

    def _with_what_answers(self, interactions: Collection[str]) -> list[WaitingLine]:
        """These and all that was said below them: how it asks, and when it counts, follows from what it answers."""
        found, below = set(interactions), set(interactions)
        for _ in range(rules.FURTHEST):
            below = lines.answering(self._session, below) - found
            if not below:
                break
            self._lines |= lines.load(self._session, below, self._lines)
            found |= below
        return [self._lines[each] for each in sorted(found) if each in self._lines]

    def end(self, place: str, end: End) -> None:
        """A place was closed: that concerns those whose waiting there was not over by then."""
        for row in self._rows_in([place], end.at):
            self._news.setdefault(row.pair, []).append(end)
            self._first[row.pair] = end.at

    def changed(self, interactions: Sequence[str]) -> list[Pair]:
        """Whom an edit or a deletion concerns: who asked there, whose words it answers, and whom it had settled."""
        if not interactions:
            return []
        self._lines |= lines.load(self._session, interactions)
        found = {line.id: line for line in self._with_what_answers(interactions)}
        self.meet(person for line in found.values() for person in _persons(line, self._lines))
        since = min((line.at for line in found.values()), default=0)
        pairs = {row.pair for row in self.rows_of_all(NEVER)} | {
            (line.who, line.place) for line in found.values() if line.who
        }
        private = {found[each].place for each in interactions if each in found and found[each].ours}
        pairs |= {row.pair for row in self._rows_in(private, since)}
        return sorted(pairs)

    def places_of_ours(self, interactions: Iterable[str]) -> set[str]:
        """The places of those of these that are ours."""
        return {self._lines[each].place for each in interactions if each in self._lines and self._lines[each].ours}

    def _rows_in(self, conversations: Collection[str], since: int) -> list[StoredEpisode]:
        """The rows of these places that were not over before that moment, of whomever."""
        found = rows.open_in(self._session, conversations, since)
        self._before |= {row.id: row for row in found}
        self.meet(lines.holders(self._session, {row.who for row in found} - self._held.keys()).values())
        return found

    def settle(self, whole: Mapping[Pair, int], news: dict[str, News]) -> list[str]:
        """Fold everybody concerned anew and write it. ``whole``: those who are folded from that moment on, at least."""
        pairs = {**dict.fromkeys(self._news, 0), **whole}
        self.meet(lines.holders(self._session, {who for who, _ in pairs} - self._held.keys()).values())
        self._know({place for _, place in pairs} | news.keys())
        if whole:
            self._before |= {row.id: row for row in rows.of_those(self._session, {who for who, _ in whole}, NEVER)}
        before: dict[Pair, list[StoredEpisode]] = defaultdict(list)
        for row in self._before.values():
            before[row.pair].append(row)
        begun, starts = self._beginnings(whole, before)
        events = {pair: self._news[pair] for pair in begun}
        if starts:
            since = min(self._since(pair, start, before[pair]) for pair, start in starts.items())
            events |= window.load(
                self._session, self._lines, self._standing, starts, since, self._held, self._mine, self._until
            )
        after = {pair: self._folded(pair, events[pair], begun.get(pair)) for pair in pairs}
        replaced = [row for pair in pairs for row in before[pair] if _is_new(row, starts.get(pair))]
        rows.write(self._session, replaced, after)
        plan_waking(self._session, ((place, each) for (_, place), every in after.items() for each, _ in every))
        queue.plan(self._session, DECIDE, self._ended_else(before, after))
        for pair, episodes in after.items():
            _tell(
                news.setdefault(pair[1], News()), [row.episode for row in before[pair]], [each for each, _ in episodes]
            )
        touched = {place: here for place, here in self._standing.items() if place in news}
        pending = places.settle(self._session, touched, news)
        if self._promises:
            due.aim(self._session, (place for place, here in touched.items() if _promises_else(here, news[place])))
        return pending

    def _ended_else(
        self, before: Mapping[Pair, Sequence[StoredEpisode]], after: Mapping[Pair, Sequence[tuple[Episode, int | None]]]
    ) -> list[tuple[str, int]]:
        """Those whose wait was closed, dismissed or withdrawn, or is not any more, each with since when: a silence of ours
        that a trigger waits for ends with it, and goes on with it."""
        found = list[tuple[str, int]]()
        for (who, place), episodes in after.items():
            was = {_wordless(row.episode) for row in before[who, place]}
            now = {_wordless(episode) for episode, _ in episodes}
            found += [(who, at) for _, at in sorted(was ^ now) if at is not None and who in self._held]
        return found

    def _beginnings(
        self, whole: Mapping[Pair, int], before: Mapping[Pair, list[StoredEpisode]]
    ) -> tuple[dict[Pair, Episode], dict[Pair, int]]:
        """From which running episode, or from which moment, each pair is folded."""
        begun, starts = dict[Pair, Episode](), dict(whole)
        for pair in self._news.keys() - starts.keys():
            first = self._first[pair]
            known = (row.episode for row in before[pair])
            covering = min((each for each in known if _covers(each, first)), key=_begun_at, default=None)
            if covering is not None and _goes_on(covering, first, self._news[pair]):
                begun[pair] = msgspec.structs.replace(covering)
            else:
                starts[pair] = first if covering is None else covering.begun_at
        return begun, starts

    def _since(self, pair: Pair, start: int, before: Iterable[StoredEpisode]) -> int:
        """From when on everything is to be read for a pair that is folded from ``start`` on."""
        later = (row.episode.said_from for row in before if row.episode.begun_at >= start)
        return min([start, *later, *([self._first[pair]] if pair in self._first else [])])

    def _folded(self, pair: Pair, events: Iterable[Event], begun: Episode | None) -> list[tuple[Episode, int | None]]:
        here = self._standing.get(pair[1])
        terms = clocks.PromiseTerms() if here is None else places.terms_of(self._session, here, self._moves(pair[1]))
        episodes = [msgspec.structs.replace(each, asks=()) for each in fold(events, begun)]
        return [(each, clocks.due_at(self._promises, terms, each)) for each in episodes]

    def _moves(self, place: str) -> list[places.StateMove]:
        here = self._standing[place]
        return (
            [] if here.state_at is None or not self._promises else places.moves(self._session, [place]).get(place, [])
        )

    @property
    def _promises(self) -> Policies:
        if self._policies is None:
            self._policies = Policies(self._session)
        return self._policies

    def _know(self, wanted: Collection[str]) -> None:
        """How these places stand, those among them that are conversations."""
        new = set(wanted) - self._known
        self._standing |= places.standing(self._session, new)
        self._known |= new

    def _until(self, place: str, at: int) -> int:
        self._know({place})
        team = here.team_id if (here := self._standing.get(place)) else None
        if (team, at) not in self._rests:
            self._rests[team, at] = self._promises.calendar(team).add(at, REST)
        return self._rests[team, at]


def _is_new(row: StoredEpisode, start: int | None) -> bool:
    """Whether a stored row is among those that are folded anew: from a moment on, or from the one that runs."""
    return row.episode.open if start is None else row.episode.begun_at >= start


def _tell(news: News, before: list[Episode], after: list[Episode]) -> None:
    """What changed in a place by how one of those who wait there waits."""
    was, now = (([each.last_known_at for each in some if _asks(each)]) for some in (before, after))
    answered_before, answered = (
        [each.ended_at or 0 for each in some if each.ended_how == Ended.US] for some in (before, after)
    )
    news.asked += now
    news.first += answered
    less = max(was, default=NEVER) > max(now, default=NEVER)
    later = min(answered_before, default=FOREVER) < min(answered, default=FOREVER)
    news.recount = news.recount or less or later


def _asks(episode: Episode) -> bool:
    """Whether somebody asked us something directly in it, and did not take it back."""
    return episode.level is Level.DIRECT and episode.ended_how != Ended.WITHDRAWN


def _promises_else(here: PlaceState, news: News) -> bool:
    """Whether something else is promised there now, to everybody who waits: for the first answer it is another time than
    for the next ones, and what is asked takes a conversation off hold."""
    first = min(news.first, default=FOREVER) < (here.first_answered_at or FOREVER)
    return first or news.recount or bool(here.state_at and news.asked)


def _wordless(episode: Episode) -> tuple[str, int | None]:
    """How and when a wait ended of which nobody's word says so."""
    return (episode.ended_how, episode.ended_at) if episode.ended_how in WORDLESS else ("", None)


def _covers(episode: Episode, at: int) -> bool:
    return episode.begun_at <= at and (episode.ended_at is None or episode.ended_at >= at)


def _begun_at(episode: Episode) -> int:
    return episode.begun_at


def _goes_on(running: Episode, first: int, news: Sequence[Event]) -> bool:
    """Whether the news can be folded on from where it stands: they are later, and none ends a part of what was asked."""
    asked = [event for event in news if isinstance(event, AskEvent)]
    ends = (event for event in news if isinstance(event, End))
    parting = any(end.leaves(running) or not all(map(end.ends, asked)) for end in ends)
    return running.open and first > running.last_at and not parting


def _persons(line: WaitingLine, found: Mapping[str, WaitingLine]) -> Iterable[str]:
    """Those whose waiting a line may change: who said it, to whom one of us said it, and whose words it answers."""
    if line.who:
        yield line.person
    if line.ours or line.taken:
        yield from line.reached
    yield from (found[each].person for each in line.answers if each in found and not found[each].ours)
