"""A Dovecot of the test's own: IMAP with and without TLS, LMTP, mailboxes in a folder.

https://doc.dovecot.org/2.3/configuration_manual/ describes each of its settings.
"""

import imaplib
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterable

from kinline.testing.servers import certificate
from kinline.testing.servers.running import answers, end, folder, free_port, needed, until, user_of

PASSWORD = "not-a-real-one"

_CONFIG = """
base_dir = {home}/run
state_dir = {home}/run
log_path = {home}/log
listen = 127.0.0.1
protocols = imap lmtp
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
mail_uid = {mail}
mail_gid = {mail_group}
mail_home = {home}/mail/%u
mail_location = maildir:{home}/mail/%u/Maildir
mailbox_list_index = yes
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_verbose = yes
auth_failure_delay = 0
mail_max_userip_connections = 100
imap_capability = {capability}
{oauth}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={mail} gid={mail_group} home={home}/mail/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  mailbox Drafts {{
    special_use = \\Drafts
    auto = create
  }}
  mailbox "Sent Things" {{
    special_use = \\Sent
    auto = create
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  user = {lmtp_user}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""
_OAUTH = """passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {home}/oauth2.conf
}}
"""


class Dovecot:
    """Start it, and mailboxes are at ``imap``, ``imaps`` and ``lmtp`` of 127.0.0.1. Whoever has the password is a user.

    ``introspect``: the address that says whether a token is good (RFC 7662), for XOAUTH2. ``without``: capabilities
    that it hides, as IDLE.
    """

    def __init__(self, *, introspect: str = "", without: Iterable[str] = ()) -> None:
        self._program = needed("dovecot", "dovecot-imapd dovecot-lmtpd")
        self.home = folder("dovecot")
        self.imap, self.imaps, self.lmtp = free_port(), free_port(), free_port()
        self.certificate, self._key = certificate.write(self.home)
        self._introspect, self._without = introspect, tuple(without)
        self._config = self.home / "dovecot.conf"

    def start(self) -> "Dovecot":
        (self.home / "mail").mkdir(exist_ok=True)
        (self.home / "run").mkdir(exist_ok=True)
        self._write()
        if os.geteuid() == 0:
            known = pwd.getpwnam("nobody")
            os.chown(self.home / "mail", known.pw_uid, known.pw_gid)
        with (self.home / "said").open("w") as said:  # it inherits its outputs, so a pipe would never end
            subprocess.run([self._program, "-c", self._config], check=True, stdout=said, stderr=said, timeout=30)  # noqa: S603
        if not until(lambda: all(answers(port) for port in (self.imap, self.imaps, self.lmtp))):
            raise RuntimeError(f"Dovecot did not start:\n{self.log()}")
        return self

    def stop(self) -> None:
        self.halt()
        shutil.rmtree(self.home, ignore_errors=True)

    def halt(self) -> None:
        """Stop serving, and keep the mailboxes: `start` begins again."""
        end(self.home / "run" / "master.pid")
        until(lambda: not answers(self.imap))

    def log(self) -> str:
        try:
            return (self.home / "log").read_text(errors="replace")
        except OSError:
            return ""

    def append(self, user: str, mail: bytes, mailbox: str = "INBOX", *, flags: str = "", at: float = 0) -> None:
        """Put a mail into a mailbox, as a person's mail program does with what it sent."""
        with self.client(user) as client:
            date = imaplib.Time2Internaldate(at or time.time())
            told, why = client.append(f'"{mailbox}"', flags, date, mail)
            if told != "OK":
                raise RuntimeError(str(why))

    def mails(self, user: str, mailbox: str = "INBOX") -> list[bytes]:
        """All mails of a mailbox, oldest first, left unseen."""
        with self.client(user) as client:
            client.select(f'"{mailbox}"', readonly=True)
            _, [found] = client.search(None, "ALL")
            return [client.fetch(each.decode(), "(BODY.PEEK[])")[1][0][1] for each in found.split()]  # type: ignore[index,misc]

    def unseen(self, user: str, mailbox: str = "INBOX") -> int:
        with self.client(user) as client:
            client.select(f'"{mailbox}"', readonly=True)
            return len(client.search(None, "UNSEEN")[1][0].split())

    def client(self, user: str) -> imaplib.IMAP4:
        client = imaplib.IMAP4("127.0.0.1", self.imap)
        client.login(user, PASSWORD)
        return client

    def admin(self, *words: str) -> str:
        """``doveadm``."""
        program = needed("doveadm", "dovecot-imapd")
        done = subprocess.run([program, "-c", self._config, *words], check=True, capture_output=True, text=True)  # noqa: S603
        return done.stdout

    def _write(self) -> None:
        (self.home / "oauth2.conf").write_text(
            f"introspection_url = {self._introspect}\nintrospection_mode = get\n"
            "username_attribute = email\nactive_attribute = active\nactive_value = true\n"
        )
        capability = "" if not self._without else " ".join(
            each for each in ["IMAP4rev1", "LITERAL+", "SASL-IR", "IDLE", "SPECIAL-USE", "UIDPLUS", "CHILDREN", "NAMESPACE"]
            if each not in self._without
        )  # fmt: skip
        mail = user_of("nobody")
        self._config.write_text(
            _CONFIG.format(
                home=self.home, password=PASSWORD, internal=user_of("dovecot"), login=user_of("dovenull"), mail=mail,
                group=_group(user_of("dovecot")), mail_group=_group(mail), lmtp_user=user_of("root"),
                certificate=self.certificate, key=self._key, capability=capability,
                oauth=_OAUTH.format(home=self.home) if self._introspect else "",
                imap=self.imap, imaps=self.imaps, lmtp=self.lmtp,
            )
        )  # fmt: skip


def _group(user: str) -> str:
    import grp

    return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
