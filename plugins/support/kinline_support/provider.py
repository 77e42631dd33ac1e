"""What a desk must be able to do to be tied in: the channel's work, for one make of desk."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from kinline import Broken, Connection, DeskChange, Item, Normalised, Outgoing, Prepared, Request, Sent
from kinline_support.fields import Record
from kinline_support.settings import SupportSettings

Reader = Callable[[Record, SupportSettings], Sequence[Normalised]]


class Out(Protocol):
    """The way out of one make: its module ``sending``. Functions as the methods of `kinline.Channel`."""

    def check(self, outgoing: Outgoing) -> None: ...
    def prepare(self, outgoing: Outgoing) -> Prepared: ...
    def send(self, prepared: Prepared, settings: SupportSettings) -> Sent: ...
    def find_sent(self, prepared: Prepared, settings: SupportSettings) -> Sent | None: ...
    def mirror(self, change: DeskChange, settings: SupportSettings) -> Sent: ...
    def find_mirrored(self, change: DeskChange, settings: SupportSettings) -> Sent | None: ...


class Provider(ABC):
    """One make of desk. Methods as in `kinline.Channel`."""

    out: ClassVar[Out]
    readers: ClassVar[Mapping[str, Reader]]  #: by an item's form, what it means

    @abstractmethod
    def verify(self, request: Request, settings: SupportSettings) -> None: ...

    @abstractmethod
    def items(self, value: Any) -> Iterator[Item | Broken]:
        """The items of one JSON value: a webhook's body, a page of the API, an export's line."""

    @abstractmethod
    def connect(self, settings: SupportSettings) -> Connection: ...

    def check(self, outgoing: Outgoing) -> None:
        self.out.check(outgoing)

    def prepare(self, outgoing: Outgoing) -> Prepared:
        return self.out.prepare(outgoing)

    def send(self, prepared: Prepared, settings: SupportSettings) -> Sent:
        return self.out.send(prepared, settings)

    def find_sent(self, prepared: Prepared, settings: SupportSettings) -> Sent | None:
        return self.out.find_sent(prepared, settings)

    def mirror(self, change: DeskChange, settings: SupportSettings) -> Sent:
        return self.out.mirror(change, settings)

    def find_mirrored(self, change: DeskChange, settings: SupportSettings) -> Sent | None:
        return self.out.find_mirrored(change, settings)
