"""What posts, deeds and messages of X become, beyond the samples."""

import io
import json
from typing import Any

import msgspec
import pytest

from kinline import Applied, Broken, Deletion, Direction, Interaction, Kind, Role, Source, Unreadable
from kinline_twitter import TwitterChannel, reading
from kinline_twitter.fields import moment, moment_of_id, said
from kinline_twitter.settings import TwitterSettings

CHANNEL = TwitterChannel()
OURS, ANN, BEN = "2244001100", "3001001001", "3001001002"
US = TwitterSettings(user_id=OURS)
NOBODY = TwitterSettings()


def understand(payload: Any, settings: TwitterSettings = US) -> list[Any]:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    found: list[Any] = []
    for piece in CHANNEL.parse(io.BytesIO(raw), Source(), settings):
        found += [piece] if isinstance(piece, Broken) else CHANNEL.normalise(piece, settings)
    return found


def post(**more: Any) -> dict[str, Any]:
    return {
        "id": 1764941922431926273,
        "id_str": "1764941922431926273",
        "created_at": "Tue Mar 05 09:12:00 +0000 2024",
        "text": "hello",
        "truncated": False,
        "user": {"id_str": ANN, "name": "Ann", "screen_name": "ann_example"},
        "entities": {"user_mentions": []},
        **more,
    }


def one(payload: Any, settings: TwitterSettings = US) -> Interaction:
    [found] = understand(payload, settings)
    assert isinstance(found, Interaction)
    return found


def test_an_author_is_known_by_id_and_never_by_handle_alone() -> None:
    with pytest.raises(Unreadable) as refusal:
        understand(post(user={"screen_name": "ann_example"}))

    assert refusal.value.code == "missing_field"


def test_a_handle_is_only_an_alias_beside_the_id() -> None:
    author = one(post()).parties[0]

    assert str(author.handle) == f"x_id:{ANN}"
    assert [str(alias) for alias in author.also] == ["x_handle:ann_example"]


def test_an_id_beyond_2_to_the_53_stays_exact() -> None:
    found = one({key: value for key, value in post(id=9007199254740993).items() if key != "id_str"})

    assert found.source_id == "tweet:9007199254740993"


def test_an_id_that_came_as_a_float_is_refused() -> None:
    with pytest.raises(Unreadable) as refusal:
        understand(b'{"id": 1.764941922431926e18, "text": "x", "truncated": false, "user": {"id": 1}}')

    assert refusal.value.code == "bad_id"


@pytest.mark.parametrize("id", [True, -1, 10**25, "12x", "١٢٣", [], {}])
def test_what_is_no_id_is_refused(id: Any) -> None:
    with pytest.raises(Unreadable) as refusal:
        understand(post(id=id, id_str=None))

    assert refusal.value.code == "bad_id"


def test_an_edited_post_is_one_thing_in_two_versions() -> None:
    first, second = "1775070663275446283", "1775071669908406284"
    before = {"id": first, "author_id": ANN, "text": "rosat", "edit_history_tweet_ids": [first]}
    after = {**before, "id": second, "text": "roast", "edit_history_tweet_ids": [first, second]}

    old, new = one({"data": before}), one({"data": after})

    assert old.source_id == new.source_id == f"tweet:{first}"
    assert old.occurred_at == new.occurred_at
    assert old.sequence == new.sequence
    assert old.changed_at is not None
    assert new.changed_at is not None
    assert old.changed_at < new.changed_at


def test_an_edit_of_enterprise_payloads_is_recognised_too() -> None:
    first = "1764941000000000000"

    found = one(post(edit_history={"initial_tweet_id": first}))

    assert found.source_id == f"tweet:{first}"


def test_a_changed_number_of_likes_is_no_new_version() -> None:
    assert one(post(favorite_count=1, retweet_count=0)) == one(post(favorite_count=999, retweet_count=7))


def test_a_cut_text_does_not_outrank_the_whole_one() -> None:
    cut = one(post(truncated=True, text="hel…"))
    whole = one(post(truncated=True, text="hel…", extended_tweet={"full_text": "hello there"}))

    assert (cut.changed_at, cut.flags) == (None, ("text_cut",))
    assert (whole.text, whole.changed_at is None) == ("hello there", False)


