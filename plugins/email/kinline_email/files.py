"""Which files of a folder are mail. All of them, but for what a maildir keeps beside its mail."""

import os
import re
from collections.abc import Iterable, Iterator

from kinline.contract.files import walk

#: Files that mail servers keep inside a maildir (Dovecot, Courier).
_BESIDE = re.compile(r"dovecot[-.].*|dovecot|maildirfolder|maildirsize|subscriptions|courierimap.*|courierpop.*|\.lock")
_MAILDIR = ("cur", "new", "tmp")


def mail_files(paths: Iterable[str]) -> Iterator[str]:
    """As `walk`, without half-written mails (``tmp/``) and index files of maildirs. Nothing else is skipped."""
    for path in walk(paths):
        folder, name = os.path.split(path)
        if os.path.basename(folder) == "tmp" and _is_maildir(os.path.dirname(folder)):
            continue
        if _BESIDE.fullmatch(name) and _is_maildir(folder):
            continue
        yield path


def _is_maildir(folder: str) -> bool:
    return all(os.path.isdir(os.path.join(folder, below)) for below in _MAILDIR)
