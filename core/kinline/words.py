"""The vocabulary: every closed list of words the hub uses, each with its meaning.

Foreign words are mapped to these by a table in each channel; what has no word here is ``UNKNOWN``.
The interaction kinds follow ActivityStreams 2.0 (W3C), in plain English.
"""

from enum import StrEnum


class Kind(StrEnum):
    """What somebody did."""

    MESSAGE = "message"  #: wrote to somebody in particular: a mail, a direct message, a ticket line
    COMMENT = "comment"  #: answered publicly under something published
    MENTION = "mention"  #: named us or somebody publicly
    POST = "post"  #: published something short
    ARTICLE = "article"  #: published something long
    SHARE = "share"  #: passed on somebody's content (AS2 Announce)
    QUOTE = "quote"  #: passed it on with words of their own
    REACTION = "reaction"  #: liked, disliked, starred
    FOLLOW = "follow"  #: started to follow
    REVIEW = "review"  #: judged something, usually with a rating
    CHECK_IN = "check_in"  #: said they were at a place
    CALL = "call"  #: talked on the telephone
    VISIT = "visit"  #: came in person
    EVENT = "event"  #: took part in an event of ours: a fair, a course, a meeting
    APP_EVENT = "app_event"  #: did something in a shop, on a site or in an app that has no word of its own here
    LETTER = "letter"  #: wrote on paper
    ORDER = "order"  #: bought or ordered something
    PAGE_VIEW = "page_view"  #: looked at a page
    NOTE = "note"  #: an internal note of ours; the person never sees it
    UNKNOWN = "unknown"  #: something a channel has no word for; the raw payload is kept


#: What wants an answer by its nature. Orders, page views, likes and posts of their own do not.
ASKING = frozenset(
    {Kind.MESSAGE, Kind.COMMENT, Kind.MENTION, Kind.QUOTE, Kind.REVIEW, Kind.LETTER, Kind.CALL, Kind.VISIT}
)
#: Said to somebody in particular, by its nature.
PRIVATE = frozenset({Kind.MESSAGE, Kind.LETTER, Kind.CALL, Kind.VISIT})


class Direction(StrEnum):
    """Between whom."""

    INBOUND = "inbound"  #: from a person to us
    OUTBOUND = "outbound"  #: from us to a person
    AMONG = "among"  #: among people, not addressed to us


class Role(StrEnum):
    """How an identity took part."""

    AUTHOR = "author"
    RECIPIENT = "recipient"
    MENTIONED = "mentioned"
    READER = "reader"


class Standing(StrEnum):
    """How far one participant line, or one identity-person link, is proved."""

    VERIFIED = "verified"  #: the provider or a signature vouches for it
    CLAIMED = "claimed"  #: somebody typed it
    INFERRED = "inferred"  #: the hub concluded it


class HandleType(StrEnum):
    EMAIL = "email"  #: an address, RFC 5321 form, domain folded
    PHONE = "phone"  #: E.164
    X_ID = "x_id"  #: the numeric id of an X account, as a string
    X_HANDLE = "x_handle"  #: an @name on X: an alias over time, carries no participants
    URL = "url"  #: a home page
    EXTERNAL = "external"  #: an id that some system (the issuer) gave


class Origin(StrEnum):
    """How an interaction reached us, which decides what it may start."""

    LIVE = "live"  #: as it happened; triggers look at it
    IMPORT = "import"  #: history; starts no message and no task, ever
    OURS = "ours"  #: the hub or one of our people did it


class ItemState(StrEnum):
    """Where an item of the intake ledger is. Each item is in exactly one place."""

    IN_FLIGHT = "in_flight"  #: received and safe, not yet understood
    RECORDED = "recorded"  #: it made an interaction, a revision or a deletion
    DUPLICATE = "duplicate"  #: all it says was recorded before
    APPLIED = "applied"  #: understood, and makes no interaction (a user record, a list of ids)
    QUARANTINED = "quarantined"  #: not readable; raw bytes kept, reason shown, can be replayed
    REFUSED = "refused"  #: the sender was told no


