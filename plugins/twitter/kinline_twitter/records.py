"""Answers of the API that are understood and tell of nothing that anybody did, as one table.

They are recognised by the keys the API documents, never by values. What is in no row and is no post, message
or event either is an unknown shape.
"""

from typing import NamedTuple

from kinline import Applied, Role
from kinline_twitter.fields import Json, Ours, party, person, within


class Record(NamedTuple):
    """An answer with all keys of ``needs`` and, where told, at least one of ``any_of``."""

    reason: str
    needs: frozenset[str]
    any_of: frozenset[str] = frozenset()

    def fits(self, keys: set[str]) -> bool:
        return self.needs <= keys and (not self.any_of or not self.any_of.isdisjoint(keys))


def _row(reason: str, needs: str, any_of: str = "") -> Record:
    return Record(reason, frozenset(needs.split()), frozenset(any_of.split()))


#: At the top level and inside lists, in both versions of the API. The first row that fits counts.
RECORDS = (
    _row("error answer", "errors"),
    _row("error answer", "error"),
    _row("error answer", "title type", "detail status"),
    _row("error answer", "code message"),
    _row("account settings", "", "always_use_https sleep_time discoverable_by_email use_cookie_personalization"),
    _row("account relationship", "relationship"),
    _row("account relationship", "connections", "id id_str"),
    _row("list record", "", "member_count subscriber_count owner_id"),
    _row("user record", "screen_name", "id id_str"),
    _row("user record", "username", "id"),
    _row("id list", "", "ids friends friends_str"),
    _row("trends", "", "trends trend_name"),
    _row("trends", "woeid"),
    _row("places", "", "place_type bounding_box"),
    _row("places", "result"),
    _row("embedding code", "html", "author_url provider_name provider_url"),
    _row("access token", "", "access_token oauth_token token_type"),
    _row("saved search", "query position"),
    _row("search metadata", "", "search_metadata refresh_url requestParameters"),
    _row("user suggestions", "slug"),
    _row("media upload", "", "media_id media_key media_id_string processing_info"),
    _row("counts", "count"),
    _row("counts", "", "tweet_count total_tweet_count timePeriod"),
    _row("languages", "code", "status name"),
    _row("terms", "", "tos privacy"),
    _row("profile banner", "sizes"),
    _row("rate limits", "", "rate_limit_context resources"),
    _row("API configuration", "", "short_url_length characters_reserved_per_media photo_sizes"),
    _row("welcome messages", "", "welcome_message welcome_messages welcome_message_rule welcome_message_rules"),
    _row("webhook registration", "", "environments valid subscriptions webhook_id provisioned_count"),
    _row("stream rules", "value", "id tag"),
    _row("stream notice", "", "warning limit disconnect scrub_geo status_withheld user_withheld control info"),
    _row("compliance job", "", "upload_url download_url"),
    _row("space record", "state", "id host_ids"),
    _row("list record", "id name", "description private follower_count created_at"),
    _row(
        "answer to a call",
        "",
        "liked following pending_follow retweeted bookmarked muting blocking deleted hidden pinned is_member"
        " updated dm_event_id dm_conversation_id",
    ),
    _row("empty page", "meta"),
)

#: The compliance streams of API v2, beside ``delete``.
COMPLIANCE = {
    "tweet_edit": "edit notice",
    "withheld": "visibility notice",
    "drop": "visibility notice",
    "undrop": "visibility notice",
    "scrub_geo": "account notice",
    "user_delete": "account notice",
    "user_undelete": "account notice",
    "user_protect": "account notice",
    "user_unprotect": "account notice",
    "user_suspend": "account notice",
    "user_unsuspend": "account notice",
    "user_withheld": "account notice",
    "user_profile_modification": "account notice",
}


def reason_for(it: Json) -> str:
    """Why this object makes no interaction; "" when nobody knows it."""
    keys = set(it)
    return next((record.reason for record in RECORDS if record.fits(keys)), "")


def applied(reason: str, it: Json, ours: Ours) -> Applied:
    """With the names that it tells, for people who are known by their id already."""
    relationship = within(it, "relationship")
    sightings = (it, it.get("user"), relationship.get("source"), relationship.get("target"))
    people = [person(one) for one in sightings if isinstance(one, dict) and {"screen_name", "username"} & set(one)]
    return Applied(reason=reason, names=tuple(party(Role.MENTIONED, one, ours) for one in people if one is not None))
