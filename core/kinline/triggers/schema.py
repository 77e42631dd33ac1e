"""JSON Schema of triggers, for editors: what may stand where, and what it means.

The shapes come from `kinline.triggers.definition`. A schema cannot know everything that is checked on saving:
expressions, templates, and what fits together only by its meaning.
"""

from functools import lru_cache
from typing import Any

import msgspec

from kinline.triggers.definition import Definition
from kinline.triggers.durations import PATTERN, SAID, Duration
from kinline.triggers.percentages import PATTERN as SHARE_PATTERN
from kinline.triggers.percentages import SAID as SHARE_SAID
from kinline.triggers.percentages import Share

#: What an editor shows beside a word: by the word, or by ``Struct.word`` where it means something else there.
SAYS = {
    "name": "The trigger's name for ever: small letters, digits and hyphens.",
    "about": "One sentence that a support lead understands.",
    "when": "The condition: an object with exactly one word in it.",
    "do": "What to do, in this order. Each is an object with exactly one word in it.",
    "who": "Which people, as an expression about the person; without it, everybody.",
    "limits": "How often and how late at most.",
    "experiment": "Who gets what, by chance and for ever, and what it is measured by.",
    # conditions
    "did": "Somebody did it: each time; or the time that makes it `count`, within a sliding window.",
    "silence": "Nothing came from somebody for a time, counted from an interaction.",
    "broken_habit": "Somebody stays away longer than their own rhythm.",
    "sequence": "One thing after another, on any channel, within a time, with nothing of a kind in between.",
    "answered_by_peer": "Somebody else than us answered what the person said.",
    "ConditionDefinition.stage": "Somebody came to a stage of the life cycle, or has been there for a time.",
    "time": "A date that is known of the person comes near, is there, or has passed.",
    "receipt": "A provider reported what became of a message of ours.",
    "ConditionDefinition.sentiment": "How the person sounds: at a level, or falling.",
    "ConditionDefinition.topic": "They spoke about something: each time, or the time that makes it `count`.",
    "all": "One of these comes about while all the others hold.",
    "any": "One of these comes about.",
    "not": "It does not hold. Stands inside `all`, beside something that happens.",
    # filters
    "kind": "What was done; one or several.",
    "direction": "Between whom. Without it: what the person did themselves.",
    "channel": "On which channel. People combine channels: mostly better left out.",
    "account": "Over which account of ours.",
    "role": "The person's part in it.",
    "standing": "How far it is proved that it was this person.",
    "topic": "The topic, as the scorers found it. Unknown never matches.",
    "language": "The language, as the scorers found it. Unknown never matches.",
    "moderation": "The source's word for it. Without it, everything but spam, trash, deleted and rejected.",
    "sentiment": "Bounds for how it sounds, from -1 to 1. Unknown never matches.",
    "automatic": "false (without it): what people did; true: what machines did; or `any`.",
    "where": "An expression (CEL) about the interaction.",
    "lt": "Less than this.",
    "lte": "At most this.",
    "gt": "More than this.",
    "gte": "At least this.",
    # did, silence, sequence and the others
    "count": "The interaction that makes it so many.",
    "within": "The length of the window, or how soon after the first.",
    "distinct_channels": "On at least so many different channels.",
    "Silence.of": "Whose silence: ours, theirs, anyone's, or that of everybody in the person's organisation.",
    "Silence.for": "For how long. With `clock: business-hours`, so much working time.",
    "Silence.after": "What starts the clock. Without it, whatever the person does.",
    "broken_by": "What breaks the silence. Without it, anything they do.",
    "rearm": "Whether further interactions like the first leave the clock alone (first) or start it anew (last).",
    "clock": "always, or business-hours: only the working time of a calendar counts.",
    "calendar": "The working calendar. Without it, the one named `default`.",
    "BrokenHabit.of": "What makes the habit. Without it, whatever the person does.",
    "factor": "How many times as long as usual is unusual. Without it, 2.",
    "least": "How many gaps must be known before anything is unusual. Without it, 3.",
    "usual": "How long a gap is among people in general; steadies what a few gaps of the person's own say.",
    "weight": "How many gaps of the person's own `usual` counts for. Without it, 10.",
    "apart": "What comes sooner than this after another belongs to the same occasion. Without it, 12h.",
    "at_least": "Never fire sooner than this after the last time.",
    "at_most": "Never wait longer than this after the last time.",
    "steps": "2 to 10 filters, in their order.",
    "without": "Nothing of this by anyone in between.",
    "asked": "What of theirs was answered. Without it, anything they did.",
    "is": "The topic, or one of several.",
    "said": "Which of their interactions count.",
    "confidence": "How sure the scorer must have been, from 0 to 1.",
    "falls_by": "How far the newest must lie under what came before.",
    "SentimentIs.least": "How many of the newest, and how many before them, must be known. Without it, 3.",
    "track": "The track of the life cycle.",
    "StageIs.to": "The stage, or one of several.",
    "from": "Only who came from there.",
    "StageIs.for": "Not when they come to it, but when they have been there so long.",
    "attribute": "The name of the attribute that holds the date.",
    "before": "So long before it.",
    "after": "So long after it.",
    "every": "Each year again.",
    "report": "What was reported; one or several.",
    "trigger": "Only messages that the trigger of this name asked for.",
    "permanent": "true: trying again cannot help; false: it may.",
    # actions
    "message": "Write to the person.",
    "task": "Work for a human.",
    "tag": "Tags to put on the person, or to take off.",
    "stage": "A move in the life cycle.",
    "ActionPart.attribute": "Something to know of the person from when it happened on.",
    "AttributeAction.name": "The attribute's name: small letters, digits and underscores.",
    "value": "A text (a template of one line), a number, true, false, or null: not known any more.",
    "webhook": "A signed call to a stored endpoint of your own systems.",
    "endpoint": "The name of a stored endpoint.",
    "start": "Do what another trigger does, as if it had fired.",
    "Start.trigger": "The trigger to start, which has to be live.",
    "stop": "Call off what another trigger has under way for this person.",
    "StopAction.trigger": "The trigger whose messages, calls, steps and waits are called off.",
    "publish": "A public post over an account of ours.",
    "Publish.account": "The account, whose channel has to publish.",
    "Publish.text": "The text of the post, a template.",
    "Publish.approval": "Whether somebody approves it first. Without it, true.",
    "approval": "Whether somebody approves it first.",
    "wait": "A time before what comes next: a duration like 2d, or `for` and `unless`.",
    "Pause.for": "How long to wait.",
    "unless": "An expression about the person, asked when the wait is over: where it holds, the rest is left undone.",
    "if": "An expression about the person, asked when the action is done.",
    "class": "What kind of message it is: it decides which consent is needed.",
    "template": "The name of a stored template.",
    "text": "The text of the message, a template.",
    "subject": "The subject, a template of one line.",
    "html": "The text as HTML, beside `text`.",
    "team": "The team whose work it is.",
    "title": "What is to be done, a template of one line.",
    "evidence": "Whether what was seen stands beside it.",
    "add": "Tags to put on.",
    "remove": "Tags to take off.",
    "to": "The stage to move to.",
    "once_per": "episode, interaction, conversation, person, or a duration like 30d.",
    "hold_out": "The share of those who get nothing.",
    "outcome": "What is hoped for.",
    "variants": "The things that are compared; each has a name, a `do` and a weight.",
    "ExperimentDefinition.name": "The name of the experiment.",
    "Variant.name": "The name of the variant.",
    "Variant.weight": "How many of all get it, beside the other weights.",
    "Desired.did": "That the person does such a thing.",
    "Desired.within": "So soon after they were assigned.",
    "lateness": "What happened longer ago than this starts no message and no task. Without it, 4h.",
    "per_hour": "How often it may act in an hour before it pauses itself. Without it, the storm limit of the hub.",
    "existing": "What becomes of those for whom it was due before it went live. Without it, they are counted only.",
    "fire_within": "Those are acted for for whom it was due so long before it went live, and still is so.",
}


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a trigger, with a description of every word."""
    made = msgspec.json.schema(Definition, schema_hook=_span_schema)
    for name, part in made["$defs"].items():
        for word, shape in part.get("properties", {}).items():
            if says := SAYS.get(f"{name}.{word}", SAYS.get(word)):
                shape["description"] = says
    for name in ("ConditionDefinition", "ActionPart"):
        made["$defs"][name] |= {"minProperties": 1, "maxProperties": 1}
    made["$defs"]["Definition"]["oneOf"] = [
        {"required": ["do"]},
        {"required": ["experiment"], "properties": {"experiment": {"required": ["variants"]}}},
    ]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Kinline trigger", **made}


def _span_schema(kind: type) -> dict[str, Any]:
    if kind is Duration:
        return {"type": "string", "minLength": 2, "pattern": PATTERN, "description": SAID}
    if kind is Share:
        return {"type": "string", "pattern": SHARE_PATTERN, "description": SHARE_SAID}
    raise NotImplementedError(kind)
