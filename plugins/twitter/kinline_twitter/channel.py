"""The X channel: verify, parse and normalise on the way in; check, prepare and send on the way out."""

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, ClassVar

from kinline import (
    Ability,
    Broken,
    Channel,
    Connection,
    Delivery,
    HandleType,
    Item,
    Kind,
    Normalised,
    OAuth,
    Outgoing,
    Post,
    Prepared,
    Pretender,
    Reply,
    Request,
    Sent,
    Source,
    Unreadable,
)
from kinline_twitter import costs, deeds, finding, gnip, messages, outbound, reading, security, shapes, v1, v2
from kinline_twitter.api import XConnection
from kinline_twitter.fields import Json, Ours, id_in, within
from kinline_twitter.posts import interaction_of
from kinline_twitter.records import applied
from kinline_twitter.settings import TwitterSettings

#: Which reader understands which form of item; the forms are given by `shapes`.
READERS: dict[str, Callable[[Json, Json, Ours], Normalised]] = {
    "v1_post": lambda it, more, ours: interaction_of(v1.post_of(it), ours),
    "v2_post": lambda it, more, ours: interaction_of(v2.post_of(it, within(more, "context")), ours),
    "activity": lambda it, more, ours: interaction_of(gnip.post_of(it), ours),
    "like": lambda it, more, ours: deeds.like(it, ours),
    "between": lambda it, more, ours: deeds.between(it, ours),
    "v1_message": lambda it, more, ours: messages.from_v1(it, ours),
    "stream_message": lambda it, more, ours: messages.from_v1(it["direct_message"], ours),
    "message_event": lambda it, more, ours: messages.from_event(it, within(more, "users"), ours),
    "v2_message": lambda it, more, ours: messages.from_v2(it, within(more, "users"), ours),
    "v2_event": lambda it, more, ours: deeds.joined_or_left(it, within(more, "users"), ours),
    "read": lambda it, more, ours: messages.read(it),
    "deletion": lambda it, more, ours: deeds.deletion(it),
    "stream_deletion": lambda it, more, ours: deeds.deletion(it["delete"]),
    "batch_deletion": lambda it, more, ours: deeds.batch_deletion(it),
    "activity_deletion": lambda it, more, ours: deeds.activity_deletion(it),
}


#: What a person is asked to allow. ``offline.access`` is what makes X give a refresh token.
SCOPES = ("tweet.read", "tweet.write", "users.read", "dm.read", "dm.write", "offline.access")


class TwitterChannel(Channel[TwitterSettings]):
    """X, formerly Twitter. One account of ours is one channel account."""

    name = "twitter"
    title = "X (Twitter)"
    settings = TwitterSettings
    kinds = frozenset(
        {
            Kind.POST,
            Kind.COMMENT,
            Kind.MENTION,
            Kind.QUOTE,
            Kind.SHARE,
            Kind.REACTION,
            Kind.FOLLOW,
            Kind.MESSAGE,
            Kind.UNKNOWN,
        }
    )
    can = frozenset(
        {
            Ability.IMPORT,
            Ability.WEBHOOK,
            Ability.HANDSHAKE,
            Ability.SEND,
            Ability.PUBLISH,
            Ability.FIND_SENT,
            Ability.POLL,
            Ability.WATCH,
            Ability.HISTORY,
            Ability.COMPARE,
            Ability.OAUTH,
            Ability.PRETEND,
        }
    )
    delivery = Delivery.AT_MOST_ONCE
    acknowledges: ClassVar[int] = 200  #: docs.x.com, "V2 Webhooks API": anything else is a failed delivery
    reaches: ClassVar[frozenset[HandleType]] = frozenset({HandleType.X_ID})
    personal_data: ClassVar[tuple[str, ...]] = (
        "X account id, handle and display name of authors, recipients and people named",
        "public posts with their language, links, hashtags and media addresses",
        "direct messages, and when they were read",
        "likes, follows, blocks, and when they were undone",
    )

    def handshake(self, request: Request, settings: TwitterSettings) -> Reply | None:
        return security.handshake(request, settings)

    def verify(self, request: Request, settings: TwitterSettings) -> None:
        security.verify(request, settings)

    def parse(self, raw: BinaryIO, source: Source, settings: TwitterSettings) -> Iterator[Item | Broken]:
        for value in reading.values(raw):
            if isinstance(value, Broken):
                yield value
            else:
                yield from shapes.cut(value)

    def normalise(self, item: Item, settings: TwitterSettings) -> Sequence[Normalised]:
        body: Json = item.body
        it, ours = within(body, "is"), _ours(body, settings)
        sort, _, reason = item.form.partition(":")
        if sort == "applied":
            return [applied(reason, it, ours)]
        if item.form not in READERS:
            raise Unreadable(f"No reader for the form “{item.form[:40]}”.", code="unknown_shape")
        return [READERS[item.form](it, body, ours)]

    def check(self, outgoing: Outgoing, settings: TwitterSettings) -> None:
        outbound.check(outgoing, settings)

    def prepare(self, outgoing: Outgoing, settings: TwitterSettings) -> Prepared:
        return outbound.prepare(outgoing, settings)

    def prepare_post(self, post: Post, settings: TwitterSettings) -> Prepared:
        return outbound.prepare_post(post, settings)

    def send(self, prepared: Prepared, settings: TwitterSettings) -> Sent:
        return outbound.send(prepared, settings, self.deadline)

    def find_sent(self, prepared: Prepared, settings: TwitterSettings) -> Sent | None:
        return finding.find_sent(prepared, settings)

    def connect(self, settings: TwitterSettings) -> Connection:
        return XConnection(settings)

    def pause_between(self, settings: TwitterSettings) -> float:
        return float(settings.poll_every) if settings.looks else 3600.0

    def cap(self, settings: TwitterSettings) -> int | None:
        return None if settings.monthly_cap is None else costs.millionths(settings.monthly_cap)

    def oauth(self, settings: TwitterSettings) -> OAuth:
        return OAuth(
            authorise_url=f"{settings.site.rstrip('/')}/i/oauth2/authorize",
            token_url=f"{settings.api_base.rstrip('/')}/2/oauth2/token",
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            scopes=SCOPES,
            client_in_header=bool(settings.client_secret),
        )

    def pretend(self) -> Pretender:
        from kinline_twitter.pretend import PretendX

        return PretendX()


def _ours(body: Json, settings: TwitterSettings) -> Ours:
    """Our own account, and the one that a webhook says it is for."""
    told = body.get("ours")
    listed = [settings.user_id, *(told if isinstance(told, list) else [])]
    return frozenset(id for one in listed if (id := id_in(one)))
