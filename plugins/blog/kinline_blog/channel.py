"""The blog channel, as the hub sees it."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO

from kinline import (
    Ability,
    Broken,
    Channel,
    Connection,
    DeskChange,
    Fetched,
    HandleType,
    Hint,
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
from kinline_blog import disqus, fields, hooks, moderating, rest, sending, webhook, wordpress, wxr
from kinline_blog.decoding import CHUNK
from kinline_blog.feeds import entries
from kinline_blog.feeds.looking import Feeds
from kinline_blog.mentions import door, fetching, meaning, pair
from kinline_blog.polling import Wordpress
from kinline_blog.settings import BlogSettings
from kinline_blog.site import canonical
from kinline_blog.sniffing import looks_like_json, root_shape
from kinline_blog.stream import Reader

CUTTERS: dict[str, Callable[[], wxr.Cutter | disqus.Cutter]] = {
    wxr.SHAPE.name: wxr.Cutter,
    disqus.SHAPE.name: disqus.Cutter,
}
READERS = {"wxr": wordpress.normalise, "disqus": disqus.normalise, "rest": rest.normalise}


class BlogChannel(Channel[BlogSettings]):
    """Comments under what we publish, from WordPress and Disqus."""

    name = "blog"
    title = "Blog comments"
    settings = BlogSettings
    kinds = frozenset({Kind.COMMENT, Kind.ARTICLE, Kind.REVIEW, Kind.MENTION, Kind.REACTION, Kind.SHARE, Kind.UNKNOWN})
    can = frozenset(
        {
            Ability.IMPORT, Ability.WEBHOOK, Ability.POLL, Ability.HISTORY, Ability.COMPARE, Ability.SEND,
            Ability.FIND_SENT, Ability.PRETEND, Ability.COMPLETE, Ability.MODERATE, Ability.RECHECK,
        }
    )  # fmt: skip
    reaches_in_thread = frozenset({HandleType.EMAIL, HandleType.URL, HandleType.EXTERNAL})
    deadline = 45.0
    personal_data = (
        "names, mail addresses and home pages that commenters typed or have in their account",
        "user ids of logged-in commenters and of authors",
        "what they wrote, when, and under which post",
    )

    def instance(self, settings: BlogSettings) -> str:
        """The blog, as host and path. Empty: the ids carry it."""
        return canonical(settings.site)

    def verify(self, request: Request, settings: BlogSettings) -> None:
        if pair.is_one(request.headers.get("content-type", ""), request.body):
            door.admit(request, settings)
        else:
            webhook.verify(request, settings)

    def completes(self, source: Source) -> bool:
        """A Webmention; and what plugins post, who do not say when it was so."""
        return source.name == "webhook" and (_is_form(source) or hooks.PLUGIN in source.headers)

    def complete(self, hint: Hint, settings: BlogSettings) -> Iterable[Fetched]:
        if pair.is_one(hint.source.media_type, hint.body):
            return fetching.complete(hint, settings)
        return _as_it_is_now(hint, settings)

    def parse(self, raw: BinaryIO, source: Source, settings: BlogSettings) -> Iterator[Item | Broken]:
        """A fault before anything could be read refuses the file; a later one ends it, and what was read stays."""
        begun = False
        try:
            for piece in _pieces(raw, source):
                yield piece
                begun = True
        except Unreadable as fault:
            if not begun:
                raise
            yield Broken(code=fault.code, detail=fault.detail)

    def normalise(self, item: Item, settings: BlogSettings) -> Sequence[Normalised]:
        if item.form == rest.EVENT:
            return webhook.normalise(item, settings)
        if item.form == meaning.FORM:
            return meaning.normalise(item, settings)
        if item.form == entries.FORM:
            return entries.normalise(item, settings)
        try:
            read = READERS[item.form.partition(".")[0]]
        except KeyError:
            raise Unreadable(f"No item of a blog: “{item.form[:40]}”.", code="unknown_form") from None
        return read(item, settings)

    def is_live(self, settings: BlogSettings) -> bool:
        return bool(settings.user or settings.api or settings.feeds)

    def connect(self, settings: BlogSettings) -> Connection:
        return Wordpress(settings) if settings.user or settings.api or not settings.feeds else Feeds(settings)

    def pause_between(self, settings: BlogSettings) -> float:
        return float(max(5, settings.look_every))

    def check(self, outgoing: Outgoing, settings: BlogSettings) -> None:
        sending.check(outgoing, settings)

    def prepare(self, outgoing: Outgoing, settings: BlogSettings) -> Prepared:
        return sending.prepare(outgoing)

    def send(self, prepared: Prepared, settings: BlogSettings) -> Sent:
        return sending.send(prepared, settings)

    def find_sent(self, prepared: Prepared, settings: BlogSettings) -> Sent | None:
        return sending.find_sent(prepared, settings)

    def moderates(self, source_id: str, settings: BlogSettings) -> bool:
        return moderating.moderates(source_id, settings)

    def mirror(self, change: DeskChange, settings: BlogSettings) -> Sent:
        if change.what != "moderation":
            return super().mirror(change, settings)
        return moderating.moderate(change, settings)

    def pretend(self) -> Pretender:
        from kinline_blog.pretend import PretendWordPress

        return PretendWordPress()


def _pieces(raw: BinaryIO, source: Source) -> Iterator[Item | Broken]:
    if meaning.is_one(source):
        yield from meaning.cut(raw, source)
        return
    if entries.is_one(source):
        yield from entries.cut(raw, source)
        return
    head = _head(raw)
    if source.name == "webhook" and _is_form(source):
        yield Item(body=hooks.of_form(head), form=rest.EVENT)
        return
    if looks_like_json(head):
        yield from rest.cut(head, raw)
        return
    reader, cutter = Reader(root_shape), None
    for record in reader.read(head, raw):
        cutter = cutter or CUTTERS[reader.shape.name]()
        yield from cutter.take(record)


def _is_form(source: Source) -> bool:
    return source.media_type.lower().startswith(pair.FORM)


def _as_it_is_now(hint: Hint, settings: BlogSettings) -> Iterator[Fetched]:
    """The comment that a plugin speaks of, asked for at the blog, where the account has a user there."""
    if not settings.user:
        return
    for piece in _pieces(io.BytesIO(hint.body), hint.source):
        comment = fields.record(fields.record(piece.body).get("comment")) if isinstance(piece, Item) else {}
        ident = fields.ident(comment.get("id"))
        if ident:
            with Wordpress(settings) as connection:
                yield connection.now(int(ident))


def _head(raw: BinaryIO) -> bytes:
    """The first chunk, whole, also of a pipe that gives less at a time."""
    head = b""
    while len(head) < CHUNK and (more := raw.read(CHUNK - len(head))):
        head += more
    return head
