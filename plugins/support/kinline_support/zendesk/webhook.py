"""A desk's webhooks: who signed them, and what each event says.

Signature: developer.zendesk.com, “Verifying webhook authenticity”: the Base64 of HMAC-SHA256 over the
timestamp header followed by the raw body. Events: “Webhook event types”, “Ticket events”, “User events”.
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256

import msgspec

from kinline import Applied, Deletion, Interaction, Normalised, Request, Ticket, Unreadable, clock
from kinline_support import signing
from kinline_support.fields import Record, ident, line, moment, record
from kinline_support.settings import SupportSettings
from kinline_support.zendesk.comments import of_comment
from kinline_support.zendesk.people import of_organisation, of_user
from kinline_support.zendesk.shapes import EVENT
from kinline_support.zendesk.states import told
from kinline_support.zendesk.tickets import of_ticket

SIGNATURE = "x-zendesk-webhook-signature"
TIMESTAMP = "x-zendesk-webhook-signature-timestamp"

ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z")


def verify(request: Request, settings: SupportSettings) -> None:
    """Prove that the desk sent these very bytes, just now. Raises `VerificationFailed`, with a code for each way."""
    secret = signing.secret_of(settings)
    given, stamp = signing.header(request, SIGNATURE), signing.header(request, TIMESTAMP)
    signed = stamp.encode("utf-8", "surrogateescape") + request.body
    signing.must_be(b64encode(hmac.digest(secret, signed, sha256)), given)
    signing.must_be_now(_moment(stamp))


def _moment(stamp: str) -> int | None:
    try:
        return clock.from_datetime(datetime.fromisoformat(stamp)) if ISO.fullmatch(stamp) else None
    except (ValueError, OverflowError):
        return None


def of_event(item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """What one event says. Raises `Unreadable` (``unknown_event``) for a type that the desk added since."""
    name = line(item.get("type")).removeprefix(EVENT)
    try:
        read = READERS[name]
    except KeyError:
        raise Unreadable(f"No event that we know: “{name[:80]}”.", code="unknown_event") from None
    return read(name, item, settings)


def _comment(name: str, item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """A new comment, put into the shape it has in exports, so that both give one interaction.

    An export says more (files, HTML, the author's role), so it is the later version of the two:
    ``changed_at`` stays empty here.
    """
    said, detail = record(record(item.get("event")).get("comment")), record(item.get("detail"))
    writer = record(said.get("author"))
    who = ident(writer.get("id"))
    person = {"name": writer.get("name"), "role": STAFF.get(str(writer.get("is_staff")), "")}
    comment = {
        "id": said.get("id"),
        "author_id": who,
        "body": said.get("body"),
        "public": said.get("is_public"),
        "created_at": item.get("time"),
        "attachments": said.get("attachments"),
    }
    made = of_comment({"comment": comment, "ticket": detail, "people": {who: person}}, settings)
    heard = [msgspec.structs.replace(one, changed_at=None) if isinstance(one, Interaction) else one for one in made]
    number = ident(detail.get("id"))
    return [*heard, Ticket(thread=f"ticket:{number}", number=number)] if number else heard


def _comment_redacted(name: str, item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """Something was taken out of a comment for good. The event does not say when the comment was written, so
    it cannot be a new version at the old place; keeping the old words would be worse than losing the rest."""
    key = ident(record(record(item.get("event")).get("comment")).get("id"))
    if not key:
        raise Unreadable("A redaction of no comment.", code="no_id")
    return [Deletion(source_id=f"comment:{key}", occurred_at=moment(item.get("time")), reason="redacted at the desk")]


def _ticket(name: str, item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    detail = record(item.get("detail"))
    return of_ticket({"ticket": {**detail, "updated_at": item.get("time") or detail.get("updated_at")}}, settings)


def _user(name: str, item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    detail = record(item.get("detail"))
    return of_user({**detail, "active": name not in ("user.deleted", "user.merged")}, settings)


def _organisation(name: str, item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    return of_organisation(record(item.get("detail")), settings)


def _standing(name: str, item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """A change of how the ticket stands; its detail is the ticket as it is now."""
    detail = record(item.get("detail"))
    if not ident(detail.get("id")):
        raise Unreadable("A change of no ticket.", code="no_id")
    return [told({**detail, "updated_at": item.get("time") or detail.get("updated_at")}, {})]


def _applied(name: str, item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """A change in which nobody said anything: of a ticket's state, its tags, its agent."""
    subject, _, change = name.partition(".")
    return [Applied(reason=f"{subject} event: {change.replace('_', ' ')}")]


#: How an event says the role of a comment's author.
STAFF = {"True": "agent", "False": "end-user"}

TICKET_CHANGES = """agent_assignment_changed attachment_linked_to_comment attachment_redacted_from_comment
    brand_changed comment_made_private custom_field_changed custom_status_changed description_changed
    email_ccs_changed external_id_changed followers_changed form_changed group_assignment_changed
    marked_as_spam merged next_sla_breach_changed ola_policy_changed organization_changed permanently_deleted
    priority_changed problem_link_changed requester_changed schedule_changed sla_policy_changed soft_deleted
    status_changed subject_changed submitter_changed tags_changed task_due_at_changed type_changed
    undeleted""".split()  # noqa: SIM905 - reads as a list of words
USER_RECORDS = """active_changed alias_changed created custom_field_changed custom_role_changed
    default_group_changed deleted details_changed external_id_changed identity_changed identity_created
    identity_deleted last_login_changed merged name_changed notes_changed only_private_comments_changed
    organization_membership_created organization_membership_deleted password_changed photo_changed
    role_changed suspended_changed tags_changed time_zone_changed""".split()  # noqa: SIM905
ORGANISATION_RECORDS = """created custom_field_changed deleted external_id_changed name_changed
    tags_changed""".split()  # noqa: SIM905

Reader = Callable[[str, Record, SupportSettings], Sequence[Normalised]]

#: Every event type that we know, without its prefix, and who reads it.
READERS: dict[str, Reader] = {
    "ticket.created": _ticket,
    "ticket.comment_added": _comment,
    "ticket.comment_redacted": _comment_redacted,
    **{f"ticket.{change}": _applied for change in TICKET_CHANGES},
    **{f"ticket.{change}": _standing for change in ("status_changed", "priority_changed", "agent_assignment_changed")},
    **{f"user.{change}": _user for change in USER_RECORDS},
    **{f"organization.{change}": _organisation for change in ORGANISATION_RECORDS},
}
