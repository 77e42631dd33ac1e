"""What a step of an upgrade is."""

from collections.abc import Callable

import msgspec
from sqlmodel import Session


class UpgradePiece(msgspec.Struct, frozen=True):
    """What one piece came to: how many things it looked at, and where the next begins. None: there is no next."""

    count: int
    cursor: str | None


class UpgradeStep(msgspec.Struct, frozen=True):
    """One change of stored data. ``piece`` does a little of it from a cursor on ("" at first), in a transaction of its
    own; ``total`` says about how many things there are to look at."""

    name: str
    about: str  #: for people, while they wait
    piece: Callable[[Session, str], UpgradePiece]
    total: Callable[[Session], int]
