"""Conditions: one module a word, all of one shape (`Condition`), and the table that names them."""

from kinline.triggers.conditions.base import Condition, ConditionTerms, Sight
from kinline.triggers.conditions.combined import compile_condition

__all__ = ["Condition", "ConditionTerms", "Sight", "compile_condition"]
