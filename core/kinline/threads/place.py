"""Which conversation an interaction belongs to, whatever order its thread arrives in.

Keys that one interaction names together are of one conversation; keys never seen, only spoken of, count
too (the phantoms of J. Zawinski's threading). A key with a topic is another key than the same one with another
topic: so an answer under a new subject parts from the old conversation, and all that spoke of one message stay linked
through its plain key. A private mail names nobody by itself: its chain is itself and the mails that it is joined with
(`kinline.threads.edges`).

A conversation's id is derived from its topmost key: the smallest among those that nobody put below another, or, where all
stand in a circle, the smallest of all. When a late message joins two conversations or puts one below an ancestor, the keys
move to the new root, and the old conversation points there for ever.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import count

import msgspec
from sqlalchemy import bindparam, func, or_, select
from sqlmodel import Session

from kinline import clock
from kinline.store import locks, sql
from kinline.store.ask import Ask, Change, Id, among, new, setting
from kinline.store.models import Conversation, ThreadKey, metadata
from kinline.threads import audience, by_hand, desk
from kinline.threads.audience import StoredMail
from kinline.threads.chain import Chain, conversation_id
from kinline.threads.edges import Mail, joined

_KEYS = metadata.tables[str(ThreadKey.__tablename__)]
_CONVERSATIONS = metadata.tables[str(Conversation.__tablename__)]
#: PostgreSQL advisory locks: one for joining conversations, and some for placing keys.
JOINING, PLACING, PLACES = 727274, 727275, 64


class Key(msgspec.Struct, frozen=True):
    """A key as it is stored: where, what answers for that now, and whether it stands below another."""

    id: str
    stored_in: str
    conversation: str
    has_parent: int


Keys = dict[str, Key]
_key, _conversation = _KEYS.c, _CONVERSATIONS.c
_ALL = select(
    _key.id,
    _key.conversation_id.label("stored_in"),
    func.coalesce(_conversation.merged_into, _conversation.id).label("conversation"),
    _key.has_parent,
).join(_CONVERSATIONS, _conversation.id == _key.conversation_id)
_LOAD = Ask(_ALL.where(among(_key.id, "keys")), Key)
_JOINED = Ask(select(_conversation.id).where(among(_conversation.merged_into, "conversations")), Id)
_MEMBERS = Ask(_ALL.where(among(_conversation.id, "conversations")), Key)
_TOP = Ask(select(_key.id).where(_key.conversation_id == bindparam("conversation"), _key.has_parent == 0).limit(1), Id)
_PUT = Change(setting(_KEYS, ("conversation_id", "has_parent")).where(_key.id == bindparam("key_id")))
_MOVE = Change(setting(_KEYS, ("conversation_id",)).where(among(_key.id, "keys")))
_FORWARD = Change(
    setting(_CONVERSATIONS, ("merged_into",)).where(
        or_(_conversation.id == bindparam("old"), _conversation.merged_into == bindparam("old"))
    )
)
_IS_ROOT = Change(_CONVERSATIONS.update().values(merged_into=None).where(_conversation.id == bindparam("root")))


class ThreadPart(msgspec.Struct):
    """Keys of the batch that belong together, and the conversations that some of them are in already."""

    about: Chain
    keys: set[str]
    before: set[str]


class Placed(msgspec.Struct, frozen=True):
    """``joined``: the conversations that were joined, each with the one it is part of now. ``keys``: under which key a
    private mail stands, where that is not the one it came with."""

    joined: list[tuple[str, str]]
    keys: dict[str, str]


def place(session: Session, chains: Sequence[Chain]) -> Placed:
    """Make and join the conversations of a batch. Afterwards each own key knows its conversation."""
    if not chains:
        return Placed([], {})
    _placing_alone(session, {name for chain in chains for name in _names(chain)})
    chains, moved = _with_mails(session, chains)
    survey = _Survey(session, chains)
    if any(len(part.before) > 1 for part in survey.moving):
        survey = _Survey(session, _kept_apart(session, chains))
    if any(part.before for part in survey.moving) and _joining_alone(session):
        survey = _Survey(session, _kept_apart(session, chains))  # others may have joined some meanwhile
    return Placed(survey.save(), moved)


def open_for(session: Session, chain: Chain) -> None:
    """Make the conversation of a key of which something is said before anything is said in it."""
    _placing_alone(session, chain.keys)
    if not _load(session, chain.keys):
        root = conversation_id(chain.own)
        sql.insert(session, _CONVERSATIONS, [_fresh(root, chain)])
        sql.insert(session, _KEYS, [(chain.own, root, 0, None)])


def join(session: Session, one: str, other: str) -> list[tuple[str, str]]:
    """Make one conversation of two, which nobody names together. Returns what was joined, with what answers for it."""
    _joining_alone(session)
    members = _members(session, {one, other})
    tops = sorted(key for key, known in members.items() if not known.has_parent) or sorted(members)
    root = next(known.conversation for key, known in members.items() if key == tops[0])
    old = other if root == one else one
    _forward(session, old, root)
    _move(session, [key for key, known in members.items() if known.conversation == old], root)
    return [(old, root)]


def part(session: Session, conversation: str, keys: Sequence[str], about: Chain) -> str:
    """Give these keys a conversation of their own, as it stands. Returns its id."""
    _joining_alone(session)
    root = next(each for each in map(_parted_id(min(keys)), count()) if session.get(Conversation, each) is None)
    sql.insert(session, _CONVERSATIONS, [_fresh(root, about)])
    known = _load(session, keys)
    sql.insert(session, _KEYS, sorted((key, root, 0, None) for key in keys if key not in known))
    _move(session, known, root)
    desk.copy(session, conversation, root)
    return root


def _parted_id(key: str) -> Callable[[int], str]:
    """The ids of what is parted by a key: no key alone gives one, and it may be joined and parted again."""
    return lambda number: conversation_id(f"parted:{key}:{number}")


def _names(chain: Chain) -> Iterable[str]:
    """What others may be placed by at the same moment."""
    return (chain.mail.key, *chain.mail.names) if chain.mail and chain.by_edges else chain.keys


def _with_mails(session: Session, chains: Sequence[Chain]) -> tuple[list[Chain], dict[str, str]]:
    """The chains, those of private mails with the keys of all that each is joined with; and keys that were known."""
    audience.refer(session, [chain.mail for chain in chains if chain.mail])
    if not any(chain.by_edges for chain in chains):
        return list(chains), {}
    kept = audience.keep(session, chains)
    known = {stored.mail.id: stored for stored in audience.candidates(session, [each.mail for each in kept.values()])}
    inside = {each.mail.id: each for each in kept.values()}
    complete = [_joined_with(session, chain, kept, inside, known) if chain.by_edges else chain for chain in chains]
    moved = {
        chain.interaction: kept[chain.interaction].thread_key
        for chain in chains
        if chain.by_edges and kept[chain.interaction].thread_key != chain.own
    }
    return complete, moved


def _joined_with(
    session: Session,
    chain: Chain,
    kept: dict[str, StoredMail],
    inside: dict[str, StoredMail],
    known: dict[str, StoredMail],
) -> Chain:
    """A mail's chain: its own key, and one key of each conversation, and of each mail of the batch, it is joined with."""
    assert chain.mail is not None  # noqa: S101 - the caller asks for mails alone
    here = kept[chain.mail.id]
    keys, conversations = [here.thread_key], [here.conversation] if here.conversation else []
    for other in sorted((inside | known).values(), key=lambda each: (_distance(here.mail, each.mail), each.mail.id)):
        stored = other.conversation
        if other.mail.id == here.mail.id or (stored and stored in conversations):
            continue
        mail = inside[other.mail.id].mail if other.mail.id in inside else other.mail
        if joined(here.mail, mail) and not (stored and by_hand.parted(session, stored, conversations)):
            keys.append(other.thread_key)
            conversations += [stored] if stored else []
    below = frozenset(keys[:1]) if here.mail.names or chain.keys[1:] else frozenset()
    return msgspec.structs.replace(chain, keys=(*keys, *chain.keys[1:]), below=below)


