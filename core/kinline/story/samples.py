"""The payloads of the story, as providers would send them, with times and ids filled in.

Written by us after the providers' documentation; nobody in them exists. ``$name`` is filled in
(`string.Template`), and a name that is missing is an error.
"""

from collections.abc import Iterator, Mapping
from email.utils import format_datetime
from importlib.resources import files
from string import Template

from kinline import clock

#: How X makes ids out of times: milliseconds since this one, shifted (twitter-archive/snowflake, 2010).
SNOWFLAKE_EPOCH = 1_288_834_974_657
MEDIA_TYPES = {"eml": "message/rfc822", "json": "application/json"}


def body(name: str, words: Mapping[str, str]) -> bytes:
    """The payload of that file name, filled in."""
    text = files(__package__).joinpath("payloads", name).read_text(encoding="utf-8")
    filled = Template(text).substitute(words)
    return (filled.replace("\n", "\r\n") if name.endswith(".eml") else filled).encode()


def media_type(name: str) -> str:
    return MEDIA_TYPES[name.rpartition(".")[2]]


def spellings(of: str, at: int) -> Iterator[tuple[str, str]]:
    """One moment as the providers write it, each under the moment's name: ``asks_iso``, ``asks_x`` and so on."""
    moment, milliseconds = clock.to_datetime(at), at // 1000
    yield f"{of}_iso", f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    yield f"{of}_gmt", f"{moment:%Y-%m-%dT%H:%M:%S}"
    yield f"{of}_mail", format_datetime(moment)
    yield f"{of}_x", f"{_DAYS[moment.weekday()]} {_MONTHS[moment.month - 1]} {moment:%d %H:%M:%S +0000 %Y}"
    yield f"{of}_ms", str(milliseconds)
    yield f"{of}_id", str((milliseconds - SNOWFLAKE_EPOCH) << 22)


# By hand: strftime writes them in the language of the machine.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
