"""CloudEvents 1.0 (cloudevents.io): the rules of the specification, its JSON format and its HTTP binding.

``(source, id)`` names an event. ``subject`` names whose doing it is, as a handle is written: ``email:ann@example.org``,
``external:shop/42``. ``recordedtime`` orders versions of one event; ``correlationid`` and ``causationid`` are kept.
"""

import base64
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from kinline import Direction, Handle, HandleType, Interaction, Party, Role, Source, Standing, Unreadable
from kinline.errors import Invalid
from kinline.handles import parse
from kinline_events.fields import decoded, fields, moment, text, worth
from kinline_events.kinds import kind_of
from kinline_events.settings import EventsSettings

VERSION = "1.0"
PREFIX = "ce-"
REQUIRED = ("specversion", "id", "source", "type")
OPTIONAL = ("datacontenttype", "dataschema", "subject", "time")
DATA = ("data", "data_base64")
#: Extensions that the hub knows what to do with; the others are kept among the facts.
KNOWN = {"recordedtime": "", "correlationid": "correlation_id", "causationid": "causation_id"}
NAME = re.compile(r"[a-z0-9]{1,64}")
#: Characters that no text of an event may have: controls, halves of pairs, and what Unicode calls no character.
ODD = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
URI = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
LONGEST = 600  #: characters of an attribute that names something


def is_binary(source: Source) -> bool:
    """Whether the attributes came as headers (HTTP binding, section 3.1)."""
    structured = source.media_type.lower().startswith("application/cloudevents")
    return not structured and any(name.startswith(PREFIX) for name in source.headers)


def from_binary(body: bytes, source: Source) -> dict[str, Any]:
    """The event as the JSON format would write it."""
    told: dict[str, Any] = {
        name.removeprefix(PREFIX): _header(name, value)
        for name, value in source.headers.items()
        if name.startswith(PREFIX)
    }
    kind = source.media_type
    if kind:
        told["datacontenttype"] = kind
    return told | _data(body, kind.partition(";")[0].strip().lower()) if body else told


def _header(name: str, value: str) -> str:
    """A header's value, unquoted and percent-decoded (HTTP binding, section 3.1.3.2)."""
    quoted = QUOTED.fullmatch(value.strip())
    plain = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else value
    try:
        return unquote_to_bytes(plain.encode("latin-1", "replace")).decode()
    except UnicodeDecodeError:
        raise _wrong(name.removeprefix(PREFIX), "is no UTF-8 once it is percent-decoded", "invalid_unicode") from None


def _data(body: bytes, kind: str) -> dict[str, Any]:
    if kind in ("", "application/json", "text/json") or kind.endswith("+json"):
        try:
            return {"data": decoded(body)}
        except Unreadable as error:
            raise Unreadable(error.detail, code=error.code, pointer="/data") from None
    try:
        return {"data": body.decode()}
    except UnicodeDecodeError:
        return {"data_base64": base64.b64encode(body).decode()}


def meant(event: Any, settings: EventsSettings) -> Interaction:
    """What somebody did, as this event tells it. Raises `Unreadable` with a pointer for what the specification forbids."""
    if not isinstance(event, dict):
        raise Unreadable("A CloudEvent is an object.", code="expected_object")
    told = {name: value for name, value in event.items() if value is not None}
    _check(told)
    data = _payload(told)
    name = told["type"]
    extensions = {each: told[each] for each in told if each not in (*REQUIRED, *OPTIONAL, *DATA)}
    return Interaction(
        source_id=f"{told['source']} {told['id']}",
        kind=kind_of(name, settings.kinds),
        direction=Direction.INBOUND,
        parties=tuple(_parties(told, settings)),
        occurred_at=_time(told, "time"),
        changed_at=_time(told, "recordedtime"),
        url=text(fields(data).get("url"))[:2000],
        facts=_facts(told, data, extensions),
    )


def _check(told: dict[str, Any]) -> None:
    for name in REQUIRED:
        if name not in told:
            raise Unreadable(f"A CloudEvent has a {name}.", code="required", pointer=f"/{name}")
    if told["specversion"] != VERSION:
        raise _wrong("specversion", f"is not {VERSION}", "unsupported_specversion")
    for name, value in told.items():
        if name not in DATA:
            _check_attribute(name, value)
    _check_names(told)


