"""What scorers and people make of what was written, and what people say about it by hand."""

import msgspec

from kinline.scoring.correcting import correct
from kinline.scoring.showing import ScoreShown
from kinline.timeline import detail
from kinline.waiting import beside
from kinline.waiting import keep as waiting
from kinline.words import Scored
from kinline_api.call import Call
from kinline_api.idempotency import ByAgent, agent_of
from kinline_api.route import Id, get, post


class Scores(msgspec.Struct, frozen=True):
    """All judgements of an interaction, oldest first."""

    scores: list[ScoreShown]


class CorrectionIn(ByAgent, frozen=True, kw_only=True):
    """How it is: of a sentiment a number from -1 to 1, of a topic a word, of a language its ISO 639-1 code.

    null: nobody can tell, and it matches nothing.
    """

    what: Scored
    value: float | str | None


@get("/v1/interactions/{interaction}/scores", scope="read")
def read_scores(call: Call, interaction: Id) -> Scores:
    """Read how an interaction is judged.

    By scorers in their versions and by people, each with its date; `counts` marks those that triggers look at.
    """
    with call.read() as session:
        return Scores(detail.read(session, interaction, call.reader).scores)


@post("/v1/interactions/{interaction}/scores", scope="desk", status=201)
def correct_score(call: Call, interaction: Id, body: CorrectionIn) -> Scores:
    """Say by hand how an interaction is to be judged.

    It counts before any scorer. What was decided stays decided; stages and tags follow, what waits is looked at again,
    and no message and no task starts from it.
    """
    with call.write() as session:
        detail.read(session, interaction, call.reader)
        correct(session, interaction, body.what, body.value, by=agent_of(call, body))
        waiting.reconsider(session, beside.answering(session, [interaction]))
        return Scores(detail.read(session, interaction, call.reader).scores)