def test_what_we_wrote_is_outbound_and_what_names_us_inbound() -> None:
    ours = post(user={"id_str": OURS})
    naming_us = post(entities={"user_mentions": [{"id_str": OURS, "screen_name": "exampleroasters"}]})

    assert one(ours).direction is Direction.OUTBOUND
    assert (one(naming_us).kind, one(naming_us).direction) == (Kind.MENTION, Direction.INBOUND)
    assert (one(naming_us, NOBODY).kind, one(naming_us, NOBODY).direction) == (Kind.POST, Direction.AMONG)


def test_a_post_to_us_that_answers_nothing_is_a_mention() -> None:
    found = one(post(in_reply_to_user_id_str=OURS))

    assert found.kind is Kind.MENTION
    assert [(line.role, line.ours) for line in found.parties] == [(Role.AUTHOR, False), (Role.RECIPIENT, True)]


def test_an_answer_stays_an_answer_though_it_quotes_and_names_us() -> None:
    found = one(
        post(
            in_reply_to_status_id_str="55",
            in_reply_to_user_id_str=OURS,
            quoted_status_id_str="66",
            entities={"user_mentions": [{"id_str": OURS}]},
        )
    )

    assert (found.kind, found.answers, found.about) == (Kind.COMMENT, "tweet:55", "tweet:66")
    assert [line.role for line in found.parties] == [Role.AUTHOR, Role.RECIPIENT, Role.MENTIONED]


def test_a_thread_with_oneself_has_no_recipient() -> None:
    found = one(post(in_reply_to_status_id_str="55", in_reply_to_user_id_str=ANN))

    assert [line.role for line in found.parties] == [Role.AUTHOR]


def test_a_share_says_nothing_itself_and_the_shared_post_comes_along() -> None:
    inner = post(id=5, id_str="5", text="the original", user={"id_str": BEN, "name": "Ben"})

    share, original = understand(post(text="RT @ben_example: the original", retweeted_status=inner))

    assert (share.kind, share.text, share.about) == (Kind.SHARE, "", "tweet:5")
    assert (original.source_id, original.text) == ("tweet:5", "the original")


def test_a_post_inside_a_post_that_is_not_whole_is_only_a_reference() -> None:
    [quote] = understand(post(quoted_status_id_str="5", quoted_status={"id_str": "5"}))

    assert (quote.kind, quote.about) == (Kind.QUOTE, "tweet:5")


def test_ampersands_are_decoded_once() -> None:
    assert said("a &amp;lt; b &lt;3 &amp;amp;") == "a &lt; b <3 &amp;"


@pytest.mark.parametrize("told", ["", "yesterday", "Thu Jan 01 00:00:00 +0000 1970", "2099-01-01T00:00:00Z", 5, 1e300])
def test_a_date_that_cannot_be_is_replaced_by_the_time_inside_the_id(told: Any) -> None:
    found = one(post(created_at=told))

    assert found.occurred_at == moment_of_id("1764941922431926273")
    assert found.flags == ("bad_date",)


def test_a_date_that_cannot_be_on_an_old_id_is_left_out() -> None:
    found = one(post(id=12345, id_str="12345", created_at="Thu Jan 01 00:00:00 +0000 1970"))

    assert (found.occurred_at, found.flags) == (None, ("bad_date",))


@pytest.mark.parametrize(
    "told",
    [
        "Tue Mar 05 09:12:00 +0000 2024",
        "Tue Mar 05 11:12:00 +0200 2024",
        "Tue, 05 Mar 2024 09:12:00 +0000",
        "2024-03-05T09:12:00.000Z",
        "1709629920000",
        1709629920000,
    ],
)
def test_every_spelling_of_a_time_is_the_same_time(told: Any) -> None:
    found = moment(told)

    assert found is not None
    assert found.isoformat() == "2024-03-05T09:12:00+00:00"


