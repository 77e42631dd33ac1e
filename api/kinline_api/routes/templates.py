"""Stored templates: what messages say, by name, in versions, each in several languages."""

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlmodel import Session

from kinline.catalogue import references, template_store
from kinline.catalogue.template_store import Form, StoredTemplate, WrittenTemplate
from kinline.decide import previews
from kinline.errors import NotFound, StalePrecondition
from kinline_api.call import Call
from kinline_api.idempotency import IF_MATCH, IF_NONE_MATCH, person_seen, require_unchanged, versioned
from kinline_api.json_body import Body
from kinline_api.paging import next_cursor, text_place
from kinline_api.query import Paged
from kinline_api.response import Answer
from kinline_api.route import delete, get, post, put
from kinline_api.versions import unless_known

#: A template in fifty languages, however JSON escapes it.
LARGEST = 4_000_000
Text = Annotated[str, Meta(max_length=32_000)]


class FormIn(Body, frozen=True, kw_only=True):
    """A message in one language: `text`, and where wanted `subject` and `html`. All three are templates."""

    text: Text
    subject: Annotated[str, Meta(max_length=500)] = ""
    html: Text = ""


class TemplateIn(Body, frozen=True, kw_only=True):
    """What it says in each language (BCP 47), and which one is for everybody else."""

    languages: Annotated[dict[str, FormIn], Meta(min_length=1, max_length=50)]
    default: Annotated[str, Meta(min_length=2, max_length=40)]
    about: Annotated[str, Meta(max_length=500)] = ""


class TemplateShown(msgspec.Struct, frozen=True, kw_only=True):
    """A template in one version, with what its author should know."""

    name: str
    version: int
    about: str
    default: str
    languages: dict[str, Form]
    made_by: str
    made_at: str | None
    warnings: tuple[str, ...]


class Templates(msgspec.Struct, frozen=True):
    templates: list[TemplateShown]
    next: str | None


class TemplateVersions(msgspec.Struct, frozen=True):
    """All versions, the newest first."""

    versions: list[TemplateShown]


class TemplateChecked(msgspec.Struct, frozen=True):
    """It is right. ``languages`` are its tags as they are compared."""

    languages: list[str]
    warnings: tuple[str, ...]


class PreviewIn(Body, frozen=True, kw_only=True):
    """For whom (id or handle); which version, and which language, where not the one they would get."""

    person: Annotated[str, Meta(min_length=1, max_length=500)]
    version: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    language: Annotated[str, Meta(max_length=40)] = ""


@get("/v1/templates", scope="read")
def list_templates(call: Call, query: Paged) -> Templates:
    """List the templates in their newest version, by name."""
    after = text_place(call, "templates", query.cursor)
    with call.read() as session:
        rows = template_store.page(session, after=after, limit=query.limit + 1)
    page = [_shown(row) for row in rows[: query.limit]]
    return Templates(page, next_cursor(call, "templates", [page[-1].name]) if len(rows) > query.limit else None)


@get("/v1/templates/{name}", scope="read", answers=TemplateShown, headers=IF_NONE_MATCH, also={304: "Nothing changed."})
def read_template(call: Call, name: str) -> Answer:
    """Read a template in its newest version."""
    with call.read() as session:
        return unless_known(call, msgspec.json.encode(_shown(template_store.newest(session, name))))


@get("/v1/templates/{name}/versions", scope="read")
def list_template_versions(call: Call, name: str) -> TemplateVersions:
    """List all versions of a template, the newest first."""
    with call.read() as session:
        return TemplateVersions([_shown(row) for row in template_store.versions(session, name)])


@put(
    "/v1/templates/{name}", scope="triggers", status=201, answers=TemplateShown, headers=IF_MATCH, limit=LARGEST,
    also={200: "Nothing new: the newest version says the very same."},
)  # fmt: skip
def save_template(call: Call, name: str, body: TemplateIn) -> Answer:
    """Save a template: a new one, or the next version of the one of its name.

    Its texts are checked now: a mistake is 422 with a `pointer` to the text. What was decided before goes on in the
    version that was decided on.
    """
    with call.write() as session:
        before = _known(session, name)
        if before is None and call.header("If-Match") is not None:
            raise StalePrecondition("There is no template of that name yet.")
        require_unchanged(call, before)
        stored, new = template_store.save(
            session, name, _forms(body), default=body.default, about=body.about, by=call.holder.name
        )  # fmt: skip
    return versioned(_shown(stored), 201 if new else 200)


@post("/v1/templates/{name}/check", scope="triggers", limit=LARGEST)
def check_template(call: Call, name: str, body: TemplateIn) -> TemplateChecked:
    """Check a template without saving it. The answers are those of saving."""
    languages = template_store.checked(name, _forms(body), body.default)
    found = StoredTemplate(
        name=name, version=0, about=body.about, default=body.default, languages=languages, made_by="", made_at=None
    )  # fmt: skip
    return TemplateChecked(sorted(languages), found.warnings)


@post("/v1/templates/{name}/preview", scope="triggers")
def preview_template(call: Call, name: str, body: PreviewIn) -> WrittenTemplate:
    """Write a template for a person, as they are now, about the last thing they did. Nothing is sent.

    422 with `missing …` where it speaks of something that is not known of them.
    """
    with call.read() as session:
        root = person_seen(call, session, body.person)
        stored = template_store.newest(session, name, body.version)
        return previews.preview(session, root, stored, language=body.language, reader=call.reader)


@delete("/v1/templates/{name}", scope="triggers")
def remove_template(call: Call, name: str) -> None:
    """Forget a template with all its versions. 409 while a trigger names it."""
    with call.write() as session:
        template_store.remove(session, name, references.users_of(session, "message", "template", name))


def _forms(body: TemplateIn) -> dict[str, Form]:
    return {tag: Form(text=form.text, subject=form.subject, html=form.html) for tag, form in body.languages.items()}


def _known(session: Session, name: str) -> TemplateShown | None:
    try:
        return _shown(template_store.newest(session, name))
    except NotFound:
        return None


def _shown(stored: StoredTemplate) -> TemplateShown:
    return TemplateShown(
        name=stored.name, version=stored.version, about=stored.about, default=stored.default, languages=stored.languages,
        made_by=stored.made_by, made_at=stored.made_at, warnings=stored.warnings,
    )  # fmt: skip
