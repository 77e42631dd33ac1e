"""Conditions: one module a word, each with what is written under it, what that does and what is said of it."""

from kinline.triggers.conditions.base import (
    CompiledCondition,
    ConditionDefinition,
    ConditionTerms,
    ConditionType,
    Sight,
)
from kinline.triggers.conditions.combined import compile_condition, conditions, with_places
from kinline.triggers.conditions.registry import condition_types

__all__ = [
    "CompiledCondition",
    "ConditionDefinition",
    "ConditionTerms",
    "ConditionType",
    "Sight",
    "compile_condition",
    "condition_types",
    "conditions",
    "with_places",
]
