"""The support channel itself: the contract's methods, each handed to the make of desk that the settings name."""

from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

from kinline import (
    Ability,
    Applied,
    Broken,
    Channel,
    Connection,
    DeskChange,
    HandleType,
    Item,
    Kind,
    Normalised,
    Outgoing,
    Prepared,
    Pretender,
    Request,
    Sent,
    Source,
    Unreadable,
)
from kinline_support import decoding
from kinline_support.chatwoot import Chatwoot
from kinline_support.fields import Record, line, record
from kinline_support.pretend_chatwoot import PretendChatwoot
from kinline_support.pretend_zammad import PretendZammad
from kinline_support.pretend_zendesk import PretendZendesk
from kinline_support.pretending import PretendDesk
from kinline_support.provider import Provider
from kinline_support.settings import SupportSettings, instance
from kinline_support.zammad import Zammad
from kinline_support.zendesk import Zendesk

PROVIDERS: Mapping[str, Provider] = {"zendesk": Zendesk(), "chatwoot": Chatwoot(), "zammad": Zammad()}
#: A stand-in for each make; ``pretend`` gives the first.
PRETENDERS: Mapping[str, type[PretendDesk]] = {
    "zendesk": PretendZendesk, "chatwoot": PretendChatwoot, "zammad": PretendZammad
}  # fmt: skip


def _of_other(item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """A list beside the others that says nothing of people: groups, brands, metrics."""
    return [Applied(reason=f"not read: {item.get('rows')} of {line(item.get('list'))}")]


class SupportChannel(Channel[SupportSettings]):
    """A desk that is there already: its exports as files, its events as webhooks, and itself over its API."""

    name = "support"
    title = "Support desk"
    settings = SupportSettings
    kinds = frozenset({Kind.MESSAGE, Kind.NOTE, Kind.REVIEW})
    can = frozenset(
        {
            Ability.IMPORT, Ability.WEBHOOK, Ability.SEND, Ability.FIND_SENT, Ability.POLL, Ability.HISTORY,
            Ability.COMPARE, Ability.DESK, Ability.PRETEND, Ability.FILES,
        }
    )  # fmt: skip
    reaches = frozenset({HandleType.EXTERNAL})
    send_needs = frozenset({"desk", "token"})
    deadline = 45.0  #: files take their time
    personal_data = (
        "the desk's user ids, names, mail addresses and telephone numbers",
        "what people wrote to the desk and what agents answered, with times, and agents' internal notes",
        "attached files, where the account brings them in; else their names and sizes",
        "how satisfied people said they were",
    )

    def instance(self, settings: SupportSettings) -> str:
        return instance(settings)

    def gave(self, issuer: str, instance: str) -> bool:
        """An instance belongs to one make of desk, which is the issuer's first word."""
        return issuer in {f"{make}:{instance}" for make in PROVIDERS}

    def verify(self, request: Request, settings: SupportSettings) -> None:
        PROVIDERS[settings.provider].verify(request, settings)

    def parse(self, raw: BinaryIO, source: Source, settings: SupportSettings) -> Iterator[Item | Broken]:
        for value in decoding.values(raw):
            yield from (value,) if isinstance(value, Broken) else PROVIDERS[settings.provider].items(value)

    def normalise(self, item: Item, settings: SupportSettings) -> Sequence[Normalised]:
        readers = {**PROVIDERS[settings.provider].readers, "other": _of_other}
        try:
            read = readers[item.form]
        except KeyError:
            raise Unreadable(f"No form that parse makes: “{item.form[:60]}”.", code="unknown_shape") from None
        return read(record(item.body), settings)

    def is_live(self, settings: SupportSettings) -> bool:
        """An account into which files are imported, or webhooks alone come, is not asked."""
        return bool(settings.token)

    def connect(self, settings: SupportSettings) -> Connection:
        return PROVIDERS[settings.provider].connect(settings)

    def pause_between(self, settings: SupportSettings) -> float:
        """Webhooks bring news at once; this finds what they lost. Zendesk allows ten looks a minute in all."""
        return 15.0

    def check(self, outgoing: Outgoing, settings: SupportSettings) -> None:
        PROVIDERS[settings.provider].check(outgoing)

    def prepare(self, outgoing: Outgoing, settings: SupportSettings) -> Prepared:
        return PROVIDERS[settings.provider].prepare(outgoing)

    def send(self, prepared: Prepared, settings: SupportSettings) -> Sent:
        return PROVIDERS[settings.provider].send(prepared, settings)

    def find_sent(self, prepared: Prepared, settings: SupportSettings) -> Sent | None:
        return PROVIDERS[settings.provider].find_sent(prepared, settings)

    def mirror(self, change: DeskChange, settings: SupportSettings) -> Sent:
        return PROVIDERS[settings.provider].mirror(change, settings)

    def find_mirrored(self, change: DeskChange, settings: SupportSettings) -> Sent | None:
        return PROVIDERS[settings.provider].find_mirrored(change, settings)

    def pretend(self) -> Pretender:
        return PRETENDERS["zendesk"]()
