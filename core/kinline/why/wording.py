"""An explanation in words: short sentences, one after the other, for a tired person.

The sentences stand in `kinline.locales`. What people wrote is put in as it is, and never read as anything but text.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from kinline import clock, locales
from kinline.contract.plugins import channels
from kinline.reasons import Reason, worded
from kinline.why.context import Considered, WayShown
from kinline.why.explanation import MessageExplained, Why
from kinline.why.parts import CountedInteraction, JoinedBy
from kinline.words import PUBLIC

#: How many of a long list are told one by one.
TOLD = 3


class Locale(msgspec.Struct, frozen=True):
    """In which language it is told, and by the clock of which zone (IANA)."""

    language: str
    zone: str

    def say(self, name: str, /, **values: str | int) -> str:
        return locales.say(self.language, name, **values)

    def because(self, reason: Reason) -> str:
        """A reason in brackets, or nothing."""
        return f" ({worded(reason, self.language)})" if reason else ""


def paragraph(told: "Why", language: str, zone: str = "UTC") -> str:
    """The explanation in this language (BCP 47), or in English, with times in this zone (IANA)."""
    locale = Locale(locales.language_of(language), zone)
    return " ".join(sentence for part in _PARTS for sentence in part(told, locale))


def _opening(told: "Why", locale: Locale) -> Iterator[str]:
    if told.trigger is not None:
        about = told.trigger.about
        sentence = locale.say(
            "verdict", verdict=told.verdict, at=_date(told.at, locale), trigger=told.trigger.name, name=told.name,
            about=about if about.endswith((".", "!", "?")) or not about else f"{about}.",
        )  # fmt: skip
        yield sentence.removesuffix(": ").strip()
    elif told.by and told.followups:
        yield locale.say("human", by=told.by, at=_date(told.at, locale))
    for merge in told.merges if told.sort == "merge" else ():
        yield locale.say("joined", list=_proof(merge, locale))
        if merge.undone_at:
            yield locale.say("undone", by=merge.undone_by, at=_date(merge.undone_at, locale))


def _seen(told: "Why", locale: Locale) -> Iterator[str]:
    if told.interactions:
        yield locale.say("counted", list="; ".join(_few([_said(each, locale) for each in told.interactions])))
    for absence in told.absences:
        yield locale.say(
            "awaited" if told.verdict == "waits" else "absence", since=_date(absence.since, locale),
            until=_date(absence.until, locale), what=worded(absence.what, locale.language),
        )  # fmt: skip


def _relied(told: "Why", locale: Locale) -> Iterator[str]:
    read = [
        locale.say(f"read-{name}", value=_value(value, locale))
        for name, value in told.read.items()
        if "." in name and locales.has(f"read-{name}")
    ]
    if read:
        yield locale.say("read", list=_and(read, locale))
    standing = [merge for merge in told.merges if merge.undone_at is None]
    if standing and told.sort != "merge":
        yield locale.say("joined", list="; ".join(_proof(merge, locale) for merge in standing))
    if not told.proved:
        yield locale.say("unproved")
    if told.because:
        yield locale.say("reason", reason=worded(told.because, locale.language).rstrip("."))
    if told.experiment:
        name = "held-out" if told.experiment.held_out else "given"
        yield locale.say(name, experiment=told.experiment.experiment, arm=told.experiment.arm)


def _came(told: "Why", locale: Locale) -> Iterator[str]:
    came = [locale.say("task", team=task.team, title=task.title, state=task.state) for task in told.tasks]
    came += [locale.say("move", track=move.track, stage=move.stage) for move in told.moves]
    came += [_message(message, locale) for message in told.followups]
    came += [
        locale.say("call", state=each.state, endpoint=each.endpoint, reason=locale.because(each.because))
        for each in told.calls
    ]
    came += [
        locale.say(
            "step", state=each.state, at=_date(each.due_at or "", locale), reason=locale.because(each.because)
        )
        for each in told.steps
    ]  # fmt: skip
    if came:
        yield locale.say("outcome", list=_and(came, locale))


def _ways(told: "Why", locale: Locale) -> Iterator[str]:
    """Why the messages went this way and not another, where there was another."""
    for message in told.followups:
        others = [way for way in message.ways if not way.taken]
        for way in message.ways if others else ():
            if way.taken:
                yield locale.say("took", channel=_channel(way.channel), why=worded(way.because, locale.language))
        if others:
            yield locale.say("other-ways", list="; ".join(_few([_way(way, locale) for way in others])))


def _way(way: WayShown, locale: Locale) -> str:
    because = worded(way.because, locale.language)
    return locale.say("way", channel=_channel(way.channel), handle=_plain(way.handle), why=because)


def _beside(told: "Why", locale: Locale) -> Iterator[str]:
    if told.cascade is not None and told.cascade.depth > 1:
        yield locale.say(
            "cascade-stopped" if told.cascade.stopped else "cascade", list=" → ".join(told.cascade.triggers),
            depth=told.cascade.depth, deepest=told.cascade.deepest,
        )  # fmt: skip
    for name, listed in (("led-to", told.led_to), ("considered", told.considered)):
        if listed:
            yield locale.say(name, list="; ".join(_few([_decided(each, locale) for each in listed])))


def _decided(each: "Considered", locale: Locale) -> str:
    return locale.say("decided", verdict=each.verdict, trigger=each.trigger, reason=locale.because(each.because))


_PARTS: tuple[Callable[["Why", Locale], Iterator[str]], ...] = (_opening, _seen, _relied, _came, _ways, _beside)


def _said(each: "CountedInteraction", locale: Locale) -> str:
    text = f": “{each.text or each.subject}”" if each.text or each.subject else ""
    if each.hidden or each.deleted:
        text = f": {locale.say('hidden' if each.hidden else 'deleted')}"
    return locale.say(
        "said", by=each.by or locale.say("nobody"), kind=each.kind, channel=_channel(each.channel),
        at=_date(each.at, locale), text=text,
    )  # fmt: skip


def _proof(merge: "JoinedBy", locale: Locale) -> str:
    given = {name: str(merge.evidence.get(name, "")) for name in ("proof", "source", "account", "reason")}
    proof = locale.say(
        "proof", proof=given["proof"].replace(" ", "-"), one=" / ".join(map(_plain, merge.one)),
        other=" / ".join(map(_plain, merge.other)), at=_date(merge.at, locale), source=given["source"],
        account=given["account"], by=merge.by,
    )  # fmt: skip
    return locale.say("proof-noted", proof=proof, note=given["reason"]) if given["reason"] else proof


def _message(message: "MessageExplained", locale: Locale) -> str:
    sort = f"{locale.say('message-class', **{'class': message.send_class})} ({_channel(message.channel)})"
    to = locale.say("everybody") if message.send_class == PUBLIC else _plain(message.to)
    at = _date(message.sent_at or message.due_at, locale)
    return locale.say(
        "message", state=message.state, sort=sort, to=to, at=at, reason=locale.because(message.because)
    )  # fmt: skip


def _plain(handle: str) -> str:
    """A handle as people say it: the address alone, the id with who gave it."""
    kind, _, value = handle.partition(":")
    return {"email": value, "phone": value, "url": value, "x_id": f"X {value}"}.get(kind, value or "…")


def _channel(name: str) -> str:
    known = channels().loaded.get(name)
    return known.title if known else name


def _date(at: str, locale: Locale) -> str:
    """``2026-03-02T09:00:00Z`` in words, as the clock says in the reader's zone."""
    if not at:
        return "?"
    given = datetime.fromisoformat(at)
    try:
        given = given.astimezone(ZoneInfo(locale.zone))
    except OverflowError:
        given = given.astimezone(clock.EPOCH.tzinfo)
    return locale.say(
        "date", day=given.day, month=given.month, year=given.year, time=f"{given:%H:%M}", zone=str(given.tzname())
    )  # fmt: skip


def _value(value: Any, locale: Locale) -> str | int:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or locale.say("nothing")
    return value if isinstance(value, int) else str(value)


def _few(texts: list[str]) -> list[str]:
    return texts if len(texts) <= TOLD else [*texts[:TOLD], f"… (+{len(texts) - TOLD})"]


def _and(texts: list[str], locale: Locale) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {locale.say('conjunction')} {texts[-1]}"
