"""``silence``: after something, for a time, nothing came from somebody.

An interaction that matches ``after`` opens an episode and starts the clock. Silence *of us* is broken by
anything a human of ours did towards the person, *of them* by anything the person did, *of anyone* by either
and by third persons, *of the organisation* by anything that anybody of it did; on any channel. Automatic mail, notes
and what was moderated away break nothing.

Silence *of us* follows how they waited (`kinline.waiting`): it begins with what asks us directly, by its kind where ``after``
names none; closing, dismissing and withdrawing end it; it rests while somebody else's answer stands. It ends when it fires,
and what they ask next begins another.

The clock runs for ``for``, always or in the working time of a calendar. A break in (start, due] settles the episode,
the last microsecond included; without one it fires when it is due. What comes later changes nothing about a fire.

An organisation's silence is one history: that of all who belong to it, while they do. Its episodes are the
organisation's, and each is looked at by the member who opened it, so it is decided once.

``rearm`` says what further interactions like the first do while nobody breaks the silence: ``first`` keeps the
first clock (the default for *us*: somebody who writes three times waits since the first), ``last`` starts it anew
(the default for *them* and *anyone*: we wait since the last). An answer that names what it answers counts also
where its clock says that it came before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from kinline.triggers.conditions.base import ConditionTerms, ConditionType, Sight
from kinline.triggers.conditions.waited import Asks, due_after
from kinline.triggers.durations import Duration
from kinline.triggers.filters import Filter, Interest, Matcher, Side, compile_filter, verified
from kinline.triggers.history import History, OrganisationHistory, Seen
from kinline.triggers.outcomes import MAX_TOLD, Absence, Evidence, Fire, Outcome, Settled, Wait
from kinline.triggers.parts import Part
from kinline.words import ASKING

Whose = Literal["us", "them", "anyone", "organisation"]
#: The calendar that counts where a trigger names none.
CALENDAR = "default"


class Silence(Part, frozen=True, kw_only=True):
    """Nothing came from somebody for a time, counted from an interaction.

    With ``clock: business-hours`` the time is working time of ``calendar``, of the one named `CALENDAR` without it.
    """

    of: Whose
    for_: Duration = msgspec.field(name="for")
    after: Filter = Filter()
    broken_by: Filter | None = None
    rearm: Literal["first", "last"] | None = None
    clock: Literal["always", "business-hours"] = "always"
    calendar: Annotated[str, Meta(min_length=1, max_length=100)] | None = None

    def __post_init__(self) -> None:
        if self.calendar and self.clock == "always":
            raise ValueError("`calendar` goes with `clock: business-hours`")

    @property
    def counts_in(self) -> str:
        """The name of the working calendar; "" where the clock never rests."""
        return "" if self.clock == "always" else self.calendar or CALENDAR


_LOOKED_FOR: dict[Whose, str] = {
    "us": "anything that one of us did towards the person",
    "them": "anything that the person did",
    "anyone": "anything that anyone did",
    "organisation": "anything that anybody of the organisation did",
}


@dataclass(slots=True)
class SilenceRun:
    """One episode: what opened it, what repeated it, and what ended it (None while nothing did)."""

    first: Seen
    due: int | None  #: None: the calendar is not there
    proved: bool
    organisation: OrganisationHistory | None = None
    asked: list[Seen] = field(default_factory=list)
    ended_at: int | None = None
    ended_by: str = ""
    why: Literal["moved_on", "restarted", "ended"] = "moved_on"
    paused_at: int | None = None  #: since when it is nobody's turn

    @property
    def episode(self) -> str:
        return f"{self.organisation.id}:{self.first.id}" if self.organisation else self.first.id

    def counted(self) -> tuple[Seen, ...]:
        return (self.first, *(seen for seen in self.asked if self.due is None or seen.at <= self.due))


@dataclass(frozen=True)
class SilenceCondition:
    of: Whose
    length: int
    calendar: str
    after: Matcher
    breaking: Matcher
    rearm: Literal["first", "last"]
    looked_for: str
    terms: ConditionTerms

    def outcomes(self, sight: Sight) -> Iterator[Outcome]:
        return (self._outcome(run, sight.now) for run in self._runs(sight))

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        for run in self._runs(sight):
            ended = run.ended_at
            if run.due is not None and run.due <= at and (ended is None or ended > at):
                return self._evidence(run, at)
        return None

    def interests(self) -> frozenset[Interest]:
        """What opens or restarts the clock. A break needs no look: what waits is asked again when due.

        But where the first clock counts, a break that comes late may end one episode before what was taken for a
        repetition of it, and so begin another.
        """
        return self.after.interests() | (self.breaking.interests() if self.rearm == "first" else frozenset())

    @property
    def lookback(self) -> int | None:
        """All of it where the first of many counts, and where nights and holidays make a length of any length."""
        return None if self.rearm == "first" or self.terms.inherit or self.calendar else self.length

    def _runs(self, sight: Sight) -> list[SilenceRun]:
        return sight.once(self, lambda: list(self._all(sight.history, sight.now)))

    def _all(self, history: History, now: int) -> Iterator[SilenceRun]:
        if self.of == "us":
            yield from self._walk_of_us(history, now)
        elif self.of != "organisation":
            yield from self._walk(history.seen, history)
        for each in history.organisations if self.of == "organisation" else ():
            for run in self._walk(each.seen, history):
                if run.first.id in each.mine:
                    run.organisation = each
                    yield run

    def _due(self, history: History, start: int) -> int | None:
        if not self.calendar:
            return start + self.length
        calendar = history.calendars.get(self.calendar)
        return calendar.add(start, self.length) if calendar else None

    def _walk(self, seen_in_order: Sequence[Seen], history: History) -> Iterator[SilenceRun]:
        answers = self._answers(seen_in_order)
        run: SilenceRun | None = None
        trusted = False
        for seen in seen_in_order:
            if run is not None and self._breaks(seen, run):
                yield _ended(run, seen, "moved_on")
                run = None
            if not self._opens(seen, trusted):
                continue
            trusted = trusted or verified(seen)
            if run is not None and self.rearm == "first":
                run.asked.append(seen)
                continue
            if run is not None:
                yield _ended(run, seen, "restarted")
            run = SilenceRun(seen, self._due(history, seen.at), verified(seen) or self._inherits(trusted))
            if answer := answers.get(seen.id):
                yield _ended(run, answer, "moved_on")
                run = None
        if run is not None:
            yield run

    def _walk_of_us(self, history: History, now: int) -> Iterator[SilenceRun]:
        """As `_walk`, with what became of what they asked: what was closed or dismissed is waited for no more, and while
        somebody else's answer stands no clock runs. A run ends when it fires, and what is asked next begins another."""
        answers, asks = self._answers(history.seen), Asks(history.waited, now)
        run: SilenceRun | None = None
        trusted = False
        for seen in history.seen:
            over, run = self._until(run, seen.at, history, asks)
            yield from over
            if run is not None and self._breaks(seen, run):
                yield _ended(run, seen, "moved_on")
                run = None
            if not self._opens(seen, trusted) or not asks.opens(seen):
                continue
            trusted = trusted or verified(seen)
            if run is not None and self.rearm == "first":
                run.asked.append(seen)
                continue
            if run is not None:
                yield _ended(run, seen, "restarted")
            run = self._begun(seen, trusted, history, asks)
            if answer := answers.get(seen.id):
                yield _ended(run, answer, "moved_on")
                run = None
        over, run = self._until(run, now + 1, history, asks)
        yield from over
        if run is not None:
            yield run

    def _begun(self, seen: Seen, trusted: bool, history: History, asks: Asks) -> SilenceRun:
        pauses, calendar = asks.pauses(seen), history.calendars.get(self.calendar)
        run = SilenceRun(seen, None, verified(seen) or self._inherits(trusted))
        if not pauses:
            run.due = self._due(history, seen.at)
        elif not self.calendar:
            run.due = due_after(seen.at, self.length, pauses, lambda at, more: at + more, lambda at, to: to - at)
        elif calendar:
            run.due = due_after(seen.at, self.length, pauses, calendar.add, calendar.measure)
        if run.due is None and pauses and (calendar or not self.calendar):
            run.paused_at = pauses[-1][0]
        return run

    def _until(
        self, run: SilenceRun | None, at: int, history: History, asks: Asks
    ) -> tuple[list[SilenceRun], SilenceRun | None]:
        """The runs that were over before that moment, and the one that goes on: what they had asked besides still waits."""
        over = list[SilenceRun]()
        while run is not None:
            ended = asks.ended_at(run.first)
            if run.due is not None and run.due < at and (ended is None or run.due < ended):
                return [*over, run], None
            if ended is None or ended >= at:
                return over, run
            run.ended_at, run.why = ended, "ended"
            over.append(run)
            left = [ask for ask in run.asked if (end := asks.ended_at(ask)) is None or end > ended]
            run = self._begun(left[0], run.proved, history, asks) if left else None
            if run is not None:
                run.asked = left[1:]
        return over, run

    def _answers(self, history: Sequence[Seen]) -> dict[str, Seen]:
        """Interactions answered by something that is dated before them, or at the same time."""
        if not any(seen.answers for seen in history):
            return {}
        times = {seen.id: seen.at for seen in history}
        backwards = (seen for seen in history if seen.answers and seen.at <= times.get(seen.answers, seen.at - 1))
        return {seen.answers: seen for seen in backwards if self.breaking.matches(seen)}

    def _breaks(self, seen: Seen, run: SilenceRun) -> bool:
        return seen.at > run.first.at and self.breaking.matches(seen)

    def _opens(self, seen: Seen, trusted: bool) -> bool:
        asks_for_proof = self.terms.verified_only and not self.after.filter.standing
        trustworthy = not asks_for_proof or verified(seen) or self._inherits(trusted)
        return trustworthy and self.after.matches(seen)

    def _inherits(self, trusted: bool) -> bool:
        return self.terms.inherit and trusted

    def _outcome(self, run: SilenceRun, now: int) -> Outcome:
        episode, ended = run.episode, run.ended_at
        if ended is not None and (run.due is None or ended <= run.due):
            over = max(run.first.at, ended)
            evidence = self._evidence(run, over)
            return Settled(episode=episode, at=over, reason=run.why, by=run.ended_by, evidence=evidence)
        if run.paused_at is not None:
            rests = max(run.first.at, run.paused_at)
            return Settled(episode=episode, at=rests, reason="resting", evidence=self._evidence(run, rests))
        if run.due is None:
            at = max(now, run.first.at)
            return Settled(episode=episode, at=at, reason="no_calendar", evidence=self._evidence(run, at))
        evidence = self._evidence(run, run.due)
        if run.due <= now:
            return Fire(episode=episode, at=run.due, evidence=evidence)
        return Wait(episode=episode, due_at=run.due, evidence=evidence)

    def _evidence(self, run: SilenceRun, until: int) -> Evidence:
        """What an answer would answer is the last that counted; of an organisation, what this person did."""
        counted, organisation = run.counted(), run.organisation
        about = run.first if organisation else counted[-1]
        return Evidence(
            interactions=tuple(seen.id for seen in counted[:MAX_TOLD]),
            about=about.id,
            conversation=about.conversation,
            absences=(Absence(of=self.of, looked_for=self.looked_for, since=run.first.at, until=until),),
            read={**self.after.read(run.first), **self._read(organisation)},
            proved=run.proved and (self.terms.inherit or all(verified(seen) for seen in counted)),
            organisation=organisation.id if organisation else "",
        )

    def _read(self, organisation: OrganisationHistory | None) -> dict[str, str]:
        read = {"silence.calendar": self.calendar} if self.calendar else {}
        return {**read, "organisation.name": organisation.name} if organisation else read


