"""Deciding: load a person's history, ask the pure function, write down what it says. See `person`."""
