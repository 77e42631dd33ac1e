"""The evidence of a decision: what counted, what was missed, which identity links it rests on."""

from typing import Any

import msgspec
from sqlmodel import Session

from kinline.catalogue.trigger_store import Active
from kinline.history.load_many import HeldIdentities
from kinline.identity import merges
from kinline.triggers import Fire


def evidence_json(
    session: Session, root: str, held: HeldIdentities, trigger: Active, fire: Fire, more: dict[str, Any] | None = None
) -> str:
    """Everything an explanation needs later, as it was known when deciding."""
    joined = merges.history(session, root) if len(held.members) > 1 else []
    shown: dict[str, Any] = {
        "trigger": {
            "name": trigger.compiled.name,
            "version": trigger.version,
            "about": trigger.compiled.definition.about,
        },
        "episode": fire.episode,
        "at": fire.at,
        **msgspec.to_builtins(fire.evidence),
        "identities": held.identities,
        "merges": [line["id"] for line in joined if line["undone_at"] is None],
        **(more or {}),
    }
    return msgspec.json.encode(shown).decode()
