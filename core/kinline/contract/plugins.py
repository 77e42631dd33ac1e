"""Finds channels, scorers and conditions by entry point, and leaves out a broken one without taking the hub down.

Our own channels take the same road as everybody else's. pluggy's loader stops at the first plugin that
fails to import, so this one goes entry point by entry point.
"""

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from threading import Thread
from typing import TypeVar

import msgspec
import pluggy
import structlog

from kinline.contract import condition as conditions
from kinline.contract import hookspecs
from kinline.contract import scorer as scoring
from kinline.contract.channel import CONTRACT, AccountSettings, AnyChannel, Channel
from kinline.contract.condition import AnyPluginCondition, Condition, ConditionWords
from kinline.contract.scorer import Scorer
from kinline.errors import NotFound
from kinline.words import Kind

log = structlog.get_logger(__name__)
T = TypeVar("T")
#: Seconds that the import of a plugin may take.
IMPORT_PATIENCE = 60.0
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class Failed:
    """A plugin that was left out, and why."""

    plugin: str
    reason: str


@dataclass
class Channels:
    """The channels, scorers and conditions of this process, and the plugins that could not be loaded."""

    loaded: dict[str, AnyChannel] = field(default_factory=dict)
    scorers: dict[str, type[Scorer]] = field(default_factory=dict)
    conditions: dict[str, type[AnyPluginCondition]] = field(default_factory=dict)
    failed: list[Failed] = field(default_factory=list)

    def get(self, name: str) -> AnyChannel:
        try:
            return self.loaded[name]
        except KeyError:
            known = ", ".join(sorted(self.loaded)) or "none"
            raise NotFound(f"There is no channel “{name[:60]}”. Installed: {known}.", code="no_such_channel") from None


@cache
def channels() -> Channels:
    """Those installed in this environment. Loaded once for each process."""
    return load(entry_points(group=hookspecs.PROJECT))


def load(points: Iterable[EntryPoint]) -> Channels:
    found = Channels()
    for point in sorted(points, key=lambda point: point.name):
        try:
            channel, scorer, condition = _given_by(point)
            taken: Container[str]
            for taken, each in ((found.loaded, channel), (found.scorers, scorer), (found.conditions, condition)):
                if each is not None and each.name in taken:
                    raise TypeError(f"the name “{each.name}” is taken by another plugin")
        except (Exception, SystemExit) as error:  # whatever a foreign plugin does at import, the hub starts
            log.error("plugin left out", plugin=point.name, reason=str(error), exc_info=True)
            found.failed.append(Failed(point.name, f"{type(error).__name__}: {error}"))
        else:
            found.loaded |= {channel.name: channel} if channel else {}
            found.scorers |= {scorer.name: scorer} if scorer else {}
            found.conditions |= {condition.name: condition} if condition else {}
    return found


def _given_by(point: EntryPoint) -> tuple[AnyChannel | None, type[Scorer] | None, type[AnyPluginCondition] | None]:
    """What one plugin gives, checked: a channel, a scorer, a condition, or one of each."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(_imported(point), name=point.name)
    manager.check_pending()
    channel = _one(manager.hook.kinline_channel(), "kinline_channel", Channel)
    scorer = _one(manager.hook.kinline_scorer(), "kinline_scorer", Scorer)
    condition = _one(manager.hook.kinline_condition(), "kinline_condition", Condition)
    if channel is scorer is condition is None:
        raise TypeError("its kinline_channel hook must return one subclass of kinline.Channel")
    return (
        _checked(channel()) if channel else None,
        _checked_scorer(scorer) if scorer else None,
        checked_condition(condition) if condition else None,
    )


def _imported(point: EntryPoint) -> object:
    """The plugin's module; an import that does not end is given up after `IMPORT_PATIENCE`."""
    done: list[tuple[object, BaseException | None]] = []

    def work() -> None:
        try:
            done.append((point.load(), None))
        except BaseException as error:
            done.append((None, error))

    thread = Thread(target=work, name=f"import {point.name}", daemon=True)
    thread.start()
    thread.join(IMPORT_PATIENCE)
    if not done:
        raise TimeoutError(f"its import took longer than {IMPORT_PATIENCE:.0f} seconds")
    [(module, error)] = done
    if error is not None:
        raise error
    return module


def _one(given: list[type[T]], hook: str, base: type) -> type[T] | None:
    """The class that a hook gave, if it gave any."""
    if len(given) > 1 or not all(_is_a(each, base) for each in given):
        raise TypeError(f"its {hook} hook must return one subclass of kinline.{base.__name__}")
    return given[0] if given else None


def _is_a(given: object, base: type) -> bool:
    return isinstance(given, type) and issubclass(given, base)


def _checked_scorer(scorer: type[Scorer]) -> type[Scorer]:
    missing = [word for word in ("name", "gives") if not hasattr(scorer, word)]
    if missing:
        raise TypeError(f"{scorer.__name__} does not say its {', '.join(missing)}")
    if not NAME.fullmatch(scorer.name):
        raise TypeError(f"“{scorer.name[:60]}” is no scorer name: lower-case letters, digits and _ only")
    if scorer.contract != scoring.CONTRACT:
        raise TypeError(f"it was written for contract {scorer.contract}, this hub has {scoring.CONTRACT}")
    return scorer


def checked_condition(condition: type[AnyPluginCondition]) -> type[AnyPluginCondition]:
    """The same class, if it is a condition that can be taken. Raises `TypeError` saying what is wrong with it."""
    missing = [word for word in ("name", "title", "words") if not hasattr(condition, word)]
    if missing:
        raise TypeError(f"{condition.__name__} does not say its {', '.join(missing)}")
    if not isinstance(condition.name, str) or not NAME.fullmatch(condition.name):
        raise TypeError(f"“{str(condition.name)[:60]}” is no condition name: lower-case letters, digits and _ only")
    if condition.name in conditions.SHIPPED:
        raise TypeError(f"the condition “{condition.name}” ships with the hub")
    if condition.contract != conditions.CONTRACT:
        raise TypeError(f"it was written for contract {condition.contract}, this hub has {conditions.CONTRACT}")
    if not _is_a(condition.words, ConditionWords):
        raise TypeError("its words must be a subclass of kinline.ConditionWords")
    if not isinstance(condition.title, str) or condition.whose not in ("them", "us", "anyone"):
        raise TypeError("its title is a sentence, and whose is them, us or anyone")
    if not all(isinstance(kind, Kind) for kind in condition.kinds):
        raise TypeError("its kinds are members of kinline.Kind")
    msgspec.json.schema(condition.words)
    return condition


def _checked(channel: AnyChannel) -> AnyChannel:
    missing = [
        word for word in ("name", "title", "settings", "kinds", "can", "personal_data") if not hasattr(channel, word)
    ]
    if missing:
        raise TypeError(f"{type(channel).__name__} does not say its {', '.join(missing)}")
    if not NAME.fullmatch(channel.name):
        raise TypeError(f"“{channel.name[:60]}” is no channel name: lower-case letters, digits and _ only")
    if channel.contract != CONTRACT:
        raise TypeError(f"it was written for contract {channel.contract}, this hub has {CONTRACT}")
    if not issubclass(channel.settings, AccountSettings):
        raise TypeError("its settings must be a subclass of kinline.AccountSettings")
    return channel
