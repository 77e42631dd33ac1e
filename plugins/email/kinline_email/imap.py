"""A mailbox over IMAP (RFC 3501 and 9051): what is new, the past, the newest, and IDLE (RFC 2177) in between.

Nothing is changed there: folders are opened read-only and bodies are peeked at, so that no mail becomes "seen".
Mails come oldest first, small ones together; one that the server cannot give is set aside with its reason, and one
that is too large is kept by its header fields.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from imapclient.imapclient import SENT

from kinline import ChannelError, Connection, Estimate, Fetched
from kinline_email import imap_cursor as cursors
from kinline_email import kept
from kinline_email.imap_cursor import Cursor, Mark
from kinline_email.imap_session import Session
from kinline_email.settings import EmailSettings
from kinline_email.split import MAX_MAIL

RE_IDLE = 20 * 60.0  #: seconds after which IDLE is said anew; a server may hang up after 29 minutes (RFC 2177)
GROUP, GROUP_BYTES = 25, 2_000_000  #: mails fetched by one call, and bytes of them
WINDOW = 20_000  #: UIDs asked for by one search: an answer is one line, and a line must not be endless
LARGEST_COMPARED = 2_000_000  #: bytes; to name a mail all of it is needed
PATIENCE = 15.0  #: seconds for a server to end IDLE
ALL = b"\\All"


class Opened(NamedTuple):
    """A folder that was opened just now."""

    name: str
    validity: int
    uidnext: int


class Mailbox(Connection):
    """Held open by one thread. The first folder is the one that IDLE listens to."""

    def __init__(self, settings: EmailSettings) -> None:
        self.settings = settings
        self.session = Session(settings)
        self.gmail = self.session.can("X-GM-EXT-1")
        self.idles = self.session.can("IDLE")
        self._sent = ""
        self._missing: list[str] = []
        self._unfinished = False
        self._idling_since = 0.0
        self._seen: dict[str, tuple[int, int]] = {}  # folder: UIDVALIDITY and UIDNEXT at the last look
        self._marks: dict[str, Mark] = {}
        self._since = ""
        self._named: dict[tuple[Any, ...], str] = {}

    def about(self) -> str:
        folders = self._folders()
        counts = [self._status(name, "MESSAGES") for name in folders]
        there = ", ".join(f"{name} ({count})" for name, count in zip(folders, counts, strict=True))
        how = "it tells of news at once" if self.idles else "it is asked for news every minute"
        gone = f" There is no folder {', '.join(self._missing)}." if self._missing else ""
        return f"The mailbox {self.settings.imap_user or self.settings.address} with {there}; {how}.{gone}"

    def fetch(self, cursor: str) -> Iterator[Fetched]:
        """Since ``cursor``; without one since now: the past comes by `history`."""
        self._unfinished = True
        state = cursors.read(cursor)
        self._marks, self._since = state.folders, state.since
        for name in self._folders():
            if (opened := self._open(name)) is not None:
                yield from self._new_in(opened, state, from_now=not cursor)
        self._unfinished = False

    def _new_in(self, opened: Opened, state: Cursor, *, from_now: bool) -> Iterator[Fetched]:
        mark = state.folders.get(opened.name)
        if mark is None or mark.validity != opened.validity:
            mark = _started(opened, from_now=from_now and mark is None)
            state.folders[opened.name] = mark
            yield self._moved(state)
        self._seen[opened.name] = opened.validity, opened.uidnext
        for uids in self._windows(opened, mark, mark.last + 1):
            for uid, piece in self._pieces(opened, uids):
                mark.last = uid
                yield Fetched(body=piece.body, source=piece.source, cursor=state.text(), limits=self._told())
            if mark.last < uids[-1]:  # what is gone or a draft need not be asked for again
                mark.last = uids[-1]
                yield self._moved(state)

    def _moved(self, state: Cursor) -> Fetched:
        return Fetched(cursor=state.text(), limits=self._told())

    def _told(self) -> dict[str, Any]:
        missing = {"folders_missing": self._missing} if self._missing else {}
        return {"folders": list(self._marks), **missing}

    def history(self, cursor: str) -> Iterator[Fetched]:
        """Newest first, folder by folder, down from where it stopped."""
        past = cursors.read_past(cursor)
        for name in self._folders():
            opened = self._open(name)
            if opened is None:
                continue
            validity, below = past.folders.get(name, (0, 0))
            below = below if validity == opened.validity else opened.uidnext
            for uids in self._windows_down(opened, below):
                for uid, piece in self._pieces(opened, uids):
                    past.folders[name] = opened.validity, uid
                    yield Fetched(body=piece.body, source=kept.past(piece), cursor=past.text())
            past.folders[name] = opened.validity, 1
            yield Fetched(cursor=past.text())

    def estimate(self) -> Estimate:
        folders = self._folders()
        told = f"The folders {', '.join(folders)}, newest mails first. Mails over {MAX_MAIL // 1_000_000} MB come without their content."
        return Estimate(items=sum(self._status(name, "MESSAGES") for name in folders), cost=0, note=told)

    def recent(self, count: int) -> Sequence[str]:
        """Of the mails that came since the account was connected. Very large ones are left out."""
        newest: list[tuple[datetime, str, int, int]] = []
        for name, mark in list(self._marks.items()):
            opened = self._open(name)
            if opened is None or mark.validity != opened.validity:
                continue
            low = max(mark.first, opened.uidnext - WINDOW)
            uids = [uid for window in self._windows(opened, mark, low) for uid in window][-count:]
            newest += self._dated(opened, uids)
        newest = sorted(newest, reverse=True)[:count]
        self._named = {place: self._named[place] for _, *at in newest if (place := tuple(at)) in self._named}
        return [found for _, folder, validity, uid in newest if (found := self._name(folder, validity, uid))]

    def wait(self, seconds: float) -> bool:
        if self._unfinished:
            return True
        if not self.idles:
            time.sleep(seconds)
            return False
        if self._idling_since and time.monotonic() - self._idling_since > RE_IDLE:
            self._end_idle()
        if not self._idling_since and self._begin_idle():
            return True
        if not self._idling_since:
            time.sleep(seconds)
            return False
        began = time.monotonic()
        with self.session.calling(seconds + 30) as client:
            told = client.idle_check(timeout=seconds)
        if any(len(line) > 1 and line[0] == b"BYE" for line in told):
            raise ChannelError(f"{self.session.host} says goodbye.", code="imap_broke_off")
        if not told and time.monotonic() - began < seconds * 0.9:
            self._end_idle()  # it hung up, which this tells; or there was half a line
        return any(len(line) > 1 and line[1] in (b"EXISTS", b"RECENT") for line in told)

    def close(self) -> None:
        self._idling_since = 0.0
        self.session.close()

    # Folders

    def _folders(self) -> list[str]:
        """INBOX and the folder of sent mail; in Gmail the one that has each mail once; or those of the settings."""
        self._end_idle()
        with self.session.calling() as client:
            self._sent = _text(client.find_special_folder(SENT))
            every = _text(client.find_special_folder(ALL)) if self.gmail else ""
            if not self.settings.imap_folders:
                self._missing = []
                return [every] if every else ["INBOX", *([self._sent] if self._sent else [])]
            there = [name for name in self.settings.imap_folders if client.folder_exists(name)]
        self._missing = [name for name in self.settings.imap_folders if name not in there]
        if not there:
            raise ChannelError(
                f"None of the folders {', '.join(self._missing)} is in this mailbox.",
                permanent=True,
                code="no_such_folder",
            )
        return there

    def _open(self, name: str) -> Opened | None:
        """Read-only. None where it has gone meanwhile."""
        self._end_idle()
        try:
            with self.session.calling() as client:
                told = client.select_folder(name, readonly=True)
                if b"UIDNEXT" not in told:
                    told[b"UIDNEXT"] = max(client.search(["UID", "*"]), default=0) + 1
        except ChannelError as error:
            if error.code != "imap_refused":
                raise
            self._missing = [*self._missing, name]
            return None
        return Opened(name, int(told.get(b"UIDVALIDITY", 1)), int(told[b"UIDNEXT"]))

    def _status(self, name: str, what: str) -> int:
        self._end_idle()
        with self.session.calling() as client:
            return int(client.folder_status(name, [what])[what.encode()])

    def _begin_idle(self) -> bool:
        """True when something came since the last look: IDLE tells only of what comes after it began."""
        name = self._folders()[0]
        opened = self._open(name)
        if opened is None:  # gone just now: the next look says so
            return False
        if self._seen.get(name) != (opened.validity, opened.uidnext):
            return True
        with self.session.calling() as client:
            client.idle()
        self._idling_since = time.monotonic()
        return False

    def _end_idle(self) -> None:
        if self._idling_since:
            self._idling_since = 0.0
            with self.session.calling(PATIENCE) as client:
                client.idle_done()

    # Mails

    def _windows(self, opened: Opened, mark: Mark, low: int) -> Iterator[list[int]]:
        """The UIDs from ``low`` on that are to be read, oldest first. Below ``mark.redo`` only those since the day."""
        since = date.fromisoformat(self._since) - timedelta(days=1)  # zones: a day there may be another one here
        for start in range(low, opened.uidnext, WINDOW):
            end = min(start + WINDOW, opened.uidnext) - 1
            void: list[Any] = ["SINCE", since] if start < mark.redo else []
            if uids := self._search(start, end, void):
                yield uids

    def _windows_down(self, opened: Opened, below: int) -> Iterator[list[int]]:
        for end in range(below - 1, 0, -WINDOW):
            if uids := self._search(max(1, end - WINDOW + 1), end, []):
                yield uids[::-1]

    def _search(self, low: int, high: int, more: list[Any]) -> list[int]:
        with self.session.calling() as client:
            return sorted(uid for uid in client.search(["UID", f"{low}:{high}", *more]) if low <= uid <= high)

    def _pieces(self, opened: Opened, uids: list[int]) -> Iterator[tuple[int, kept.Piece]]:
        """The mails with these UIDs, in this order. What has gone meanwhile, and drafts, are left out."""
        for start in range(0, len(uids), 200):
            group: list[_Listed] = []
            for listed in self._listed(uids[start : start + 200]):
                if group and (len(group) == GROUP or sum(one.size for one in group) + listed.size > GROUP_BYTES):
                    yield from self._bodies(opened, group)
                    group = []
                group.append(listed)
            yield from self._bodies(opened, group)

    def _listed(self, uids: list[int]) -> Iterator["_Listed"]:
        asked = ["RFC822.SIZE", "FLAGS", *(["X-GM-LABELS"] if self.gmail else [])]
        with self.session.calling() as client:
            found = client.fetch(uids, asked)
        for uid in uids:
            told = found.get(uid, {})
            labels = {_text(each) for each in told.get(b"X-GM-LABELS") or ()}
            if told and b"\\Draft" not in (told.get(b"FLAGS") or ()) and not labels & {"\\Draft", "\\Drafts"}:
                yield _Listed(uid, int(told.get(b"RFC822.SIZE") or 0), "\\Sent" in labels)

    def _bodies(self, opened: Opened, group: list["_Listed"]) -> Iterator[tuple[int, kept.Piece]]:
        small = [one for one in group if one.size <= MAX_MAIL]
        try:
            found = self._fetched([one.uid for one in small], "BODY.PEEK[]")
        except ChannelError as error:
            if error.code != "imap_refused":
                raise
            found = None
        for one in group:
            sent = one.sent or opened.name == self._sent
            if one.size > MAX_MAIL:
                yield one.uid, kept.header_only(self._one(one.uid, "BODY.PEEK[HEADER]"), one.size, sent=sent)
                continue
            body = self._one(one.uid, "BODY.PEEK[]") if found is None else found.get(one.uid, b"")
            if body != b"":
                where = f"UID {one.uid} of {opened.name} at {self.session.host}"
                yield one.uid, kept.mail(body, sent=sent) if isinstance(body, bytes) else kept.lost(where, str(body))

    def _one(self, uid: int, what: str) -> Any:
        """One mail by itself: its bytes, b"" where it has gone, or why the server does not give it."""
        try:
            return self._fetched([uid], what).get(uid, b"")
        except ChannelError as error:
            if error.code != "imap_refused":
                raise
            return error.detail

    def _fetched(self, uids: list[int], what: str) -> dict[int, Any]:
        if not uids:
            return {}
        key = what.replace(".PEEK", "").encode()
        with self.session.calling() as client:
            found = client.fetch(uids, [what])
        return {uid: told.get(key, "The server gave no content.") for uid, told in found.items() if uid in uids}

    # Comparing

    def _dated(self, opened: Opened, uids: list[int]) -> Iterator[tuple[datetime, str, int, int]]:
        if not uids:
            return
        with self.session.calling() as client:
            found = client.fetch(uids, ["INTERNALDATE"])
        for uid, told in found.items():
            at = told.get(b"INTERNALDATE")
            yield at.astimezone(UTC) if at else datetime.min.replace(tzinfo=UTC), opened.name, opened.validity, uid

    def _name(self, folder: str, validity: int, uid: int) -> str:
        """The source id of one mail: "" where it has gone, is a draft, very large, or unreadable."""
        place = folder, validity, uid
        if place not in self._named:
            opened = self._open(folder)
            listed = list(self._listed([uid])) if opened and opened.validity == validity else []
            small = [one for one in listed if one.size <= LARGEST_COMPARED]
            self._named[place] = ""
            for _, piece in self._bodies(Opened(folder, validity, uid + 1), small):
                self._named[place] = kept.source_id(piece, self.settings)
        return self._named[place]


class _Listed(NamedTuple):
    uid: int
    size: int
    sent: bool


def _started(opened: Opened, *, from_now: bool) -> Mark:
    """Where a folder is begun: at its end, or, where its UIDs are void or it is new, at its beginning."""
    if from_now:
        return Mark(opened.validity, last=opened.uidnext - 1, first=opened.uidnext)
    return Mark(opened.validity, last=0, first=1, redo=opened.uidnext)


def _text(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name or "")
