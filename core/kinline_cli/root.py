"""The list of commands. A command's sentence here is the first of its own help; a test compares them."""

import rich_click as click

from kinline_cli.endings import EPILOG
from kinline_cli.lazy import LazyGroup

_HERE = "kinline_cli.commands"
COMMANDS = {
    "up": (f"{_HERE}.up:up", "Start the whole hub with one command: database, worker, API and a story to look at."),
    "api": (f"{_HERE}.serve:api", "Serve the HTTP API until stopped."),
    "worker": (f"{_HERE}.serve:worker", "Work on what is due until stopped."),
    "smtp": (f"{_HERE}.smtp:smtp", "Take mail by SMTP or LMTP until stopped."),
    "migrate": (
        f"{_HERE}.migrate:migrate",
        "Bring the database to the schema this version needs, and stored data into its shape.",
    ),
    "doctor": (f"{_HERE}.doctor:doctor", "Look whether everything the hub needs is in order, and say the cure."),
    "key": (f"{_HERE}.key:key", "Make, list and revoke keys to the API."),
    "account": (
        f"{_HERE}.living:account",
        "Connect channel accounts, look how they are, bring in their past, pause them.",
    ),
    "import": (f"{_HERE}.importing:import_", "Import files of history through a channel."),
    "ledger": (f"{_HERE}.ledger:ledger", "Show where everything that was received is: nothing is ever lost."),
    "quarantine": (f"{_HERE}.quarantine:quarantine", "Show what nobody could read, with its reason, and try it again."),
    "job": (f"{_HERE}.job:job", "Show the work that was given up, with its error, and plan it again."),
    "waiting": (f"{_HERE}.waiting:waiting", "Show who waits for an answer of ours since when, and what was promised."),
    "conversation": (
        f"{_HERE}.conversation:conversation",
        "Read what was said in a conversation, answer it, and say that it is over.",
    ),
    "people": (f"{_HERE}.people:people", "List the people we know, or search them by name or handle."),
    "suggestions": (
        f"{_HERE}.suggestions:suggestions",
        "Show which two persons may be one and why, and say whether they are.",
    ),
    "suppression": (
        f"{_HERE}.suppression:suppression",
        "See, set and lift what keeps the hub from writing to a handle.",
    ),
    "timeline": (f"{_HERE}.timeline:timeline", "Show one person's life with us over all channels, newest first."),
    "trigger": (f"{_HERE}.trigger:trigger", "Write, check, try out and run triggers."),
    "template": (f"{_HERE}.template:template", "Write, check, look at and keep what messages say."),
    "endpoint": (
        f"{_HERE}.endpoint:endpoint",
        "Say where triggers may call, and change the secrets that sign.",
    ),
    "score": (f"{_HERE}.score:score", "Judge what people wrote before anybody judged it: topic, sentiment, language."),
    "why": (
        f"{_HERE}.why:why",
        "Explain a decision or a follow-up: what was seen, which trigger, what came of it, what else was considered.",
    ),
    "plugin": (
        f"{_HERE}.plugin:plugin",
        "Start a channel, scorer or condition of your own, and list those that are installed.",
    ),
    "version": (f"{_HERE}.version:version", "Show the version of Kinline and of what it stands on."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error that nobody foresaw.")
def kinline(debug: bool) -> None:
    """Kinline: one person, many channels, one timeline."""
