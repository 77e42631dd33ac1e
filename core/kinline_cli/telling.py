"""A timeline as people read it: when, over what, who to whom, what, and why if it was us."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from rich.text import Text

from kinline.timeline.entries import Entry
from kinline_cli import printing

SIGNS = {"email": "✉", "twitter": "𝕏", "blog": "✎", "support": "☎"}
ARROWS = {"inbound": ("→", "green"), "outbound": ("←", "cyan"), "among": ("↔", "magenta")}
LONGEST = 100  #: characters of what was said


def told(entries: Iterable[Entry]) -> None:
    """Print the lines; a sentence when there are none."""
    empty = True
    for entry in entries:
        empty = False
        line = msgspec.json.decode(entry.json())
        printing.console().print(_TELLERS.get(line["type"], _other)(line), soft_wrap=True)
    if empty:
        printing.line("Nothing to show.")


def _interaction(line: dict[str, Any]) -> Text:
    arrow, style = ARROWS.get(line["direction"], ("·", ""))
    parts = line.get("parties", [])
    authors = [_name(party) for party in parts if party["role"] == "author"]
    others = [_name(party) for party in parts if party["role"] in ("recipient", "mentioned")]
    text = _head(line, line["channel"], line["kind"])
    text.append(f"{arrow} ", style)
    text.append(printing.short(", ".join(authors) or "somebody", 40), "bold")
    if others:
        text.append(f" to {printing.short(', '.join(others), 40)}")
    text.append(f"  {_said(line)}")
    for mark in _marks(line):
        text.append(f"  [{printing.plain(mark)}]", "dim")
    because = line.get("because")
    if because:
        text.append(f"\n{'':19} because {_because(because)}", "yellow")
    return text


def _stage(line: dict[str, Any]) -> Text:
    text = _head(line, "life", "stage")
    return text.append(f"★ {line['track']}: {line['stage']}", "bold yellow").append(f"  by {line['by']}", "dim")


def _followup(line: dict[str, Any]) -> Text:
    text = _head(line, line["channel"], "follow-up").append(f"⏲ {line['state']}", "yellow")
    if line.get("reason"):
        text.append(f": {printing.short(line['reason'], LONGEST)}")
    return text.append(f"  {_because({**line, 'followup': line['id']})}", "dim")


def _planned(line: dict[str, Any]) -> Text:
    """A wait between actions, or a call to an endpoint."""
    kind = f"call to {line['endpoint']}" if line["type"] == "call" else "wait"
    text = _head(line, "", kind).append(f"⏲ {line['state']}", "yellow")
    text.append(f", due {line['due_at'].replace('T', ' ')[:16]}" if line["state"] in ("waiting", "pending") else "")
    if line.get("reason"):
        text.append(f": {printing.short(line['reason'], LONGEST)}")
    return text.append(f"  {_because(line)}", "dim")


def _other(line: dict[str, Any]) -> Text:
    return _head(line, "", str(line["type"]))


def _head(line: dict[str, Any], channel: str, kind: str) -> Text:
    at = (line["at"] or "time unknown").replace("T", " ")[:16]
    sign = SIGNS.get(channel, "·")
    return Text.assemble((f"{at:<16}  ", "dim"), f"{sign} {printing.short(channel, 10):<8} {kind:<9} ")


def _name(party: dict[str, Any]) -> str:
    if party.get("ours"):
        return party.get("name") or "us"
    return party.get("name") or str(party.get("handle") or "somebody").partition(":")[2] or "somebody"


def _said(line: dict[str, Any]) -> str:
    if line.get("deleted"):
        return "(deleted)"
    subject, text = line.get("subject", ""), line.get("text", "")
    return printing.short(f"{subject}: {text}" if subject and text else subject or text, LONGEST)


def _marks(line: dict[str, Any]) -> list[str]:
    marks = [line.get("automatic", ""), "edited" if line.get("edited") else ""]
    if line.get("standing") != "verified":
        marks.append(str(line.get("standing", "")))
    return [mark for mark in marks if mark]


def _because(cause: dict[str, Any]) -> str:
    by = f"trigger {cause['trigger']}" if cause.get("trigger") else str(cause.get("by", "somebody of ours"))
    return printing.plain(f"{by}: kinline why {cause.get('decision') or cause['followup']}")


_TELLERS: dict[str, Callable[[dict[str, Any]], Text]] = {
    "interaction": _interaction,
    "stage": _stage,
    "followup": _followup,
    "step": _planned,
    "call": _planned,
}
