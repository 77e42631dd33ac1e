"""Who appears in the story, and under which names. All invented; ``.example`` and ``.org`` examples reach nobody."""

from typing import Any

from kinline.handles import Handle
from kinline.words import HandleType

COMPANY = "Harbour Bikes"
SITE = "https://blog.harbour-bikes.example"
MAILBOX = "help@harbour-bikes.example"

ANN = Handle(HandleType.EMAIL, "ann@example.org")
ANN_ON_X = Handle(HandleType.X_ID, "3300100200301")
ANN_ON_THE_BLOG = Handle(HandleType.EXTERNAL, "12", "wordpress:blog.harbour-bikes.example")
ANN_AT_THE_SHOP = Handle(HandleType.EXTERNAL, "5012", "shop:harbour-bikes.example")
ANN_AT_THE_DESK = Handle(HandleType.EXTERNAL, "70012", "zendesk:desk.harbour-bikes.example")
BEN = Handle(HandleType.X_ID, "3300100200302")
CLEO = Handle(HandleType.X_ID, "3300100200303")

US_ON_X = "3300100200300"
#: The login that shop, blog and desk share. The operator trusts it for addresses and for ids that it gave.
LOGIN = "Harbour Bikes login"
AGENT = "Dana, Harbour Bikes"
AGENT_ID = "90001"

#: The channel accounts: name, channel, settings, purpose.
ACCOUNTS: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    (
        "harbour-mail",
        "email",
        {"address": MAILBOX, "name": COMPANY, "authserv_id": "mx.harbour-bikes.example"},
        "questions and orders",
    ),
    (
        "harbour-x",
        "twitter",
        {"user_id": US_ON_X, "access_token": "the story sends nothing", "poll_every": 0},
        "listen, answer, be passed on",
    ),
    ("harbour-blog", "blog", {"site": SITE, "own_authors": ["1"], "trust_login": True}, "what we know about bikes"),
    (
        "harbour-desk",
        "support",
        {"desk": "https://desk.harbour-bikes.example", "agents": [AGENT_ID], "trust_identities": True},
        "repairs",
    ),
)
