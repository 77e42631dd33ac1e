"""``kinline smtp``: the door for mail that a mail server pushes to us."""

import logging
from pathlib import Path

import rich_click as click

from kinline_cli.endings import say
from kinline_cli.opened import opened
from kinline_cli.ports import refuse_taken
from kinline_smtp.server import Options, run

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen on this address.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=2525, show_default=True,
    help="Listen on this port; 0 takes a free one.",
)  # fmt: skip
@click.option("--lmtp", is_flag=True, help="Speak LMTP, as behind Postfix or Exim, instead of SMTP.")
@click.option("--certificate", type=_FILE, help="Offer STARTTLS with this certificate (PEM).")
@click.option("--key", type=_FILE, help="The certificate's key, where it is in a file of its own.")
def smtp(host: str, port: int, lmtp: bool, certificate: Path | None, key: Path | None) -> None:
    """Take mail by SMTP or LMTP until stopped.

    Mail is taken for the addresses of connected mail accounts, and said to be taken when it is on disk. It is meant
    to stand behind a mail server of yours, which filters spam and signs what it checked.
    """
    with opened(build=False, level=logging.INFO) as hub:
        refuse_taken(host, port)
        options = Options(host, port, lmtp, certificate, key)
        run(hub, options, on_ready=lambda where: say(f"Taking mail on {host}:{where}"))
