"""Two conversations that are one, and a part of one that is another: said by an agent, and it stands."""

from typing import Annotated

from msgspec import Meta

from kinline.desk import conversations, thread_edits
from kinline.desk.conversations import View
from kinline.errors import NotFound
from kinline_api.call import Call
from kinline_api.idempotency import IF_MATCH, ByAgent, agent_of
from kinline_api.route import Id, post
from kinline_api.routes.conversations import require_seen, view_of


class MergeIn(ByAgent, frozen=True, kw_only=True):
    """The other conversation."""

    conversation: Annotated[str, Meta(min_length=1, max_length=100)]


class SplitIn(ByAgent, frozen=True, kw_only=True):
    """What becomes a conversation of its own: the ids of interactions of this one, not of all."""

    interactions: Annotated[tuple[str, ...], Meta(min_length=1, max_length=500)]


@post("/v1/conversations/{conversation}/merge", scope="desk", headers=IF_MATCH)
def merge_conversations(call: Call, conversation: Id, body: MergeIn) -> View:
    """Make one of two conversations; both ids answer for it. 409 where the one is public and the other is not."""
    with call.write() as session:
        require_seen(call, session, conversation)
        try:
            require_seen(call, session, body.conversation, unchanged=False)
        except NotFound as error:
            error.pointer = "/conversation"
            raise
        found = [conversations.find(session, each) for each in (conversation, body.conversation)]
        return view_of(session, thread_edits.merge(session, *found, by=agent_of(call, body)))


@post("/v1/conversations/{conversation}/split", scope="desk", status=201, headers=IF_MATCH)
def split_conversation(call: Call, conversation: Id, body: SplitIn) -> View:
    """Make a part of a conversation one of its own. Answers with the new one, which keeps team, state and priority."""
    with call.write() as session:
        require_seen(call, session, conversation)
        row = conversations.find(session, conversation)
        return view_of(session, thread_edits.split(session, row, body.interactions, by=agent_of(call, body)))
