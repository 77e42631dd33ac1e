"""The settings of one source of events."""

from kinline import AccountSettings, HandleType, Kind

Kinds = dict[str, Kind]
#: Traits that are never kept, however they are written: they are secrets, or of the kind that the law guards most.
SECRETS = ("password", "token", "secret", "ssn", "credit_card", "card_number", "cvv", "iban")


class EventsSettings(AccountSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One system whose events come in. Two accounts of one ``issuer`` share its users and its event ids."""

    issuer: str  #: who gives the user ids: ``shop`` makes user 42 the handle ``external:shop/42``
    #: types of handle for which it is believed; only servers of ours hold its key then
    trusted: tuple[HandleType, ...] = ()
    #: what a type or name of event is here, before the built-in table
    kinds: Kinds = {}  # noqa: RUF012 - msgspec gives each its own
    subjects_are_users: bool = False  #: CloudEvents: a subject without a type of handle is a user id of the issuer
    traits: tuple[str, ...] = ("*",)  #: Segment: the traits to keep as attributes; ``*``: all
    traits_blocked: tuple[str, ...] = SECRETS  #: Segment: the traits never to keep, whatever ``traits`` says
