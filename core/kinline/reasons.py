"""Why something was decided, held back, put off or stopped: a code with values, put into words only when it is shown.

The words of each code stand in `kinline.locales`, as the message ``reason-<code>``. What people and systems said is a
value, and told as it is.
"""

from typing import Any, TypeAlias

import msgspec

from kinline import locales

Value: TypeAlias = "str | int | Reason | list[Reason]"


class Reason(msgspec.Struct, frozen=True):
    """One reason; without a code it is none, and false. The value ``about`` names the guard or the action it is of."""

    code: str
    values: dict[str, "str | int | Reason | list[Reason]"] = {}

    def __bool__(self) -> bool:
        return bool(self.code)

    def __str__(self) -> str:
        return worded(self, "en")


NONE = Reason("")


def worded(reason: Reason, language: str) -> str:
    """It in this language, one of `kinline.locales.LANGUAGES`. Of a code that has no words, the code itself."""
    if not reason:
        return ""
    values = {name: _said(value, language) for name, value in reason.values.items()}
    about = values.pop("about", "")
    name = f"reason-{reason.code}"
    said = locales.say(language, name, **values) if locales.has(name) else reason.code
    return locales.say(language, "about", about=str(about).replace(" ", "-"), reason=said) if about else said


def _said(value: Value, language: str) -> str | int:
    if isinstance(value, Reason):
        return worded(value, language)
    return "; ".join(worded(each, language) for each in value) if isinstance(value, list) else value


class Reasoned(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what is shown with a reason: ``reason`` says it in English, ``reason_code`` and ``reason_values`` say it to
    programs. All are empty where there is none."""

    reason: str = ""
    reason_code: str = ""
    reason_values: dict[str, "str | int | Reason | list[Reason]"] = {}

    @property
    def because(self) -> Reason:
        return Reason(self.reason_code, self.reason_values)


def fields(reason: Reason) -> dict[str, Any]:
    """The fields of a `Reasoned`."""
    return {"reason": str(reason), "reason_code": reason.code, "reason_values": reason.values}
