"""Why: everything behind something that we did, as data and as one paragraph (docs/decisions/0008).

Nothing is decided anew: what stands here was written down when it was decided, with the words of the
interactions as they are now. A reader who may not see an interaction sees that there was one, and not what it said.
"""

from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock, locales, reason_texts
from kinline.accounts.reader import EVERYTHING, AccessScope
from kinline.catalogue import backtest_runs
from kinline.errors import NotFound
from kinline.identity.persons import root_of, view
from kinline.reasons import fields, worded
from kinline.store import sql
from kinline.webhooks import deliveries
from kinline.why import context, shown_steps, wait_list, wording
from kinline.why.context import WayShown
from kinline.why.explanation import Duty, MessageExplained, MoveExplained, Rule, Try, Why
from kinline.why.parts import (
    counted,
    handle_text,
    identities,
    merges,
    missed,
    stamp,
)
from kinline.why.wait_list import Place, WaitShown


def why(
    session: Session, reference: str, *, reader: AccessScope = EVERYTHING, language: str = "en", zone: str = "UTC"
) -> Why:
    """Explain a decision, a follow-up, an interaction of ours, a task, a stage move, a merge or a wait, by its id.

    ``language`` is that of the summary, as BCP 47; English where we have no words in it. ``zone`` (IANA) is that of the
    times in it. Raises `NotFound`.
    """
    sort, decision, followup, person = _resolve(session, reference)
    root = root_of(session, person)
    bare = Why(reference=reference, sort=sort, person=root, name=view(session, root).name)
    if decision:
        told = _decided(session, bare, decision, reader)
    elif followup:
        told = _written(session, bare, followup, reader)
    elif sort == "wait":
        told = _waits(session, bare, reader)
    else:
        told = _by_hand(session, bare, reference)
    return msgspec.structs.replace(told, summary=wording.paragraph(told, language, zone))


def waits(
    session: Session, root: str, *, state: str = "", before: Place = wait_list.NEWEST, limit: int = 50,
    reader: AccessScope = EVERYTHING, language: str = "en", zone: str = "UTC",
) -> list[tuple[Place, WaitShown | None]]:  # fmt: skip
    """What waits for a person, or did: `kinline.why.wait_list.listed`, each told in a sentence or two."""
    name = view(session, root).name
    found = wait_list.listed(session, root, state=state, before=before, limit=limit, reader=reader)
    return [(place, _in_words(each, name, language, zone) if each else None) for place, each in found]


def _in_words(wait: WaitShown, name: str, language: str, zone: str) -> WaitShown:
    said = worded(wait.because, locales.language_of(language))
    return msgspec.structs.replace(wait, said=said, told=wording.paragraph(_of_wait(wait, name), language, zone))


_LOOKUPS = (
    ("decision", "SELECT id, NULL, person_id FROM decision WHERE id = {p}"),
    ("followup", "SELECT decision_id, id, person_id FROM followup WHERE id = {p}"),
    (
        "interaction",
        "SELECT f.decision_id, f.id, f.person_id FROM interaction i JOIN followup f ON f.id = i.followup_id WHERE i.id = {p}",
    ),
    ("task", "SELECT decision_id, NULL, person_id FROM task WHERE id = {p}"),
    ("stage", "SELECT decision_id, NULL, person_id FROM stage WHERE id = {p}"),
    ("merge", "SELECT NULL, NULL, person_a FROM merge_log WHERE id = {p}"),
    ("wait", "SELECT NULL, NULL, person_id FROM wait WHERE id = {p}"),
)


def _resolve(session: Session, reference: str) -> tuple[str, str | None, str | None, str]:
    for sort, statement in _LOOKUPS:
        rows = sql.run(session, statement, reference)
        if rows:
            return sort, rows[0][0], rows[0][1], rows[0][2]
    if sql.run(session, "SELECT 1 FROM interaction WHERE id = {p}", reference):
        raise NotFound("Nothing of ours made this happen, so there is no why.", code="not_ours")
    raise NotFound(
        "There is no decision, message, task, move, merge or wait of ours with this id.", code="nothing_to_explain"
    )


def _waits(session: Session, bare: Why, reader: AccessScope) -> Why:
    """What we wait for. Raises `NotFound` where the reader may not see what it waits after."""
    found = wait_list.one(session, bare.person, bare.reference, reader)
    if found is None:
        raise NotFound("There is no such wait.", code="nothing_to_explain")
    return _of_wait(found, bare.name)


def _of_wait(wait: WaitShown, name: str) -> Why:
    return Why(
        reference=wait.id, sort="wait", person=wait.person, name=name, by=f"trigger:{wait.trigger}",
        trigger=Rule(id="", name=wait.trigger, version=wait.version, about=wait.about),
        verdict="waited" if wait.state == "closed" else "waits", at=wait.due_at, reason=wait.reason,
        reason_code=wait.reason_code, reason_values=wait.reason_values,
        decided_at=wait.closed_at or "", interactions=wait.interactions, absences=wait.absences, read=wait.read,
        proved=wait.proved,
    )  # fmt: skip


