"""Conditions: one module a word, all of one shape (`Condition`), and the table that names them."""

from kinline.triggers.conditions.base import Condition, Sight, Terms
from kinline.triggers.conditions.combined import compile_condition

__all__ = ["Condition", "Sight", "Terms", "compile_condition"]
