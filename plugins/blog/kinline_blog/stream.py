"""XML of any size in constant memory: complete records out, one after the other, and nothing kept of the rest.

Python's own expat does the reading: it is as fast as libxml2 here and lets us stop at the first sign of
a document type. No DTD means no entities of the file's own, so nothing unfolds (billion laughs) and nothing
is fetched (XXE); there is no code here that could open a file or a connection.
"""

from collections.abc import Callable, Iterator
from html.entities import html5
from typing import BinaryIO
from xml.parsers import expat  # with DTDs refused and limits set, below

from kinline import Unreadable
from kinline_blog import decoding
from kinline_blog.records import Record, Shape

MAX_DEPTH = 100  #: elements inside each other
MAX_ATTRIBUTES = 1_000  #: of one element
MAX_NAMES = 10_000  #: different names of elements and attributes; expat keeps each for ever
MAX_NAMESPACES = 1_000  #: declarations in one file; expat keeps their prefixes
MAX_TAG = 1 << 20  #: characters of one tag or XML comment
MAX_FIELD = 1 << 20  #: characters of one field; what is longer is cut
XINCLUDE = "http://www.w3.org/2001/XInclude"

#: How the names of known namespaces begin here. WordPress numbers its own: export/1.0/ to export/1.2/.
PREFIXES = {
    "http://purl.org/dc/elements/1.1/": "dc:",
    "http://purl.org/rss/1.0/modules/content/": "content:",
    "http://disqus.com": "disqus:",
    "http://disqus.com/disqus-internals": "dsq:",
}
WORDPRESS = "http://wordpress.org/export/"

#: What expat says at the end of a file that stops in the middle.
TRUNCATED = frozenset({3, 5, 6, 20})  # no element, unclosed token, partial character, unclosed CDATA section


RootReader = Callable[[str, frozenset[str]], Shape]  #: root element, namespaces declared at it → what file this is


