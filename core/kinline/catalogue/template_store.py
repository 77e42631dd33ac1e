"""Stored templates: what a message says, under a name, in versions, each in several languages.

A version is never changed, and what was decided is written from the version decided on. The language is the
person's own (their attribute ``language``), else that of what is answered, else the template's default; each is
looked up as RFC 4647 section 3.4 has it: ``es-MX``, then ``es``.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from kinline import clock
from kinline.errors import Conflict, Invalid, NotFound
from kinline.store.ask import Ask, Change, among, columns
from kinline.store.models import TemplateRow
from kinline.triggers import templates
from kinline.triggers.compiled import root_of
from kinline.triggers.parts import many

NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
#: BCP 47 as far as people write it: a language, and subtags.
TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}")
MOST_LANGUAGES = 50
FORMS: tuple[tuple[str, templates.Form], ...] = (("text", "text"), ("subject", "line"), ("html", "html"))


class Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A message in one language. ``html`` is the same as ``text``, for those who show it."""

    text: str
    subject: str = ""
    html: str = ""


class StoredTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a template. ``languages``: what it says in each; ``default``: the one for everybody else."""

    name: str
    version: int
    about: str
    default: str
    languages: dict[str, Form]
    made_by: str
    made_at: str | None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its author should know, in sentences."""
        names = {name for form in self.languages.values() for name in _names(form)}
        strange = sorted(name for name in names if root_of(name) not in many(templates.ROOTS))
        known = ", ".join(templates.ROOTS)
        return tuple(f"It speaks of `{name}`, which nobody fills in; it can speak of {known}." for name in strange)


class WrittenTemplate(msgspec.Struct, frozen=True):
    """What a template says to somebody. ``source`` names it: name, version and language."""

    source: str
    language: str
    subject: str
    text: str
    html: str


class _TemplateVersion(msgspec.Struct, frozen=True):
    name: str
    version: int
    spec: str
    made_by: str
    made_at: int


class _LatestVersion(msgspec.Struct, frozen=True):
    name: str
    version: int


_Other = aliased(TemplateRow)
_NAMED = col(TemplateRow.name) == bindparam("name")
_ALL = select(*columns(TemplateRow, _TemplateVersion))
_VERSIONS = Ask(_ALL.where(_NAMED).order_by(col(TemplateRow.version).desc()), _TemplateVersion)
_VERSION = Ask(_ALL.where(_NAMED, col(TemplateRow.version) == bindparam("version")), _TemplateVersion)
_NEWEST = select(func.max(col(_Other.version))).where(col(_Other.name) == col(TemplateRow.name)).scalar_subquery()
_PAGE = Ask(
    _ALL.where(col(TemplateRow.name) > bindparam("after"), col(TemplateRow.version) == _NEWEST)
    .order_by(col(TemplateRow.name))
    .limit(bindparam("most")),
    _TemplateVersion,
)
_LATEST = Ask(
    select(col(TemplateRow.name), func.max(col(TemplateRow.version)).label("version"))
    .where(among(col(TemplateRow.name), "names"))
    .group_by(col(TemplateRow.name)),
    _LatestVersion,
)
_REMOVE = Change(delete(TemplateRow).where(_NAMED))


def checked(name: str, languages: dict[str, Form], default: str) -> dict[str, Form]:
    """The languages under their tags as they are compared. Raises `Invalid` with a pointer to what is wrong."""
    if not NAME.fullmatch(name):
        raise Invalid(
            "a name is small letters, digits and hyphens, like we-saw-it", code="invalid_name", pointer="/name"
        )
    if not 1 <= len(languages) <= MOST_LANGUAGES:
        detail = f"a template is in 1 to {MOST_LANGUAGES} languages"
        raise Invalid(detail, code="invalid_template", pointer="/languages")
    for tag, form in languages.items():
        _check(form, _tag(tag, f"/languages/{tag[:40]}"), f"/languages/{tag}")
    if _tag(default, "/default") not in map(str.lower, languages):
        detail = f"the default language {default} is none of its languages: {', '.join(sorted(languages))}"
        raise Invalid(detail, code="no_default", pointer="/default")
    if len({tag.lower() for tag in languages}) < len(languages):
        raise Invalid("one language stands there twice", code="invalid_template", pointer="/languages")
    return {tag.lower(): form for tag, form in languages.items()}


