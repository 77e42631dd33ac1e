"""Bytes to text, whatever the mail says they are.

Only the charsets below are believed: Python also calls rot13, zlib, idna and unicode_escape "encodings",
and utf-7 hides markup (the WHATWG Encoding Standard bans it). A wrong label never loses a mail: the bytes
are read as UTF-8, else as windows-1252, and that is noted.
"""

import codecs
import re
from functools import lru_cache

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
LONE = re.compile("[\ud800-\udfff]")

_KNOWN = re.compile(
    r"utf-8|utf-16(-[lb]e)?|utf-32(-[lb]e)?|iso8859-\d+|cp(1006|125[0-8]|437|85[0-9]|86[0-9]|874|93[2-6]|949|950)"
    r"|koi8-[rut]|gb2312|gbk|gb18030|big5(hkscs)?|euc_(jp|kr|jis_2004|jisx0213)|shift_jis(_2004|x0213)?"
    r"|iso2022_(jp(_[123]|_2004|_ext)?|kr)|hz|johab|mac-\w+|tis-620|ptcp154|hp-roman8"
)
#: What people write, and what Python calls it. Latin-1 means windows-1252 in practice (WHATWG).
_ALIASES = {
    "": "ascii",
    "ascii": "ascii",
    "us-ascii": "ascii",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "x-sjis": "cp932",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "windows-31j": "cp932",
    "gb2312": "gb18030",
    "x-gbk": "gb18030",
    "chinesebig5": "big5",
    "x-big5": "big5",
    "cn-big5": "big5",
    "unicode": "utf-16",
    "utf8mb4": "utf-8",
    "x-unknown": "ascii",
    "unknown-8bit": "ascii",
    "default": "ascii",
    "x-user-defined": "ascii",
}


def decode(raw: bytes, label: str) -> tuple[str, bool]:
    """The text, and whether it had to be guessed against the label. Newlines are ``\\n``, no control characters."""
    name = codec(label)
    if name == "ascii" and raw.isascii():
        return clean(raw.decode("ascii")), False
    if name == "cp1252" and not raw.isascii() and _is_utf8(raw):
        return clean(raw.decode("utf-8")), True  # real Latin-1 is hardly ever valid UTF-8; wrong labels are common
    if name and name != "ascii":
        try:
            return clean(raw.decode(name)), False
        except (ValueError, LookupError):
            pass
    return clean(guess(raw)), bool(label) or not _is_utf8(raw)


@lru_cache(maxsize=512)
def codec(label: str) -> str:
    """Python's name for a charset label, or nothing when it is none to believe."""
    wanted = label.strip().strip("'\"").lower()[:60]
    if wanted in _ALIASES:
        return _ALIASES[wanted]
    try:
        name = codecs.lookup(wanted).name
    except (LookupError, ValueError):
        return ""
    name = _ALIASES.get(name, name)
    return name if name == "ascii" or _KNOWN.fullmatch(name) else ""


def guess(raw: bytes, label: str = "") -> str:
    """UTF-8 if it is, else what somebody says it may be, else windows-1252, which reads everything but five bytes."""
    try:
        return raw.decode("utf-8")
    except ValueError:
        return _by_label(raw, label) or raw.decode("cp1252", "replace")


def _by_label(raw: bytes, label: str) -> str:
    """Read as the label says, where it names a charset and that fits."""
    name = codec(label) if label else ""
    try:
        return raw.decode(name) if name and name != "ascii" else ""
    except (ValueError, LookupError):
        return ""


def clean(text: str) -> str:
    """No control characters but tab and newline: databases refuse NUL, terminals obey the others."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = LONE.sub("�", text)
    return CONTROL.sub("", text)


def one_line(text: str, limit: int) -> str:
    """On one line, with single spaces, no longer than ``limit`` characters."""
    return " ".join(CONTROL.sub(" ", LONE.sub("�", text)).split())[:limit].rstrip()


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except ValueError:
        return False
    return True
