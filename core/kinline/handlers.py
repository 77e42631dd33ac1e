"""What each job does. Actors are named noun.verb; handlers take ids and can be run again at any time."""

from collections.abc import Callable
from contextlib import suppress

import msgspec
import structlog
from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline import clock
from kinline.backtest import jobs as backtest_jobs
from kinline.catalogue import backfills
from kinline.clock import DAY, SECOND
from kinline.decide import backfill, due, in_progress, score_jobs, steps
from kinline.decide.person import JOB, decide, decide_together
from kinline.desk import mirror
from kinline.errors import ChannelError, Conflict, Unavailable
from kinline.followups import manage, returned, send
from kinline.hub import Hub
from kinline.identity import proofs
from kinline.identity.meeting import MATCH
from kinline.identity.suggestions import keep as suggestions
from kinline.intake.completing import complete
from kinline.intake.together import understand_together
from kinline.intake.understand import quarantine_whole, understand
from kinline.jobs import queue
from kinline.jobs.queue import Claimed
from kinline.record import interests
from kinline.record.chains import BY_TOKEN
from kinline.scoring.arm import NONE
from kinline.store.ask import Ask, Id, OneText, columns
from kinline.store.models import FollowUp, InteractionRow, Participant
from kinline.waiting import keep as waiting
from kinline.waiting import touched
from kinline.webhooks import deliver, deliveries
from kinline.words import FollowUpState, Role, Standing

log = structlog.get_logger(__name__)

#: An intake that killed its worker this often is set aside.
TRIES = 3
INTAKE = "intake.understand"
SCORE = "interaction.score"
#: Jobs of one sort that are claimed at once and finished at once, for a claim costs as much as a short job.
TOGETHER = {INTAKE: 32, JOB: 64, SCORE: 64, MATCH: 64}


class _AnsweredFollowUp(msgspec.Struct, frozen=True):
    reply_key: str
    identity_id: str
    sent_at: int


_UNKNOWN = Ask(
    select(col(FollowUp.id)).where(
        col(FollowUp.source_id) == bindparam("source"),
        col(FollowUp.channel) == bindparam("channel"),
        col(FollowUp.state) == FollowUpState.UNKNOWN.value,
    ),
    Id,
)
_ANSWERED = Ask(
    select(*columns(FollowUp, _AnsweredFollowUp)).where(
        col(FollowUp.interaction_id) == bindparam("interaction"), col(FollowUp.sent_at).is_not(None)
    ),
    _AnsweredFollowUp,
)
_STANDING = Ask(
    select(col(Participant.standing).label("text")).where(
        col(Participant.identity_id) == bindparam("identity"),
        col(Participant.sort_at) == bindparam("at"),
        col(Participant.sequence) == bindparam("sequence"),
        col(Participant.interaction_id) == bindparam("interaction"),
        col(Participant.role) == Role.AUTHOR.value,
    ),
    OneText,
)


def work(hub: Hub, job_id: str) -> set[str]:
    """Claim one job, do it, finish it. Whatever goes wrong is written to its row; nothing is raised.

    Returns the jobs that it did: this one, and perhaps others of its sort. None: there was nothing to do (somebody
    else has it, or it is not due).
    """
    try:
        jobs = _claim(hub, job_id)
    except Unavailable as error:
        log.warning("database away", job=job_id, reason=error.detail)
        return set()
    together = _TOGETHER.get(jobs[0].actor) if len(jobs) > 1 else None
    _do(hub, together(hub, jobs) if together else jobs)
    return {job.id for job in jobs}


def _claim(hub: Hub, job_id: str) -> list[Claimed]:
    """The job; and further ones of its sort with it, where many cost hardly more than one.

    What was tried before is tried alone: it may be what killed its worker.
    """
    with hub.store.read() as session:
        if not queue.is_there(session, job_id):
            return []
    with hub.store.write() as session:
        job = queue.claim(session, job_id, hub.settings.lease, clock.now())
        if job is None:
            return []
        more = TOGETHER.get(job.actor, 1) - 1
        if not more or job.attempts > 1:
            return [job]
        return [job, *queue.claim_more(session, job, more, hub.settings.lease, clock.now())]


def _not_done_together(hub: Hub, jobs: list[Claimed]) -> list[Claimed]:
    """Understand several intakes in one transaction, their jobs finished in it; returns those left."""
    by_intake = {job.key: job for job in jobs}
    try:
        done = understand_together(
            hub.store,
            hub.secret,
            by_intake,
            also=lambda session, intakes: queue.finish_all(session, [by_intake[each] for each in intakes]),
        )
    except Exception:  # whatever one of them does; each is tried alone now, and says so itself
        log.warning("intakes not understood together", count=len(jobs), exc_info=True)
        done = set()
    return [job for job in jobs if job.key not in done]


