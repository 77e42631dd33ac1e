"""Typed handles, and the one way each type is written.

Two spellings of one handle become one identity; two distinct handles never do: so mail addresses keep
the case, dots and plus-tags of their local part (RFC 5321 section 2.4 leaves them to the receiving host),
and only their domain is folded. A folded form for *suggestions* is ``match_key``.
"""

import re
import unicodedata
from urllib.parse import urlsplit, urlunsplit

import msgspec
import phonenumbers
from email_validator import EmailNotValidError, validate_email

from kinline import ids
from kinline.errors import Invalid
from kinline.words import HandleType

#: Values that many people share or that mean "nobody". They never join anybody and make no person.
#: From Segment's and PostHog's lists, and crowd.dev #2839 (one "person" with a thousand [deleted] accounts).
BLOCKED = frozenset(
    """anonymous anon guest null none nil undefined unknown nan true false 0 -1 id user user_id userid distinct_id
    email test deleted [deleted] ghost n/a na - . object noname nobody""".split()  # noqa: SIM905 - reads as a list of words
) | {"[object object]"}

#: Mailboxes that no person reads (RFC 2142 and RFC 3834 section 2, and what desks meet).
MACHINE_MAILBOX = re.compile(
    r"(mailer-daemon|postmaster|abuse|root|daemon|bounces?|(no|do|donot|do-not|not)[-_.]?reply.*|noreply.*|"
    r".*[-_.+]no[-_.]?reply|bounces?[-+=].*|.*[-_]bounces?([-+=].*)?|listserv|majordomo|auto-?reply|notifications?)",
    re.IGNORECASE,
)

MAX_LENGTH = 320


class Handle(msgspec.Struct, frozen=True, omit_defaults=True):
    """One name somebody goes by: ``type``, ``value`` and, for external ids, the ``issuer`` that gave it."""

    type: HandleType
    value: str
    issuer: str = ""

    @property
    def id(self) -> str:
        """The identity id. Meaningful for normalised handles only."""
        return ids.derived("identity", self.type, self.issuer, self.value)

    def __str__(self) -> str:
        return f"{self.type}:{self.issuer + '/' if self.issuer else ''}{self.value}"


def parse(text: str, *, region: str | None = None) -> Handle:
    """Read ``email:ann@example.org``, ``external:shop/42`` and so on, as people type and ``str(handle)`` prints."""
    kind, colon, value = text.partition(":")
    if not colon or kind not in set(HandleType):
        raise Invalid(
            f"“{text[:80]}” is no handle: write TYPE:VALUE with one of {', '.join(HandleType)}.", code="invalid_handle"
        )
    issuer = ""
    if kind == HandleType.EXTERNAL:
        issuer, slash, value = value.rpartition("/")
        if not slash:
            raise Invalid("An external handle is external:ISSUER/ID.", code="invalid_handle")
    return normalise(Handle(HandleType(kind), value, issuer), region=region)


def normalise(handle: Handle, *, region: str | None = None) -> Handle:
    """The one spelling of this handle. ``region`` (ISO 3166) is for phone numbers without a country code.

    Raises `Invalid` with code ``invalid_handle`` when there is no such handle.
    """
    value = unicodedata.normalize("NFC", handle.value).strip()
    if not value or len(value) > MAX_LENGTH or any(unicodedata.category(char) == "Cc" for char in value):
        raise _invalid(handle, "it is empty, longer than 320 characters, or has control characters")
    issuer = unicodedata.normalize("NFC", handle.issuer).strip()
    if handle.type is HandleType.EXTERNAL and not issuer:
        raise _invalid(handle, "an external id needs the issuer that gave it")
    written = _WRITERS[handle.type](handle, value, region)
    return Handle(handle.type, written, issuer if handle.type is HandleType.EXTERNAL else "")


