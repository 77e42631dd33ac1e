"""What is read of the document of an interaction (`InteractionRow.doc`) where it is read for its parties and not to be shown.

The document holds more; the decoder passes over the rest, so that reading many of them stays cheap.
"""

import msgspec


class DocumentParty(msgspec.Struct, frozen=True):
    """A participant, as the document names them."""

    role: str = ""
    handle: str = ""
    identity: str = ""
    name: str = ""
    ours: bool = False
    hidden: bool = False


class Document(msgspec.Struct, frozen=True):
    """Who takes part, under which subject, and what else is known of it."""

    parties: tuple[DocumentParty, ...] = ()
    subject: str = ""
    flags: tuple[str, ...] = ()
    facts: dict[str, msgspec.Raw] = {}


read_document = msgspec.json.Decoder(Document).decode
