"""Stored data of an older version, brought into the shape of this one by ``kinline migrate``."""
