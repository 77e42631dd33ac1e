"""What the blog channel makes of real shapes: its samples, and rules that no single sample shows."""

import hmac
import io
import json
import resource
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from kinline import Applied, Broken, Deletion, Direction, Interaction, Item, Request, Source, Standing
from kinline.contract.channel import AnyChannel
from kinline.testing import ChannelContract
from kinline.words import Kind
from kinline_blog import BlogChannel
from kinline_blog.markup import plain, words
from kinline_blog.settings import BlogSettings

SAMPLES = Path(__file__).parent / "samples"
SITE = "https://blog.example.org"
SECRET = "a secret for tests only"


class TestBlog(ChannelContract):
    channel: ClassVar[type[AnyChannel]] = BlogChannel
    samples: ClassVar[Path] = SAMPLES
    settings: ClassVar[dict[str, Any]] = {
        "site": SITE,
        "own_authors": ["3", "disqus:cleo_lamps"],
        "trust_login": True,
        "webhook_secret": SECRET,
    }
    signature_headers: ClassVar[tuple[str, ...]] = ("x-kinline-signature",)


def read(raw: bytes, **settings: Any) -> list[Any]:
    """All that these bytes mean, in order; what is broken stays as it is."""
    channel, chosen = BlogChannel(), BlogSettings(**settings)
    found: list[Any] = []
    for piece in channel.parse(io.BytesIO(raw), Source(), chosen):
        found += [piece] if isinstance(piece, Broken) else channel.normalise(piece, chosen)
    return found


def comments(raw: bytes, **settings: Any) -> dict[str, Interaction]:
    return {one.source_id: one for one in read(raw, **settings) if isinstance(one, Interaction)}


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def test_a_tree_of_replies_hangs_together_whatever_the_order_in_the_file() -> None:
    found = comments(sample("wordpress-tree.xml"), site=SITE)

    chain = {key: (one.thread.parent, one.thread.ancestors) for key, one in found.items() if one.thread}
    assert chain == {
        "post:41": ("", ()),
        "comment:102": ("comment:101", ("post:41",)),
        "comment:101": ("post:41", ()),
        "comment:103": ("comment:102", ("post:41",)),
    }


def test_the_same_comment_by_export_and_by_rest_is_one_and_says_the_same() -> None:
    exported = comments(sample("wordpress-tree.xml"), site=SITE)
    asked = comments(sample("rest-page.json"), site=SITE)

    for key, one in asked.items():
        assert (one.text, one.html, one.thread, one.url) == (
            exported[key].text, exported[key].html, exported[key].thread, exported[key].url,
        )  # fmt: skip
    assert set(asked) == {"comment:101", "comment:102"}


def test_without_a_site_in_the_settings_the_ids_carry_the_site_of_the_file() -> None:
    exported, asked = comments(sample("wordpress-tree.xml")), comments(sample("rest-page.json"))

    assert "blog.example.org/comment:101" in exported
    assert set(asked) < set(exported)


def test_a_blog_in_a_folder_is_no_other_blog_of_that_host() -> None:
    page = json.loads(sample("rest-page.json"))[1]
    page["_links"]["self"][0]["href"] = "https://www.example.org/blog/wp-json/wp/v2/comments/101"

    [found] = comments(json.dumps(page).encode())

    assert found == "example.org/blog/comment:101"


def test_the_same_number_on_two_sites_is_two_comments() -> None:
    ours = comments(sample("wordpress-tree.xml"), site=SITE)
    theirs = comments(sample("wordpress-other-site.xml"), site=SITE)

    assert set(ours).isdisjoint(theirs)
    assert theirs["shop.example/comment:101"].flags == ("other_site",)


def test_the_address_a_blog_had_before_is_the_same_blog() -> None:
    found = comments(sample("wordpress-other-site.xml"), site=SITE, former_sites=("http://www.shop.example/",))

    assert set(found) == {"post:41", "comment:101"}


def test_user_ids_of_another_site_are_neither_ours_nor_proved() -> None:
    found = comments(sample("wordpress-other-site.xml"), site=SITE, own_authors=("3",), trust_login=True)

    [line] = found["shop.example/comment:101"].parties
    assert (line.ours, line.standing) == (False, Standing.CLAIMED)
    assert line.handle is not None
    assert line.handle.issuer == "wordpress:shop.example"


def test_a_login_proves_only_where_the_operator_trusts_it() -> None:
    wary, trusting = (comments(sample("rest-edit.json"), site=SITE, trust_login=trust) for trust in (False, True))

    assert wary["comment:103"].parties[0].standing is Standing.CLAIMED
    assert trusting["comment:103"].parties[0].standing is Standing.VERIFIED


