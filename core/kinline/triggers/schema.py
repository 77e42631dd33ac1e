"""JSON Schema of triggers, for editors: what may stand where, and what it means.

The shapes come from `kinline.triggers.definition`. A schema cannot know everything that is checked on saving:
expressions, templates, and what fits together only by its meaning.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from kinline.triggers.conditions import ConditionDefinition, condition_types
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
    # more than one condition
    "said": "Which of their interactions count.",
    "confidence": "How sure the scorer must have been, from 0 to 1.",
    "track": "The track of the life cycle.",
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
    types = {word: each for word, each in condition_types().items() if not each.from_plugin}
    [top, *below], parts = msgspec.json.schema_components(
        [Definition, *(each.shape for each in types.values())],
        schema_hook=_custom_schema,
        ref_template="#/$defs/{name}",
    )
    made = {**top, "$defs": dict(parts)}
    fields = {_name(shape): each.fields for each, shape in zip(types.values(), below, strict=True)}
    for name, part in made["$defs"].items():
        for word, shape in part.get("properties", {}).items():
            says = fields.get(name, {}).get(word) or SAYS.get(f"{name}.{word}") or SAYS.get(word)
            if says:
                shape["description"] = says
    made["$defs"]["ActionPart"] |= {"minProperties": 1, "maxProperties": 1}
    made["$defs"]["ConditionDefinition"] = {
        "title": "ConditionDefinition",
        "description": "Exactly one of its words.",
        "type": "object",
        "properties": {
            each.word: {**shape, "description": each.says} for each, shape in zip(types.values(), below, strict=True)
        }
        | _of_plugins(made["$defs"]),
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    made["$defs"]["Definition"]["oneOf"] = [
        {"required": ["do"]},
        {"required": ["experiment"], "properties": {"experiment": {"required": ["variants"]}}},
    ]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Kinline trigger", **made}


def _of_plugins(parts: dict[str, object]) -> dict[str, object]:
    """The conditions of plugins; what stands under them is put beside the parts, under names that begin with the word."""
    found = dict[str, object]()
    for word, each in condition_types().items():
        if each.from_plugin:
            [shape], below = msgspec.json.schema_components(
                [each.shape], schema_hook=_custom_schema, ref_template=f"#/$defs/{word}.{{name}}"
            )
            parts |= {f"{word}.{name}": part for name, part in below.items()}
            found[word] = {**shape, "description": each.says}
    return found


def _name(shape: Mapping[str, object]) -> str:
    """Which of the definitions a reference names; "" where it is none."""
    return str(shape.get("$ref", "")).rpartition("/")[2]


def _custom_schema(kind: type) -> dict[str, Any]:
    if kind is ConditionDefinition:
        return {"$ref": "#/$defs/ConditionDefinition"}
    if kind is Duration:
        return {"type": "string", "minLength": 2, "pattern": PATTERN, "description": SAID}
    if kind is Share:
        return {"type": "string", "pattern": SHARE_PATTERN, "description": SHARE_SAID}
    raise NotImplementedError(kind)
