"""Approving a comment on the blog, holding it back, calling it spam, putting it into the trash.

Sources: developer.wordpress.org/rest-api/reference/comments (“Update a Comment”, ``status``; “Delete a Comment”). A comment
that has the status already answers 500 to being given it, so it is looked at first: that makes it safe to try again. The
trash is asked for by DELETE without ``force``: a blog without a trash refuses that, while giving it the status ``trash``
would delete the comment for good.
"""

import re

from kinline import ChannelError, DeskChange, Fetched, Sent
from kinline_blog import fields
from kinline_blog.client import Client
from kinline_blog.comment import STATES
from kinline_blog.polling import Wordpress
from kinline_blog.settings import BlogSettings

OURS = re.compile(r"comment:([0-9]{1,18})")
#: How WordPress calls each state.
STATUS = {"approved": "approved", "pending": "hold", "spam": "spam", "trash": "trash"}
#: Seconds for one call.
EACH = 10.0


def moderates(source_id: str, settings: BlogSettings) -> bool:
    """A comment of this very blog, where the account has a user there."""
    has_user = bool(settings.site and settings.user and settings.application_password)
    return has_user and OURS.fullmatch(source_id) is not None


def moderate(change: DeskChange, settings: BlogSettings) -> Sent:
    """Give the comment that state, unless it has it. Raises `ChannelError`: ``gone``, ``kept_otherwise``, and as any call."""
    found = OURS.fullmatch(change.thread)
    if found is None or change.state not in STATUS:
        raise ChannelError("This is no comment of this blog.", permanent=True, code="cannot_moderate")
    ident, client = int(found[1]), Client(settings, deadline=EACH)
    stands = _stands(client, ident, change.state)
    if stands != change.state:
        stands = _given(client, ident, change.state)
    if stands != change.state:
        raise ChannelError(
            f"The blog keeps it as “{stands}”: a plugin there, or a person, decided otherwise.",
            permanent=True, code="kept_otherwise",
        )  # fmt: skip
    return Sent(source_id="", detail=f"comment {ident} is {change.state}", news=_news(ident, settings))


def _stands(client: Client, ident: int, wanted: str) -> str:
    """How it stands now. One that is gone is in the trash for whoever wanted it there."""
    try:
        told = fields.record(client.get(f"comments/{ident}", context="edit", _fields="id,status").value)
    except ChannelError as error:
        if error.code != "not_there":
            raise
        if wanted == "trash":
            return wanted
        raise ChannelError("The comment was deleted at the blog.", permanent=True, code="gone") from error
    return _state(told)


def _given(client: Client, ident: int, wanted: str) -> str:
    path, query = f"comments/{ident}", {"_fields": "id,status"}
    if wanted == "trash":
        return _state(fields.record(client.call("DELETE", path, query=query).value))
    body = b'{"status": "%b"}' % STATUS[wanted].encode()
    return _state(fields.record(client.call("POST", path, query=query, body=body).value))


def _state(told: fields.Record) -> str:
    status = fields.line(told.get("status"), 40)
    return STATES.get(status, status)


def _news(ident: int, settings: BlogSettings) -> Fetched | None:
    """The comment as the blog shows it now, as a look would bring it; the next look does where this fails."""
    try:
        with Wordpress(settings) as connection:
            return connection.now(ident)
    except ChannelError:
        return None