def test_what_a_guest_typed_is_claimed_however_much_we_trust_the_login() -> None:
    found = comments(sample("webhook-created.json"), site=SITE, trust_login=True)

    [line] = found["comment:104"].parties
    assert str(line.handle) == "email:ann@example.org"
    assert line.standing is Standing.CLAIMED


def test_a_guest_who_types_our_address_is_not_one_of_us() -> None:
    found = comments(sample("webhook-created.json"), site=SITE, own_authors=("ann@example.org", "0", ""))

    assert found["comment:104"].direction is Direction.INBOUND


def test_an_account_with_our_address_is_one_of_us() -> None:
    found = comments(sample("rest-edit.json"), site=SITE, own_authors=("Ben@example.org",))

    assert found["comment:103"].direction is Direction.OUTBOUND


def test_a_disqus_user_name_is_not_taken_for_a_wordpress_user_id() -> None:
    raw = sample("disqus.xml").replace(b"ben_of_example", b"3")

    found = comments(raw, own_authors=("3",))

    assert found["disqus/comment:9003"].direction is Direction.INBOUND


def test_spam_and_machines_make_no_person() -> None:
    found = comments(sample("wordpress-moderated.xml"), site=SITE)

    states = {key: (one.moderation, one.automatic) for key, one in found.items() if key.startswith("comment")}
    assert states == {
        "comment:201": ("spam", ""),
        "comment:202": ("pingback", "pingback"),
        "comment:203": ("spam", "trackback"),
        "comment:204": ("trash", ""),
        "comment:205": ("approved", ""),
        "comment:206": ("approved", ""),
    }
    named = {key for key, one in found.items() if key.startswith("comment") and one.parties[0].handle}
    assert named == {"comment:206"}
    assert "typed_email" not in found["comment:201"].facts


def test_a_comment_type_that_nobody_told_us_of_is_unknown_and_kept() -> None:
    found = comments(sample("wordpress-moderated.xml"), site=SITE)["comment:205"]

    assert (found.kind, found.facts["type"], found.text) == (Kind.UNKNOWN, "order_note", "Order status changed.")


def test_only_published_posts_and_pages_are_articles_of_ours() -> None:
    found = read(sample("wordpress-tree.xml"), site=SITE)

    [article] = [one for one in found if isinstance(one, Interaction) and one.kind is Kind.ARTICLE]
    assert (article.source_id, article.direction, article.parties[0].ours) == ("post:41", Direction.OUTBOUND, True)
    assert [one.reason for one in found if isinstance(one, Applied)] == [
        "author record",
        "attachment record, inherit",
    ]


def test_a_deleted_disqus_post_is_a_deletion_and_its_answers_still_hang_on_it() -> None:
    found = read(sample("disqus.xml"))

    [gone] = [one for one in found if isinstance(one, Deletion)]
    [answer] = [one for one in found if isinstance(one, Interaction) and one.answers == gone.source_id]
    assert answer.thread is not None
    assert answer.thread.parent == gone.source_id


def test_a_webhook_names_the_time_of_its_version_and_a_public_view_ranks_lowest() -> None:
    event, whole, public = (
        next(iter(comments(sample(name), site=SITE).values())).changed_at
        for name in ("webhook-created.json", "rest-edit.json", "rest-page.json")
    )

    assert event is not None
    assert event.isoformat() == "2024-05-03T08:00:01+00:00"
    assert whole is not None
    assert public is None


def test_a_deletion_finds_the_comment_however_its_site_was_told() -> None:
    for settings in ({"site": SITE}, {}):
        [made] = comments(sample("webhook-created.json"), **settings)
        [gone] = read(sample("webhook-deleted.json"), **settings)

        assert isinstance(gone, Deletion)
        assert gone.source_id == made


def test_a_signed_call_is_believed_and_one_changed_byte_is_not() -> None:
    body = sample("webhook-created.json")
    signed = {"x-kinline-signature": "sha256=" + hmac.new(SECRET.encode(), body, sha256).hexdigest()}
    settings = BlogSettings(webhook_secret=SECRET)

    BlogChannel().verify(Request(method="POST", headers=signed, query={}, body=body), settings)

    for spoilt in (body + b" ", body.replace(b"Ann", b"Bob")):
        with pytest.raises(Exception, match="not that of this blog's secret"):
            BlogChannel().verify(Request(method="POST", headers=signed, query={}, body=spoilt), settings)


def test_without_a_secret_nobody_may_call() -> None:
    signed = {"x-kinline-signature": "sha256=" + hmac.new(b"", b"{}", sha256).hexdigest()}

    with pytest.raises(Exception, match="no webhook_secret"):
        BlogChannel().verify(Request(method="POST", headers=signed, query={}, body=b"{}"), BlogSettings())


