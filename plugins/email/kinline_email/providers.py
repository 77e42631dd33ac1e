"""What Microsoft and Google want: hosts, consent pages, scopes.

https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
https://learn.microsoft.com/graph/permissions-reference
https://developers.google.com/workspace/gmail/imap/xoauth2-protocol, https://developers.google.com/workspace/gmail/api/auth/scopes
"""

from typing import TYPE_CHECKING, NamedTuple

from kinline import OAuth

if TYPE_CHECKING:
    from kinline_email.settings import EmailSettings


class Preset(NamedTuple):
    """One provider. ``{tenant}`` stands for the organisation at Microsoft."""

    imap_host: str
    smtp_host: str
    api_url: str
    authorise_url: str
    token_url: str
    by_imap: tuple[str, ...]
    by_api: tuple[str, ...]
    more: dict[str, str]


_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
_OUTLOOK, _GRAPH = "https://outlook.office.com", "https://graph.microsoft.com"
PRESETS = {
    "microsoft": Preset(
        "outlook.office365.com", "smtp.office365.com", f"{_GRAPH}/v1.0",
        f"{_MICROSOFT}/authorize", f"{_MICROSOFT}/token",
        (f"{_OUTLOOK}/IMAP.AccessAsUser.All", f"{_OUTLOOK}/SMTP.Send", "offline_access"),
        (*(f"{_GRAPH}/{each}" for each in ("Mail.Read", "Mail.Read.Shared", "Mail.Send", "Mail.Send.Shared")), "offline_access"),
        {"prompt": "select_account"},
    ),
    "google": Preset(
        "imap.gmail.com", "smtp.gmail.com", "https://gmail.googleapis.com/gmail/v1",
        "https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token",
        ("https://mail.google.com/",),
        ("https://www.googleapis.com/auth/gmail.readonly", "https://www.googleapis.com/auth/gmail.send"),
        {"access_type": "offline", "prompt": "consent"},
    ),
}  # fmt: skip


def oauth(settings: "EmailSettings") -> OAuth | None:
    """How this account is authorised; None for a mailbox with a password."""
    preset = PRESETS.get(settings.provider)
    if preset is None:
        return None
    tenant = settings.tenant or "common"
    authorise, token = preset.authorise_url.format(tenant=tenant), preset.token_url.format(tenant=tenant)
    if settings.oauth_url:
        authorise, token = f"{settings.oauth_url}/authorize", f"{settings.oauth_url}/token"
    return OAuth(
        authorise_url=authorise, token_url=token, client_id=settings.client_id, client_secret=settings.client_secret,
        scopes=preset.by_api if settings.over == "api" else preset.by_imap,
        more={**preset.more, **({"login_hint": settings.address} if settings.address else {})},
    )  # fmt: skip