def _check_names(told: dict[str, Any]) -> None:
    """What names something: not endless, and a URI or a media type where it must be one."""
    for name in ("id", "source", "type"):
        if len(told[name]) > LONGEST:
            raise _wrong(name, f"has over {LONGEST} characters", "too_long")
    if not URI.fullmatch(told["source"]):
        raise _wrong("source", "is no URI reference", "invalid_uri")
    if "dataschema" in told and not (URI.fullmatch(told["dataschema"]) and _scheme(told["dataschema"])):
        raise _wrong("dataschema", "is no absolute URI", "invalid_uri")
    if "datacontenttype" in told and "/" not in told["datacontenttype"]:
        raise _wrong("datacontenttype", "is no media type", "invalid_media_type")


def _check_attribute(name: str, value: Any) -> None:
    if not NAME.fullmatch(name):
        detail = f"“{name[:40]}” is no name of an attribute: small letters and digits only."
        raise Unreadable(
            detail, code="invalid_attribute_name", pointer="/" + name.replace("~", "~0").replace("/", "~1")
        )
    if name in (*REQUIRED, *OPTIONAL) and not isinstance(value, str):
        raise _wrong(name, "is no text", "wrong_type")
    if isinstance(value, str) and (not value or ODD.search(value)):
        code = "nul_character" if "\x00" in value else "invalid_characters"
        raise _wrong(name, "is empty or has control characters", code if value else "too_short")
    if isinstance(value, list | dict | float):
        raise _wrong(name, "is no text, whole number, or true or false", "wrong_type")
    if isinstance(value, int) and not -(2**31) <= value < 2**31:
        raise _wrong(name, "does not fit into 32 bits", "out_of_range")


def _payload(told: dict[str, Any]) -> Any:
    if "data" in told and "data_base64" in told:
        raise Unreadable("An event has data or data_base64, not both.", code="two_payloads", pointer="/data_base64")
    if "data_base64" in told:
        return _decoded_base64(told)
    return told.get("data")


def _decoded_base64(told: dict[str, Any]) -> Any:
    """Binary data: read where it is JSON, left as it is otherwise."""
    written = told["data_base64"]
    try:
        raw = base64.b64decode(written, validate=True)
    except (ValueError, TypeError):
        raise _wrong("data_base64", "is no base64", "invalid_base64") from None
    if "json" in told.get("datacontenttype", ""):
        return _data(raw, "application/json")["data"]
    return written


def _time(told: dict[str, Any], name: str) -> datetime | None:
    if name not in told:
        return None
    found = moment(told[name])
    if found is None:
        raise _wrong(name, "is no time of RFC 3339, like 2026-03-02T09:00:00Z", "invalid_datetime")
    return found


def _parties(told: dict[str, Any], settings: EventsSettings) -> Iterator[Party]:
    """Whose doing it is: the subject where it is a handle, else the partition key where that is one."""
    for name in ("subject", "partitionkey"):
        handle = _handle(name, text(told.get(name)), settings)
        if handle:
            standing = Standing.VERIFIED if handle.type in settings.trusted else Standing.CLAIMED
            yield Party(role=Role.AUTHOR, handle=handle, standing=standing)
            return


def _handle(name: str, written: str, settings: EventsSettings) -> Handle | None:
    kind = written.partition(":")[0]
    if kind not in set(HandleType) or ":" not in written:
        users = settings.subjects_are_users and name == "subject" and written
        return Handle(HandleType.EXTERNAL, written, settings.issuer) if users else None
    try:
        return parse(written)
    except Invalid as error:
        raise Unreadable(error.detail, code="invalid_handle", pointer=f"/{name}") from None


def _facts(told: dict[str, Any], data: Any, extensions: dict[str, Any]) -> dict[str, Any]:
    """``event`` (its type), ``source``, ``data``; ``total`` and the like out of it; the known extensions by their names."""
    facts: dict[str, Any] = {"event": told["type"], "source": told["source"], **worth(fields(data))}
    facts |= {ours: extensions.pop(theirs) for theirs, ours in KNOWN.items() if ours and theirs in extensions}
    extensions.pop("recordedtime", None)
    for name in ("subject", "dataschema"):
        if name in told:
            facts[name] = told[name]
    if data is not None:
        facts["data"] = data
    return facts | ({"extensions": extensions} if extensions else {})


def _scheme(uri: str) -> str:
    try:
        return urlsplit(uri).scheme
    except ValueError:
        return ""


def _wrong(name: str, how: str, code: str) -> Unreadable:
    return Unreadable(f"The {name} {how}.", code=code, pointer=f"/{name}")
