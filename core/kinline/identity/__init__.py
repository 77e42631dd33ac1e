"""Whose is this? Persons, the links that join them, and the proofs behind the links."""