class Delivery(StrEnum):
    """What a channel promises about sending."""

    ONCE = "once"  #: the provider honours our idempotency key
    AT_MOST_ONCE = "at_most_once"  #: after a crash in the sending second we ask a person, we do not resend
    AT_LEAST_ONCE = "at_least_once"  #: may arrive twice, with the same id


class SendClass(StrEnum):
    """Why a message goes out, which decides what can stop it."""

    HUMAN = "human"  #: an agent wrote it
    SERVICE = "service"  #: automatic, in a thread that they opened
    TRANSACTIONAL = "transactional"  #: about something they did; exempt from budgets, but counted
    MARKETING = "marketing"  #: opt-in only; no record means no


#: What stands in place of a class for something that goes to nobody in particular.
PUBLIC = "public"


class FollowUpState(StrEnum):
    """One action for one person. Only ``pending``, ``sending`` and ``unknown`` are ever left."""

    PENDING = "pending"  #: decided, waiting for its time, a retry or an approval
    SENDING = "sending"  #: claimed by one worker; the channel may be talking
    SENT = "sent"  #: the channel says it was handed over
    FAILED = "failed"  #: it will not be sent; the reason is stored
    UNKNOWN = "unknown"  #: handed over without an answer; to be reconciled
    CANCELLED = "cancelled"  #: a guard or a person stopped it
    EXPIRED = "expired"  #: too late to be welcome


class TriggerState(StrEnum):
    DRAFT = "draft"  #: being written; looked at by nobody
    SHADOW = "shadow"  #: decides and records, does nothing
    LIVE = "live"
    PAUSED = "paused"


class Verdict(StrEnum):
    """What a decision decided."""

    FIRED = "fired"
    SKIPPED = "skipped"  #: the condition held, and a stated reason kept us from acting
    SHADOWED = "shadowed"  #: would have fired, in shadow


class JobState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"  #: gave up after its attempts; a person may run it again


class Track(StrEnum):
    """The two tracks of the life cycle."""

    RELATIONSHIP = "relationship"
    BUSINESS = "business"


#: The stages of each track, in their natural order. The first is where everybody starts.
STAGES: dict[Track, tuple[str, ...]] = {
    Track.RELATIONSHIP: ("stranger", "fan", "advocate"),
    Track.BUSINESS: ("none", "prospect", "lead", "customer", "loyal", "lapsing", "lapsed"),
}


class ConversationState(StrEnum):
    """Where a conversation stands at the desk, in the words that desks use."""

    OPEN = "open"  #: it is our turn
    PENDING = "pending"  #: we answered; it is their turn
    ON_HOLD = "on_hold"  #: we wait for somebody else
    SOLVED = "solved"  #: we think it is done; a word of theirs opens it again
    CLOSED = "closed"  #: done, and put away; a word of theirs opens it again all the same


class Visibility(StrEnum):
    """Who gets what is said in a conversation."""

    PUBLIC = "public"  #: everybody who comes by: posts, comments, the mail of a public list
    PARTICIPANTS = "participants"  #: all who take part: a ticket, direct messages, a call
    ADDRESSED = "addressed"  #: those to whom each message is addressed: mail


class Moderation(StrEnum):
    """What is made of something that was said in public, in the words that blogs share."""

    APPROVED = "approved"  #: everybody sees it
    PENDING = "pending"  #: nobody sees it until somebody decides
    SPAM = "spam"
    TRASH = "trash"  #: put away; where it was said it may be deleted for good after some time


class Priority(StrEnum):
    """How much a conversation hurries, which decides how soon an answer is due."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Scored(StrEnum):
    """What a scorer judges of what somebody wrote."""

    SENTIMENT = "sentiment"  #: how it sounds, -1 to 1
    TOPIC = "topic"  #: what it is about, a word: complaint, praise, question, …
    LANGUAGE = "language"  #: which language it is in, as ISO 639-1