class Reader:
    """Reads one file. Iterate over it; ``shape`` is known from the first record on.

    Raises `Unreadable`: what stood before the fault has been passed on by then.
    """

    def __init__(self, root: RootReader) -> None:
        self.shape = Shape("", {}, {})
        self._root = root
        self._done: list[Record] = []
        self._record, self._path = Record(""), ""
        self._pieces: list[str] | None = None
        self._room = 0
        self._open: list[tuple[Record, str, list[str] | None]] = []
        self._names: dict[str, str] = {}
        self._namespaces: list[str] = []
        self._skipped_lines = 0
        self._fed = self._heard = 0
        self._parser = self._made()

    def _made(self) -> expat.XMLParserType:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.StartNamespaceDeclHandler = self._namespace
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.ProcessingInstructionHandler = _refuse_stylesheet
        parser.CommentHandler = self._comment
        # expat calls an undefined entity an error, unless a DTD that it did not see might define it. So it is
        # told of such a DTD, which is empty, and then names the entity and goes on.
        parser.UseForeignDTD(True)
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_ALWAYS)
        parser.ExternalEntityRefHandler = self._empty_dtd
        parser.SkippedEntityHandler = self._entity
        return parser

    def read(self, head: bytes, raw: BinaryIO) -> Iterator[Record]:
        """The records in the order of their ends."""
        first = True
        for text in decoding.texts(head, raw):
            if first and text:
                text, first = self._from_first_tag(text), False
            fault = self._feed(text, final=False)
            yield from self._drained()
            if fault:
                raise fault
        fault = self._feed("", final=True)
        yield from self._drained()
        if fault:
            raise fault

    def _from_first_tag(self, text: str) -> str:
        """Blank lines before the XML declaration are a well-known slip of WordPress plugins, and no harm."""
        stripped = text.lstrip("\ufeff \t\r\n")
        self._skipped_lines = text[: len(text) - len(stripped)].count("\n")
        return stripped

    def _feed(self, text: str, *, final: bool) -> Unreadable | None:
        self._fed += len(text)
        try:
            self._parser.Parse(text, final)
        except expat.ExpatError as error:
            return self._fault(error, final)
        except Unreadable as refusal:
            return Unreadable(f"Line {self._line()}: {refusal.detail}", code=refusal.code)
        if self._fed - self._heard > MAX_TAG:
            return Unreadable(f"Line {self._line()}: a tag of over {MAX_TAG} characters.", code="xml_too_many")
        return None

    def _fault(self, error: expat.ExpatError, final: bool) -> Unreadable:
        where = f"line {error.lineno + self._skipped_lines}, column {error.offset + 1}"
        if final and error.code in TRUNCATED:
            return Unreadable(f"The file ends in the middle, at {where}, after {self._fed} characters. "
                              "What stands before is read; export it again for the rest.", code="xml_truncated")  # fmt: skip
        return Unreadable(f"No well-formed XML at {where}: {expat.ErrorString(error.code)}.", code="xml_broken")

    def _drained(self) -> Iterator[Record]:
        done, self._done = self._done, []
        yield from done

    def _line(self) -> int:
        return self._parser.CurrentLineNumber + self._skipped_lines

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._heard = self._fed
        tag = self._names.get(name) or self._named(name)
        if len(self._open) >= MAX_DEPTH:
            raise Unreadable(f"over {MAX_DEPTH} elements inside each other.", code="xml_too_deep")
        if len(attributes) > MAX_ATTRIBUTES:
            raise Unreadable(f"over {MAX_ATTRIBUTES} attributes at one element.", code="xml_too_many")
        if not self._open:
            self.shape = self._root(tag, frozenset(self._namespaces))
        self._open.append((self._record, self._path, self._pieces))
        path = f"{self._path}/{tag}" if self._path else tag
        form = self.shape.records.get((self._record.form, path))
        if form is not None:
            self._record, path, self._pieces = Record(form, self._line(), self._record), "", None
        else:
            self._pieces = [] if path in self.shape.fields.get(self._record.form, ()) else None
        self._path, self._room = path, MAX_FIELD
        if attributes and (form is not None or self._pieces is not None):
            for attribute, value in attributes.items():
                self._keep(f"{path}@{self._names.get(attribute) or self._named(attribute)}", value[:MAX_FIELD])

    def _end(self, name: str) -> None:
        self._heard = self._fed
        if self._pieces is not None:
            self._keep(self._path, "".join(self._pieces))
        elif not self._path:
            self._done.append(self._record)
        self._record, self._path, self._pieces = self._open.pop()

    def _keep(self, name: str, value: str) -> None:
        if not self._record.fields.get(name):
            self._record.fields[name] = value

    def _data(self, text: str) -> None:
        self._heard = self._fed
        if self._pieces is None:
            return
        if len(text) > self._room:
            self._record.cut = True
        self._pieces.append(text[: self._room])
        self._room -= min(len(text), self._room)

    def _named(self, name: str) -> str:
        """The short name of an element or attribute; the table of names is the limit on how many there are."""
        if len(self._names) >= MAX_NAMES:
            raise Unreadable(f"over {MAX_NAMES} different names of elements.", code="xml_too_many")
        space, _, local = name.rpartition(" ")
        if space == XINCLUDE:
            raise Unreadable("XInclude is not allowed: a blog's export includes nothing.", code="xinclude_forbidden")
        prefix = "wp:" if space.startswith(WORDPRESS) else PREFIXES.get(space, f"{space} " if space else "")
        return self._names.setdefault(name, prefix + local)

    def _namespace(self, prefix: str | None, space: str | None) -> None:
        if len(self._namespaces) >= MAX_NAMESPACES:
            raise Unreadable(f"over {MAX_NAMESPACES} namespaces.", code="xml_too_many")
        self._namespaces.append(space or "")

    def _comment(self, text: str) -> None:
        self._heard = self._fed

    def _empty_dtd(self, context: str | None, base: str | None, system: str | None, public: str | None) -> int:
        if system is None and public is None:
            self._parser.ExternalEntityParserCreate(context).Parse("", True)
            return 1
        return 0

    def _entity(self, name: str, is_parameter: bool) -> None:
        """The named characters of HTML are read as meant; of others, the record tells the name."""
        self._heard = self._fed
        meant = html5.get(f"{name};")
        if meant is None:
            self._record.undefined = self._record.undefined or name[:60]
        else:
            self._data(meant)


def _refuse_doctype(name: str, system: str | None, public: str | None, has_subset: bool) -> None:
    if name.lower() == "html" and not has_subset:
        raise Unreadable("this is a web page, not an export of comments.", code="not_wxr")
    raise Unreadable("a document type is not allowed: an export of comments has none.", code="dtd_forbidden")


def _refuse_stylesheet(target: str, data: str) -> None:
    if target == "xml-stylesheet":
        raise Unreadable("a stylesheet is not allowed: an export of comments has none.", code="stylesheet_forbidden")