def test_messages_between_two_people_are_one_conversation_in_every_shape() -> None:
    ann, us = {"id_str": ANN}, {"id_str": OURS}
    old = {"id": 4, "text": "a", "sender": ann, "recipient": us, "created_at": ""}
    event = {"message_create": {"sender_id": OURS, "target": {"recipient_id": ANN}, "message_data": {"text": "b"}}}
    newest = {"id": "6", "event_type": "MessageCreate", "text": "c", "sender_id": ANN}

    found = [
        one(old),
        one({"event": {"type": "message_create", "id": "5", **event}}),
        one({"data": {**newest, "dm_conversation_id": f"{ANN}-{OURS}"}}),
    ]

    assert {line.thread.parent for line in found if line.thread} == {f"dm:{OURS}-{ANN}"}
    assert [line.direction for line in found] == [Direction.INBOUND, Direction.OUTBOUND, Direction.INBOUND]


def test_undoing_a_like_names_the_like() -> None:
    event = {"source": {"id": 1}, "target": {"id": 2}, "target_object": {"id": 3}}

    liked = one({"event": "favorite", **event})
    [undone] = understand({"event": "unfavorite", **event})

    assert isinstance(undone, Deletion)
    assert undone.source_id == liked.source_id == "like:1:3"


def test_following_again_is_the_same_follow_changed_later() -> None:
    def at(milliseconds: str) -> dict[str, Any]:
        event = {"type": "follow", "created_timestamp": milliseconds, "source": {"id": 1}, "target": {"id": 2}}
        return {"for_user_id": "2", "follow_events": [event]}

    first, again = one(at("1709629920000")), one(at("1709716320000"))

    assert first.source_id == again.source_id
    assert first.changed_at is not None
    assert again.changed_at is not None
    assert first.changed_at < again.changed_at


def test_a_webhook_for_another_account_of_ours_knows_whose_it_is() -> None:
    mention = post(entities={"user_mentions": [{"id_str": "77"}]})

    found = one({"for_user_id": "77", "tweet_create_events": [mention]})

    assert (found.kind, found.direction) == (Kind.MENTION, Direction.INBOUND)


def test_an_event_nobody_has_a_word_for_is_kept_when_somebody_did_it() -> None:
    found = one({"for_user_id": OURS, "wave_events": [{"source": {"id_str": ANN}, "target": {"id_str": OURS}}]})

    assert (found.kind, found.direction, found.facts["event"]) == (Kind.UNKNOWN, Direction.INBOUND, "wave_events")


def test_the_activity_stream_of_api_v2_is_read_through_its_envelope() -> None:
    payload = {"id": "1764941922431926273", "author_id": ANN, "text": "hi"}

    posted = one({"data": {"event_type": "post.create", "filter": {"user_id": ANN}, "payload": payload}})
    other = one({"data": {"event_type": "profile.update.bio", "filter": {"user_id": ANN}, "payload": {"after": "b"}}})

    assert posted.source_id == "tweet:1764941922431926273"
    assert (other.kind, other.facts["event"]) == (Kind.UNKNOWN, "profile.update.bio")


def test_a_flattened_post_brings_its_people_and_posts_along() -> None:
    referenced = {"type": "quoted", "id": "9", "author_id": BEN, "text": "inner", "author": {"id": BEN, "name": "Ben"}}
    flat = {
        "id": "10",
        "author_id": ANN,
        "text": "outer",
        "author": {"id": ANN, "username": "ann_example", "name": "Ann"},
        "referenced_tweets": [referenced],
    }

    outer, inner = understand(flat)

    assert (outer.kind, outer.about, outer.parties[0].name) == (Kind.QUOTE, "tweet:9", "Ann")
    assert (inner.source_id, inner.parties[0].name) == ("tweet:9", "Ben")


def test_a_compliance_result_deletes() -> None:
    [found] = understand(
        {"id": "9", "action": "delete", "redacted_at": "2020-07-29T17:02:47.000Z", "reason": "deleted"}
    )

    assert isinstance(found, Deletion)
    assert found.source_id == "tweet:9"


def test_broken_neighbours_do_not_stop_the_others() -> None:
    events = [post(id=n, id_str=str(n)) for n in range(1, 129)]
    del events[56]["user"]

    pieces = list(CHANNEL.parse(io.BytesIO(json.dumps({"tweet_create_events": events}).encode()), Source(), US))
    refused = 0
    for piece in pieces:
        assert not isinstance(piece, Broken)
        try:
            CHANNEL.normalise(piece, US)
        except Unreadable:
            refused += 1

    assert (len(pieces), refused) == (128, 1)


