"""What crosses the border between the hub and its channels: plain frozen data, nothing alive.

A channel's ``parse`` cuts a received body into `Item`\\ s; its ``normalise`` turns one item into
`Interaction`, `Deletion` or `Applied`; its ``prepare`` turns an `Outgoing` into `Prepared` bytes; its
``send`` answers with `Sent`. All of them can be written as JSON and read back (msgspec), so a channel can
run in another process.
"""

from datetime import datetime
from typing import Any

import msgspec

from kinline.handles import Handle
from kinline.words import Direction, Kind, Role, SendClass, Standing

Facts = dict[str, Any]  #: JSON values only


class Struct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all border types: frozen, by keyword, compact as JSON."""


class Party(Struct, frozen=True):
    """One participant of an interaction.

    ``handle`` is None for somebody who left only a name: recorded, and no person. ``also`` are aliases
    seen beside it (an X name beside the X id); they never carry participants. ``ours`` marks our own side.
    ``standing`` says how far *this line* is proved, and is CLAIMED unless the channel knows better. ``hidden``: they got
    it, and the others who got it were not shown that (Bcc).
    """

    role: Role
    handle: Handle | None = None
    name: str = ""
    standing: Standing = Standing.CLAIMED
    ours: bool = False
    also: tuple[Handle, ...] = ()
    hidden: bool = False


class Attachment(Struct, frozen=True):
    """A file that came along; the hub stores ``content`` once, by its SHA-256, and keeps name and type."""

    name: str
    media_type: str
    content: bytes = b""
    size: int = 0
    note: str = ""  #: why the content is not here, when it is not (too large, remote)


class Thread(Struct, frozen=True):
    """Where in a conversation this stands.

    ``key`` names this interaction for those who answer it (Message-ID, post id, ticket id); ``parent`` is
    the key it answers, known to us or not (a phantom, as in J. Zawinski's message threading). Keys are
    scoped to the provider instance. All who share a root are one conversation, whatever order they come in.

    ``topic`` is for channels where people change it to begin something new (a mail's subject, without ``Re:``): an
    answer under another topic opens a conversation of its own, linked to the old one. Without a topic it joins the
    one of its ``parent``.

    ``private``: only those who took part may read it (a mailbox, a ticket, a direct message), not everybody who comes by.
    ``claimed``: its keys are what senders write (Message-IDs), so anybody can name anybody's. What is private and claimed
    stands together only where those who wrote took part in each other's (`kinline.threads.edges`).
    """

    key: str
    parent: str = ""
    ancestors: tuple[str, ...] = ()  #: further keys known to be above ``parent``, nearest first
    topic: str = ""
    private: bool = False
    claimed: bool = False


class Interaction(Struct, frozen=True):
    """One thing somebody did, as a channel understood it."""

    source_id: str  #: derived from the content, the same for file, poll and webhook; unique in the instance
    kind: Kind
    direction: Direction
    parties: tuple[Party, ...]
    occurred_at: datetime | None = None  #: the source's time; None where it has none
    changed_at: datetime | None = None  #: when this version was made at the source, where it says
    sequence: int = 0  #: the source's order among equal times
    subject: str = ""
    text: str = ""  #: what was said, plain, without quotes and signature
    html: str = ""  #: cleaned by the channel (allow-list); shown only in a sandbox
    language: str = ""  #: BCP 47, where the source says
    url: str = ""  #: where a person can see it
    thread: Thread | None = None
    answers: str = ""  #: source_id of the interaction this answers
    token: str = ""  #: a reply token that came back with it (`Outgoing.reply_token`); whose it is the hub finds out
    about: str = ""  #: source_id of what was liked, shared or quoted
    automatic: str = ""  #: why it is no person's doing: "auto-reply", "bounce", "list", …; "" for people
    moderation: str = ""  #: approved, pending, spam, trash, pingback, … in the source's sense
    attachments: tuple[Attachment, ...] = ()
    facts: Facts = {}  #: what this kind and channel know besides, typed by the channel's README
    flags: tuple[str, ...] = ()  #: what was odd: "bad_date", "charset_replaced", …
    once: bool = False  #: its source id names one act for ever: the same again is a duplicate, whatever it says now


class Deletion(Struct, frozen=True):
    """The source says that something was deleted. Kept, and applied when the thing comes later."""

    source_id: str
    occurred_at: datetime | None = None
    reason: str = ""


class Applied(Struct, frozen=True):
    """Understood, and no interaction: a user record, a list of ids. ``names`` may tell display names."""

    reason: str
    names: tuple[Party, ...] = ()


class Receipt(Struct, frozen=True):
    """What a provider reports of something we sent: delivered, read, bounced, rejected, complained."""

    source_id: str  #: of the interaction it is about, as `Prepared` or `Sent` named it
    report: str
    occurred_at: datetime | None = None
    recipient: Handle | None = None
    permanent: bool = False
    detail: str = ""


class Ticket(Struct, frozen=True):
    """What a desk elsewhere says of a conversation that lives there. What it does not say is left empty.

    It changes how the conversation stands here and makes no interaction. ``changed_at`` decides, in any order.
    """

    thread: str  #: the key that its interactions name as theirs or as their parent
    number: str = ""  #: what people call it there
    state: str = ""  #: a word of `ConversationState`
    same: tuple[str, ...] = ()  #: other states that this desk cannot tell from it: one of them here stays
    priority: str = ""  #: a word of `Priority`
    assignee: str | None = None  #: the agent's name; "": nobody; None: it does not say
    changed_at: datetime | None = None
    names: tuple[Party, ...] = ()  #: display names that came with it


class Profile(Struct, frozen=True):
    """What a source says of somebody beyond what they did: what is known of them, what else they go by, where they belong.

    It makes no interaction. A line is VERIFIED where the operator trusts the source for that type of handle. Where those
    of ``who`` and of one in ``also`` both are, that is a proof that they are one; else it is a suggestion.
    """

    source_id: str  #: names this statement: the same again is known
    who: Party
    also: tuple[Party, ...] = ()
    at: datetime | None = None  #: since when it is so
    known: Facts = {}  #: attributes by name
    organisation: str = ""  #: the id of an organisation at ``issuer`` to which they belong
    organisation_name: str = ""
    issuer: str = ""


Normalised = Interaction | Deletion | Applied | Receipt | Ticket | Profile


class Item(Struct, frozen=True):
    """One piece of an intake, in its order. ``body`` is bytes or a JSON value, whatever the channel reads."""

    body: Any
    position: int = -1  #: set by the hub
    form: str = ""  #: the channel's own word for the shape, told by parse to normalise


class Broken(Struct, frozen=True):
    """A piece that ``parse`` could not cut out cleanly: it is quarantined, and its neighbours go on."""

    code: str
    detail: str


class Source(Struct, frozen=True):
    """Where an intake came from, as far as parsing may care."""

    name: str = ""  #: file name or route, never a full path
    media_type: str = ""
    headers: dict[str, str] = {}


class Request(Struct, frozen=True):
    """A webhook call as it arrived: raw, before anybody believed it."""

    method: str
    headers: dict[str, str]  #: names in lower case
    query: dict[str, str]
    body: bytes


class Once(Struct, frozen=True):
    """A word that its provider puts into one call alone, and until when (seconds since 1970) its proof would hold."""

    token: str
    until: float


class Reply(Struct, frozen=True):
    """An answer a channel gives by itself, as to a handshake."""

    body: bytes
    status: int = 200
    media_type: str = "application/json"


class Fetched(Struct, frozen=True):
    """One body that an open connection brought, kept whole before anybody understands it.

    ``cursor`` is where to go on once this is kept: both are written in one transaction. An empty body moves the
    cursor alone. ``cost`` is what the provider charges for it, in millionths of the account's currency; ``limits``
    what it said of its rate limits, for the account's health.
    """

    body: bytes = b""
    source: Source = Source()
    cursor: str = ""
    cost: int = 0
    limits: Facts = {}


class Hint(Struct, frozen=True):
    """What was received and is only a hint: somebody names an address, or says that something changed."""

    body: bytes
    source: Source
    received_at: datetime


class Estimate(Struct, frozen=True):
    """What bringing in the past of an account would mean. None: the provider does not say."""

    items: int | None = None
    cost: int | None = None  #: millionths of the account's currency
    note: str = ""  #: for people: what is not reachable, how long it may take


class OAuth(Struct, frozen=True):
    """How an account is authorised at its provider (RFC 6749), with PKCE (RFC 7636). The hub does the calls.

    What it gets goes into the settings ``access_token``, ``refresh_token`` and ``token_expires_at`` (seconds).
    """

    authorise_url: str
    token_url: str
    client_id: str
    client_secret: str = ""
    scopes: tuple[str, ...] = ()
    more: dict[str, str] = {}  #: further parameters of the authorisation request
    client_in_header: bool = False  #: authenticate by HTTP Basic instead of in the body (RFC 6749, section 2.3.1)


class Copied(Struct, frozen=True):
    """Somebody who gets a copy, seen by all who get it."""

    handle: Handle
    name: str = ""


class Outgoing(Struct, frozen=True):
    """One message to one person, with copies where the channel carries some, ready to be put in a channel's form."""

    id: str  #: of the follow-up; constant over attempts, so it is the idempotency key too
    to: Handle
    text: str
    to_name: str = ""
    subject: str = ""
    send_class: SendClass = SendClass.SERVICE
    automatic: bool = True  #: False when an agent wrote it
    answers: str = ""  #: source_id of the interaction answered
    answered: Facts = {}  #: facts, thread and subject of the interaction answered
    html: str = ""  #: the same as ``text`` for those who show it; "" where there is none
    attachments: tuple[Attachment, ...] = ()
    reply_token: str = ""  #: signed by the hub; what comes back with it answers this message, whatever it looks like
    stop_url: str = ""  #: where a person stops messages of this class with one call (RFC 8058); "" where none applies
    cc: tuple[Copied, ...] = ()  #: for channels with `Ability.COPIES`


class Post(Struct, frozen=True):
    """Something to say in public, to nobody in particular."""

    id: str  #: of the follow-up; constant over attempts
    text: str
    subject: str = ""
    made_at: float = 0.0  #: seconds since 1970; nothing older at the provider can be it


class DeskChange(Struct, frozen=True):
    """Something our people did here, to be done too where the conversation lives: at a desk, on a blog."""

    id: str  #: constant over attempts
    what: str  #: note | state | moderation
    thread: str  #: how that desk names the conversation; of a moderation, the source id of what is moderated
    text: str = ""  #: of a note
    state: str = ""  #: a word of `ConversationState`; of a moderation, of `Moderation`
    by: str = ""  #: who of us


class Prepared(Struct, frozen=True):
    """The exact bytes to send, made before anything is sent, stored, and the same on every attempt.

    ``recipients`` are all whom these bytes reach. Where they are named, the hub sends nothing unless they are the very
    ones that it was written for; a channel whose provider alone knows them leaves them out.
    """

    body: bytes
    media_type: str
    source_id: str = ""  #: where the channel can name it beforehand (our own Message-ID)
    thread: Thread | None = None
    facts: Facts = {}
    recipients: tuple[Handle, ...] = ()


class Sent(Struct, frozen=True):
    """The channel handed it over."""

    source_id: str
    detail: str = ""
    cost: int = 0  #: what the provider charges, in millionths of the account's currency
    limits: Facts = {}  #: what it said of its rate limits
    news: Fetched | None = None  #: how a thing that was changed stands there now; taken in like what a look brings
    receipts: tuple[Receipt, ...] = ()  #: what it said at once of some of those it was to go to
