"""A scorer at arm's length: whatever it throws, gives or hangs on costs a judgement and nothing else."""

import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog
import yaml

from kinline.contract.plugins import channels
from kinline.contract.scorer import Score, Scorer, Writing, printable, sound
from kinline.errors import Misconfigured, Unavailable
from kinline.settings import Settings
from kinline.words import Scored

log = structlog.get_logger(__name__)
#: The setting's word for no scorer.
NONE = "none"
#: How many texts one call has at most; its time limit is for so many.
TOGETHER = 64
#: Bytes of the file with the operator's words.
LARGEST_FILE = 1_000_000


class ScorerThread:
    """Asks one scorer, in a thread that can be left behind."""

    def __init__(self, scorer: Scorer, patience: float) -> None:
        self._scorer, self._patience = scorer, patience
        self._turn = threading.Lock()
        self._since = 0.0
        self.name, self.version, self.gives = scorer.name, str(scorer.version), scorer.gives
        if not printable(self.version):
            raise Misconfigured(f"The scorer {self.name} does not say its version.", code="scorer_wrong")

    def judge(self, writings: Sequence[Writing]) -> list[dict[Scored, Score]]:
        """The judgements of each writing; for one that the scorer stumbles over, none.

        Raises `Unavailable` when it takes too long, or still hangs on what somebody else asked.
        """
        pieces = (writings[start : start + TOGETHER] for start in range(0, len(writings), TOGETHER))
        return [found for piece in pieces for found in self._together(piece)]

    def _together(self, writings: Sequence[Writing]) -> list[dict[Scored, Score]]:
        try:
            return [self._kept(each) for each in self._answers(writings)]
        except Unavailable:
            raise
        except Exception as error:  # it is somebody else's code
            if len(writings) == 1:
                log.warning("scorer stumbled", scorer=self.name, reason=f"{type(error).__name__}: {error}"[:300])
                return [{}]
        middle = len(writings) // 2
        return self._together(writings[:middle]) + self._together(writings[middle:])

    def _answers(self, writings: Sequence[Writing]) -> list[list[Score]]:
        if self._since and time.monotonic() - self._since > self._patience:
            raise self._slow()
        if not self._turn.acquire(timeout=self._patience):
            raise self._slow()
        self._since = time.monotonic()
        answer: Future[list[list[Score]]] = Future()
        threading.Thread(target=self._work, args=(writings, answer), name="scorer", daemon=True).start()
        try:
            found = answer.result(self._patience)
        except TimeoutError:
            if not answer.done():
                raise self._slow() from None
            raise
        if len(found) != len(writings):
            raise ValueError(f"{len(writings)} writings gave {len(found)} answers")
        return found

    def _work(self, writings: Sequence[Writing], answer: "Future[list[list[Score]]]") -> None:
        try:
            found = [list(each) for each in self._scorer.score(writings)]
        except BaseException as error:
            answer.set_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))
        else:
            answer.set_result(found)
        finally:
            self._since = 0.0
            self._turn.release()

    def _kept(self, scores: Iterable[Score]) -> dict[Scored, Score]:
        return {each.what: sound(each, self.gives) for each in scores}

    def _slow(self) -> Unavailable:
        return Unavailable(f"The scorer {self.name} took over {self._patience:g} s.", code="scorer_slow", retry_after=5)


def arm_of(settings: Settings) -> ScorerThread | None:
    """The scorer that the settings name, made once for each process. None: nobody judges.

    Raises `Misconfigured` when it is not installed, or cannot be made.
    """
    if settings.scorer == NONE:
        return None
    made = channels().scorers.get(settings.scorer)
    if made is None:
        known = ", ".join(sorted(channels().scorers)) or NONE
        detail = (
            f"There is no scorer “{settings.scorer[:60]}”; installed: {known}. Set KINLINE_SCORER to one, or to none."
        )
        raise Misconfigured(detail, code="no_such_scorer")
    path = settings.scorer_words
    try:
        return _armed(made, path, Path(path).stat().st_mtime_ns if path else 0, settings.scorer_patience)
    except OSError as error:
        raise Misconfigured(f"KINLINE_SCORER_WORDS: {error}", code="scorer_words") from None


@lru_cache(maxsize=8)
def _armed(made: type[Scorer], path: str, changed: int, patience: float) -> ScorerThread:
    own = read_words(Path(path)) if path else {}
    try:
        return ScorerThread(made(own), patience)
    except Misconfigured:
        raise
    except Exception as error:  # it is somebody else's code
        raise Misconfigured(f"The scorer {made.name} cannot be made: {error}", code="scorer_wrong") from error


def read_words(path: Path) -> dict[str, Any]:
    """The operator's own words, as plain data. Raises `Misconfigured`."""
    if path.stat().st_size > LARGEST_FILE:
        raise Misconfigured(f"{path} is over {LARGEST_FILE} bytes.", code="scorer_words")
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise Misconfigured(f"{path} is no YAML in UTF-8: {error}", code="scorer_words") from None
    if not isinstance(found, dict):
        raise Misconfigured(f"{path} has to be an object.", code="scorer_words")
    return found