def is_blocked(handle: Handle) -> bool:
    """Whether this value stands for many or for nobody, so that it must never make or join a person."""
    value = handle.value.casefold()
    if handle.type is HandleType.EMAIL:
        local, _, domain = value.rpartition("@")
        return local in BLOCKED or is_machine(handle) or domain in ("localhost", "")
    return value in BLOCKED or not value.strip("0-")


def is_machine(handle: Handle) -> bool:
    """Whether this is a mailbox that no person reads, as ``noreply@``; ``user@`` or ``test@`` may be somebody's."""
    local = handle.value.rpartition("@")[0]
    return handle.type is HandleType.EMAIL and MACHINE_MAILBOX.fullmatch(local) is not None


def match_key(handle: Handle) -> str:
    """A coarser form, for suggesting that two identities are one person; never for joining them."""
    if handle.type is not HandleType.EMAIL:
        return handle.value.casefold()
    local, _, domain = handle.value.casefold().rpartition("@")
    local = local.partition("+")[0]
    return f"{local.replace('.', '') if domain in ('gmail.com', 'googlemail.com') else local}@{domain}"


def _invalid(handle: Handle, why: str) -> Invalid:
    return Invalid(f"“{handle.value[:80]}” is no {handle.type}: {why}.", code="invalid_handle")


def _email(handle: Handle, value: str, region: str | None) -> str:
    try:
        found = validate_email(value, check_deliverability=False, allow_quoted_local=True, allow_smtputf8=True)
    except EmailNotValidError as error:
        return _historic_email(handle, value, str(error).rstrip("."))
    return found.normalized


def _historic_email(handle: Handle, value: str, why: str) -> str:
    """Addresses that the library refuses by policy (special-use domains, no dot), and that real mail carries.

    Also local parts like ``ann..b.`` : Japanese carriers gave them out for years. No label of a domain is longer
    than 63 (RFC 1035 section 2.3.4), no address than 254 (RFC 5321 section 4.5.3.1.3, without the brackets).
    """
    local, at, domain = value.rpartition("@")
    if not at or len(value) > 254 or not re.fullmatch(r"[^\s@<>\"(),:;\\\[\].][^\s@<>\"(),:;\\\[\]]{0,63}", local):
        raise _invalid(handle, why)
    if not all(re.fullmatch(r"\w(?:[\w-]{0,61}\w)?", label) for label in domain.split(".")):
        raise _invalid(handle, why)
    return f"{local}@{domain.lower()}"


def _phone(handle: Handle, value: str, region: str | None) -> str:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException as error:
        raise _invalid(handle, f"{error}; write it with its country code, as +34 911 234 567") from None
    if not phonenumbers.is_possible_number(number):
        raise _invalid(handle, "no telephone number has that length")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _x_id(handle: Handle, value: str, region: str | None) -> str:
    if not re.fullmatch(r"[0-9]{1,20}", value):
        raise _invalid(handle, "an X id is digits only")
    return value.lstrip("0") or "0"


def _x_handle(handle: Handle, value: str, region: str | None) -> str:
    name = value.removeprefix("@")
    if not re.fullmatch(r"[A-Za-z0-9_]{1,50}", name):
        raise _invalid(handle, "an X name is letters, digits and underscores")
    return name.lower()


def _url(handle: Handle, value: str, region: str | None) -> str:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _invalid(handle, str(error)) from None
    if parts.scheme not in ("http", "https") or "." not in host:
        raise _invalid(handle, "only http and https addresses with a host name count")
    standard = port is None or port == {"http": 80, "https": 443}[parts.scheme]
    netloc = host.lower() if standard else f"{host.lower()}:{port}"
    return urlunsplit(("https", netloc, parts.path.rstrip("/"), parts.query, ""))


def _external(handle: Handle, value: str, region: str | None) -> str:
    return value


_WRITERS = {
    HandleType.EMAIL: _email,
    HandleType.PHONE: _phone,
    HandleType.X_ID: _x_id,
    HandleType.X_HANDLE: _x_handle,
    HandleType.URL: _url,
    HandleType.EXTERNAL: _external,
}