def test_half_an_emoji_is_kept_as_a_replacement_and_can_be_stored() -> None:
    found = one(json.dumps(post(text="cut \ud83d\x00")).encode())

    assert found.text == "cut \ufffd"
    assert msgspec.json.encode(found)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty"),
        (b" \n\n ", "empty"),
        (b"OAuth oauth_token=1", "not_json"),
        (b"\x00\x01", "not_json"),
        (b'{"id": 1', "json_invalid"),
        (b'{"id": NaN, "text": "x"}', "json_invalid"),
        (b'{"id": ' + b"9" * 5000 + b"}", "json_invalid"),
        (b'{"text": "\xff"}', "json_invalid"),
        (b"[" * 100_000, "json_too_deep"),
        (b'{"a":' * 80 + b"1" + b"}" * 80, "json_too_deep"),
        (b'{"nobody": "knows"}', "unknown_shape"),
        (b"[[1], {}]", "unknown_shape"),
    ],
)
def test_what_is_no_payload_is_broken_with_a_reason(raw: bytes, code: str) -> None:
    [first, *_] = understand(raw)

    assert isinstance(first, Broken)
    assert first.code == code
    assert 0 < len(first.detail) < 200


def test_a_document_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "DOCUMENT", 1000)

    with pytest.raises(Unreadable) as refusal:
        understand(b"[\n" + b'{"id":\n1},\n' * 200 + b"]")

    assert refusal.value.code == "too_large"


def test_a_line_over_the_limit_is_broken_and_the_next_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LINE", 500)
    monkeypatch.setattr(reading, "DOCUMENT", 1000)
    monkeypatch.setattr(reading, "MEBIBYTE", 1000)

    good = json.dumps(post()).encode()
    found = understand(b"\n".join([good, json.dumps(post(text="x" * 5000)).encode(), good]))

    assert [type(line) for line in found] == [Interaction, Broken, Interaction]
    assert found[1].code == "too_large"


def test_json_lines_are_read_as_they_come_and_never_all_at_once() -> None:
    class Endless(io.RawIOBase):
        """A file without an end: only a reader that streams gets anything out of it."""

        def readline(self, size: int | None = -1, /) -> bytes:
            return json.dumps(post()).encode() + b"\n"

    pieces = CHANNEL.parse(Endless(), Source(), US)  # type: ignore[arg-type]  # all that parse needs of a file

    assert [type(next(pieces)).__name__ for _ in range(1000)] == ["Item"] * 1000


def test_a_broken_first_line_does_not_hide_the_others() -> None:
    good = json.dumps(post()).encode()

    found = understand(b'{"id": 1, "te\n' + good + b"\n" + good)

    assert [type(line) for line in found] == [Broken, Interaction, Interaction]


def test_documents_in_a_row_and_a_byte_order_mark_are_read() -> None:
    pretty = json.dumps(post(), indent=2).encode()

    assert len(understand(b"\xef\xbb\xbf" + pretty + b"\n" + pretty)) == 2
    assert len(understand(json.dumps(post()).encode() * 2)) == 2


def test_a_user_record_tells_a_name_and_is_no_deed() -> None:
    [found] = understand({"id_str": ANN, "screen_name": "ann_example", "name": "Ann"})

    assert isinstance(found, Applied)
    assert (found.reason, found.names[0].name) == ("user record", "Ann")


@pytest.mark.parametrize("key", ["id", "user", "entities", "text", "retweeted_status", "created_at", "extended_tweet"])
@pytest.mark.parametrize("value", [None, 0, True, "x", [], [1], {}, {"id": []}, {"full_text": 5, "id": 1.5}])
def test_any_type_in_any_field_is_understood_or_refused(key: str, value: Any) -> None:
    try:
        understand({**post(id_str=None), key: value})
    except Unreadable as refusal:
        assert refusal.code in ("bad_id", "missing_field")  # noqa: PT017 - most of them are no error
