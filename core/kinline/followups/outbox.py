"""The sending side of a hub that must not send: files one can read, in ``home/outbox/CHANNEL``.

Written under the follow-up's id, so a second try writes the same file: once, whatever happens.
"""

import os
from pathlib import Path

from kinline.messages import Prepared, Sent

SUFFIXES = {"message/rfc822": ".eml", "application/json": ".json"}


def write(home: Path, channel: str, followup_id: str, prepared: Prepared) -> Sent:
    """Write the exact bytes that would have been sent, durably."""
    folder = home / "outbox" / channel
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{followup_id}{SUFFIXES.get(prepared.media_type, '.txt')}"
    beside = path.with_suffix(".part")
    with beside.open("wb") as file:
        file.write(prepared.body)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    return Sent(
        source_id=prepared.source_id or f"outbox:{followup_id}", detail=f"written to outbox/{channel}/{path.name}"
    )
