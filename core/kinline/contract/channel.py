"""A channel is one class behind one hook. Read this file and you know the contract.

The way in: ``verify`` → ``parse`` → ``normalise``, with ``complete`` before them where a call only hints. The way out: ``check`` → ``prepare`` → ``send``. A channel that
asks its provider itself opens a `Connection` in ``connect``; what that brings goes the way in like everything else.
Methods take bytes and settings and return plain data: no session, no core object, nothing kept between
calls, no person id ever. What a channel cannot do it leaves as it is, and does not list in ``can``.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, BinaryIO, ClassVar, Generic, TypeVar

import msgspec

from kinline.contract.connection import Connection, Pretender
from kinline.errors import ChannelError
from kinline.handles import Handle
from kinline.messages import (
    Broken,
    DeskChange,
    Fetched,
    Hint,
    Item,
    Normalised,
    OAuth,
    Once,
    Outgoing,
    Post,
    Prepared,
    Reply,
    Request,
    Sent,
    Source,
)
from kinline.words import Delivery, HandleType, Kind

#: The version of this contract. A break is announced one minor release ahead.
CONTRACT = 1


class Ability(StrEnum):
    """What a channel can do, beyond normalising."""

    IMPORT = "import"  #: read files of history
    WEBHOOK = "webhook"  #: be called by its provider
    HANDSHAKE = "handshake"  #: answer the provider's test call
    COMPLETE = "complete"  #: fetch what a call only hints at, before it is understood
    SEND = "send"  #: reach a person
    PUBLISH = "publish"  #: say something in public, to nobody in particular
    FILES = "files"  #: carry files in what it sends
    COPIES = "copies"  #: send copies of a message to others, whom all who get it see
    FIND_SENT = "find_sent"  #: ask the provider whether a message went out
    POLL = "poll"  #: ask its provider for what is new, over a `Connection`
    WATCH = "watch"  #: its `Connection` wakes up by itself when there is something new
    HISTORY = "history"  #: its `Connection` brings in the past too
    COMPARE = "compare"  #: its `Connection` tells the newest items there, to be held against ours
    OAUTH = "oauth"  #: be authorised at the provider by a person, and refreshed
    MAILBOX = "mailbox"  #: has mail addresses; raw mails to them come in by the hub's own SMTP door
    EVENTS = "events"  #: understands CloudEvents and Segment calls, which come with a key of the hub
    DESK = "desk"  #: its provider is a desk: notes and states of its conversations are mirrored there
    MODERATE = "moderate"  #: change whether something said there is shown: it is approved, held, spam or thrown away
    RECHECK = "recheck"  #: its `Connection` finds what of ours is gone there, or stands otherwise, however old it is
    PRETEND = "pretend"  #: ships a stand-in for its provider, for tests and ``kinline up --pretend``


class AccountSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a channel's settings for one account. Fields are typed; secrets are listed in ``secrets``."""

    secrets: ClassVar[frozenset[str]] = frozenset()  #: fields stored encrypted and never shown


S = TypeVar("S", bound=AccountSettings)


