"""The hub's own evaluator over a population: it must raise exactly the alarms that the tables count."""

from kinline.clock import DAY
from kinline.triggers import Fire, History, Seen, evaluate, read_trigger
from kinline.triggers.durations import span, told
from kinline.words import Direction, Kind, Standing
from rhythms.models import shipped
from rhythms.populations import LEAST, TAIL, Population, Visits

FACTOR = 2
TRIGGER = """
name: broken-habit
about: Somebody stays away longer than they usually do.
when: {{broken_habit: {{of: {{kind: order}}, factor: {factor}, least: {least}, usual: {usual}}}}}
do: [{{tag: {{add: lapsing}}}}]
"""


def fires(population: Population) -> str:
    """A sentence for the page. Raises `AssertionError` where the evaluator and the tables disagree."""
    usual = span(told(round(population.usual * DAY)))
    trigger = read_trigger(TRIGGER.format(factor=FACTOR, least=LEAST, usual=usual.text))
    last = population.end - TAIL
    found = sum(
        isinstance(one, Fire) for person in population.people for one in evaluate(trigger, _history(person), last * DAY)
    )
    expected = sum(FACTOR * shipped(each, usual.micros / DAY) <= each.open_for for each in population.episodes())
    if found != expected:
        raise AssertionError(f"the evaluator fires {found} times, the table counts {expected}")
    return f"The hub's evaluator, with `factor: {FACTOR}`, fires {found:,} times, as counted here."


def _history(person: Visits) -> History:
    return History.of(
        Seen(
            id=f"{day:09}", at=day * DAY, recorded_at=day * DAY, kind=Kind.ORDER, direction=Direction.INBOUND,
            channel="shop", standing=Standing.VERIFIED,
        )
        for day in person.days
    )  # fmt: skip
