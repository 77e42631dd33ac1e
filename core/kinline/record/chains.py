"""What an interaction says of its place in a conversation, as `kinline.threads` reads it."""

from collections.abc import Iterable, Sequence

from kinline import subjects
from kinline.domains import organisation_of
from kinline.handles import Handle, match_key
from kinline.identity.parties import Who, author_of
from kinline.messages import Interaction, Thread
from kinline.record.recording import Recording
from kinline.threads.chain import Chain, key_of, thread_key_id
from kinline.threads.edges import Mail
from kinline.words import PRIVATE, Direction, HandleType, Role, Standing, Visibility

#: The fact that says that a token of ours came back with it; then the nearest key that it names is that message of ours.
BY_TOKEN = "by_token"  # noqa: S105 - the name of a fact
#: Keys that a private mail names, the nearest and the root, which count.
MOST_NAMED = 30
#: The topic of a mail that has no words in its subject. No topic at all has what a machine says of another mail.
NO_WORDS = "-"


def chain_of(recording: Recording, what: Interaction, lines: Sequence[Who], interaction: str) -> Chain | None:
    """Its chain. None: it is in no conversation."""
    thread = what.thread or (Thread(key=what.source_id) if recording.joins else None)
    if thread is None:
        return None
    if thread.private and thread.claimed:
        return _mail_chain(recording, what, thread, lines, interaction)
    return _key_chain(recording, what, thread, lines, interaction)


def _key_chain(
    recording: Recording, what: Interaction, thread: Thread, lines: Sequence[Who], interaction: str
) -> Chain:
    """With a topic, everything above is named under that topic: what was said under another one is another key, and so
    another conversation, in whatever order they arrive."""
    account, plain = recording.account, dict[str, str]()
    found = [thread_key_id(account.channel, account.instance, thread.key)]
    above = () if recording.joins else (thread.parent, *thread.ancestors)
    for key in (thread.key, *above) if thread.topic else above:
        if key:
            named = thread_key_id(account.channel, account.instance, key, thread.topic)
            found.append(named)
            if thread.topic:
                plain[named] = thread_key_id(account.channel, account.instance, key)
    keys = tuple(dict.fromkeys([*found, *([recording.joins] if recording.joins else [])]))
    return Chain(
        interaction=interaction, channel=account.channel, instance=account.instance, keys=keys, below=frozenset(keys[:-1]),
        visibility=Visibility.PARTICIPANTS if _is_private(what, thread) else Visibility.PUBLIC, plain=plain,
        mail=_mail(recording, what, thread, lines, interaction) if thread.claimed else None,
    )  # fmt: skip


def _is_private(what: Interaction, thread: Thread) -> bool:
    """What is said to somebody in particular is private by its nature; a list's mail is known to be none."""
    return thread.private or (what.kind in PRIVATE and not thread.claimed)


def _mail_chain(
    recording: Recording, what: Interaction, thread: Thread, lines: Sequence[Who], interaction: str
) -> Chain:
    return Chain(
        interaction=interaction, channel=recording.account.channel, instance=recording.account.instance,
        keys=(key_of(interaction), *([recording.joins] if recording.joins else ())), below=frozenset(),
        visibility=Visibility.ADDRESSED, mail=_mail(recording, what, thread, lines, interaction),
    )  # fmt: skip


def _mail(recording: Recording, what: Interaction, thread: Thread, lines: Sequence[Who], interaction: str) -> Mail:
    account = recording.account

    def key(text: str) -> str:
        return thread_key_id(account.channel, account.instance, text)

    above = [each for each in (thread.parent, *thread.ancestors) if each]
    nearest = above if len(above) <= MOST_NAMED else [*above[: MOST_NAMED - 1], above[-1]]
    names = tuple(dict.fromkeys(map(key, nearest)))
    author = author_of(list(lines))
    return Mail(
        id=interaction,
        key=key(thread.key),
        names=names,
        vouched=frozenset(names[:1]) if BY_TOKEN in what.facts else frozenset(),
        topic="" if what.automatic and not thread.topic else subjects.base(what.subject) or NO_WORDS,
        author=match_key(author.identity) if author and author.identity else "",
        organisation=_organisation(author),
        ours=what.direction is Direction.OUTBOUND,
        automatic=bool(what.automatic),
        seen=frozenset(match_key(line.identity) for line in _visible(lines) if line.identity),
        reply_to=frozenset(_addresses(what.facts.get("reply_to"))),
    )


def _visible(lines: Iterable[Who]) -> Iterable[Who]:
    return (line for line in lines if line.party.role in (Role.AUTHOR, Role.RECIPIENT) and not line.party.hidden)


def _organisation(author: Who | None) -> str:
    proved = author is not None and author.party.standing is Standing.VERIFIED and author.identity is not None
    if not proved or author is None or author.identity is None or author.identity.type is not HandleType.EMAIL:
        return ""
    return organisation_of(author.identity.value)


def _addresses(given: object) -> Iterable[str]:
    for each in given if isinstance(given, list) else ():
        if isinstance(each, str):
            yield match_key(Handle(HandleType.EMAIL, each))