def _not_scored_together(hub: Hub, jobs: list[Claimed]) -> list[Claimed]:
    """Judge several interactions at once, their jobs finished in the same transaction; returns those left."""
    try:
        score_jobs.score(hub, jobs, also=lambda session: queue.finish_all(session, jobs))
    except Exception:  # each is tried alone now, and says so itself
        log.warning("interactions not judged together", count=len(jobs), exc_info=True)
        return jobs
    return []


def _not_matched_together(hub: Hub, jobs: list[Claimed]) -> list[Claimed]:
    """Look who may be one with several identities, their jobs finished in the same transaction; returns those left."""
    try:
        with hub.store.write() as session:
            suggestions.match(session, [job.key for job in jobs])
            queue.finish_all(session, jobs)
    except Exception:  # each is tried alone now, and says so itself
        log.warning("identities not matched together", count=len(jobs), exc_info=True)
        return jobs
    return []


def _not_decided_together(hub: Hub, jobs: list[Claimed]) -> list[Claimed]:
    """Decide about several persons, their jobs finished in the same transaction; returns those left. What fails is halved."""
    if len(jobs) == 1:
        return jobs

    def finish(session: Session, left: set[str]) -> None:
        queue.finish_all(session, [job for job in jobs if job.key not in left])

    try:
        left = decide_together(hub, [(job.key, job.since) for job in jobs], also=finish)
    except Exception as error:  # whatever one of them does; that one is tried alone in the end, and says so itself
        log.info("persons not decided about together", count=len(jobs), reason=f"{type(error).__name__}: {error}")
        half = len(jobs) // 2
        return _not_decided_together(hub, jobs[:half]) + _not_decided_together(hub, jobs[half:])
    return [job for job in jobs if job.key in left]


_TOGETHER = {
    INTAKE: _not_done_together,
    SCORE: _not_scored_together,
    MATCH: _not_matched_together,
    JOB: _not_decided_together,
}


def _do(hub: Hub, jobs: list[Claimed]) -> None:
    """Do these, one by one, and finish those that went well at once. What is done twice, after a crash, does no harm."""
    done = []
    for job in jobs:
        try:
            HANDLERS[job.actor](hub, job)
        except Exception as error:  # any failure of any handler is given back, counted and shown
            log.warning("job failed", actor=job.actor, key=job.key, attempts=job.attempts, exc_info=True)
            with hub.store.write() as session:
                queue.give_back(session, job, f"{type(error).__name__}: {error}", after=_asked(error), now=clock.now())
        else:
            done.append(job)
    if done:
        with hub.store.write() as session:
            queue.finish_all(session, done)


def _asked(error: Exception) -> float | None:
    """How long a provider asked us to wait; believed between a second and a day."""
    asked = error.retry_after if isinstance(error, ChannelError) else None
    return None if asked is None or asked != asked else min(max(asked, 1.0), DAY / SECOND)


def remember_scoring(hub: Hub) -> None:
    """Tell all who record what the scorer is to judge as it comes, as this process's settings have it."""
    scoring = "none" if hub.settings.scorer == NONE else hub.settings.scoring
    with hub.store.write() as session:
        interests.remember_scoring(session, scoring)


def plan_due(hub: Hub) -> bool:
    """Plan what falls due by the clock alone: silences. True: there was something."""
    now = clock.now()
    with hub.store.read() as session:
        if not due.any_due(session, now):
            return False
    with hub.store.write() as session:
        return due.plan_due(session, now) > 0


def drain(hub: Hub, only: frozenset[str] = frozenset()) -> int:
    """Do everything that is due now, or ``only`` what these actors do, in this process, one by one.

    For the story, for bringing in the past, and for tests.
    """
    done = 0
    while True:
        planned = not only and plan_due(hub)
        with hub.store.read() as session:
            waiting = queue.due(session, 100, wake_again_after=0, now=clock.now())
        found = [(job, actor) for job, actor in waiting if not only or actor in only]
        if not found and not planned:
            return done
        worked = set[str]()
        for job_id, _ in found:
            if job_id not in worked:
                worked |= work(hub, job_id)
        done += len(worked)
        if not worked and not planned:
            return done


def understand_intake(hub: Hub, job: Claimed) -> None:
    """Parse, normalise and record one intake; the third time it fails, set it aside."""
    if job.attempts > TRIES:
        quarantine_whole(hub.store, job.key, "parser_died", f"Understanding it did not end in {TRIES} tries.")
        return
    understand(hub.store, hub.secret, job.key)


def complete_intake(hub: Hub, job: Claimed) -> None:
    """Fetch what a hint speaks of; where there is nothing, understand it as it is."""
    if not complete(hub.store, hub.secret, job.key, attempts=job.attempts):
        understand(hub.store, hub.secret, job.key)


def decide_person(hub: Hub, job: Claimed) -> None:
    """Look at one person after something happened, or when a silence is due."""
    decide(hub, job.key, job.since)


def catch_up(hub: Hub, job: Claimed) -> None:
    """A trigger went live, and what it looks for was due for this person not long before."""
    trigger, _, person = job.key.partition(":")
    decide(hub, person, job.since, existing=trigger)


