"""How things are compared: side by side in one run, A B A B, at least three rounds, medians.

A slow machine cannot excuse and a fast one cannot flatter: the results are ratios.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass
class Figure:
    """One result. ``ratio`` is measured against ``against``, both from the same run; ``target`` says what it should be.

    ``more_is_better`` tells which side of the target is good. ``checked`` says which counts were compared.
    """

    name: str
    database: str
    value: float
    unit: str
    ratio: float | None = None
    against: str = ""
    target: float | None = None
    more_is_better: bool = True
    checked: str = ""
    note: str = ""
    rounds: list[float] = field(default_factory=list)

    @property
    def reached(self) -> bool | None:
        """Whether the target was reached; None where there is none."""
        if self.target is None:
            return None
        measured = self.value if self.ratio is None else self.ratio
        return measured >= self.target if self.more_is_better else measured <= self.target

    def plain(self) -> dict[str, Any]:
        return asdict(self) | {"reached": self.reached}


def interleaved(rounds: int, candidates: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Run each candidate once a round, in turn. Returns what each measured."""
    found: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            found[name].append(run())
    return found


def middle(values: Sequence[float]) -> float:
    return float(median(values))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