def save(
    session: Session, name: str, languages: dict[str, Form], *, default: str, about: str = "", by: str
) -> tuple[StoredTemplate, bool]:
    """Keep it as the next version, unless the newest says the very same. Tells whether it is new."""
    said = {"about": about, "default": default.lower(), "languages": checked(name, languages, default)}
    spec = msgspec.json.encode(said, order="sorted").decode()
    before = _VERSIONS.first(session, name=name)
    if before and before.spec == spec:
        return _stored(before), False
    new = _TemplateVersion(name, (before.version if before else 0) + 1, spec, by, clock.now())
    session.add(TemplateRow(**msgspec.structs.asdict(new)))
    session.flush()
    return _stored(new), True


def newest(session: Session, name: str, version: int | None = None) -> StoredTemplate:
    """The newest version, or that one. Raises `NotFound`."""
    found = _VERSION.first(session, name=name, version=version) if version else _VERSIONS.first(session, name=name)
    if found is None:
        raise NotFound(
            f"There is no template “{name[:80]}”" + (" in that version." if version else "."), code="no_such_template"
        )
    return _stored(found)


def versions(session: Session, name: str) -> list[StoredTemplate]:
    """All versions, the newest first. Raises `NotFound`."""
    return [_stored(row) for row in _VERSIONS.rows(session, name=name)] or [newest(session, name)]


def page(session: Session, *, after: str = "", limit: int = 50) -> list[StoredTemplate]:
    """The newest version of each, by name, after a name."""
    return [_stored(row) for row in _PAGE.rows(session, after=after, most=limit)]


def remove(session: Session, name: str, used_by: Iterable[str]) -> None:
    """Forget a template with all its versions. Raises `Conflict` while a trigger names it."""
    newest(session, name)
    users = sorted(used_by)
    if users:
        raise Conflict(f"The trigger “{users[0]}” names this template. Change that first.", code="in_use")
    _REMOVE.run(session, name=name)


def latest_of(session: Session, names: Iterable[str]) -> dict[str, int]:
    """The newest version of each of these that there is."""
    return {row.name: row.version for row in _LATEST.rows(session, names=sorted(set(names)))}


def language_for(stored: StoredTemplate, wanted: Iterable[object]) -> str:
    """Which of its languages to write in, by what is wanted, the first wish first."""
    for wish in wanted:
        for tag in _lookup(wish):
            if tag in stored.languages:
                return tag
    return stored.default


def write(stored: StoredTemplate, language: str, data: dict[str, Any]) -> WrittenTemplate:
    """Fill it in, once. Raises `Invalid` as templates do: ``missing first_name`` and so on."""
    form = stored.languages[language]
    filled = {name: templates.render(source, data, kind) for name, kind, source in _sources(form)}
    source = f"{stored.name}@{stored.version} {language}"
    return WrittenTemplate(source, language, filled.get("subject", ""), filled["text"], filled.get("html", ""))


def _lookup(wish: object) -> Iterator[str]:
    """``es-419-x`` as ``es-419-x``, ``es-419``, ``es``. What is no tag is no wish."""
    if not isinstance(wish, str) or not TAG.fullmatch(wish):
        return
    parts = wish.lower().split("-")
    for length in range(len(parts), 0, -1):
        if length == len(parts) or len(parts[length - 1]) > 1:
            yield "-".join(parts[:length])


def _check(form: Form, tag: str, pointer: str) -> None:
    if not form.text.strip():
        raise Invalid("say something: the text is empty", code="empty_text", pointer=f"{pointer}/text")
    for name, kind, source in _sources(form):
        templates.check(source, kind, f"{pointer}/{name}")


def _tag(tag: str, pointer: str) -> str:
    if not TAG.fullmatch(tag):
        raise Invalid("a language is a tag of BCP 47, like en or es-MX", code="invalid_language", pointer=pointer)
    return tag.lower()


def _sources(form: Form) -> Iterator[tuple[str, templates.Form, str]]:
    for name, kind in FORMS:
        if source := getattr(form, name):
            yield name, kind, source


def _names(form: Form) -> Iterator[str]:
    for _, kind, source in _sources(form):
        yield from templates.check(source, kind).names


def _stored(row: _TemplateVersion) -> StoredTemplate:
    said = msgspec.json.decode(row.spec)
    return StoredTemplate(
        name=row.name, version=row.version, about=said["about"], default=said["default"], made_by=row.made_by,
        languages=msgspec.convert(said["languages"], dict[str, Form]), made_at=clock.to_text(row.made_at),
    )  # fmt: skip
