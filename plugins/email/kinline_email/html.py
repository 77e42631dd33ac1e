"""HTML to text, and HTML that can be shown.

One pass over the tags, no tree: a tree of 200,000 nested elements costs minutes and its readers lose the
text. What is shown is cleaned by nh3's allow-list, after a check that it is not built to hurt it (nh3 is
quadratic in nesting, in attributes and in entities). Nothing remote is kept: an image that is fetched tells on its reader.
"""

import re
from html import unescape

import nh3

MAX_HTML = 500_000  #: characters that are read
MAX_NESTING = 200
MAX_ATTRIBUTES = 200
#: Signs that are written as entities: nh3 is quadratic in those of one text (400,000 no-break spaces: 5 seconds).
MAX_ESCAPED = 50_000

_TAG = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9:]{0,30})")
_SPACE = re.compile(r"[ \t\n\f\xa0]+")
_BLANK_LINES = re.compile(r"\n{3,}")

_SILENT = frozenset("script style title template noscript svg math object iframe".split())  # noqa: SIM905
_VOID = frozenset("br hr img meta link input area base col embed source track wbr param".split())  # noqa: SIM905
_SELF_CLOSING = frozenset("p li td tr th dt dd tbody thead tfoot option html body".split())  # noqa: SIM905
_BREAKS = {
    **dict.fromkeys("p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre hr".split(), "\n\n"),  # noqa: SIM905
    **dict.fromkeys("div br tr li dt dd section article header footer address center form".split(), "\n"),  # noqa: SIM905
    **dict.fromkeys(("td", "th"), " "),
}
_QUOTING = frozenset("div blockquote span hr a table td p section".split())  # noqa: SIM905

#: Marks that mailers put on the element that holds what is quoted.
_QUOTE = re.compile(
    r"gmail_quote|gmail_attr|gmail_extra|yahoo_quoted|moz-cite-prefix|protonmail_quote|tutanota_quote|zmail_extra"
    r"|missive_quote|olk_src_body_section|type=[\"']?cite|name=[\"']?(?:quote|messagereplysection)\b",
    re.IGNORECASE,
)
#: Marks after which all the rest is quoted: Outlook and Hotmail put the quotation beside the mark, not in it.
_REST = re.compile(
    r"divrplyfwdmsg|appendonsend|stopspelling|mail-editor-reference-message-container"
    r"|border-top: ?solid ?#[0-9a-f]{6} 1\.0pt; ?padding: ?3\.0pt 0",
    re.IGNORECASE,
)


class Reading:
    """The text of a piece of HTML: ``full``, and ``visible`` without what its mailer marked as quoted."""

    def __init__(self, html: str) -> None:
        self.full, self.visible = "", ""
        self.cleanable = html.count("&") + html.count("\xa0") <= MAX_ESCAPED
        self._all: list[str] = []
        self._seen: list[str] = []
        self._silent = self._quote = ""  # the element that ends the silence, the quotation
        self._quote_depth = self._depth = self._pre = 0
        self._resting = self._comment = False
        self._run(html)
        self.full = _tidy(self._all)
        self.visible = self.full if len(self._seen) == len(self._all) else _tidy(self._seen)

    def _run(self, html: str) -> None:
        first, *pieces = html.split("<")
        self._say(first)
        for piece in pieces:
            if self._comment or piece.startswith("!--"):
                self._in_comment(piece)
                continue
            found = _TAG.match(piece)
            if found is None:
                self._odd(piece)
                continue
            tag, _, text = piece.partition(">")
            self._tag(found[2].lower(), bool(found[1]), tag)
            self._say(text)

    def _in_comment(self, piece: str) -> None:
        end = piece.find("-->")
        self._comment = end < 0
        if end >= 0:
            self._say(piece[end + 3 :])

    def _odd(self, piece: str) -> None:
        """``<!DOCTYPE>``, ``<?xml?>``, and a plain less-than sign."""
        if piece[:1] in ("!", "?"):
            self._say(piece.partition(">")[2])
        else:
            self._say("<" + piece)

    def _tag(self, name: str, closing: bool, tag: str) -> None:
        if self._silent:
            self._silent = "" if closing and name == self._silent else self._silent
            return
        self._measure(name, closing, tag)
        if name in _SILENT and not closing and not tag.endswith("/"):
            self._silent = name
            return
        if name in _QUOTING:
            self._quoting(name, closing, tag)
        if name == "pre":
            self._pre = 0 if closing else 1
        if name in _BREAKS:
            self._put(_BREAKS[name] if not (closing and name in ("tr", "li")) else "")
        if name == "li" and not closing:
            self._put("- ")

    def _measure(self, name: str, closing: bool, tag: str) -> None:
        if name not in _VOID and name not in _SELF_CLOSING:
            self._depth = max(0, self._depth + (-1 if closing else 1))
        if self._depth > MAX_NESTING or (len(tag) > MAX_ATTRIBUTES and len(tag.split()) > MAX_ATTRIBUTES):
            self.cleanable = False

    def _quoting(self, name: str, closing: bool, tag: str) -> None:
        if self._quote:
            if name == self._quote:
                self._quote_depth += -1 if closing else 1
                self._quote = self._quote if self._quote_depth > 0 else ""
        elif not closing and (name == "blockquote" or _QUOTE.search(tag[:2000])):
            self._quote, self._quote_depth = name, 1
        elif not closing and _REST.search(tag[:2000]):
            self._resting = True

    def _say(self, text: str) -> None:
        if text and not self._silent:
            text = unescape(text) if "&" in text else text
            self._put(text if self._pre else _SPACE.sub(" ", text))

    def _put(self, text: str) -> None:
        self._all.append(text)
        if not (self._quote or self._resting):
            self._seen.append(text)


def cleaned(html: str) -> str:
    """What may be shown, in a sandbox: nh3's allow-list, without styles, and with no image but those that came along."""
    return nh3.clean(
        html,
        clean_content_tags={"script", "style", "title"},
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        attribute_filter=_filtered,
        link_rel="noopener noreferrer nofollow",
    )


def escaped(text: str) -> str:
    """Plain text as HTML, for mails that mix both."""
    return f"<pre>{nh3.clean_text(text)}</pre>" if text else ""


def _filtered(tag: str, name: str, value: str) -> str | None:
    remote = name in ("src", "cite", "background") and not value.lower().startswith("cid:")
    return None if remote else value


def _tidy(pieces: list[str]) -> str:
    lines = [_SPACE.sub(" ", line).strip() for line in "".join(pieces).split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()