def _ended(run: SilenceRun, by: Seen, why: Literal["moved_on", "restarted"]) -> SilenceRun:
    run.ended_at, run.ended_by, run.why = by.at, by.id, why
    return run


def compile_silence(written: Silence, pointer: str, terms: ConditionTerms) -> SilenceCondition:
    breaking, after = written.broken_by or Filter(), written.after
    if written.of == "us" and not after.kind:
        after = msgspec.structs.replace(after, kind=tuple(sorted(ASKING)))
    side: Side = "them" if written.of == "organisation" else written.of
    return SilenceCondition(
        of=written.of,
        length=written.for_.micros,
        calendar=written.counts_in,
        after=compile_filter(after, side="them", own=terms.own, pointer=f"{pointer}/after"),
        breaking=compile_filter(breaking, side=side, own="", pointer=f"{pointer}/broken_by"),
        rearm=written.rearm or ("first" if written.of == "us" else "last"),
        looked_for=_LOOKED_FOR[written.of] + _narrowed(written.broken_by),
        terms=terms,
    )


def _narrowed(breaking: Filter | None) -> str:
    return f" with {breaking.said()}" if breaking else ""


def _advice(written: Silence) -> Iterator[str]:
    if written.counts_in and set("dw") & set(written.for_.text):
        yield (
            f"`for: {written.for_.text}` of working time: a day is 24 hours of it, about three days of an office that "
            "works eight. Write hours."
        )


SILENCE = ConditionType(
    word="silence",
    shape=Silence,
    compile=compile_silence,
    says="Nothing came from somebody for a time, counted from an interaction.",
    fields={
        "of": "Whose silence: ours, theirs, anyone's, or that of everybody in the person's organisation.",
        "for": "For how long. With `clock: business-hours`, so much working time.",
        "after": "What starts the clock. Without it, whatever the person does.",
        "broken_by": "What breaks the silence. Without it, anything they do.",
        "rearm": "Whether further interactions like the first leave the clock alone (first) or start it anew (last).",
        "clock": "always, or business-hours: only the working time of a calendar counts.",
        "calendar": "The working calendar. Without it, the one named `default`.",
    },
    starts=lambda written: written.after,
    advise=_advice,
)
