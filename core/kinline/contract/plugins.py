"""Finds channels and scorers by entry point, and leaves out a broken one without taking the hub down.

Our own channels take the same road as everybody else's. pluggy's loader stops at the first plugin that
fails to import, so this one goes entry point by entry point.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy
import structlog

from kinline.contract import hookspecs
from kinline.contract import scorer as scoring
from kinline.contract.channel import CONTRACT, AccountSettings, AnyChannel, Channel
from kinline.contract.scorer import Scorer
from kinline.errors import NotFound

log = structlog.get_logger(__name__)
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class Failed:
    """A plugin that was left out, and why."""

    plugin: str
    reason: str


@dataclass
class Channels:
    """The channels and scorers of this process, and the plugins that could not be loaded."""

    loaded: dict[str, AnyChannel] = field(default_factory=dict)
    scorers: dict[str, type[Scorer]] = field(default_factory=dict)
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
            channel, scorer = _given_by(point)
            for given, taken in ((channel, found.loaded), (scorer, found.scorers)):
                if given is not None and given.name in taken:
                    raise TypeError(f"the name “{given.name}” is taken by another plugin")
        except (Exception, SystemExit) as error:  # whatever a foreign plugin does at import, the hub starts
            log.error("plugin left out", plugin=point.name, reason=str(error), exc_info=True)
            found.failed.append(Failed(point.name, f"{type(error).__name__}: {error}"))
        else:
            found.loaded |= {channel.name: channel} if channel else {}
            found.scorers |= {scorer.name: scorer} if scorer else {}
    return found


def _given_by(point: EntryPoint) -> tuple[AnyChannel | None, type[Scorer] | None]:
    """What one plugin gives, checked: a channel, a scorer, or both."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(point.load(), name=point.name)
    manager.check_pending()
    channels: list[Any] = manager.hook.kinline_channel()
    scorers: list[Any] = manager.hook.kinline_scorer()
    if len(channels) > 1 or not (channels or scorers) or not all(_is_a(each, Channel) for each in channels):
        raise TypeError("its kinline_channel hook must return one subclass of kinline.Channel")
    if len(scorers) > 1 or not all(_is_a(each, Scorer) for each in scorers):
        raise TypeError("its kinline_scorer hook must return one subclass of kinline.Scorer")
    return _checked(channels[0]()) if channels else None, _checked_scorer(scorers[0]) if scorers else None


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
