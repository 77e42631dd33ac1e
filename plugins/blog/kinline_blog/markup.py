"""What a comment says: safe HTML by an allow-list, and plain text out of it.

Both work in linear time. The HTML cleaner alone would not (it builds a tree, and takes seconds for thousands
of elements inside each other), so markup with more tags than people write gets text only.
"""

import html
import re

import msgspec
import nh3

MAX_HTML = 1 << 18  #: characters that are still cleaned as HTML
MAX_TAGS = 2_000
MAX_ESCAPED = 50_000  #: signs that are written as entities: nh3 is quadratic in those of one text
MAX_TEXT = 1 << 20

#: Words and their shape. No images and nothing that loads by itself: those would tell others who reads.
TAGS = set(
    """a abbr b blockquote br cite code dd del dl dt em h1 h2 h3 h4 h5 h6 hr i ins kbd li ol p pre q s small strong
    sub sup table tbody td th thead tr u ul""".split()  # noqa: SIM905 - reads as a list of words
)
ATTRIBUTES = {"a": {"href", "title"}, "abbr": {"title"}, "blockquote": {"cite"}, "q": {"cite"}}

TAG = re.compile(r"(<[^<>]*>)")
NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)")
BLOCK = re.compile(r"<(?:p|br|div|ul|ol|dl|pre|blockquote|table|h[1-6])\b", re.IGNORECASE)
EMPTY_LINE = re.compile(r"\n[ \t]*\n")
MANY_LINES = re.compile(r"\n{3,}")

#: What a tag means for plain text.
BREAKS = {"br": "\n", "hr": "\n\n", "li": "\n- ", "tr": "\n", "td": " ", "th": " ", "dt": "\n", "dd": "\n"}
BREAKS |= dict.fromkeys("p div ul ol dl pre blockquote table h1 h2 h3 h4 h5 h6".split(), "\n\n")  # noqa: SIM905
ONLY_WHEN_OPENED = frozenset({"li", "tr", "td", "th", "dt", "dd"})


class Words(msgspec.Struct, frozen=True):
    text: str
    html: str = ""
    flags: tuple[str, ...] = ()


def words(raw: str, *, cut: bool = False) -> Words:
    """The plain and the clean form of what was written, as HTML or as WordPress's text with empty lines."""
    flags = ["text_cut"] if cut else []
    markup = paragraphs(raw.replace("\r\n", "\n"))
    clean = ""
    escaped = markup.count("&") + markup.count("\xa0")
    if len(markup) > MAX_HTML or markup.count("<") > MAX_TAGS or escaped > MAX_ESCAPED:
        flags.append("html_left_out")
    else:
        clean = nh3.clean(markup, tags=TAGS, attributes=ATTRIBUTES).strip()
    said = plain(clean or markup)
    if "\ufffd" in said:
        flags.append("charset_replaced")
    return Words(said[:MAX_TEXT], clean, tuple(flags))


def paragraphs(raw: str) -> str:
    """As WordPress shows stored text (its ``wpautop``): so an export and REST give the same words and HTML."""
    if not raw.strip() or BLOCK.search(raw):
        return raw
    parts = (part.strip().replace("\n", "<br />\n") for part in EMPTY_LINE.split(raw))
    return "\n".join(f"<p>{part}</p>" for part in parts if part)


def plain(markup: str) -> str:
    """The words only, with the line breaks a reader would see."""
    pieces: list[str] = []
    keep_lines = False
    for token in TAG.split(markup):
        name = NAME.match(token)
        if name:
            tag, closing = name[1].lower(), token.startswith("</")
            keep_lines = not closing if tag == "pre" else keep_lines
            pieces.append("" if closing and tag in ONLY_WHEN_OPENED else BREAKS.get(tag, ""))
        elif not token.startswith(("<!", "<?")):
            pieces.append(html.unescape(token if keep_lines else _folded(token)).replace("\xa0", " "))
    lines = "\n".join(line.strip(" ") if not line.startswith("  ") else line.rstrip() for line in _lines(pieces))
    return MANY_LINES.sub("\n\n", lines).strip()


def _lines(pieces: list[str]) -> list[str]:
    return "".join(pieces).split("\n")


def _folded(token: str) -> str:
    """White space as HTML means it: one space, kept at the ends."""
    inner = " ".join(token.split())
    if not inner:
        return " " if token else ""
    return f"{' ' * token[0].isspace()}{inner}{' ' * token[-1].isspace()}"
