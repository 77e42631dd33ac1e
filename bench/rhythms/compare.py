"""What a model finds, and how early, when it raises as many false alarms as the fixed threshold."""

import math
import statistics
from dataclasses import dataclass

from rhythms.models import FIXED, BgNbd, LogNormal, Model
from rhythms.populations import Episode


@dataclass(frozen=True)
class Row:
    """One model at one rate. Days are medians; ``mean`` is over all that both find, earlier is positive."""

    model: str
    screw: str
    alarms: int
    found: int
    only_it: int
    only_fixed: int
    earlier: int
    earlier_by: float
    later: int
    later_by: float
    mean: float


def row(model: Model, episodes: list[Episode], rate: float) -> Row:
    """At most ``rate`` false alarms an episode. A false alarm is one about somebody who comes back."""
    level = strictness(model, episodes, rate)
    mine, fixed = _alarms(model, episodes, level), _alarms(FIXED, episodes, strictness(FIXED, episodes, rate))
    lapses = [at for at, episode in enumerate(episodes) if episode.lapse]
    both = [fixed[at] - mine[at] for at in lapses if at in mine and at in fixed]
    earlier, later = [each for each in both if each > 1], [-each for each in both if each < -1]
    found = [at for at in lapses if at in mine]
    return Row(
        model.name, _screw(model, level, episodes[0]), len(mine) - len(found), len(found),
        len([at for at in found if at not in fixed]), len([at for at in lapses if at in fixed and at not in mine]),
        len(earlier), statistics.median(earlier or [0]), len(later), statistics.median(later or [0]),
        statistics.fmean(both or [0]),
    )  # fmt: skip


def strictness(model: Model, episodes: list[Episode], rate: float) -> float:
    """The lowest level with no more false alarms than ``rate`` an episode."""
    levels = sorted((model.level(each, each.open_for) for each in episodes if not each.lapse), reverse=True)
    return levels[int(rate * len(episodes))]


def _alarms(model: Model, episodes: list[Episode], level: float) -> dict[int, float]:
    """When it raises an alarm in which episode, in days."""
    return {
        at: model.patience(episode, level)
        for at, episode in enumerate(episodes)
        if model.level(episode, episode.open_for) > level
    }


def _screw(model: Model, level: float, any_episode: Episode) -> str:
    """The setting, as a person would say it: days, a factor, or deviations and odds as they are."""
    if model is FIXED:
        return f"{model.patience(any_episode, level):.0f} d"
    return f"{level:.1f}" if isinstance(model, LogNormal | BgNbd) else f"× {math.exp(level):.1f}"
