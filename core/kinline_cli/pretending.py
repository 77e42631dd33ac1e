"""Stand-ins for the providers of all channels that ship one, with an account connected to each."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from kinline.accounts import pretending
from kinline.contract.channel import Ability, AnyChannel
from kinline.contract.connection import Pretender
from kinline.contract.plugins import channels
from kinline.hub import Hub
from kinline_cli.endings import say


@contextmanager
def pretended(hub: Hub) -> Iterator[None]:
    """Inside, each of these channels has an account ``pretend-CHANNEL`` whose provider is a server of this process."""
    with ExitStack() as stack:
        for name, plugin in sorted(channels().loaded.items()):
            if Ability.PRETEND in plugin.can:
                stand_in = _started(hub, plugin)
                stack.callback(stand_in.stop)
                say(f"Pretending: the account pretend-{name} talks to a stand-in on port {stand_in.port}.")
        yield


def _started(hub: Hub, plugin: AnyChannel) -> Pretender:
    stand_in = plugin.pretend()
    with hub.store.read() as session:
        before = pretending.port(session, plugin)
    settings = stand_in.start(before)
    with hub.store.write() as session:
        pretending.keep_port(session, plugin, stand_in.port)
        pretending.connect(session, hub.secret, plugin, settings)
    return stand_in
