"""Bytes to text, chunk by chunk, with everything out that XML 1.0 does not allow (section 2.2, Char).

Blogs are full of control characters and of bytes in another charset than declared. The XML parser would
stop at the first; here each becomes U+FFFD, and lines keep their numbers.
"""

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

CHUNK = 1 << 16  #: bytes read at a time
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,8}));")
LONGEST_REFERENCE = 12
DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}["']([A-Za-z0-9._-]{1,40})["']""")
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"<\x00": "utf-16-le",
    b"\x00<": "utf-16-be",
}

#: Charsets in which "<?xml" reads as in ASCII; only these are believed when declared. A declared UTF-16 whose
#: declaration we could read is none. Latin-1 is read as Windows-1252, as browsers do (WHATWG Encoding).
CHARSETS = {"iso8859-1": "cp1252", "ascii": "utf-8"} | {
    name: name
    for name in """utf-8 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp874 iso8859-2 iso8859-5
    iso8859-7 iso8859-8 iso8859-9 iso8859-15 koi8-r koi8-u gbk gb2312 gb18030 big5 shift_jis euc_jp euc_kr""".split()  # noqa: SIM905
}


def charset_of(head: bytes) -> str:
    """What the file is written in: its byte order mark, else what it declares and we believe, else UTF-8."""
    for mark, charset in MARKS.items():
        if head.startswith(mark):
            return charset
    declared = DECLARED.match(head.lstrip()[:400])
    try:
        return CHARSETS.get(codecs.lookup(declared[1].decode()).name, "utf-8") if declared else "utf-8"
    except LookupError:
        return "utf-8"


def texts(head: bytes, raw: BinaryIO) -> Iterator[str]:
    """The text of ``head`` and all that follows it in ``raw``, legal in XML, in pieces of about a chunk."""
    decoder = codecs.getincrementaldecoder(charset_of(head))("replace")
    held = ""
    for chunk in chain((head,), iter(lambda: raw.read(CHUNK), b"")):
        text, held = _split(held + decoder.decode(chunk))
        yield legal(text)
    yield legal(held + decoder.decode(b"", final=True))


def _split(text: str) -> tuple[str, str]:
    """Hold a character reference back that the chunk may have cut in two."""
    at = text.rfind("&", max(0, len(text) - LONGEST_REFERENCE))
    return (text, "") if at < 0 or ";" in text[at:] else (text[:at], text[at:])


def legal(text: str) -> str:
    """Without the characters, and the references to characters, that XML 1.0 forbids."""
    text = ILLEGAL.sub("\ufffd", text)
    return REFERENCE.sub(_referred, text) if "&#" in text else text


def _referred(found: re.Match[str]) -> str:
    code = int(found[1], 16) if found[1] else int(found[2])
    return found[0] if code <= 0x10FFFF and not ILLEGAL.match(chr(code)) else "\ufffd"
