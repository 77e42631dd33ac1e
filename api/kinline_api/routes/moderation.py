"""What is made of something that was said in public: shown, held back, spam, put away."""

from kinline.desk import moderating
from kinline.desk.moderating import Moderated
from kinline.timeline import detail
from kinline.words import Moderation
from kinline_api.call import Call
from kinline_api.idempotency import ByAgent, agent_of
from kinline_api.route import Id, post


class ModerationIn(ByAgent, frozen=True, kw_only=True):
    """What it shall be."""

    state: Moderation


@post("/v1/interactions/{interaction}/moderation", scope="desk", status=202)
def moderate_interaction(call: Call, interaction: Id, body: ModerationIn) -> Moderated:
    """Approve a comment on a blog, hold it back, call it spam, or put it into the trash.

    It is done at the blog; what the blog says then is what stands here. Until then, and where it refuses, the
    conversation says so in `mirrored`. 409 when it is so already, or where nothing can be moderated.
    """
    with call.write() as session:
        detail.read(session, interaction, call.reader)
        return moderating.moderate(call.hub, session, interaction, body.state, agent=agent_of(call, body))
