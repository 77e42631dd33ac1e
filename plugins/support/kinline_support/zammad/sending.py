"""Answering in a Zammad: an article, an internal one, a state, a new ticket; and asking what became of it.

Sources: docs.zammad.org, “Articles”, “Tickets”; ``creates_ticket_articles.rb``. There is no idempotency key: our id travels
in the article's ``preferences`` and is looked for before anything is repeated. What came by mail is answered by mail.
"""

import json
from typing import Any
from urllib.parse import quote

from kinline import ChannelError, DeskChange, OutcomeUnknown, Outgoing, Prepared, Sent, clock
from kinline_support import files
from kinline_support.calling import Client
from kinline_support.decoding import SAFE_DIGITS
from kinline_support.fields import Record, ident, record, rows, text
from kinline_support.settings import SupportSettings
from kinline_support.zammad.connection import client
from kinline_support.zammad.reading import BACK, MARK, REMIND_AFTER

LONGEST = 500_000
#: Of one file, in bytes: it grows by a third in JSON, and a web server before Zammad that lets 50 MB in is assumed.
LARGEST, MOST_FILES = 35_000_000, 20
GROUP = "Users"  #: the group that a new Zammad has


def check(outgoing: Outgoing) -> None:
    if len(outgoing.text) > LONGEST:
        raise ChannelError(f"An article has at most {LONGEST} characters.", permanent=True, code="too_long")
    files.check(outgoing, largest=LARGEST, most=MOST_FILES)
    who = outgoing.to.value if not outgoing.answered.get("facts", {}).get("ticket") else "1"
    if not (who.isascii() and who.isdigit() and len(who) <= SAFE_DIGITS):
        raise ChannelError("This is no user of the desk.", permanent=True, code="no_user")


def prepare(outgoing: Outgoing) -> Prepared:
    facts = outgoing.answered.get("facts", {})
    ticket, address = ident(facts.get("ticket")), str(facts.get("address") or "")
    article = _article(outgoing.id, outgoing.text, internal=False, automatic=outgoing.automatic)
    subject = outgoing.subject or str(outgoing.answered.get("subject") or "")
    if address and facts.get("via") == "email":
        article |= {"type": "email", "to": address}
    if outgoing.attachments:
        article["attachments"] = files.told(outgoing)
    body = {
        "id": outgoing.id,
        "ticket": ticket,
        "customer": outgoing.to.value,
        "article": {**article, "subject": subject},
    }
    known = {"via": article["type"], **({"ticket": ticket} if ticket else {})}
    return Prepared(body=json.dumps(body, ensure_ascii=False).encode(), media_type="application/json", facts=known)


def send(prepared: Prepared, settings: SupportSettings) -> Sent:
    told, desk = json.loads(prepared.body), client(settings)
    if told["ticket"]:
        return _sent(
            desk.write("POST", "/api/v1/ticket_articles", {"ticket_id": int(told["ticket"]), **told["article"]})
        )
    body = {
        "title": told["article"]["subject"] or told["article"]["body"][:80], "group": settings.account.strip() or GROUP,
        "customer_id": int(told["customer"]), "article": told["article"],
    }  # fmt: skip
    made = ident(desk.write("POST", "/api/v1/tickets", body).get("id"))
    found = _marked(desk, made, told["id"], told["article"]["body"]) if made else None
    if found is None:
        raise OutcomeUnknown("The desk did not say which article it made.", code="unreadable_answer")
    return found


def find_sent(prepared: Prepared, settings: SupportSettings) -> Sent | None:
    told, desk = json.loads(prepared.body), client(settings)
    body = told["article"]["body"]
    for ticket in [told["ticket"]] if told["ticket"] else _tickets_of(desk, told["customer"]):
        found = _marked(desk, ticket, told["id"], body)
        if found:
            return found
    return None


def mirror(change: DeskChange, settings: SupportSettings) -> Sent:
    desk = client(settings)
    if change.what == "note":
        note = _article(change.id, _note(change), internal=True)
        return _sent(desk.write("POST", "/api/v1/ticket_articles", {"ticket_id": int(change.thread), **note}))
    state: Record = {"state": BACK[change.state]}
    if state["state"] == "pending reminder":
        state["pending_time"] = (clock.to_datetime(clock.now()) + REMIND_AFTER).strftime("%Y-%m-%dT%H:%M:%SZ")
    desk.write("PUT", f"/api/v1/tickets/{quote(change.thread)}", state)
    return Sent(source_id="", detail=f"state {state['state']}")


def find_mirrored(change: DeskChange, settings: SupportSettings) -> Sent | None:
    return _marked(client(settings), change.thread, change.id, _note(change))


def _note(change: DeskChange) -> str:
    return f"{change.by}: {change.text}" if change.by else change.text


def _article(mark: str, body: str, *, internal: bool, automatic: bool = False) -> Record:
    marks = {MARK: mark, **({f"{MARK}_automatic": True} if automatic else {})}
    return {"body": body, "content_type": "text/plain", "type": "note", "internal": internal, "preferences": marks}


def _sent(answer: Any) -> Sent:
    key = ident(answer.get("id"))
    if not key:
        raise OutcomeUnknown("The desk did not say which article it made.", code="unreadable_answer")
    return Sent(source_id=f"article:{key}", detail=f"ticket {ident(answer.get('ticket_id'))}")


def _tickets_of(desk: Client, customer: str) -> list[str]:
    query = quote(f"customer_id:{customer}")
    found = desk.get(
        f"/api/v1/tickets/search?query={query}&sort_by=created_at&order_by=desc&expand=true&per_page=20&page=1"
    )
    return [ident(record(row).get("id")) for row in rows(found)]


def _marked(desk: Client, ticket: str, mark: str, body: str) -> Sent | None:
    """The article that carries our mark. One with the same words and no mark makes it doubtful."""
    doubtful = False
    for said in map(record, rows(desk.get(f"/api/v1/ticket_articles/by_ticket/{quote(ticket)}?expand=true"))):
        marks = record(said.get("preferences"))
        if marks.get(MARK) == mark:
            return Sent(source_id=f"article:{ident(said.get('id'))}", detail=f"ticket {ticket}")
        doubtful = doubtful or (
            MARK not in marks and said.get("sender") == "Agent" and text(said.get("body")) == text(body)
        )
    if doubtful:
        raise OutcomeUnknown("An article there has the same words; look whether it is ours.", code="not_found_yet")
    return None
