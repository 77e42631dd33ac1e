"""What one mailbox needs to be told."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec.structs import force_setattr

from kinline import AccountSettings
from kinline_email.providers import PRESETS


class EmailSettings(AccountSettings, frozen=True, kw_only=True):
    """Settings of one mail account. All have defaults, so that history can be imported with none of them.

    ``address`` is the mailbox itself and the sender of what goes out; ``own_addresses`` are further
    addresses that are us. ``authserv_id`` is the name under which *your* mail server writes
    Authentication-Results (RFC 8601); empty means that no such header is believed. Your server must remove
    foreign headers of that name (RFC 8601 section 5), as Postfix milters and the large hosts do.
    """

    secrets: ClassVar[frozenset[str]] = frozenset(
        {
            "smtp_password",
            "webhook_secret",
            "imap_password",
            "client_secret",
            "access_token",
            "refresh_token",
            "dkim_private_key",
        }
    )

    address: str = ""
    own_addresses: tuple[str, ...] = ()
    name: str = ""  #: the name people see as the sender
    authserv_id: str = ""
    public_archive: bool = False  #: everybody may read what is here: the archive of a public list
    plus_addressing: bool = False  #: mail to local+anything@ comes here too: answers then find their message by it
    check_signatures: bool = True  #: check DKIM and ARC of mail that comes in live: asks the DNS
    trusted_sealers: tuple[str, ...] = ()  #: domains of forwarders and lists whose ARC seal is believed
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: str = ""
    webhook_secret: str = ""
    dkim_selector: str = ""
    dkim_domain: str = ""  #: who signs; empty: the domain of ``address``
    dkim_private_key: str = ""  #: RSA or Ed25519, in PEM; empty: your mail server signs, or nobody does
    delivery_reports: bool = False  #: ask servers to say that a mail arrived (RFC 3461), where they can
    read_receipts: bool = False  #: ask people to say that they read it (RFC 8098); most programs ask them first

    webhook_from: Literal["own", "sendgrid", "mailgun", "postmark"] = "own"  #: who calls, and signs in its way
    sendgrid_key: str = ""  #: SendGrid's public key, where its webhooks are signed

    imap_host: str = ""  #: empty: no mail is fetched
    imap_port: int = 993
    imap_security: Literal["tls", "starttls", "none"] = "tls"  #: none: on this machine only
    imap_user: str = ""  #: empty: the address. For a shared mailbox at Microsoft 365: its address
    imap_password: str = ""
    imap_folders: tuple[str, ...] = ()  #: empty: INBOX and the folder of sent mail
    poll_every: Annotated[float, msgspec.Meta(ge=5, le=86_400)] = 60.0  #: seconds

    provider: Literal["", "microsoft", "google"] = ""  #: fills in hosts, and asks for consent instead of a password
    over: Literal["imap", "api"] = "imap"  #: api: Microsoft Graph or the Gmail API, where IMAP and SMTP are closed
    tenant: str = ""  #: the organisation at Microsoft; empty: any
    api_url: str = ""  #: another address of the provider's API: a national cloud, a stand-in
    oauth_url: str = ""  #: another address of its consent pages, with /authorize and /token below it

    access_token: str = ""  #: where there is one, it is used instead of the password (XOAUTH2)
    refresh_token: str = ""
    token_expires_at: int = 0
    client_id: str = ""
    client_secret: str = ""

    def __post_init__(self) -> None:
        preset = PRESETS.get(self.provider)
        if preset and self.over == "imap":
            force_setattr(self, "imap_host", self.imap_host or preset.imap_host)
            force_setattr(self, "smtp_host", self.smtp_host or preset.smtp_host)

    def is_ours(self, address: str) -> bool:
        """Whether this address is us, plus-tags included. Case does not matter here: no host of ours minds it."""
        return _is_among(address, self.all_addresses())

    def is_mailbox(self, address: str) -> bool:
        """Whether it is the address of this very mailbox."""
        return _is_among(address, (self.address,))

    def all_addresses(self) -> tuple[str, ...]:
        return (self.address, *self.own_addresses)


def _is_among(address: str, ours: tuple[str, ...]) -> bool:
    local, _, domain = address.casefold().rpartition("@")
    plain = f"{local.partition('+')[0]}@{domain}"
    return any(own and own.strip().casefold() in (address.casefold(), plain) for own in ours)
