"""``kinline conversation``: read what was said in one, answer it, end it."""

import rich_click as click
from sqlmodel import Session

from kinline.desk import conversation_list, conversations, dismissals, replies, work
from kinline.desk.conversation_list import ConversationFilter as WantedOfList
from kinline.desk.replies import ReplyPreview, ReplyText
from kinline.errors import Conflict, KinlineError, NotFound
from kinline.followups.addressee import Choice, WantedRecipients
from kinline.followups.showing import shown as followup_shown
from kinline.hub import Hub
from kinline.identity.persons import find, identities_of
from kinline.waiting import rows
from kinline.waiting.clocks import FOREVER
from kinline_cli import printing
from kinline_cli.endings import say
from kinline_cli.opened import opened
from kinline_cli.telling import told

_BY = "the command line"
_agent = click.option("--agent", default=_BY, help="Say who of us does it.")


@click.group()
def conversation() -> None:
    """Read what was said in a conversation, answer it, and say that it is over.

    NUMBER is what people say, as 4F7K-9QXT, or an id.
    """


@conversation.command()
@click.argument("number")
@printing.json_option
def show(number: str, as_json: bool) -> None:
    """Show one conversation, with what was said in it, oldest first."""
    with opened() as hub, hub.store.read() as session:
        row = conversations.find(session, _named(session, number))
        view, said = conversations.view(session, row), conversations.said(session, row)
    if as_json:
        printing.json({"conversation": view, "said": [entry.shown for entry in said]})
        return
    printing.line((view.subject or view.number, "bold"), f"  {view.state}", f"  {view.channel}")
    told(said)


@conversation.command()
@click.argument("number")
@click.argument("text")
@click.option("--to", default="", help="Name who gets it: an id or a handle of somebody who takes part.")
@click.option("--cc", multiple=True, help="Name somebody who gets a copy, in place of those who are in copy already.")
@click.option("--no-cc", is_flag=True, help="Send no copies.")
@click.option("--answers", multiple=True, help="Name an interaction that it answers.")
@click.option("--dry-run", is_flag=True, help="Say whom it would go to, and send nothing.")
@_agent
@printing.json_option
def reply(
    number: str, text: str, to: str, cc: tuple[str, ...], no_cc: bool, answers: tuple[str, ...], dry_run: bool, agent: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Answer in a conversation: whoever is named, or whoever waits alone or is clearly meant."""
    wanted = WantedRecipients(to=to, cc=cc if cc or no_cc else None, answers=answers)
    try:
        with opened() as hub:
            _preview(hub, number, wanted, as_json) if dry_run else _reply(hub, number, text, wanted, agent, as_json)
    except KinlineError as error:
        _tell_choices(error.more.get("choices", []))
        raise


def _preview(hub: Hub, number: str, wanted: WantedRecipients, as_json: bool) -> None:
    with hub.store.rehearse() as session:
        found = replies.preview(hub, session, _named(session, number), wanted)
    printing.json(found) if as_json else _tell(found)


def _reply(hub: Hub, number: str, text: str, wanted: WantedRecipients, agent: str, as_json: bool) -> None:
    with hub.store.write() as session:
        made = replies.reply(hub, session, _named(session, number), ReplyText(text=text), agent=agent, wanted=wanted)
        found = followup_shown(session, made)
    if as_json:
        printing.json(found)
    else:
        printing.line(f"It goes to {', '.join([found.to, *found.cc])}, over {found.account}.")


def _tell(found: ReplyPreview) -> None:
    printing.line(f"It would go to {', '.join(each.handle for each in (found.to, *found.cc))}, over {found.account}.")
    for dropped in found.dropped:
        printing.line(f"No copy for {dropped.handle}: {dropped.why}.")
    if found.still_waiting:
        printing.line(f"Still waiting: {', '.join(each.handle or each.person for each in found.still_waiting)}.")


def _tell_choices(choices: list[Choice]) -> None:
    for each in choices:
        since = f", waiting since {each.since[:16].replace('T', ' ')}" if each.since else ""
        say(f"  --to {each.handle}{since}")


@conversation.command()
@click.argument("number")
@click.option("--outcome", default="", help="Say what came of it.")
@_agent
@printing.json_option
def close(number: str, outcome: str, agent: str, as_json: bool) -> None:
    """Close a conversation; nobody waits for what was said in it before."""
    with opened() as hub, hub.store.write() as session:
        row = work.close(hub, session, _named(session, number), agent=agent, outcome=outcome)
        view = conversations.view(session, row)
    printing.json(view) if as_json else printing.line(f"{view.number} is closed.")


@conversation.command()
@click.argument("number")
@click.option("--person", required=True, help="Name whose words need no answer: an id or a handle.")
@click.option("--reason", required=True, help="Say why.")
@_agent
@printing.json_option
def dismiss(number: str, person: str, reason: str, agent: str, as_json: bool) -> None:
    """Say that what somebody asked in a conversation needs no answer; their next word asks anew."""
    with opened() as hub, hub.store.write() as session:
        place = _named(session, number)
        root = find(session, person, region=hub.settings.phone_region or None)
        mine = set(identities_of(session, [root]).get(root, ()))
        waiting = [row for row in rows.open_in(session, [place], FOREVER) if row.who in mine]
        if not waiting:
            raise Conflict("They do not wait there.", code="already_so")
        for row in waiting:
            dismissals.dismiss(session, row.id, reason=reason, by=agent)
    printing.json({"dismissed": [row.id for row in waiting]}) if as_json else printing.line("They wait no more.")


def _named(session: Session, number: str) -> str:
    """The conversation of that number or id."""
    try:
        return conversations.find(session, number).id
    except NotFound:
        found = [each.id for _, each in conversation_list.listed(session, WantedOfList(number=number))]
    if len(found) > 1:
        raise Conflict(f"Several conversations have this number: {', '.join(found)}.", code="several")
    if not found:
        raise NotFound("There is no such conversation.", code="no_such_conversation")
    return found[0]
