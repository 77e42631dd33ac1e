"""An explanation in words: short sentences, one after the other, for a tired person.

The sentences stand in `kinline.why.languages`. What people wrote is put in as it is, and never read as anything but text.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from kinline import clock, reasons
from kinline.contract.plugins import channels
from kinline.why.context import Considered
from kinline.why.explanation import MessageExplained, Why
from kinline.why.languages import ENGLISH, LANGUAGES, Language
from kinline.why.parts import CountedInteraction, JoinedBy
from kinline.words import PUBLIC

#: How many of a long list are told one by one.
TOLD = 3


def code_of(language: str) -> str:
    """The language (BCP 47) that we have words in: this one, or English."""
    code = language.partition("-")[0].lower()
    return code if code in LANGUAGES else ENGLISH.code


def paragraph(told: "Why", language: str, zone: str = "UTC") -> str:
    """The explanation in this language (BCP 47), or in English, with times in this zone (IANA)."""
    words = msgspec.structs.replace(LANGUAGES[code_of(language)], zone=zone)
    return " ".join(sentence for part in _PARTS for sentence in part(told, words))


def _opening(told: "Why", words: Language) -> Iterator[str]:
    if told.trigger is not None:
        sentence = words.verdicts.get(told.verdict, words.verdicts["fired"])
        about = told.trigger.about
        yield sentence.format(
            at=_date(told.at, words), trigger=told.trigger.name, name=told.name,
            about=about if about.endswith((".", "!", "?")) or not about else f"{about}.",
        ).removesuffix(": ").strip()  # fmt: skip
    elif told.by and told.followups:
        yield words.human.format(by=told.by, at=_date(told.at, words))
    for merge in told.merges if told.sort == "merge" else ():
        yield words.joined.format(list=_proof(merge, words))
        if merge.undone_at:
            yield words.undone.format(by=merge.undone_by, at=_date(merge.undone_at, words))


def _seen(told: "Why", words: Language) -> Iterator[str]:
    if told.interactions:
        yield words.counted.format(list="; ".join(_few([_said(each, words) for each in told.interactions])))
    for absence in told.absences:
        sentence = words.awaited if told.verdict == "waits" else words.absence
        yield sentence.format(
            since=_date(absence.since, words), until=_date(absence.until, words),
            what=reasons.told(absence.looked_for, words.code),
        )  # fmt: skip


def _relied(told: "Why", words: Language) -> Iterator[str]:
    read = [
        reasons.filled(words.readings[name], value=_value(value, words))
        for name, value in told.read.items()
        if name in words.readings
    ]
    if read:
        yield words.read.format(list=_and(read, words))
    standing = [merge for merge in told.merges if merge.undone_at is None]
    if standing and told.sort != "merge":
        yield words.joined.format(list="; ".join(_proof(merge, words) for merge in standing))
    if not told.proved:
        yield words.unproved
    if told.reason:
        yield words.reason.format(reason=reasons.told(told.reason.rstrip("."), words.code))
    if told.experiment:
        sentence = words.held_out if told.experiment.held_out else words.given
        yield sentence.format(experiment=told.experiment.experiment, arm=told.experiment.arm)


def _came(told: "Why", words: Language) -> Iterator[str]:
    came = [
        words.task.format(team=task.team, title=task.title, state=words.states.get(task.state, task.state))
        for task in told.tasks
    ]
    came += [words.move.format(track=words.tracks.get(move.track, move.track), stage=move.stage) for move in told.moves]
    came += [_message(message, words) for message in told.followups]
    came += [
        words.calls[each.state].format(endpoint=each.endpoint, reason=_why_so(each.reason, words))
        for each in told.calls
    ]
    came += [
        words.steps[each.state].format(at=_date(each.due_at or "", words), reason=_why_so(each.reason, words))
        for each in told.steps
    ]
    if came:
        yield words.outcome.format(list=_and(came, words))


def _ways(told: "Why", words: Language) -> Iterator[str]:
    """Why the messages went this way and not another, where there was another."""
    for message in told.followups:
        others = [way for way in message.ways if not way.taken]
        for way in message.ways if others else ():
            if way.taken:
                yield words.took.format(channel=_channel(way.channel), why=reasons.told(way.why, words.code))
        if others:
            said = [
                words.way.format(
                    channel=_channel(way.channel), handle=_plain(way.handle), why=reasons.told(way.why, words.code)
                )
                for way in others
            ]  # fmt: skip
            yield words.other_ways.format(list="; ".join(_few(said)))


def _beside(told: "Why", words: Language) -> Iterator[str]:
    if told.cascade is not None and told.cascade.depth > 1:
        sentence = words.stopped if told.cascade.stopped else words.cascade
        yield sentence.format(
            list=" → ".join(told.cascade.triggers), depth=told.cascade.depth, deepest=told.cascade.deepest
        )
    for sentence, listed in ((words.led_to, told.led_to), (words.considered, told.considered)):
        if listed:
            yield sentence.format(list="; ".join(_few([_decided(each, words) for each in listed])))


def _decided(each: "Considered", words: Language) -> str:
    sentence = words.decided.get(each.verdict, words.decided["fired"])
    return sentence.format(trigger=each.trigger, reason=_why_so(each.reason, words))


_PARTS: tuple[Callable[["Why", Language], Iterator[str]], ...] = (_opening, _seen, _relied, _came, _ways, _beside)


def _said(each: "CountedInteraction", words: Language) -> str:
    text = f": “{each.text or each.subject}”" if each.text or each.subject else ""
    if each.hidden or each.deleted:
        text = f": {words.hidden if each.hidden else words.deleted}"
    return words.said.format(
        by=each.by or words.nobody, deed=words.deeds.get(each.kind, words.deed), channel=_channel(each.channel),
        at=_date(each.at, words), text=text,
    )  # fmt: skip


def _proof(merge: "JoinedBy", words: Language) -> str:
    sentence = words.proofs.get(str(merge.evidence.get("proof")), words.by_hand)
    proof = sentence.format(
        one=" / ".join(map(_plain, merge.one)), other=" / ".join(map(_plain, merge.other)), at=_date(merge.at, words),
        source=merge.evidence.get("source", ""), account=merge.evidence.get("account", ""), by=merge.by,
    )  # fmt: skip
    reason = str(merge.evidence.get("reason", ""))
    return words.said_why.format(proof=proof, reason=reason) if reason else proof


def _message(message: "MessageExplained", words: Language) -> str:
    sort = f"{words.classes.get(message.send_class, message.send_class)} ({_channel(message.channel)})"
    return words.message.get(message.state, words.message["pending"]).format(
        sort=sort, to=words.everybody if message.send_class == PUBLIC else _plain(message.to), at=_date(message.sent_at or message.due_at, words),
        reason=_why_so(message.reason, words),
    )  # fmt: skip


def _why_so(reason: str, words: Language) -> str:
    return f" ({reasons.told(reason, words.code)})" if reason else ""


def _plain(handle: str) -> str:
    """A handle as people say it: the address alone, the id with who gave it."""
    kind, _, value = handle.partition(":")
    return {"email": value, "phone": value, "url": value, "x_id": f"X {value}"}.get(kind, value or "…")


def _channel(name: str) -> str:
    known = channels().loaded.get(name)
    return known.title if known else name


def _date(at: str, words: Language) -> str:
    """``2026-03-02T09:00:00Z`` in words, as the clock says in the reader's zone."""
    if not at:
        return "?"
    given = datetime.fromisoformat(at)
    try:
        given = given.astimezone(ZoneInfo(words.zone))
    except OverflowError:
        given = given.astimezone(clock.EPOCH.tzinfo)
    return reasons.filled(
        words.date, day=given.day, month=words.months[given.month - 1], year=given.year, time=f"{given:%H:%M}",
        zone=given.tzname(),
    )  # fmt: skip


def _value(value: Any, words: Language) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or words.readings["nothing"]
    return str(value)


def _few(texts: list[str]) -> list[str]:
    return texts if len(texts) <= TOLD else [*texts[:TOLD], f"… (+{len(texts) - TOLD})"]


def _and(texts: list[str], words: Language) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {words.conjunction} {texts[-1]}"
