"""Stored templates: what a message says, under a name, in versions, each in several languages.

A version is never changed, and what was decided is written from the version decided on. The language is the
person's own (their attribute ``language``), else that of what is answered, else the template's default; each is
looked up as RFC 4647 section 3.4 has it: ``es-MX``, then ``es``.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.errors import Conflict, Invalid, NotFound
from kinline.store import sql
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
    rows = sql.run(session, "SELECT version, spec FROM template WHERE name = {p} ORDER BY version DESC LIMIT 1", name)
    if rows and rows[0][1] == spec:
        return newest(session, name), False
    row = TemplateRow(
        name=name, version=(rows[0][0] if rows else 0) + 1, spec=spec, made_by=by, made_at=clock.now()
    )  # fmt: skip
    session.add(row)
    session.flush()
    return _stored(row.name, row.version, spec, by, row.made_at), True


def newest(session: Session, name: str, version: int | None = None) -> StoredTemplate:
    """The newest version, or that one. Raises `NotFound`."""
    found = _read(
        session, "name = {p} " + ("AND version = {p} " if version else ""), name, *([version] if version else [])
    )
    if not found:
        raise NotFound(
            f"There is no template “{name[:80]}”" + (" in that version." if version else "."), code="no_such_template"
        )
    return found[0]


def versions(session: Session, name: str) -> list[StoredTemplate]:
    """All versions, the newest first. Raises `NotFound`."""
    return _read(session, "name = {p} ", name) or [newest(session, name)]


def page(session: Session, *, after: str = "", limit: int = 50) -> list[StoredTemplate]:
    """The newest version of each, by name, after a name."""
    rows = sql.run(
        session,
        "SELECT t.name, t.version, t.spec, t.made_by, t.made_at FROM template t WHERE t.name > {p} AND t.version = "
        "(SELECT max(o.version) FROM template o WHERE o.name = t.name) ORDER BY t.name LIMIT {p}",
        after, limit,
    )  # fmt: skip
    return [_stored(*row) for row in rows]


def remove(session: Session, name: str, used_by: Iterable[str]) -> None:
    """Forget a template with all its versions. Raises `Conflict` while a trigger names it."""
    newest(session, name)
    users = sorted(used_by)
    if users:
        raise Conflict(f"The trigger “{users[0]}” names this template. Change that first.", code="in_use")
    sql.run(session, "DELETE FROM template WHERE name = {p}", name)


def latest_of(session: Session, names: Iterable[str]) -> dict[str, int]:
    """The newest version of each of these that there is."""
    rows = sql.select_in(
        session, "SELECT name, max(version) FROM template WHERE name {in} GROUP BY name", sorted(set(names))
    )
    return {str(name): int(version) for name, version in rows}


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


def _read(session: Session, where: str, *values: object) -> list[StoredTemplate]:
    rows = sql.run(
        session,
        f"SELECT name, version, spec, made_by, made_at FROM template WHERE {where}ORDER BY version DESC",
        *values,
    )
    return [_stored(*row) for row in rows]


def _stored(name: str, version: int, spec: str, made_by: str, made_at: int) -> StoredTemplate:
    said = msgspec.json.decode(spec)
    return StoredTemplate(
        name=name, version=version, about=said["about"], default=said["default"], made_by=made_by,
        languages=msgspec.convert(said["languages"], dict[str, Form]), made_at=clock.to_text(made_at),
    )  # fmt: skip