def _decided(session: Session, bare: Why, decision: str, reader: AccessScope) -> Why:
    """What a trigger decided, by the evidence kept with the decision."""
    [(trigger, version, verdict, reason, at, decided, raw, cause, led)] = sql.run(
        session,
        "SELECT trigger_id, version, verdict, reason, at, decided_at, evidence, cause_id, chain FROM decision WHERE id = {p}",
        decision,
    )
    evidence: dict[str, Any] = msgspec.json.decode(raw)
    named = evidence.get("trigger", {})
    followups = _messages(session, "decision_id", decision, reader)
    return msgspec.structs.replace(
        bare,
        decision=decision,
        by=f"trigger:{named.get('name', '')}",
        trigger=Rule(
            id=trigger,
            name=named.get("name", ""),
            version=version,
            about=named.get("about", ""),
            override=backtest_runs.override_of(session, trigger, version),
        ),
        verdict=verdict,
        **fields(reason_texts.read(reason)),
        at=stamp(at),
        decided_at=stamp(decided),
        interactions=counted(session, evidence.get("interactions", []), reader),
        absences=[missed(each) for each in evidence.get("absences", [])],
        read=evidence.get("read", {}),
        proved=evidence.get("proved", True),
        identities=identities(session, evidence.get("identities", [])),
        merges=merges(session, evidence.get("merges", [])),
        followups=followups,
        tasks=_tasks(session, decision),
        moves=_moves(session, decision),
        steps=shown_steps.of_decision(session, decision),
        calls=deliveries.listed(session, decision=decision)[::-1],
        experiment=context.given(evidence),
        cascade=context.cascade(session, msgspec.json.decode(led), reason),
        led_to=context.led_to(session, bare.person, [one.interaction for one in followups if one.interaction], reader),
        considered=context.considered(session, bare.person, decision, cause=cause, at=at, reader=reader),
    )


def _written(session: Session, bare: Why, followup: str, reader: AccessScope) -> Why:
    """What a human wrote: who, and what it answers."""
    [(made_by, answers, created)] = sql.run(
        session, "SELECT made_by, answers_id, created_at FROM followup WHERE id = {p}", followup
    )
    return msgspec.structs.replace(
        bare,
        by=made_by,
        at=stamp(created),
        interactions=counted(session, [answers] if answers else [], reader),
        followups=_messages(session, "id", followup, reader),
    )


def _by_hand(session: Session, bare: Why, reference: str) -> Why:
    """What no decision asked for: a task or a stage move that somebody made, a merge by a human or a proof."""
    for joined in merges(session, [reference]):
        return msgspec.structs.replace(bare, by=joined.by, at=joined.at, merges=[joined])
    for track, stage, at, made_by in sql.run(
        session, "SELECT track, stage, at, made_by FROM stage WHERE id = {p}", reference
    ):
        moved = MoveExplained(track=track, stage=stage, at=stamp(at))
        return msgspec.structs.replace(bare, by=made_by, at=moved.at, moves=[moved])
    return bare


def _messages(session: Session, column: str, value: str, reader: AccessScope) -> list[MessageExplained]:
    """``column`` is one of our own names, never a caller's."""
    rows = sql.run(
        session,
        "SELECT f.id, f.state, f.channel, f.send_class, f.made_by, f.reason, f.due_at, f.sent_at, f.interaction_id, "
        "f.account_id, f.subject, f.body, f.ways, i.type, i.issuer, i.value FROM followup f LEFT JOIN identity i ON i.id = f.identity_id "
        f"WHERE f.{column} = {{p}} ORDER BY f.created_at, f.id",
        value,
    )
    attempts = _attempts(session, [row[0] for row in rows])
    ways = context.ways(session, {row[0]: row[12] for row in rows}, reader)
    return [_message(row, attempts.get(row[0], []), ways[row[0]], reader) for row in rows]


def _message(row: tuple[Any, ...], attempts: list[Try], ways: list[WayShown], reader: AccessScope) -> MessageExplained:
    followup, state, channel, send_class, by, reason, due, sent, interaction, account, subject, body, _, *handle = row
    bare = MessageExplained(
        id=followup, state=state, channel=channel, send_class=send_class, by=by, due_at=stamp(due),
        sent_at=clock.to_text(sent), interaction=interaction, attempts=attempts, ways=ways,
        **fields(reason_texts.read(reason)),
    )  # fmt: skip
    if reader.accounts is not None and account not in reader.accounts:
        return bare
    return msgspec.structs.replace(bare, to=handle_text(*handle) if handle[0] else "", subject=subject, text=body)


def _attempts(session: Session, followups: list[str]) -> dict[str, list[Try]]:
    rows = sql.select_in(
        session,
        "SELECT followup_id, number, started_at, outcome, detail FROM attempt WHERE followup_id {in} "
        "ORDER BY followup_id, number",
        followups,
    )
    found: dict[str, list[Try]] = {}
    for followup, number, started, outcome, detail in rows:
        found.setdefault(followup, []).append(Try(number=number, at=stamp(started), outcome=outcome, detail=detail))
    return found


def _tasks(session: Session, decision: str) -> list[Duty]:
    rows = sql.run(
        session, "SELECT id, team, title, state FROM task WHERE decision_id = {p} ORDER BY created_at, id", decision
    )
    return [Duty(id=task, team=team, title=title, state=state) for task, team, title, state in rows]


def _moves(session: Session, decision: str) -> list[MoveExplained]:
    rows = sql.run(
        session, "SELECT track, stage, at FROM stage WHERE decision_id = {p} ORDER BY at, step, id", decision
    )
    return [MoveExplained(track=track, stage=stage, at=stamp(at)) for track, stage, at in rows]
