"""What the XML reader passes on, and what it is told to look for."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Record:
    """One record as it stood in the file: the wanted fields by path, ``thread@dsq:id`` for an attribute."""

    form: str
    line: int = 0
    above: "Record | None" = None
    fields: dict[str, str] = field(default_factory=dict)
    cut: bool = False  #: a field was too long
    undefined: str = ""  #: an entity that nobody defined
    told: bool = False  #: for the reader: this record was passed on already

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "").strip()


@dataclass(frozen=True)
class Shape:
    """Which elements are records, by the record around them and the path from it, and which fields they have."""

    name: str
    records: Mapping[tuple[str, str], str]
    fields: Mapping[str, frozenset[str]]
