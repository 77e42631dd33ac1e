"""Reasons as they are stored: English sentences, found again here, each with its code and values.

Only what fits a line exactly is read; everything else is kept as the text that it is.
"""

import re
from functools import lru_cache

from kinline.reasons import NONE, Reason, Value

#: What a sentence may begin with: the guard that held it back, or the action that it is about.
HEADS = frozenset((
    "message", "task", "tag", "stage", "attribute", "webhook", "publish", "start", "stop", "trigger", "consent",
    "suppression", "budget", "quiet hours", "loop", "storm", "approval", "stopped",
))  # fmt: skip
#: ``{n}``, ``{m}`` and ``{k}`` are numbers, ``{time}`` is ``HH:MM``, ``{reason}`` is a reason itself; the others are
#: words of people and systems.
TEXTS = {
    "imported": "history that was imported starts nothing",
    "late": "late: it happened longer ago than this trigger's lateness",
    "own_doing": "we caused it ourselves by this trigger",
    "chain_too_long": "a chain of more than {n} triggers stops",
    "once_per": "once per {limit}",
    "hold_out": "hold-out: this person gets nothing, so that the others can be compared with somebody",
    "if_not_met": "its `if` did not hold",
    "unproved_stage": "somebody only says who they are, and that moves no stage",
    "unproved_attribute": "somebody only says who they are, and that sets nothing",
    "unreachable": "no connected channel reaches this person",
    "unreachable_in_thread": "no connected channel reaches this person in this thread",
    "no_files": "{channel} carries no files",
    "no_template": "there is no template “{name}”; write its `text` in the trigger",
    "missing": "missing {name}",
    "trigger_not_live": "the trigger “{name}” is not live",
    "trigger_not_live_yet": "the trigger “{name}” was not live yet",
    "trigger_led_here": "the trigger “{name}” led here itself",
    "trigger_for_others": "the trigger “{name}” is for others, its `who` does not hold",
    "trigger_decided_before": "the trigger “{name}” decided about this before",
    "account_paused": "the account “{name}” is paused",
    "publishes_nothing": "the channel {channel} publishes nothing",
    "called_off": "by {by}, decision {decision}",
    "not_live_any_more": "its trigger is not live any more, it is {state}",
    "refused": "they asked not to be written to",
    "marketing_not_allowed": "they never allowed marketing",
    "marketing_refused": "they refused marketing",
    "not_their_thread": "a service message answers something they wrote; this answers nothing of theirs",
    "unread_address": "nobody reads {handle}",
    "own_address": "{handle} is one of our own addresses",
    "suppressed": "this handle is suppressed: {why}",
    "copy_refused": "somebody in copy is not written to any more",
    "reply_to_differs": "They wrote from {one} and want the answer at {other}, and nothing proves that both are theirs: say which one gets it.",
    "budget_24_hours": "they had {n} automatic messages in 24 hours, over all channels",
    "budget_7_days": "they had {n} automatic messages in 7 days, over all channels",
    "budget_today": "they had {n} automatic messages today, over all channels",
    "same_trigger_24_hours": "this trigger wrote to them within 24 hours",
    "quiet_hours": "it is {time} where they are",
    "awaits_approval": "it waits for somebody's approval",
    "storm_messages": "the trigger reached its limit: it paused itself: {n} messages in an hour",
    "storm_decisions": "the trigger reached its limit: it paused itself: {n} decisions in an hour",
    "answers_machine": "it would answer a machine ({why})",
    "same_conversation_24_hours": "this conversation had an automatic message within 24 hours",
    "answers_automatic_answer": "it would answer what answers an automatic message of ours",
    "same_trigger_answered": "this trigger answered them within 24 hours",
    "answers_under_subject": "they had {n} automatic answers in 3 hours, {m} under this subject",
    "messages_in_conversation": "they had {n} automatic messages in {m} minutes, {k} in this conversation",
    "strangers_at_domain": "{n} strangers at {domain} had automatic answers within 24 hours",
    "due_too_long_ago": "it was due too long ago to be welcome",
    "not_approved_in_time": "nobody approved it in time",
    "sender_stopped": "its sender stopped while sending",
    "never_got_it": "the provider never got it",
    "unsaid": "the channel did not say what it sent",
    "nothing_prepared": "the channel prepared no message",
    "channel_raised": "the channel raised {error}",
    "may_have_gone_out": "{reason}; an earlier try may have gone out",
    "cancelled": "cancelled by {by}",
    "cancelled_because": "cancelled by {by}: {note}",
    "said_sent": "{by} says it was sent",
    "said_sent_because": "{by} says it was sent: {note}",
    "said_not_sent": "{by} says it was not sent",
    "said_not_sent_because": "{by} says it was not sent: {note}",
    "unless": "its `unless` holds: {text}",
    "unless_of_ours": "its `unless` holds: ",
    "tried": "tried {n} times; the last time {reason}",
    "took_nothing": "it took nothing since {since}; the last time {reason}",
    "answered_status": "it answered {status}",
    "not_taken_in_time": "it was not taken in time; {reason}",
    "endpoint_disabled": "the endpoint is disabled: {reason}",
    "endpoint_gone": "it answered 410 Gone",
    "tried_again": "tried again by {by}",
    "trigger_gone": "its trigger is gone",
    "version_changed": "its trigger changed: version {n} decided, {m} is live",
    "step_late": "late: it was due longer ago than this trigger's lateness",
    "fired": "fired",
    "moved_on": "moved_on",
    "restarted": "restarted",
    "not_addressed": "not_addressed",
    "ended": "ended",
    "resting": "resting",
    "no_calendar": "no_calendar",
    "trigger_changed": "trigger changed",
    "any_of_us": "anything that one of us did towards the person",
    "any_of_them": "anything that the person did",
    "any_of_anyone": "anything that anyone did",
    "any_of_organisation": "anything that anybody of the organisation did",
    "any_of_us_with": "anything that one of us did towards the person with {filter}",
    "any_of_them_with": "anything that the person did with {filter}",
    "any_of_anyone_with": "anything that anyone did with {filter}",
    "any_of_organisation_with": "anything that anybody of the organisation did with {filter}",
    "any_with": "anything with {filter}",
    "move_on_track": "a move on the {track} track",
    "answers_there": "they wrote there, and it answers that",
    "asked_for": "it was asked for",
    "preferred": "they prefer it",
    "used_last": "they used it last",
    "only_way": "it was the only one",
    "first_by_name": "it came first by name",
    "answers_elsewhere": "it answers where they wrote",
    "other_channel_asked_for": "another channel was asked for",
    "other_account_asked_for": "another account was asked for",
    "other_preferred": "they prefer another",
    "other_used_since": "they used another since",
    "never_used": "they never used it",
    "other_first_by_name": "the other came first by name",
}  # fmt: skip
_GAPS = {"n": r"\d+", "m": r"\d+", "k": r"\d+", "time": r"\d\d:\d\d"}


