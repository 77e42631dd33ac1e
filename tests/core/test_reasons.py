"""Every reason that the code can write down is told in both languages, in forms that fit their numbers."""

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from fluent.syntax import FluentParser, FluentSerializer
from fluent.syntax import ast as ast_of_fluent

from kinline import reasons
from kinline.reason_texts import HEADS, read
from kinline.triggers import outcomes

CORE = Path(reasons.__file__).parent
#: Where a reason is written down: the function called, and which of its arguments it is.
WRITERS = {"GuardResult": 1, "Ruling": 1, "write_state": 4, "_or_unknown": 3, "_put_off": 3, "close": 3, "_held": 0}
#: Functions whose answer is a reason, or "".
TELLERS = {
    "loops.py": {"_machine", "_conversation", "_chain", "_person", "_subject", "_rungs", "_strangers"},
    "actions.py": {"_stage", "_attribute", "_message", "_start"},
    "plan.py": {"plan"},
    "weighing.py": {"_for", "_against"},
    "preparing.py": {"raised"},
    "reaching.py": {"message", "publish", "webhook"},
    "posts.py": {"plan", "post"},
    "starting.py": {"begun"},
    "steps.py": {"_stopped"},
    "budget.py": {"over"},
}
#: What the outside world says, and what was said somewhere else in the code: no reasons of ours by themselves.
FOREIGN = {
    "7",
    "7: 7",
    "",
    "it paused itself: 7 in an hour",
    "storm: the trigger reached its limit: 7",
    "the trigger reached its limit: 7",
    *(f"{head}: 7" for head in HEADS),
}
#: Modules that refuse an author's text and write down no reason.
REFUSING = {"naming.py", "texts.py", "picture.py", "endpoints.py"}


def known(stored: str) -> bool:
    return read(stored).code != "other"


def told(stored: str, language: str) -> str:
    return reasons.worded(read(stored), language)


def texts(node: ast.expr) -> Iterator[str]:
    """Every text that an expression can be, with 7 in its gaps."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            pieces = (list(texts(getattr(each, "value", each) if _chooses(each) else each)) or ["7"] for each in values)
            yield from map("".join, product(*pieces))
        case ast.IfExp(body=body, orelse=orelse):
            yield from [*texts(body), *texts(orelse)]
        case ast.BinOp(left=left, right=right):
            yield from (one + other for one in texts(left) for other in texts(right))


def _chooses(node: ast.expr) -> bool:
    """Whether a gap holds one of several words of ours."""
    return isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.IfExp)


def written(path: Path) -> Iterator[str]:
    """The reasons that a module writes down."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            place = WRITERS.get(name)
            if place is not None and len(node.args) > place:
                yield from texts(node.args[place])
            if name == "append" and getattr(getattr(node.func, "value", None), "id", "") == "notes":
                yield from texts(node.args[0])
            yield from (text for word in node.keywords if word.arg == "reason" for text in texts(word.value))
        if isinstance(node, ast.Assign):
            yield from assigned(node)
        if isinstance(node, ast.FunctionDef) and node.name in TELLERS.get(path.name, ()):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return | ast.Yield) and inner.value is not None:
                    yield from texts(inner.value)
    yield from re.findall(r"state = 'closed', reason = '([^']*)'", path.read_text(encoding="utf-8"))


def assigned(node: ast.Assign) -> Iterator[str]:
    """What is put into a variable called ``reason`` or ``said``, alone or with others."""
    for target in node.targets:
        names, values = [target], [node.value]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            names, values = target.elts, node.value.elts
        for name, value in zip(names, values, strict=True):
            if getattr(name, "id", "") in ("reason", "said"):
                yield from texts(value)


WRITTEN = sorted(
    {
        (path.name, text)
        for folder in ("catalogue", "decide", "followups", "triggers/conditions", "webhooks")
        for path in (CORE / folder).glob("*.py")
        if not path.name.startswith("why") and path.name not in REFUSING
        for text in written(path)
        if text not in FOREIGN
    }
)


def test_the_code_is_looked_through() -> None:
    """If nothing were found, nothing could be missed."""
    found = {text for _, text in WRITTEN}

    assert len(found) > 45
    for text in (
        "history that was imported starts nothing", "they refused marketing", "it would answer a machine (7)", "moved_on",
        "its sender stopped while sending", "message: no connected channel reaches this person", "trigger changed",
        "it is 7 where they are", "the other came first by name",
    ):  # fmt: skip
        assert text in found


