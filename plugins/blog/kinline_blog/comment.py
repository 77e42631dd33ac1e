"""One comment, whatever told of it, as an interaction. All three sources meet here, so they say the same."""

from datetime import datetime

import msgspec

from kinline import Direction, Interaction, Kind, Thread, Unreadable
from kinline_blog.markup import words
from kinline_blog.people import Who, author, nobody
from kinline_blog.settings import BlogSettings
from kinline_blog.site import Scope, address

#: How sources write the state of a comment: WXR's ``comment_approved``, REST's ``status``, WordPress's functions.
STATES = {
    "1": "approved", "approve": "approved", "approved": "approved",
    "0": "pending", "hold": "pending", "unapproved": "pending", "pending": "pending",
    "spam": "spam", "trash": "trash", "post-trashed": "trash",
}  # fmt: skip

#: WordPress's comment types, and those of its widespread plugins.
KINDS = {
    "": Kind.COMMENT, "comment": Kind.COMMENT, "pingback": Kind.COMMENT, "trackback": Kind.COMMENT,
    "webmention": Kind.COMMENT, "review": Kind.REVIEW,
}  # fmt: skip

#: Types that a machine leaves when another site links to us. Nobody wrote them to us.
MACHINES = frozenset({"pingback", "trackback", "webmention"})

#: States of which no person is made: what they claim is mostly false, or was thrown away.
UNWANTED = frozenset({"spam", "trash"})


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """What was commented. ``id`` is its number, or its place on the web where the source gives no number."""

    id: str = ""
    title: str = ""
    link: str = ""


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """A comment as any source tells it, read but not judged."""

    scope: Scope
    id: str
    parent: str = ""
    post: Post = Post()
    who: Who = Who()
    at: datetime | None = None
    changed_at: datetime | None = None
    state: str = ""
    sort: str = ""
    content: str = ""
    url: str = ""
    cut: bool = False
    flags: tuple[str, ...] = ()


def interaction(told: Comment, settings: BlogSettings) -> Interaction:
    """Raises `Unreadable` (``no_id``) for a comment without a number: it could not be told from others."""
    if not told.id:
        raise Unreadable("A comment without an id.", code="no_id")
    sort = told.sort.lower()
    kind, state = KINDS.get(sort, Kind.UNKNOWN), STATES.get(told.state.lower(), told.state.lower()[:40])
    machine = sort if sort in MACHINES else ""
    unwanted = state in UNWANTED or machine or kind is Kind.UNKNOWN
    written = nobody(told.who) if unwanted else author(told.who, settings)
    said = words(told.content, cut=told.cut)
    return Interaction(
        source_id=told.scope.key("comment", told.id),
        kind=kind,
        direction=Direction.OUTBOUND if written.party.ours else Direction.INBOUND,
        parties=(written.party,),
        occurred_at=told.at,
        changed_at=told.changed_at,
        sequence=int(told.id) if len(told.id) <= 18 else 0,
        subject=told.post.title,
        text=said.text,
        html=said.html,
        url=_url(told),
        thread=thread(told),
        answers=_answered(told),
        automatic=machine,
        moderation=machine if machine and state == "approved" else state,
        facts=_facts(told, sort) | written.facts,
        flags=(*told.flags, *(("other_site",) if told.scope.foreign else ()), *written.flags, *said.flags),
    )


def thread(told: Comment) -> Thread:
    """A comment stands under the one it answers, and that under the post: known or not, early or late."""
    post = (told.scope.key("post", told.post.id),) if told.post.id else ()
    key = told.scope.key("comment", told.id)
    if told.parent:
        return Thread(key=key, parent=told.scope.key("comment", told.parent), ancestors=post)
    return Thread(key=key, parent=post[0] if post else "")


def _answered(told: Comment) -> str:
    if told.parent:
        return told.scope.key("comment", told.parent)
    return told.scope.key("post", told.post.id) if told.post.id else ""


def _url(told: Comment) -> str:
    return told.url or (f"{told.post.link.partition('#')[0]}#comment-{told.id}" if told.post.link else "")


def _facts(told: Comment, sort: str) -> dict[str, str]:
    facts = {
        "post_id": told.post.id,
        "post_title": told.post.title,
        "post_link": told.post.link,
        "type": "" if sort == "comment" else sort[:40],
        "source_url": address(told.who.url) if sort in MACHINES else "",
    }
    return {key: value for key, value in facts.items() if value}