def _kept_apart(session: Session, chains: Sequence[Chain]) -> list[Chain]:
    """The chains, without those of their keys that are in a conversation from which somebody parted a nearer one."""
    stored = _load(session, sorted({key for chain in chains for key in chain.keys}))
    return [_with_parted_left_out(session, chain, stored) for chain in chains]


def _with_parted_left_out(session: Session, chain: Chain, stored: Keys) -> Chain:
    keys, conversations = list[str](), list[str]()
    for key in chain.keys:
        known = stored.get(key)
        where = known.conversation if known else None
        if where is not None and where not in conversations:
            if by_hand.parted(session, where, conversations):
                continue
            conversations.append(where)
        keys.append(key)
    return (
        chain
        if len(keys) == len(chain.keys)
        else msgspec.structs.replace(chain, keys=tuple(keys), below=chain.below & {*keys})
    )


def _distance(mail: Mail, other: Mail) -> int:
    """How far above it stands what it names; the rest comes last."""
    return mail.names.index(other.key) if other.key in mail.names else len(mail.names)


class _Survey:
    """What the batch says of its threads, against what is stored of them."""

    def __init__(self, session: Session, chains: Sequence[Chain]) -> None:
        self._session = session
        self._plain = {key: plain for chain in chains for key, plain in chain.plain.items()}
        self._below = {key for chain in chains for key in chain.below}
        self._stored = _load(session, sorted({key for chain in chains for key in chain.keys}))
        self.moving: list[ThreadPart] = []
        self._staying: list[ThreadPart] = []
        for each in _parts(chains, self._stored):
            (self._staying if self._stays(each) else self.moving).append(each)

    def _has_parent(self, key: str) -> bool:
        return key in self._below or (key in self._stored and bool(self._stored[key].has_parent))

    def _stays(self, part: ThreadPart) -> bool:
        """Whether this only adds to one conversation: the usual case, which must not load a long conversation."""
        new = part.keys - self._stored.keys()
        lowered = (key for key in part.keys & self._stored.keys() if not self._stored[key].has_parent)
        if len(part.before) != 1 or new - self._below or any(key in self._below for key in lowered):
            return False
        return not new or any(not self._has_parent(key) for key in part.keys) or self._has_top(part)

    def _has_top(self, part: ThreadPart) -> bool:
        """Whether some key of the conversation stands below no other; in a circle, a new key may be the smallest."""
        (before,) = part.before
        return _TOP.first(self._session, conversation=before) is not None

    def save(self) -> list[tuple[str, str]]:
        """Write it all, in the order of ids, so that no two processes wait for each other. Returns what was joined."""
        home = {key: next(iter(part.before)) for part in self._staying for key in part.keys}
        roots = [(part, self._root(part, home)) for part in self.moving]
        fresh = [_fresh(root, part.about) for part, root in roots if root not in part.before]
        sql.insert(self._session, _CONVERSATIONS, sorted(fresh))
        joined = sorted((old, root) for part, root in roots for old in part.before - {root})
        for old, new_root in joined:
            _forward(self._session, old, new_root)
        unknown = [
            (key, home[key], int(self._has_parent(key)), self._plain.get(key))
            for key in home
            if key not in self._stored
        ]
        sql.insert(self._session, _KEYS, sorted(unknown))
        for key, known in sorted(self._stored.items()):
            now = home[key], self._has_parent(key)
            if now != (known.stored_in, known.has_parent):
                _PUT.run(self._session, key_id=key, **new(conversation_id=now[0], has_parent=int(now[1])))
        return joined

    def _root(self, part: ThreadPart, home: dict[str, str]) -> str:
        """The conversation all keys of this part are in from now on; they are noted in ``home``."""
        self._stored |= _members(self._session, part.before)
        members = part.keys | {key for key, known in self._stored.items() if known.conversation in part.before}
        tops = sorted(key for key in members if not self._has_parent(key)) or sorted(members)
        root = conversation_id(tops[0])
        home |= dict.fromkeys(members, root)
        return root