def read(stored: str) -> Reason:
    """The reason that is stored so. `NONE` for nothing; ``other`` where no line fits."""
    if not stored:
        return NONE
    head, colon, rest = stored.partition(": ")
    if colon and head in HEADS and ("; " not in rest or _found(rest)):
        inner = read(rest)
        return Reason(inner.code, {"about": head, **inner.values}) if inner.code != "other" else _other(stored)
    if found := _found(stored):
        return found
    parts = stored.split("; ")
    return Reason("several", {"all": [read(part) for part in parts]}) if len(parts) > 1 else _other(stored)


def _other(stored: str) -> Reason:
    return Reason("other", {"text": stored})


@lru_cache(maxsize=4096)
def _found(stored: str) -> Reason | None:
    """The line that fits, the one with the most words of its own first."""
    for pattern, code in _PATTERNS:
        if match := pattern.fullmatch(stored):
            return Reason(code, {gap: _value(gap, text) for gap, text in match.groupdict().items()})
    return None


def _value(gap: str, text: str) -> Value:
    if gap == "reason":
        return read(text)
    return int(text) if gap in ("n", "m", "k") else text


def _pattern(text: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", text)
    return re.compile(
        "".join(
            f"(?P<{each}>{_GAPS.get(each, '.+?')})" if place % 2 else re.escape(each)
            for place, each in enumerate(pieces)
        ),
        re.DOTALL,
    )


_PATTERNS = [
    (_pattern(text), code)
    for code, text in sorted(TEXTS.items(), key=lambda each: -len(re.sub(r"\{\w+\}", "", each[1])))
]
