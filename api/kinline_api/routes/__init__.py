"""Every route, one file a subject. A new file is added to the list here."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from kinline_api.routes import (
    accounts,
    backfills,
    backtests,
    batches,
    consents,
    conversations,
    decisions,
    docs,
    endpoints,
    events,
    experiments,
    files,
    followups,
    health,
    interactions,
    keys,
    ledger,
    lifecycle,
    live,
    merges,
    moderation,
    organisations,
    page,
    people,
    promises,
    scores,
    service,
    steps,
    stop,
    suggestions,
    tasks,
    templates,
    thread_edits,
    triggers,
    waiting,
    webhooks,
    why,
)

SUBJECTS: tuple[ModuleType, ...] = (
    interactions, scores, batches, events, people, merges, suggestions, consents, stop, organisations, accounts, live, webhooks, ledger, keys, triggers,
    templates, endpoints, steps, backfills, backtests, experiments, decisions, files, followups, tasks, waiting, promises, conversations, thread_edits, moderation, service, lifecycle, why, health, docs, page,
)  # fmt: skip

HANDLERS: tuple[Callable[..., Any], ...] = tuple(
    each for subject in SUBJECTS for each in vars(subject).values() if hasattr(each, "operation")
)
