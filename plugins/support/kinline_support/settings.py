"""The settings of one desk, and the names derived from them."""

from typing import ClassVar, Literal
from urllib.parse import urlsplit

from kinline import AccountSettings, ChannelError, Handle, HandleType

Provider = Literal["zendesk", "chatwoot", "zammad"]


class SupportSettings(AccountSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One desk. Everything has a default, so that an export can be read before anything is connected."""

    secrets: ClassVar[frozenset[str]] = frozenset({"webhook_secret", "token"})

    provider: Provider = "zendesk"  #: whose desk it is
    desk: str = ""  #: its address or, at Zendesk, its subdomain: ``https://desk.example.org`` or ``example``
    account: str = ""  #: Chatwoot: the number of the account, as it stands in the address
    user: str = ""  #: Zendesk: the mail address of the agent to whom the token belongs
    token: str = ""  #: with which the hub calls the desk; without it nothing is polled and nothing sent
    agents: tuple[str, ...] = ()  #: user ids or mail addresses that are ours, besides those the desk calls agents
    trust_identities: bool = False  #: believe the desk where it says that a user's mail address was verified
    descriptions: bool = False  #: Zendesk: record the description of tickets that come without their comments
    files: bool = True  #: bring attached files in, up to 20 MB each
    webhook_secret: str = ""  #: the signing secret that the desk shows for its webhook


def host(settings: SupportSettings) -> str:
    """The desk's host name. A bare word is a Zendesk subdomain; spellings of one address give one host."""
    name = settings.desk.strip().lower().removeprefix("https://").removeprefix("http://").partition("/")[0]
    bare = not name or "." in name or ":" in name or settings.provider != "zendesk"
    return name if bare else f"{name}.zendesk.com"


def instance(settings: SupportSettings) -> str:
    """Inside which source ids are unique. A Chatwoot installation has several accounts, each a desk of its own."""
    found = host(settings)
    return f"{found}/{settings.account.strip()}" if found and settings.provider == "chatwoot" else found


def base(settings: SupportSettings) -> str:
    """The address to call. Plain http only for a desk on this very machine: a token travels with every call."""
    name = host(settings)
    if not name or not settings.token:
        raise ChannelError("Set `desk` and `token` to connect this desk.", permanent=True, code="not_authorised")
    if not settings.desk.strip().lower().startswith("http://"):
        return f"https://{name}"
    if (urlsplit(f"http://{name}").hostname or "") not in ("127.0.0.1", "localhost", "::1"):
        raise ChannelError("The desk's address must be https.", permanent=True, code="not_https")
    return f"http://{name}"


def issuer(settings: SupportSettings) -> str:
    return f"{settings.provider}:{instance(settings)}"


def user(ident: str, settings: SupportSettings) -> Handle:
    """A user of this desk. The id alone, so that it is the same handle in whatever order records arrive."""
    return Handle(HandleType.EXTERNAL, ident, issuer(settings))


def page(ticket: str, settings: SupportSettings) -> str:
    """Where an agent sees this ticket; empty while we do not know the desk's address."""
    if not host(settings) or not ticket:
        return ""
    match settings.provider:
        case "chatwoot":
            return f"https://{host(settings)}/app/accounts/{settings.account}/conversations/{ticket}"
        case "zammad":
            return f"https://{host(settings)}/#ticket/zoom/{ticket}"
    return f"https://{host(settings)}/agent/tickets/{ticket}"
