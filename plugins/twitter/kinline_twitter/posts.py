"""What a post means, whichever version of the API told it.

v1, v2 and Gnip's activity streams each read their own words into one `Post`; what it *is*, who took part
and where it stands in its conversation is decided here, once.
"""

from datetime import datetime

import msgspec

from kinline import Attachment, Direction, Interaction, Kind, Party, Role, Thread, Unreadable
from kinline_twitter.fields import Ours, Person, moment, moment_of_id, party, sequence_of_id

#: Codes that X uses for "no language", and its two outdated ones (BCP 47 names the newer).
LANGUAGES = dict.fromkeys(("und", "qam", "qct", "qht", "qme", "qst", "zxx", "art"), "") | {
    "in": "id",
    "iw": "he",
    "ji": "yi",
}

#: How far ``created_at`` may be from the time inside the id before the id is believed.
PATIENCE_SECONDS = 86_400


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """Another post that this one answers, shares or quotes. ``first`` is its first version, where known."""

    id: str
    first: str = ""
    author: Person | None = None

    @property
    def source_id(self) -> str:
        return post_id(self.first or self.id)


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one post."""

    id: str
    author: Person
    text: str
    created: object = None  #: as the payload has it
    versions: tuple[str, ...] = ()  #: ids of all versions, oldest first; empty where it was never edited
    cut: bool = False  #: the payload holds only the beginning of the text
    sketched: bool = False  #: the payload leaves out who and what it names, as inside a user record
    language: str = ""
    conversation: str = ""
    answers: Reference | None = None
    addressed: Person | None = None  #: whom it is written to, as X says
    shares: Reference | None = None
    quotes: Reference | None = None
    mentions: tuple[Person, ...] = ()
    hashtags: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    media: tuple[Attachment, ...] = ()

    @property
    def first(self) -> str:
        return self.versions[0] if self.versions else self.id


def post_id(id: str) -> str:
    return f"tweet:{id}"


def interaction_of(post: Post, ours: Ours) -> Interaction:
    """The interaction: its first version names it, this version's words and time fill it."""
    changed, flags = when(post.id, post.created)
    occurred = changed if post.first == post.id else moment_of_id(post.first) or changed
    parties = parties_of(post, ours)
    shared = post.shares is not None
    return Interaction(
        source_id=post_id(post.first),
        kind=kind_of(post, ours),
        direction=direction_of(parties),
        parties=parties,
        occurred_at=occurred,
        changed_at=None if (post.cut or post.sketched) and not post.versions else changed,  # never replaces a whole one
        sequence=sequence_of_id(post.first),
        text="" if shared else post.text,
        language=LANGUAGES.get(post.language, post.language),
        url=f"https://x.com/i/status/{post.id}",
        thread=thread_of(post),
        answers=post.answers.source_id if post.answers and not shared else "",
        about=about_of(post),
        attachments=() if shared else post.media,
        facts=facts_of(post),
        flags=(*flags, "text_cut") if post.cut and not shared else flags,
    )


def when(id: str, created: object) -> tuple[datetime | None, tuple[str, ...]]:
    """The time of a thing with this id, and what was odd about it. A snowflake id knows its own time."""
    told, inside = moment(created), moment_of_id(id)
    if told is None:
        return inside, () if created is None and inside else ("bad_date",)
    if inside and abs((told - inside).total_seconds()) > PATIENCE_SECONDS:
        return inside, ("bad_date",)
    return told, ()


def kind_of(post: Post, ours: Ours) -> Kind:
    """The first that holds: a share is nothing else, an answer stays one though it quotes or mentions us."""
    named = {who.id for who in (*post.mentions, *filter(None, [post.addressed]))}
    candidates = (
        (post.shares is not None, Kind.SHARE),
        (post.answers is not None, Kind.COMMENT),
        (post.quotes is not None, Kind.QUOTE),
        (bool(named & ours) and post.author.id not in ours, Kind.MENTION),
    )
    return next((kind for holds, kind in candidates if holds), Kind.POST)


def direction_of(parties: tuple[Party, ...]) -> Direction:
    """From us, to us, or among people. The author stands first."""
    if parties[0].ours:
        return Direction.OUTBOUND
    return Direction.INBOUND if any(one.ours for one in parties[1:]) else Direction.AMONG


def parties_of(post: Post, ours: Ours) -> tuple[Party, ...]:
    """The author; whom it answers, shares or quotes; whom it names. Nobody is their own recipient."""
    told = [post.shares] if post.shares else [post.answers, post.quotes]
    to = [None if post.shares else post.addressed, *(one.author for one in told if one)]
    named = [] if post.shares else list(post.mentions)
    lines = {(Role.AUTHOR, post.author.id): post.author}
    for role, people in ((Role.RECIPIENT, to), (Role.MENTIONED, named)):
        for who in people:
            if who is not None and who.id != post.author.id:
                known = lines.get((role, who.id))
                lines[role, who.id] = _better(known, who)
    return tuple(party(role, _better(who, _named(post, who.id)), ours) for (role, _), who in lines.items())


def _named(post: Post, id: str) -> Person | None:
    return next((who for who in post.mentions if who.id == id), None)


def _better(one: Person | None, other: Person | None) -> Person:
    """Two sightings of one person, each with what the other lacks."""
    first, second = (one or other), (other or one)
    if first is None or second is None:
        raise Unreadable("A participant has no id.", code="missing_field")
    return Person(first.id, first.name or second.name, first.handle or second.handle)


def thread_of(post: Post) -> Thread:
    """Answers may name any version of a post, so the other versions count as keys above it."""
    parent = (post.answers.first or post.answers.id) if post.answers and not post.shares else ""
    above = [*post.versions, post.conversation] if not post.shares else []
    return Thread(
        key=post.first,
        parent=parent,
        ancestors=tuple(dict.fromkeys(key for key in above if key and key not in (post.first, parent))),
    )


def about_of(post: Post) -> str:
    about = post.shares or post.quotes
    return about.source_id if about else ""


def facts_of(post: Post) -> dict[str, object]:
    """Only what does not change by itself: counts of likes would make every fetch a new revision."""
    facts: dict[str, object] = {"tweet_id": post.id}
    if post.hashtags and not post.shares:
        facts["hashtags"] = list(post.hashtags)
    if post.links and not post.shares:
        facts["links"] = list(post.links)
    return facts
