"""``kinline template``: what messages say, in files, kept in versions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import rich_click as click
import yaml

from kinline.catalogue import references, template_store
from kinline.catalogue.template_store import Form, StoredTemplate
from kinline.decide import previews
from kinline.errors import Invalid
from kinline.identity import persons
from kinline.triggers.reading import placed
from kinline.triggers.yaml_positions import MAX_BYTES, Marked, load
from kinline_cli import printing
from kinline_cli.endings import Ending, say
from kinline_cli.opened import opened

FILE = click.argument("file", type=click.File("rb"))


class WrittenMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A template as it stands in a file."""

    name: str
    default: str
    languages: dict[str, Form]
    about: str = ""


@click.group()
def template() -> None:
    """Write, check, look at and keep what messages say."""


@template.command(name="list")
@printing.json_option
def list_(as_json: bool) -> None:
    """List the templates with their versions and languages."""
    with opened() as hub, hub.store.read() as session:
        rows = [_line(each) for each in template_store.page(session, limit=10_000)]
    if as_json:
        printing.json_list(rows)
        return
    columns = ("name", "version", "languages", "default", "about")
    shown = [[", ".join(row[name]) if name == "languages" else row[name] for name in columns] for row in rows]
    printing.table(columns, shown, empty="There are no templates.")


@template.command()
@click.argument("name")
@click.option("--version", "number", type=click.IntRange(1), help="Show this version instead of the newest.")
@printing.json_option
def show(name: str, number: int | None, as_json: bool) -> None:
    """Show one template as it stands in a file."""
    with opened() as hub, hub.store.read() as session:
        found = template_store.newest(session, name, number)
    if as_json:
        printing.json(msgspec.to_builtins(found))
        return
    printing.line((found.name, "bold"), f"  version {found.version} by {found.made_by}")
    click.echo(yaml.safe_dump(_file(found), sort_keys=False, allow_unicode=True).rstrip())


@template.command()
@FILE
@printing.json_option
def check(file: Any, as_json: bool) -> int:
    """Check a template in FILE (- is standard input): every mistake with the text it is in, and advice."""

    def checked() -> int:
        made, marked = _read(file)
        with _in(marked):
            found = template_store.checked(made.name, made.languages, made.default)
        stored = StoredTemplate(
            name=made.name, version=0, about="", default=made.default, languages=found, made_by="", made_at=None
        )  # fmt: skip
        _advise(stored, as_json)
        return Ending.OK

    return _told_mistake(file.name, checked, as_json)


@template.command()
@FILE
@click.option("--by", default="command line", help="Say who writes it, for its history.")
@printing.json_option
def save(file: Any, by: str, as_json: bool) -> int:
    """Save a template from FILE, new or as the next version of the one of its name."""

    def saved() -> int:
        made, marked = _read(file)
        with opened() as hub, _in(marked), hub.store.write() as session:
            found, _ = template_store.save(
                session, made.name, made.languages, default=made.default, about=made.about, by=by
            )
        for warning in found.warnings:
            say(f"Note: {warning}")
        if as_json:
            printing.json({**_line(found), "warnings": list(found.warnings)})
        else:
            printing.line(f"Saved {found.name}, version {found.version}, in {', '.join(sorted(found.languages))}.")
        return Ending.OK

    return _told_mistake(file.name, saved, as_json)


@template.command()
@click.argument("name")
@click.argument("person")
@click.option("--language", default="", help="Write it in this language instead of theirs.")
@click.option("--version", "number", type=click.IntRange(1), help="Write this version instead of the newest.")
@printing.json_option
def preview(name: str, person: str, language: str, number: int | None, as_json: bool) -> int:
    """Write a template for a person, by id or handle, about the last thing they did. Nothing is sent."""

    def previewed() -> int:
        with opened() as hub, hub.store.read() as session:
            stored = template_store.newest(session, name, number)
            written = previews.preview(session, persons.find(session, person), stored, language=language)
        if as_json:
            printing.json(msgspec.to_builtins(written))
            return Ending.OK
        if written.subject:
            printing.line((written.subject, "bold"))
        click.echo(written.text)
        return Ending.OK

    return _told_mistake(name, previewed, as_json)


@template.command()
@click.argument("name")
@printing.json_option
def remove(name: str, as_json: bool) -> None:
    """Forget a template with all its versions. Refused while a trigger names it."""
    with opened() as hub, hub.store.write() as session:
        template_store.remove(session, name, references.users_of(session, "message", "template", name))
    if as_json:
        printing.json({"name": name, "removed": True})
    else:
        printing.line(f"{name} is gone.")


def _read(file: Any) -> tuple[WrittenMessage, Marked]:
    """The template in a file, and where in it everything stands."""
    try:
        marked = load(file.read(MAX_BYTES + 1).decode())
    except UnicodeDecodeError as wrong:
        raise Invalid("the file is not UTF-8", code="not_utf8") from wrong
    try:
        return msgspec.convert(marked.data, WrittenMessage), marked
    except msgspec.ValidationError as wrong:
        raise Invalid(str(wrong), code="wrong_value") from wrong


@contextmanager
def _in(marked: Marked) -> Iterator[None]:
    """A mistake with its line and column."""
    try:
        yield
    except Invalid as wrong:
        raise placed(wrong, marked) from wrong


def _advise(found: StoredTemplate, as_json: bool) -> None:
    if as_json:
        printing.json({"ok": True, "name": found.name, "warnings": list(found.warnings)})
        return
    for warning in found.warnings:
        printing.line(("Note: ", "yellow"), warning)
    printing.line(f"{found.name} is well written.")


def _told_mistake(name: str, work: Callable[[], int], as_json: bool) -> int:
    try:
        return work()
    except Invalid as wrong:
        if as_json:
            told = {"ok": False, "code": wrong.code, "detail": wrong.detail, "pointer": wrong.pointer, **wrong.more}
            printing.json(told)
        place = f":{wrong.more['line']}:{wrong.more['column']}" if "line" in wrong.more else ""
        say(f"{name}{place}: {wrong.detail}.")
        return Ending.REFUSED


def _line(found: StoredTemplate) -> dict[str, Any]:
    return {
        "name": found.name, "version": found.version, "languages": sorted(found.languages), "default": found.default,
        "about": found.about, "made_by": found.made_by, "made_at": found.made_at,
    }  # fmt: skip


def _file(found: StoredTemplate) -> dict[str, Any]:
    head = {"name": found.name, "about": found.about, "default": found.default}
    return head | {"languages": msgspec.to_builtins(found.languages)}