class Channel(ABC, Generic[S]):
    """One kind of medium. Subclass it, and return the class from the ``kinline_channel`` hook."""

    name: ClassVar[str]  #: lower case, letters, digits and ``_``; the word in every API path
    title: ClassVar[str]  #: for people
    contract: ClassVar[int] = CONTRACT
    settings: type[S]
    kinds: ClassVar[frozenset[Kind]]  #: the interaction kinds it makes
    can: ClassVar[frozenset[Ability]]
    delivery: ClassVar[Delivery] = Delivery.AT_MOST_ONCE
    reaches: ClassVar[frozenset[HandleType]] = frozenset()  #: types of handle it can send to
    acknowledges: ClassVar[int] = 202  #: the status that its provider takes for "received"; some take 200 only
    reaches_in_thread: ClassVar[frozenset[HandleType]] = frozenset()  #: types it can only answer, where they wrote
    send_needs: ClassVar[frozenset[str]] = frozenset()  #: settings without which an account of it sends nothing
    personal_data: ClassVar[tuple[str, ...]]  #: what of people it stores, in words, for the record of processing

    def instance(self, settings: S) -> str:
        """Which provider instance an account talks to: a site, a desk. Source ids are unique inside it."""
        return ""

    def is_ours(self, handle: Handle, settings: S) -> bool:
        """Whether this handle is the account itself: never written to, from whatever account."""
        return False

    def handshake(self, request: Request, settings: S) -> Reply | None:
        """Answer the provider's test call, without a database. None: this is no handshake."""
        return None

    @abstractmethod
    def verify(self, request: Request, settings: S) -> None:
        """Prove from the raw bytes that the provider sent this. Raise `VerificationFailed` if not.

        A channel without webhooks raises too: nobody may call it.
        """

    def once(self, request: Request, settings: S) -> Once | None:
        """The word by which a proved call says that it is the only one of its kind; the hub takes none with the same
        word again. For providers whose signature does not cover the body. Pure; asked after ``verify``."""
        return None

    def completes(self, source: Source) -> bool:
        """Whether what came from there is only a hint, of which `complete` fetches the rest. Asked of every intake."""
        return False

    def complete(self, hint: Hint, settings: S) -> Iterable[Fetched]:
        """Fetch what a hint speaks of: the only step of the way in that may use the network, in a job of its own.

        Each body is kept raw as an intake of its own and goes the way in, so a replay needs no network; its source must
        not be one that ``completes``. Nothing: the hint is understood as it is. A `ChannelError` that is not permanent is
        tried again for about 20 minutes, after ``retry_after`` where it says so; then the hint is set aside with its code.
        """
        return ()

    @abstractmethod
    def parse(self, raw: BinaryIO, source: Source, settings: S) -> Iterator[Item | Broken]:
        """Cut a body of any size into items, in order, streaming. Raise `Unreadable` if it is nothing of ours.

        The same bytes give the same items in the same order: positions are their names in the ledger.
        """

    @abstractmethod
    def normalise(self, item: Item, settings: S) -> Sequence[Normalised]:
        """Say what one item means. Unknown things become `Kind.UNKNOWN`; only nonsense raises `Unreadable`."""

    def files(self, paths: Iterable[str]) -> Iterator[str]:
        """The files to read of what a person named: each file, and every file below a folder, sorted."""
        from kinline.contract.files import walk

        return walk(paths)

    def check(self, outgoing: Outgoing, settings: S) -> None:
        """Say before sending whether this is allowed now (length, reply window). Raise `ChannelError` if not."""

    def prepare(self, outgoing: Outgoing, settings: S) -> Prepared:
        """Make the exact bytes. Pure: the same input gives the same bytes."""
        raise ChannelError(f"The {self.name} channel cannot send.", permanent=True, code="cannot_send")

    def prepare_post(self, post: Post, settings: S) -> Prepared:
        """Make the exact bytes of a public post; refuse what the provider would (`ChannelError`). Pure.

        What it makes is handed to ``send`` and ``find_sent`` like a message.
        """
        raise ChannelError(f"The {self.name} channel cannot publish.", permanent=True, code="cannot_publish")

    def send(self, prepared: Prepared, settings: S) -> Sent:
        """Hand it over, within ``deadline`` seconds.

        Raise `ChannelError` when it was surely not sent, `OutcomeUnknown` when that cannot be known.
        """
        raise ChannelError(f"The {self.name} channel cannot send.", permanent=True, code="cannot_send")

    def find_sent(self, prepared: Prepared, settings: S) -> Sent | None:
        """Ask the provider for a message whose outcome is unknown. None: surely not there."""
        raise ChannelError(f"The {self.name} channel cannot be asked.", permanent=True, code="cannot_ask")

    def gave(self, issuer: str, instance: str) -> bool:
        """Whether this provider instance gave the external ids of that issuer. A channel that reaches
        `HandleType.EXTERNAL` reaches those alone: an id of somebody else's means nothing there."""
        return False

    def moderates(self, source_id: str, settings: S) -> bool:
        """Whether an account with these settings may be asked to moderate this. Pure: what the provider thinks of it
        shows when it is asked."""
        return False

    def mirror(self, change: DeskChange, settings: S) -> Sent:
        """Do there what one of us did here. Errors as in ``send``; doing a state or a moderation twice does no harm."""
        raise ChannelError(f"The {self.name} channel is no desk.", permanent=True, code="no_desk")

    def find_mirrored(self, change: DeskChange, settings: S) -> Sent | None:
        """Ask for a note whose outcome is unknown. None: surely not there."""
        raise ChannelError(f"The {self.name} channel cannot be asked.", permanent=True, code="cannot_ask")

    def test(self, settings: S) -> str:
        """Try the account's settings at the provider, changing nothing. A sentence for people; raises `ChannelError`."""
        if Ability.POLL not in self.can:
            raise ChannelError(f"The {self.name} channel has nothing to test.", permanent=True, code="nothing_to_test")
        with self.connect(settings) as connection:
            return connection.about()

    def takes_mail_for(self, address: str, settings: S) -> int:
        """How surely raw mail to this address is for an account with these settings. 0: not; of several the greatest
        gets it. Any text may be asked for."""
        return 0

    def is_live(self, settings: S) -> bool:
        """Whether the hub should keep an account with these settings connected, where the channel can poll at all."""
        return True

    def connect(self, settings: S) -> Connection:
        """Open a connection to the provider. Called by one thread, which polls it, waits on it and closes it."""
        raise ChannelError(f"The {self.name} channel cannot be asked.", permanent=True, code="cannot_poll")

    def pause_between(self, settings: S) -> float:
        """Seconds between two looks at the provider, where nothing says that there is news."""
        return 60.0

    def cap(self, settings: S) -> int | None:
        """What a month may cost, in millionths of the account's currency. None: it costs nothing or has no limit."""
        return None

    def oauth(self, settings: S) -> OAuth | None:
        """How this account is authorised. None: by what stands in its settings already."""
        return None

    def pretend(self) -> Pretender:
        """A stand-in for the provider, that speaks its documented protocol with its errors and limits."""
        raise ChannelError(f"The {self.name} channel has no stand-in.", permanent=True, code="cannot_pretend")

    #: Seconds a ``send`` may take before its worker gives up and calls the outcome unknown.
    deadline: ClassVar[float] = 20.0


AnyChannel = Channel[Any]
