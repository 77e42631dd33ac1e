"""Triggers: write, check, try out on history, run, stop."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlmodel import Session

from kinline import clock
from kinline.catalogue import calendar_use, trigger_store
from kinline.errors import Invalid, KinlineError, NotFound, StalePrecondition, UnsupportedMedia
from kinline.store.models import TriggerRow
from kinline.triggers import read_trigger, schema
from kinline.words import TriggerState
from kinline_api.call import Call, need_json
from kinline_api.idempotency import IF_MATCH, IF_NONE_MATCH, require_unchanged, versioned
from kinline_api.json_body import Body, BodyDecoder
from kinline_api.paging import next_cursor, text_place
from kinline_api.query import Paged
from kinline_api.response import Answer
from kinline_api.route import get, post
from kinline_api.routes.backtests import LARGEST, RunShown, latest_run
from kinline_api.versions import unless_known

YAML = ("text/yaml", "application/yaml", "text/x-yaml", "application/x-yaml")


class TriggerText(Body, frozen=True):
    """A trigger in JSON: its text, YAML or JSON, as it would stand in a file.

    ``override``: why the next version of a live trigger goes live without a back-test.
    """

    source: str
    override: Annotated[str, Meta(max_length=500)] = ""


class Put(Body, frozen=True):
    """Where to put a trigger, and why. ``override``: why it goes live without a back-test."""

    state: TriggerState
    reason: Annotated[str, Meta(max_length=500)] = ""
    override: Annotated[str, Meta(max_length=500)] = ""


class TriggersQuery(Paged, frozen=True):
    """Those in one state, or all."""

    state: TriggerState | None = None


class TriggerLine(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger in a list. ``state_reason`` is what somebody, or the hub itself, said when it was put there."""

    id: str
    name: str
    about: str
    state: str
    state_reason: str
    version: int
    changed_at: str | None
    live_since: str | None


class TriggerShown(TriggerLine, frozen=True, kw_only=True):
    """A trigger with its text and what its author should know.

    ``backtest``: the newest back-test of this version; ``override``: why it may be live without one.
    """

    source: str
    override: str
    backtest: RunShown | None
    made_by: str
    made_at: str | None
    warnings: tuple[str, ...]


class Triggers(msgspec.Struct, frozen=True):
    triggers: list[TriggerLine]
    next: str | None


class VersionShown(msgspec.Struct, frozen=True):
    version: int
    source: str
    made_by: str
    made_at: str | None


class Versions(msgspec.Struct, frozen=True):
    """All versions, the newest first."""

    versions: list[VersionShown]


class Checked(msgspec.Struct, frozen=True):
    """It is right. ``looks_at``: kind, direction and channel of what concerns it, ``*`` for any."""

    name: str
    about: str
    warnings: tuple[str, ...]
    looks_at: list[tuple[str, str, str]]


_written = BodyDecoder(TriggerText)


@get("/v1/triggers", scope="read")
def list_triggers(call: Call, query: TriggersQuery) -> Triggers:
    """List the triggers, by name."""
    about = f"triggers:{query.state}"
    after = text_place(call, about, query.cursor)
    with call.read() as session:
        rows = trigger_store.page(session, state=query.state or "", after=after, limit=query.limit + 1)
        page = [_line(session, row) for row in rows[: query.limit]]
    return Triggers(page, next_cursor(call, about, [page[-1].name]) if len(rows) > query.limit else None)


@post(
    "/v1/triggers", scope="triggers", status=201, answers=TriggerShown, headers=IF_MATCH, limit=LARGEST,
    also={200: "Nothing new: the newest version has this very text."},
)  # fmt: skip
def save_trigger(call: Call, body: bytes) -> Answer:
    """Save a trigger: a new one as a draft, one of a known name as its next version.

    The body is its YAML (`text/yaml` or `application/yaml`), or JSON: `{"source": "…"}`. A mistake is 422 with
    `line`, `column` and, where a known word comes close, `suggestion`. A trigger that is live goes on with the new
    version at once, which therefore needs a back-test of this very text, or an `override` (409 `needs_backtest`);
    follow-ups that are pending go out as they were decided.
    """
    text, override = _text(call, body)
    name = read_trigger(text).name
    with call.write() as session:
        before = _known(call, session, name)
        if before is None and call.header("If-Match") is not None:
            raise StalePrecondition("There is no trigger of that name yet.")
        require_unchanged(call, before)
        row, _ = trigger_store.save(session, text, made_by=call.holder.name, override=override)
        shown = _shown(call, session, row)
    return versioned(shown, 200 if before is not None and before.version == shown.version else 201)


