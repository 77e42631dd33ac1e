"""Disqus's export (help.disqus.com, “Comments Export”; schemas disqus.xsd and internals.xsd 1.0).

First the threads (pages that have comments), then the posts (the comments). A post names its thread by number
only, so the addresses and titles of threads are kept while reading: a bounded table, the comments are not.
"""

from collections.abc import Iterator, Sequence

from kinline import Applied, Broken, Deletion, Item, Normalised, Unreadable
from kinline_blog import fields
from kinline_blog.comment import Comment, Post, interaction
from kinline_blog.people import Who
from kinline_blog.records import Record, Shape
from kinline_blog.settings import BlogSettings
from kinline_blog.site import DISQUS, address

THREAD, POST = "disqus.thread", "disqus.post"
ID = "@dsq:id"

SHAPE = Shape(
    "disqus",
    records={("", "disqus:disqus/disqus:thread"): THREAD, ("", "disqus:disqus/disqus:post"): POST},
    fields={
        THREAD: frozenset({"disqus:link", "disqus:title", "disqus:forum"}),
        POST: frozenset(
            f"disqus:{name}"
            for name in """message createdAt isDeleted isSpam isApproved thread parent author/disqus:email
            author/disqus:name author/disqus:isAnonymous author/disqus:username""".split()  # noqa: SIM905
        ),
    },
)

MAX_THREADS = 200_000  #: about 60 MB; comments beyond have no address, and are whole otherwise
YES = "true"


class Cutter:
    """Passes threads and posts on as items, each post with what is known of its thread."""

    def __init__(self) -> None:
        self._threads: dict[str, tuple[str, str]] = {}

    def take(self, record: Record) -> Iterator[Item | Broken]:
        if record.undefined:
            yield Broken(
                code="xml_entity", detail=f"Line {record.line}: the entity &{record.undefined}; is defined nowhere."
            )
        elif record.form == THREAD:
            if len(self._threads) < MAX_THREADS:
                self._threads[record[ID]] = record["disqus:link"][:300], record["disqus:title"][:200]
            yield Item(body={"thread": _plain(record)}, form=THREAD)
        elif record.form == POST:
            link, title = self._threads.get(record[f"disqus:thread{ID}"], ("", ""))
            yield Item(body={"post": _plain(record), "link": link, "title": title, "cut": record.cut}, form=POST)


def _plain(record: Record) -> dict[str, str]:
    return {name.replace("disqus:", ""): value for name, value in record.fields.items()}


def normalise(item: Item, settings: BlogSettings) -> Sequence[Normalised]:
    body = fields.record(item.body)
    return [Applied(reason="thread record")] if item.form == THREAD else [_post(body, settings)]


def _post(body: fields.Record, settings: BlogSettings) -> Normalised:
    told = fields.record(body.get("post"))
    ident = fields.ident(told.get(ID))
    if not ident:
        raise Unreadable("A Disqus post without dsq:id.", code="no_id")
    if told.get("isDeleted") == YES:
        return Deletion(source_id=DISQUS.key("comment", ident), reason="deleted at Disqus")
    at, flags = fields.when(told.get("createdAt"))
    return interaction(
        Comment(
            scope=DISQUS,
            id=ident,
            parent=fields.ident(told.get(f"parent{ID}")),
            post=Post(
                id=fields.ident(told.get(f"thread{ID}")),
                title=fields.line(body.get("title"), 200),
                link=address(body.get("link")),
            ),
            who=_who(told),
            at=at,
            changed_at=at,
            state=_state(told),
            content=fields.text(told.get("message")),
            cut=body.get("cut") is True,
            flags=flags,
        ),
        settings,
    )


def _who(told: fields.Record) -> Who:
    """An anonymous author typed a name and perhaps an address; others have an account, known by its user name."""
    guest = told.get("author/isAnonymous") == YES
    return Who(
        name=fields.line(told.get("author/name"), 200),
        email=fields.text(told.get("author/email")),
        account="" if guest else fields.line(told.get("author/username"), 200),
        issuer=DISQUS.site,
    )


def _state(told: fields.Record) -> str:
    if told.get("isSpam") == YES:
        return "spam"
    return "pending" if told.get("isApproved") == "false" else "approved"
