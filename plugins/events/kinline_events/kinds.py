"""What a foreign type or name of event is in our words, by a table; what is not in it is an `event`."""

import re
from collections.abc import Mapping

from kinline import Kind

_VERSION = re.compile(r"\.v\d+$")
_BETWEEN, _HUMP = re.compile(r"[^a-z0-9]+"), re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
#: The end of a type, in small letters with dots: ``com.example.order.created.v2`` and ``Order Created`` are one.
TABLE: dict[str, Kind] = {
    **dict.fromkeys(
        ("order.completed", "order.created", "order.placed", "order.paid", "order.confirmed", "order.submitted",
         "purchase", "purchase.completed", "product.purchased", "checkout.completed"), Kind.ORDER,
    ),
    **dict.fromkeys(
        ("page.view", "page.viewed", "pageview", "page.visited", "screen.view", "screen.viewed", "product.viewed"),
        Kind.PAGE_VIEW,
    ),
    **dict.fromkeys(("review.created", "review.submitted", "product.reviewed"), Kind.REVIEW),
    **dict.fromkeys(("checked.in", "check.in"), Kind.CHECK_IN),
    **dict.fromkeys(("product.shared", "content.shared", "cart.shared"), Kind.SHARE),
}  # fmt: skip


def kind_of(name: str, own: Mapping[str, Kind]) -> Kind:
    """The account's own table first, by the whole name; then ours, by how the name ends."""
    if name in own:
        return own[name]
    words = _BETWEEN.split(_VERSION.sub("", _HUMP.sub(".", name).lower()).strip())
    for count in (2, 1):
        found = TABLE.get(".".join(words[-count:]))
        if found is not None:
            return found
    return Kind.APP_EVENT
