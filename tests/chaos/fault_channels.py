"""A channel that posts JSON over `kinline.http`, as the blog and desk channels do: at most once, and no more told."""

import json
from collections.abc import Iterator, Sequence
from typing import BinaryIO, ClassVar

from kinline import http
from kinline.contract.channel import Ability, AccountSettings, Channel
from kinline.contract.plugins import channels
from kinline.errors import OutcomeUnknown, VerificationFailed
from kinline.messages import Item, Normalised, Outgoing, Prepared, Request, Sent, Source, Thread
from kinline.words import HandleType, Kind


class PressSettings(AccountSettings, frozen=True, kw_only=True):
    url: str = ""


class Press(Channel[PressSettings]):
    """Comments on a blog, as WordPress' REST takes them: ``POST /wp-json/wp/v2/comments``."""

    name = "press"
    title = "Press"
    settings = PressSettings
    kinds = frozenset({Kind.COMMENT})
    can: ClassVar[frozenset[Ability]] = frozenset({Ability.SEND})
    reaches = frozenset({HandleType.EMAIL})
    personal_data = ()
    deadline = 0.8

    def verify(self, request: Request, settings: PressSettings) -> None:
        raise VerificationFailed("nobody calls")

    def parse(self, raw: BinaryIO, source: Source, settings: PressSettings) -> Iterator[Item]:
        yield from ()

    def normalise(self, item: Item, settings: PressSettings) -> Sequence[Normalised]:
        return []

    def prepare(self, outgoing: Outgoing, settings: PressSettings) -> Prepared:
        body = json.dumps({"content": outgoing.text}).encode()
        return Prepared(body=body, media_type="application/json", thread=Thread(key=f"press:{outgoing.id}"))

    def send(self, prepared: Prepared, settings: PressSettings) -> Sent:
        headers = {"content-type": "application/json"}
        url = settings.url + "/wp-json/wp/v2/comments"
        answer = http.taken(
            http.call("POST", url, headers=headers, content=prepared.body, deadline=self.deadline, trusted=True),
            "The blog",
        )
        try:
            return Sent(source_id=f"comment:{int(json.loads(answer.body)['id'])}")
        except (ValueError, KeyError, TypeError):
            raise OutcomeUnknown("The blog said yes, but not under which id.", code="no_id") from None


def register() -> None:
    channels().loaded["press"] = Press()