@post("/v1/triggers/check", scope="triggers", limit=LARGEST)
def check_trigger(call: Call, body: bytes) -> Checked:
    """Check a trigger without saving it.

    The body is as for saving. A mistake is 422 with `line`, `column` and `suggestion`.
    """
    with call.read() as session:
        found = trigger_store.checked_here(session, _text(call, body)[0])
    return Checked(found.name, found.definition.about, found.warnings, sorted(found.interests()))


@get("/v1/triggers/schema", scope="read", answers=dict[str, Any], media="application/schema+json")
def read_trigger_schema(call: Call) -> Answer:
    """Read the JSON Schema of triggers, for editors."""
    return Answer(msgspec.json.encode(schema()), media_type="application/schema+json")


@get("/v1/triggers/{name}", scope="read", answers=TriggerShown, headers=IF_NONE_MATCH, also={304: "Nothing changed."})
def read_one_trigger(call: Call, name: str) -> Answer:
    """Read one trigger, by name or id."""
    with call.read() as session:
        return unless_known(call, msgspec.json.encode(_shown(call, session, trigger_store.named(session, name))))


@get("/v1/triggers/{name}/versions", scope="read")
def list_trigger_versions(call: Call, name: str) -> Versions:
    """List all versions of a trigger, the newest first."""
    with call.read() as session:
        rows = trigger_store.versions(session, trigger_store.named(session, name).id)
        return Versions([VersionShown(v.version, v.source, v.made_by, clock.to_text(v.made_at)) for v in rows])


@post("/v1/triggers/{name}/state", scope="triggers", answers=TriggerShown, headers=IF_MATCH)
def put_trigger(call: Call, name: str, body: Put) -> Answer:
    """Put a trigger live, into shadow, on pause, or back to being a draft.

    In shadow it decides and does nothing. Live needs a back-test of this version, or an `override`: why it goes without
    one, which is kept and shown (409 `needs_backtest`). While it is not live, messages that it asked for before are not sent: when
    their time comes they are cancelled, and say so.
    """
    with call.write() as session:
        require_unchanged(call, _shown(call, session, trigger_store.named(session, name)))
        row = trigger_store.set_state(session, name, body.state, reason=body.reason, override=body.override)
        return versioned(_shown(call, session, row))


def _text(call: Call, body: bytes) -> tuple[str, str]:
    """The trigger's text, out of either form of body, and what JSON says besides."""
    kind = (call.header("Content-Type") or "").partition(";")[0].strip().lower()
    if kind not in YAML:
        need_json(call.scope)
        written = _written.read(body)
        return written.source, written.override
    if (call.header("Content-Encoding") or "identity").lower() != "identity":
        raise UnsupportedMedia("Send the body as it is, without Content-Encoding.", code="unsupported_encoding")
    try:
        return body.decode(), ""
    except UnicodeDecodeError:
        raise Invalid("The text is not UTF-8.", code="not_utf8", line=1, column=1) from None


def _known(call: Call, session: Session, name: str) -> TriggerShown | None:
    try:
        return _shown(call, session, trigger_store.named(session, name))
    except NotFound:
        return None


def _line(session: Session, row: TriggerRow) -> TriggerLine:
    about, _ = _said(row, trigger_store.version(session, row.id, row.version).source)
    return TriggerLine(**_head(row), about=about)


def _shown(call: Call, session: Session, row: TriggerRow) -> TriggerShown:
    version = trigger_store.version(session, row.id, row.version)
    about, warnings = _said(row, version.source)
    if about:
        wants = calendar_use.missing(session, trigger_store.compiled(row.id, version.source))
        warnings += tuple(f"It counts no time: {said}." for _, said in wants)
    return TriggerShown(
        **_head(row), about=about, warnings=warnings, source=version.source, made_by=version.made_by,
        made_at=clock.to_text(version.made_at), override=version.override,
        backtest=latest_run(call, session, row.id, version.source),
    )  # fmt: skip


def _head(row: TriggerRow) -> dict[str, Any]:
    return {
        "id": row.id, "name": row.name, "state": row.state, "state_reason": row.state_reason, "version": row.version,
        "changed_at": clock.to_text(row.changed_at), "live_since": clock.to_text(row.live_since),
    }  # fmt: skip


def _said(row: TriggerRow, source: str) -> tuple[str, tuple[str, ...]]:
    """What it is about, and warnings. A text that an older hub took and this one does not is no reason to fail."""
    try:
        found = trigger_store.compiled(row.id, source)
    except KinlineError as error:
        return "", (f"This hub cannot read it: {error.detail}",)
    return found.definition.about, found.warnings