@pytest.mark.parametrize(("module", "text"), WRITTEN, ids=lambda text: text[:60])
def test_every_reason_that_is_written_down_is_told_in_both_languages(module: str, text: str) -> None:
    text = re.sub("^7by ", "stopped: by ", re.sub("^7: ", "message: ", text)).replace("it is 7 ", "it is 07:00 ")
    assert known(text), f"{module} writes {text!r}; give it a line in kinline/reason_texts.py"
    assert told(text, "es") != text


def test_what_becomes_of_a_wait_is_told_too() -> None:
    words = outcomes.Settled.__annotations__["reason"].__args__

    assert {word for word in (*words, "fired") if not known(word)} == set()


def messages(language: str) -> dict[str, Any]:
    """The messages of a language by name, as they are written."""
    path = CORE / "locales" / language / "why.ftl"
    entries = FluentParser(with_spans=False).parse(path.read_text("utf-8")).body
    assert not [entry for entry in entries if isinstance(entry, ast_of_fluent.Junk)]
    return {entry.id.name: entry for entry in entries if isinstance(entry, ast_of_fluent.Message)}


def variables(message: Any) -> set[str]:
    return set(re.findall(r"\$(\w+)", FluentSerializer().serialize_entry(message)))


ENGLISH, SPANISH = messages("en"), messages("es")
#: What is the same in both: nothing but a value.
SAME = {"reason-stated", "reason-other", "reason-several"}


def test_both_languages_have_the_same_messages() -> None:
    assert list(ENGLISH) == list(SPANISH)


@pytest.mark.parametrize("name", ENGLISH)
def test_a_message_takes_the_same_values_in_both_languages(name: str) -> None:
    one, other = ENGLISH[name], SPANISH[name]

    assert variables(one) == variables(other)
    assert [each.id.name for each in one.attributes] == [each.id.name for each in other.attributes]
    assert (FluentSerializer().serialize_entry(one) == FluentSerializer().serialize_entry(other)) == (name in SAME)


NUMBERS = {
    "budget: they had 1 automatic messages in 24 hours, over all channels": (
        "budget: they had 1 automatic message in 24 hours, over all channels",
        "límite de contactos: recibió 1 mensaje automático en 24 horas, contando todos los canales",
    ),
    "budget: they had 3 automatic messages in 24 hours, over all channels": (
        "budget: they had 3 automatic messages in 24 hours, over all channels",
        "límite de contactos: recibió 3 mensajes automáticos en 24 horas, contando todos los canales",
    ),
    "loop: 1 strangers at x.example had automatic answers within 24 hours": (
        "loop: 1 stranger at x.example had automatic answers within 24 hours",
        "bucle: 1 persona desconocida de x.example recibió respuestas automáticas en menos de 24 horas",
    ),
    "quiet hours: it is 01:30 where they are": (
        "quiet hours: it is 01:30 where they are", "horas de descanso: allí es la 01:30",
    ),
    "quiet hours: it is 21:30 where they are": (
        "quiet hours: it is 21:30 where they are", "horas de descanso: allí son las 21:30",
    ),
}  # fmt: skip


@pytest.mark.parametrize("stored", NUMBERS)
def test_forms_fit_their_numbers(stored: str) -> None:
    assert (told(stored, "en"), told(stored, "es")) == NUMBERS[stored]


TOGETHER = {
    "message: its `if` did not hold; stage: somebody only says who they are, and that moves no stage": (
        "mensaje: no se cumplió su `if`; etapa: alguien solo dice quién es, y eso no cambia ninguna etapa"
    ),
    "trigger: its trigger is not live any more, it is paused": (
        "disparador: su disparador ya no está activo, sino en pausa"
    ),
    "budget: this trigger wrote to them within 24 hours; an earlier try may have gone out": (
        "límite de contactos: este disparador le escribió hace menos de 24 horas; puede que un intento anterior saliera"
    ),
    "cancelled by Ben: they called": "lo canceló Ben: they called",
}


@pytest.mark.parametrize("stored", TOGETHER)
def test_reasons_of_several_parts_are_told_part_by_part(stored: str) -> None:
    assert told(stored, "es") == TOGETHER[stored]


def test_what_the_world_said_is_told_as_it_is() -> None:
    for said in ("smtp_550: 5.1.1 no such user", "bounced: full; try later", "{n} [n|a|b]", "", "x: y: z"):
        assert told(said, "es") == told(said, "en") == said


@pytest.mark.parametrize(
    "name",
    ["business", "away", "paused", "stopped: x", "fired; moved_on", "budget: {n} [n|a|b]", "{ $name }", "y" * 3000],
)
def test_a_name_that_is_a_word_of_the_language_comes_through(name: str) -> None:
    for stored in (f"start: the trigger “{name}” is not live", f"stopped: by trigger:{name}, decision 1"):
        for language in ("en", "es"):
            assert name in told(stored, language)
            assert told(stored, language).count(name) == 1
