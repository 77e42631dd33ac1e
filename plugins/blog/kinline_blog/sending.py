"""Answering a comment on the blog: as a comment below it, by the account's user.

A thread on a blog is public, so nothing goes there that is for one person's eyes. WordPress has no idempotency key; it
refuses the same words of the same user under the same comment (``comment_duplicate``), and can be asked for them: so
what was lost on the way is found by its words.
"""

import html
import re

import msgspec

from kinline import ChannelError, Outgoing, Prepared, SendClass, Sent
from kinline_blog import fields
from kinline_blog.client import Client
from kinline_blog.listing import PAGE
from kinline_blog.markup import plain
from kinline_blog.settings import BlogSettings
from kinline_blog.site import scope

#: Bytes of one comment that WordPress keeps (``wp_get_comment_fields_max_lengths``).
LONGEST = 65_525
ANSWERED = re.compile(r"comment:([0-9]{1,18})")
#: Seconds for one call; sending makes at most four.
EACH = 10.0
#: Comments under one parent that are searched for ours.
SEARCHED = 5 * PAGE


class Answer(msgspec.Struct, frozen=True):
    """What is posted. ``post`` is 0 where only the blog knows it."""

    post: int
    parent: int
    content: str


def check(outgoing: Outgoing, settings: BlogSettings) -> None:
    """Raises `ChannelError` for what must or can not stand under a comment."""
    if outgoing.send_class in (SendClass.TRANSACTIONAL, SendClass.MARKETING):
        raise _never(f"Everybody reads a comment; a {outgoing.send_class} message does not belong there.", "public")
    if not settings.user or not settings.application_password:
        raise _never("Put `user` and `application_password` into the settings of this account.", "not_authorised")
    if not ANSWERED.fullmatch(outgoing.answers):
        raise _never("On a blog, people are reached only by answering a comment of theirs.", "nothing_to_answer")
    if outgoing.attachments:
        raise _never("A comment takes no files.", "no_attachments")
    if not outgoing.text.strip():
        raise _never("There is nothing to say.", "empty")
    if len(_content(outgoing.text).encode()) > LONGEST:
        raise _never(f"A comment is at most {LONGEST} bytes long.", "too_long")


def prepare(outgoing: Outgoing) -> Prepared:
    found = ANSWERED.fullmatch(outgoing.answers)
    if found is None:
        raise _never("On a blog, people are reached only by answering a comment of theirs.", "nothing_to_answer")
    facts = outgoing.answered.get("facts", {})
    post = fields.ident(fields.record(facts).get("post_id"))
    answer = Answer(int(post or 0), int(found[1]), _content(outgoing.text))
    return Prepared(
        body=msgspec.json.encode(answer), media_type="application/json", facts={"post_id": post} if post else {}
    )


def send(prepared: Prepared, settings: BlogSettings) -> Sent:
    """Look that the comment still stands there, then answer it."""
    answer, client = msgspec.json.decode(prepared.body, type=Answer), Client(settings, deadline=EACH)
    try:
        asked = fields.record(client.get(f"comments/{answer.parent}", _fields="id,post,status").value)
    except ChannelError as error:
        if error.code == "not_there":
            raise _never("The comment to answer was deleted at the blog.", "gone") from error
        raise
    if asked.get("status") not in ("approved", "hold"):
        raise _never(f"The comment to answer is not shown any more: it is “{asked.get('status')}”.", "gone")
    post = answer.post or int(fields.ident(asked.get("post")) or 0)
    body = msgspec.json.encode({"post": post, "parent": answer.parent, "content": answer.content})
    told = fields.record(client.call("POST", "comments", body=body).value)
    return _sent(told, settings)


def find_sent(prepared: Prepared, settings: BlogSettings) -> Sent | None:
    """Our comment with these words under that parent. WordPress keeps only one such."""
    answer, client = msgspec.json.decode(prepared.body, type=Answer), Client(settings, deadline=EACH)
    me = fields.ident(fields.record(client.get("users/me", _fields="id").value).get("id"))
    wanted = plain(answer.content)
    query = {"parent": answer.parent, "author": me, "orderby": "id", "order": "desc", "_fields": "id,status,content"}
    for offset in range(0, SEARCHED, PAGE):
        told = client.get("comments", status="all", context="edit", per_page=PAGE, offset=offset, **query)
        for row in told.value if isinstance(told.value, list) else ():
            content = fields.record(fields.record(row).get("content"))
            if plain(fields.text(content.get("raw"))) == wanted:
                return _sent(fields.record(row), settings)
        if offset + PAGE >= told.total:
            return None
    return None


def _sent(told: fields.Record, settings: BlogSettings) -> Sent:
    ident, status = fields.ident(told.get("id")), fields.line(told.get("status"), 40)
    waits = "" if status == "approved" else f", which the blog keeps as “{status}”"
    key = scope(settings, settings.site, "").key("comment", ident) if ident else ""
    return Sent(source_id=key, detail=f"comment {ident}{waits}")


def _content(text: str) -> str:
    """Words as they are meant: WordPress reads HTML."""
    return html.escape(text.replace("\r\n", "\n").strip(), quote=False)


def _never(detail: str, code: str) -> ChannelError:
    return ChannelError(detail, permanent=True, code=code)
