"""Which addresses of the network the hub may call on somebody else's word (server-side request forgery).

Default deny: only what IANA has given out for the public internet. ``ipaddress.is_global`` is not enough, it is
true for ``::127.0.0.1``, ``64:ff9b::7f00:1`` and ``2002:7f00:1::``, which reach this machine on some networks.
"""

import ipaddress
import socket

from kinline.errors import ChannelError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Global unicast as handed out (RFC 4291 section 2.4), without what only wraps an IPv4 address or documents.
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
_NOT_PUBLIC_V6 = [ipaddress.ip_network(each) for each in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_NOT_PUBLIC_V4 = [ipaddress.ip_network(each) for each in ("192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/3")]


def is_public(address: Address) -> bool:
    """Whether it is an ordinary address of the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        return address in _PUBLIC_V6 and not any(address in each for each in _NOT_PUBLIC_V6)
    return address.is_global and not any(address in each for each in _NOT_PUBLIC_V4)


def resolved(host: str, port: int, *, trusted: bool = False) -> list[str]:
    """The addresses of a host, as literals to connect to. All must be public, unless an operator named the host.

    Connect to what this returns and to nothing else: a second look-up may give another answer (DNS rebinding).
    Raises `ChannelError`.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError) as error:
        raise ChannelError(f"There is no host {host[:100]}: {error}", code="unknown_host") from error
    literals = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not trusted:
        for literal in literals:
            if not is_public(ipaddress.ip_address(literal.partition("%")[0])):
                raise ChannelError(
                    f"{host[:100]} is not on the public internet; nothing is fetched from there.",
                    permanent=True, code="private_address",
                )  # fmt: skip
    return literals