def test_html_keeps_words_and_links_and_nothing_that_runs_or_loads() -> None:
    said = words('<p onclick="x()">Hi <img src="https://t.example/p.gif"><script>alert(1)</script>'
                 '<a href="javascript:x()">there</a></p>')  # fmt: skip

    assert said.text == "Hi there"
    assert [word for word in ("img", "script", "onclick", "javascript") if word in said.html] == []


def test_plain_text_has_the_lines_a_reader_sees() -> None:
    assert plain("<p>One<br>two</p>\n<ul><li>a</li>\n<li>b &amp; c</li></ul><pre>  x\n    y</pre>") == (
        "One\ntwo\n\n- a\n- b & c\n\n  x\n    y"
    )


@pytest.mark.alone
@pytest.mark.parametrize(
    "unit", ["<b>", "<div>", "<ul><li>", "<", "&", "\xa0", "<!--", "\n \t", "&#", "<p", "a < b ", "<pre>"]
)
def test_no_markup_takes_long(unit: str) -> None:
    begun = time.perf_counter()

    words(unit * (1_000_000 // len(unit)))

    assert time.perf_counter() - begun < 2


class Endless(io.RawIOBase):
    """A WXR of as many comments as wanted, made while it is read."""

    def __init__(self, comments: int) -> None:
        head, _, rest = sample("wordpress-tree.xml").partition(b"<wp:comment>")
        self._one = b"<wp:comment>" + rest.partition(b"</wp:comment>")[0].replace(b"It does", b"It does. " * 300)
        self._left, self._made, self._tail = comments, head, b"</item></channel></rss>"

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._made) < size and self._left:
            self._made += self._one.replace(b">102<", b">%d<" % (1000 + self._left)) + b"</wp:comment>"
            self._left -= 1
        if not self._left:
            self._made, self._tail = self._made + self._tail, b""
        given, self._made = self._made[:size], self._made[size:]
        return given


@pytest.mark.alone
def test_a_file_of_sixty_megabytes_takes_no_more_memory_than_a_small_one() -> None:
    count = 18_000
    used, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()

    pieces: Iterator[Item | Broken] = BlogChannel().parse(Endless(count), Source(), BlogSettings())  # type: ignore[arg-type]
    found = sum(isinstance(piece, Item) and piece.form == "wxr.comment" for piece in pieces)

    assert found == count
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used < 30_000  # kB
    assert time.perf_counter() - begun < 10


def test_the_first_items_come_before_the_file_is_read_to_its_end() -> None:
    source = Endless(10_000)

    next(iter(BlogChannel().parse(source, Source(), BlogSettings())))  # type: ignore[arg-type]

    assert source._left > 9_000


def test_a_file_cut_short_gives_what_stands_before_the_cut_and_says_where() -> None:
    whole = list(comments(sample("wordpress-tree.xml"), site=SITE))

    *before, cut = read(sample("wordpress-truncated.xml"), site=SITE)

    assert len(before) > 1
    assert [one.source_id for one in before if isinstance(one, Interaction)] == whole[: len(before) - 1]
    assert isinstance(cut, Broken)
    assert cut.code == "xml_truncated"
    assert f"line {len(sample('wordpress-truncated.xml').splitlines())}," in cut.detail


@pytest.mark.parametrize("charset", ["utf-16", "iso-8859-1", "utf-8-sig", "windows-1252"])
def test_an_export_in_another_charset_reads_the_same(charset: str) -> None:
    text = sample("wordpress-tree.xml").decode().replace("winter", "wíntér")
    declared = text.replace('encoding="UTF-8"', f'encoding="{charset.removesuffix("-sig")}"')

    assert comments(declared.encode(charset)) == comments(text.encode())


def test_bytes_of_another_charset_than_declared_are_replaced_and_flagged() -> None:
    raw = sample("wordpress-tree.xml").replace(b"winter", b"w\xednter")

    found = comments(raw, site=SITE)

    assert "w\ufffdnter" in found["comment:101"].text
    assert found["comment:101"].flags == ("charset_replaced",)
    assert found["comment:102"].flags == ()


@pytest.mark.parametrize(("form", "body"), [("wxr.comment", None), ("disqus.post", []), ("rest.event", 7), ("", {})])
def test_an_item_of_nonsense_is_unreadable_or_applied_and_never_a_crash(form: str, body: Any) -> None:
    try:
        found = BlogChannel().normalise(Item(body=body, form=form), BlogSettings())
    except Exception as error:
        assert getattr(error, "code", "") in ("no_id", "unknown_form")  # noqa: PT017 - either is right
    else:
        assert all(isinstance(one, Applied) for one in found)


def test_items_are_plain_data_that_survives_json() -> None:
    for path in SAMPLES.glob("*.xml"):
        for piece in BlogChannel().parse(io.BytesIO(path.read_bytes()), Source(), BlogSettings()):
            if isinstance(piece, Item):
                assert msgspec.json.decode(msgspec.json.encode(piece), type=Item) == piece
