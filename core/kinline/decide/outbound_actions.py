"""What of a decision leaves the hub: a message to the person, a public post, a signed call. Planned, not yet sent."""

from typing import Any

import msgspec

from kinline import clock, ids
from kinline.catalogue import template_store
from kinline.decide.action_context import Acting, words
from kinline.followups.plan import Draft, plan
from kinline.followups.posts import PostDraft, plan_post
from kinline.triggers import Action
from kinline.webhooks import deliveries
from kinline.words import SendClass


def message(acting: Acting, number: int, action: Action) -> str:
    """Write to the person, by a stored template or by words of the trigger."""
    doing: Any = action.doing
    written = _stored(acting, doing.template) if doing.template else _own(acting, action)
    draft = Draft(
        id=ids.derived("followup", acting.decision_id, str(number)),
        person_id=acting.root,
        decision_id=acting.decision_id,
        trigger_id=acting.trigger.id,
        send_class=SendClass(doing.class_),
        subject=written.subject,
        text=written.text,
        html=written.html,
        template=written.source or None,
        about=acting.fire.evidence.about,
        channel=doing.channel or "",
        account=doing.account or "",
        only_in_thread=not acting.fire.proved,
        needs_approval=doing.approval,
        made_by=acting.by,
    )
    return plan(acting.hub, acting.session, draft)


def _own(acting: Acting, action: Action) -> template_store.WrittenTemplate:
    data = words(acting)
    filled = {name: template.render(data) for name, template in action.templates.items()}
    return template_store.WrittenTemplate("", "", filled.get("subject", ""), filled["text"], filled.get("html", ""))


def _stored(acting: Acting, name: str) -> template_store.WrittenTemplate:
    """By the version that was the newest when it was decided, in the person's language."""
    stored = template_store.newest(acting.session, name, acting.templates.get(name))
    about = acting.about
    wanted = (acting.person.attributes.get("language"), about.language if about else "")
    return template_store.write(stored, template_store.language_for(stored, wanted), words(acting))


def publish(acting: Acting, number: int, action: Action) -> str:
    """A public post over an account of ours."""
    doing: Any = action.doing
    draft = PostDraft(
        id=ids.derived("followup", acting.decision_id, str(number)),
        person_id=acting.root,
        decision_id=acting.decision_id,
        trigger_id=acting.trigger.id,
        account=doing.account,
        text=action.templates["text"].render(words(acting)),
        needs_approval=doing.approval,
        made_by=acting.by,
    )
    return plan_post(acting.hub, acting.session, draft)


def webhook(acting: Acting, number: int, action: Action) -> str:
    """A signed call to an endpoint of the company's. Its body is made now, and the same on every try."""
    doing: Any = action.doing
    call = deliveries.DueCall(
        id=ids.derived("delivery", acting.decision_id, str(number)),
        endpoint=doing.endpoint,
        decision_id=acting.decision_id,
        trigger_id=acting.trigger.id,
        person_id=acting.root,
        needs_approval=doing.approval,
        body=_body(acting, number, evidence=doing.evidence),
    )
    return deliveries.plan(acting.hub, acting.session, call)


def _body(acting: Acting, number: int, *, evidence: bool) -> dict[str, Any]:
    """A CloudEvent in its JSON form (CloudEvents 1.0.2, JSON event format)."""
    trigger, fire = acting.trigger, acting.fire
    data: dict[str, Any] = {
        "trigger": {"id": trigger.id, "name": trigger.compiled.name, "version": trigger.version},
        "person": acting.root,
        "decision": acting.decision_id,
        "episode": fire.episode,
        "fired_at": clock.to_text(fire.at),
        "chain": list(acting.led),
        "proved": fire.proved,
    }
    if evidence:
        data |= {
            "about": fire.evidence.about or None,
            "interactions": list(fire.evidence.interactions),
            "absences": [msgspec.to_builtins(each) for each in fire.evidence.absences],
        }
    return {
        "specversion": "1.0",
        "type": "kinline.trigger.fired",
        "source": f"{acting.hub.settings.public_url.rstrip('/')}/v1/triggers/{trigger.compiled.name}",
        "id": ids.derived("delivery", acting.decision_id, str(number)),
        "time": clock.to_text(acting.now),
        "subject": acting.root,
        "datacontenttype": "application/json",
        "data": data,
    }
