"""The first words of ``kinline up``: where to look, with which key, and what to try."""

import os
import shutil
import sys
from pathlib import Path

import msgspec
from sqlmodel import Session, col, select

from kinline.accounts import keys
from kinline.errors import Unauthorized
from kinline.hub import Hub
from kinline.identity.persons import search
from kinline.store.models import Account, Decision, FollowUp, Meta, Person
from kinline.story import tell
from kinline_cli import printing
from kinline_cli.endings import say


class Welcome(msgspec.Struct, frozen=True):
    """All that a newcomer needs. ``person`` and ``decision`` are something to look at, if there is anything."""

    address: str
    page: str
    docs: str
    key: str
    messages: str
    person: str
    decision: str

    def calls(self) -> list[str]:
        """The three calls to try first."""
        ask = f"curl -s -H 'Authorization: Bearer {self.key}' {self.address}"
        person = self.person or "PERSON"
        return [
            f"{ask}/v1/people",
            f"{ask}/v1/people/{person}/timeline",
            f"{ask}/v1/why/{self.decision}" if self.decision else f"{ask}/v1/ledger",
        ]


def tell_story(hub: Hub) -> None:
    """The one place that tells it: into a hub that holds nothing else, or the rest of one that was begun."""
    with hub.store.read() as session:
        begun = session.get(Meta, "story") is not None
        used = session.exec(select(Account.id).limit(1)).first() is not None
    if used and not begun:
        return
    if not begun:
        say("A new hub. Telling it a small story of a few people, so that there is something to see …")
    tell(hub)


def kept_key(hub: Hub) -> str:
    """The key of this home: made once, shown at each start, readable by its owner only."""
    path = hub.settings.home / "key"
    text = path.read_text().strip() if path.exists() else ""
    with hub.store.write() as session:
        try:
            keys.holder_of(session, text)
        except Unauthorized:
            text = keys.create(session, "kinline up", ("admin",))
            _keep(path, text)
    return text


def welcome(hub: Hub, address: str, key: str) -> Welcome:
    with hub.store.read() as session:
        person, decision = _something(session)
    outbox = hub.settings.home / "outbox"
    sent = (
        "are really sent" if hub.settings.outbound == "live" else f"are written to {outbox}; none leaves this machine"
    )
    # Behind the # a browser keeps the key to itself; the page takes it out of the address at once.
    page = f"{address}/#key={key}" + (f"&at=/people/{person}" if person else "")
    return Welcome(address, page, f"{address}/docs", key, sent, person, decision)


def show(found: Welcome, home: Path) -> None:
    printing.line((f"Kinline is up at {found.address}", "bold green"), "   (Ctrl-C stops it)")
    printing.line("")
    printing.line("  page      ", found.page)
    printing.line("  API       ", found.docs)
    printing.line("  key       ", found.key, (f"   (kept in {home / 'key'})", "dim"))
    printing.line("  messages  ", found.messages)
    printing.line("")
    printing.line("Try first:")
    for call in found.calls():
        printing.line("  ", call)
    if found.decision:
        printing.line("")
        command = _command()
        printing.line("In another window:")
        printing.line("  ", f"{command} timeline {found.person}")
        printing.line("  ", f"{command} why {found.decision}")


def _command() -> str:
    """How to call this very installation from here: by its name where the shell finds it, else by its path."""
    ours = Path(sys.executable).with_name("kinline")
    found = shutil.which("kinline")
    if found and Path(found).parent == ours.parent:
        return "kinline"
    return str(ours.relative_to(Path.cwd()) if ours.is_relative_to(Path.cwd()) else ours)


def _something(session: Session) -> tuple[str, str]:
    acted = select(Person.root_id, Decision.id).join(Decision, col(Decision.person_id) == Person.id)
    acted = acted.join(FollowUp, col(FollowUp.decision_id) == Decision.id)
    if found := session.exec(acted.order_by(col(Decision.decided_at).desc()).limit(1)).first():
        return found
    people = search(session, limit=1)
    return (people[0].id if people else "", "")


def _keep(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