def _parts(chains: Sequence[Chain], stored: Keys) -> list[ThreadPart]:
    """Chains that share a key or a conversation are one part."""
    part_of: dict[str, ThreadPart] = {}
    for chain in chains:
        part = ThreadPart(chain, set(chain.keys), {stored[key].conversation for key in chain.keys if key in stored})
        for name in [*part.keys, *part.before]:
            known = part_of.get(name)
            if known is not None and known is not part:
                part.keys |= known.keys
                part.before |= known.before
        part_of |= dict.fromkeys([*part.keys, *part.before], part)
    return list({id(part): part for part in part_of.values()}.values())


def _load(session: Session, wanted: Iterable[str]) -> Keys:
    return {row.id: row for row in _LOAD.rows(session, keys=wanted)}


def _members(session: Session, conversations: set[str]) -> Keys:
    """All keys of these conversations, and of those that were joined into them."""
    if not conversations:
        return {}
    joined = {row.id for row in _JOINED.rows(session, conversations=conversations)}
    return {row.id: row for row in _MEMBERS.rows(session, conversations=sorted(conversations | joined))}


def _move(session: Session, keys: Iterable[str], root: str) -> None:
    _MOVE.run(session, keys=sorted(keys), new_conversation_id=root)


def _placing_alone(session: Session, wanted: Iterable[str]) -> None:
    """On PostgreSQL, keep others from placing these keys: two that both find a key new lose one's relations.

    There are few locks, taken in order; other keys that share one wait a moment for nothing.
    """
    locks.hold_places(session, PLACING, (int(key[:8], 16) % PLACES for key in wanted))


def _joining_alone(session: Session) -> bool:
    """On PostgreSQL, conversations are joined by one transaction at a time. False: there is nobody else."""
    return locks.hold(session, JOINING)


def _forward(session: Session, old: str, root: str) -> None:
    """The desk's state goes along; the old id answers with the new one."""
    _FORWARD.run(session, old=old, new_merged_into=root)
    _IS_ROOT.run(session, root=root)
    desk.forward(session, old, root)


def _fresh(conversation: str, chain: Chain) -> tuple[object, ...]:
    unset = ("pending", None, None, None, "", "", None, clock.now(), "normal", "", None)
    return (conversation, chain.channel, chain.instance, *unset, chain.visibility, 0, *[None] * 6)
