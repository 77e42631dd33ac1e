"""Real mail servers for tests, each with a folder, a configuration and ports of its own, on loopback only."""

from kinline.testing.servers.dovecot import Dovecot
from kinline.testing.servers.postfix import Postfix
from kinline.testing.servers.running import free_port, until
from kinline.testing.servers.swaks import swaks

__all__ = ["Dovecot", "Postfix", "free_port", "swaks", "until"]