def look_at_everybody(hub: Hub, job: Claimed) -> None:
    """A trigger went live: look at the next of those who are there, after all other work."""
    backfill.take(hub, job.key)


def run_backtest(hub: Hub, job: Claimed) -> None:
    """Somebody wants to know whom a trigger would have reached."""
    backtest_jobs.take(hub, job)


def score_interaction(hub: Hub, job: Claimed) -> None:
    """Have what was written judged, and then look at whom it concerns."""
    score_jobs.score(hub, [job])


def rederive_person(hub: Hub, job: Claimed) -> None:
    """After a merge, its undoing or a correction: derive the waits anew; old history starts nothing."""
    settle_waiting(hub, job)
    decide(hub, job.key, job.since, only_housekeeping=True)


def settle_waiting(hub: Hub, job: Claimed) -> None:
    """Work out anew where whoever holds this identity waits for us."""
    with hub.store.write() as session:
        waiting.settle_person(session, job.key)


def wake_waiting(hub: Hub, job: Claimed) -> None:
    """Somebody was answered elsewhere some working hours ago: they wait again."""
    with hub.store.write() as session:
        waiting.wake(session, job.key)


def send_followup(hub: Hub, job: Claimed) -> None:
    send.send(hub, job.key, job.token)


def reconcile_followup(hub: Hub, job: Claimed) -> None:
    send.reconcile(hub, job.key)


def take_step(hub: Hub, job: Claimed) -> None:
    """A wait between two actions is over."""
    steps.take(hub, job.key)


def deliver_call(hub: Hub, job: Claimed) -> None:
    deliver.deliver(hub, job.key)


def mirror_change(hub: Hub, job: Claimed) -> None:
    mirror.do(hub, job.key)


def match_identity(hub: Hub, job: Claimed) -> None:
    """Something new is known of an identity: look who may be one with it."""
    with hub.store.write() as session:
        suggestions.match(session, [job.key])


def check_proof(hub: Hub, job: Claimed) -> None:
    """A one-time link came back: join the persons it proves to be one, if its line is verified."""
    with hub.store.write() as session:
        interaction = session.get(InteractionRow, job.key)
        if interaction is None:
            return
        _settle(session, interaction)
        if interaction.author_id is None or not _verified(session, interaction):
            return
        proofs.came_back(
            session,
            hub.secret,
            interaction.doc,
            interaction.author_id,
            at=interaction.recorded_at,  # when it reached us: a mail may claim any date
            interaction_id=interaction.id,
        )
        _check_answer(session, interaction)


def _settle(session: Session, interaction: InteractionRow) -> None:
    """Whoever answers with our token got the message: if nobody knew whether it went out, it is known now."""
    doc = msgspec.json.decode(interaction.doc)
    if not doc.get("facts", {}).get(BY_TOKEN):
        return
    for followup in _UNKNOWN.rows(session, source=doc.get("answers", ""), channel=interaction.channel):
        with suppress(Conflict):  # somebody said so at the same moment
            manage.reconcile(session, followup.id, sent=True, by="an answer to it")


def _check_answer(session: Session, interaction: InteractionRow) -> None:
    """A reply token came back with it: whoever got that message and whoever writes may be one. No machine's answer counts."""
    if interaction.automatic or not msgspec.json.decode(interaction.doc).get("facts", {}).get(BY_TOKEN):
        return
    answered = _ANSWERED.first(session, interaction=interaction.answers_id)
    if answered:
        proofs.answered(
            session, answered.reply_key, answered.identity_id, answered.sent_at, str(interaction.author_id),
            at=interaction.recorded_at, interaction_id=interaction.id,
        )  # fmt: skip


def apply_receipt(hub: Hub, job: Claimed) -> None:
    """A report about something we sent: a bounce, a complaint, and whatever tells that it went out."""
    with hub.store.write() as session:
        returned.apply(session, hub.secret, job.key)


def _verified(session: Session, interaction: InteractionRow) -> bool:
    standing = _STANDING.first(
        session, identity=interaction.author_id, at=interaction.sort_at, sequence=interaction.sequence,
        interaction=interaction.id,
    )  # fmt: skip
    return standing is not None and standing.text == Standing.VERIFIED


HANDLERS: dict[str, Callable[[Hub, Claimed], None]] = {
    INTAKE: understand_intake,
    "intake.complete": complete_intake,
    JOB: decide_person,
    "person.rederive": rederive_person,
    backfill.CATCH_UP: catch_up,
    backfills.JOB: look_at_everybody,
    backtest_jobs.JOB: run_backtest,
    "waiting.settle": settle_waiting,
    touched.WAKE: wake_waiting,
    SCORE: score_interaction,
    "followup.send": send_followup,
    "followup.reconcile": reconcile_followup,
    in_progress.JOB: take_step,
    deliveries.JOB: deliver_call,
    "desk.mirror": mirror_change,
    MATCH: match_identity,
    "proof.check": check_proof,
    "receipt.apply": apply_receipt,
}
