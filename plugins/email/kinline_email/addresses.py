"""Address lists (RFC 5322 section 3.4), read strictly where it matters.

Who wrote decides whose timeline a mail lands on, so what can be read in two ways is read in none:
``alice@example.org)bob@evil.example`` is nobody, not alice. One pass over the text, no recursion.
"""

import re
from functools import lru_cache

import msgspec

from kinline import Handle, HandleType, handles
from kinline.errors import Invalid
from kinline_email import headers

MAX_MAILBOXES = 500
MAX_LIST = 64_000  #: characters of a list that are read
MAX_NAME = 200

_SIMPLE = re.compile(r"\s*(?:\"([^\"\\]*)\"|([^\"<>(),:;\\@]*))\s*<([^\s<>(),:;\\\"]+)>\s*")
_BARE = re.compile(r"\s*[^\s<>(),:;\\\"]+\s*")
_SPECIAL = re.compile(r"[\",;:<>()\\]")
_QUOTED = re.compile(r"([^\"\\]*(?:\\.[^\"\\]*)*)\"", re.DOTALL)
_PARENTHESIS = re.compile(r"[()\\]")


class Mailbox(msgspec.Struct, frozen=True):
    """One entry: a name for people, and the address as it was written, empty where it is not clear."""

    name: str
    address: str

    @property
    def handle(self) -> Handle | None:
        return handle_of(self.address) if self.address else None


class Mailboxes(msgspec.Struct, frozen=True):
    found: tuple[Mailbox, ...]
    grouped: bool = False  #: a group (``friends: ann@…;``) was among them
    cut: bool = False  #: there were more than the limit


@lru_cache(maxsize=8192)
def handle_of(address: str) -> Handle | None:
    """The normalised handle, or None where the text is no address."""
    try:
        return handles.normalise(Handle(HandleType.EMAIL, address))
    except Invalid:
        return None


def read(value: str, flags: set[str]) -> Mailboxes:
    """All mailboxes of one header value."""
    if "," not in value and len(value) < 1000:
        simple = _SIMPLE.fullmatch(value)
        if simple:
            name = simple[1] if simple[1] is not None else simple[2]
            return Mailboxes((Mailbox(headers.decoded(name, flags, MAX_NAME), simple[3]),))
        if "@" in value and _BARE.fullmatch(value):
            return Mailboxes((Mailbox("", value.strip()),))
    cut = len(value) > MAX_LIST
    reader = _Reader(value[:MAX_LIST], flags)
    reader.run()
    return Mailboxes(tuple(reader.found), reader.grouped, cut or reader.cut)


class _Reader:
    """Goes from special character to special character, and finishes a mailbox at each comma."""

    def __init__(self, value: str, flags: set[str]) -> None:
        self.value = value
        self.flags = flags
        self.at = 0
        self.found: list[Mailbox] = []
        self.grouped = self.cut = False
        self._fresh()

    def _fresh(self) -> None:
        self.written = self.name = self.comment = self.angle = ""
        self.has_angle = self.broken = False

    def run(self) -> None:
        while self.at < len(self.value) and not self.cut:
            special = _SPECIAL.search(self.value, self.at)
            self._plain(self.value[self.at : special.start() if special else len(self.value)])
            if special is None:
                break
            self.at = special.end()
            _STEPS[special[0]](self)
        self._finish()

    def _plain(self, text: str) -> None:
        if text.strip() and self.has_angle:
            self.broken = True  # words behind the address: which part is meant?
        self.written += text
        self.name += text

    def _quote(self) -> None:
        closed = _QUOTED.match(self.value, self.at)
        if closed is None:
            self._unclosed()
            return
        self.at = closed.end()
        self.broken |= self.has_angle
        self.written += f'"{closed[1]}"'
        self.name += re.sub(r"\\(.)", r"\1", closed[1], flags=re.DOTALL)

    def _open_comment(self) -> None:
        depth, start = 1, self.at
        while depth:
            found = _PARENTHESIS.search(self.value, self.at)
            if found is None:
                self._unclosed()
                return
            self.at = found.end() + (found[0] == "\\")
            depth += {"(": 1, ")": -1, "\\": 0}[found[0]]
        self.comment = self.comment or self.value[start : self.at - 1]
        self.written += " "

    def _open_angle(self) -> None:
        close = self.value.find(">", self.at)
        if close < 0:
            self._unclosed()
            return
        inside = self.value[self.at : close].strip()
        self.broken |= self.has_angle or "<" in inside
        self.angle, self.has_angle, self.at = inside, True, close + 1

    def _colon(self) -> None:
        self.grouped = True
        self._fresh()

    def _spoil(self) -> None:
        self.broken = True

    def _unclosed(self) -> None:
        """The rest of the list hangs inside something that never ends: it is nobody."""
        self.broken, self.at = True, len(self.value)

    def _finish(self) -> None:
        address = self.angle if self.has_angle else self.written.strip() if "@" in self.written else ""
        if address.startswith("@") and ":" in address:  # a source route, RFC 5322 section 4.4
            address = address.rpartition(":")[2]
        if self.broken or (any(char.isspace() for char in address) and '"' not in address):
            address = ""
        name = self.name if self.has_angle or not address else self.comment
        if address or name.strip() or self.broken:
            self._add(Mailbox(headers.decoded(name.strip(), self.flags, MAX_NAME), address))
        self._fresh()

    def _add(self, mailbox: Mailbox) -> None:
        if len(self.found) == MAX_MAILBOXES:
            self.cut = True
        else:
            self.found.append(mailbox)


_STEPS = {
    '"': _Reader._quote,
    "(": _Reader._open_comment,
    ")": _Reader._spoil,
    "<": _Reader._open_angle,
    ">": _Reader._spoil,
    ",": _Reader._finish,
    ";": _Reader._finish,
    ":": _Reader._colon,
    "\\": _Reader._spoil,
}
