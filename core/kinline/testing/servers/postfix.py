"""A Postfix of the test's own: it takes mail on loopback and delivers it by LMTP. Needs to be root.

https://www.postfix.org/postconf.5.html describes each of its settings.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from kinline.testing.hubs import missing
from kinline.testing.servers.running import answers, end, folder, free_port, needed, until

_MAIN = """
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
daemon_directory = {daemons}
command_directory = {commands}
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = mx.relay.example
mydestination =
alias_maps =
local_transport = error:nobody lives here
local_recipient_maps =
relay_domains = {domains}
default_transport = error:no way there
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_dns_support_level = disabled
smtp_host_lookup = native
transport_maps = inline:{{ {transports} }}
maillog_file = {home}/log
maillog_file_prefixes = {home}
message_size_limit = 60000000
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
smtputf8_enable = yes
{more}
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Takes mail at ``port`` for the domains of ``routes``, and hands it to the LMTP port each names.

    ``settings`` are further lines of main.cf, by name.
    """

    def __init__(self, routes: Mapping[str, int], settings: Mapping[str, str] | None = None) -> None:
        self._program = needed("postfix", "postfix")
        if os.geteuid() != 0:
            missing("Postfix", "run this test as root: Postfix changes users")
        self.home, self.port = folder("postfix"), free_port()
        self._routes, self._settings = dict(routes), dict(settings or {})

    def start(self) -> "Postfix":
        for name in ("queue", "data"):
            (self.home / name).mkdir(exist_ok=True)
        shutil.chown(self.home / "data", "postfix")
        transports = ", ".join(f"{{ {domain} = lmtp:inet:127.0.0.1:{port} }}" for domain, port in self._routes.items())
        (self.home / "main.cf").write_text(
            _MAIN.format(
                home=self.home, daemons="/usr/lib/postfix/sbin", commands="/usr/sbin", transports=transports,
                domains=" ".join(self._routes), more="\n".join(f"{name} = {value}" for name, value in self._settings.items()),
            )
        )  # fmt: skip
        (self.home / "master.cf").write_text(_MASTER.format(port=self.port))
        self._say("start")
        if not until(lambda: answers(self.port)):
            raise RuntimeError(f"Postfix did not start:\n{self.log()}")
        return self

    def stop(self) -> None:
        end(self.home / "queue" / "pid" / "master.pid")
        shutil.rmtree(self.home, ignore_errors=True)

    def flush(self) -> None:
        """Try everything that waits again now."""
        self._say("flush")

    def waiting(self) -> int:
        """Mails in the queue."""
        program = needed("postqueue", "postfix")
        done = subprocess.run([program, "-c", self.home, "-j"], check=True, capture_output=True, text=True)  # noqa: S603
        return len(done.stdout.splitlines())

    def log(self) -> str:
        try:
            return (self.home / "log").read_text(errors="replace")
        except OSError:
            return ""

    def _say(self, word: str) -> None:
        said = self.home / "said"
        with said.open("w") as out:  # its daemons inherit its outputs, so a pipe would never end
            command: list[str | Path] = [self._program, "-c", self.home, word]
            done = subprocess.run(command, stdout=out, stderr=out, check=False, timeout=30)  # noqa: S603
        if done.returncode:
            raise RuntimeError(f"postfix {word}: {said.read_text()}{self.log()}")
