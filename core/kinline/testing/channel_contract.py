"""The conformance suite for channels: ours and everybody else's pass the same.

Use it in one test file of the plugin::

    class TestSms(ChannelContract):
        channel = SmsChannel
        samples = Path(__file__).parent / "samples"
        settings = {"number": "+4930123456"}

A sample is a real payload, free of personal data, with what it must become beside it:
``samples/hello.json`` and ``samples/hello.json.expected``, a JSON list with one entry for each item, which
is a list of interactions, deletions and so on (with ``"what"`` naming which), or ``{"broken": code}``.
Set ``KINLINE_WRITE_EXPECTED=1`` once to write the missing ones, then *read* them.
"""

import io
import json
import os
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from kinline.contract.channel import Ability, AccountSettings, AnyChannel
from kinline.errors import ChannelError, KinlineError, Unreadable, VerificationFailed
from kinline.messages import Broken, Interaction, Item, Request, Source

EXPECTED = ".expected"


def samples_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in (EXPECTED, ".md", ".py"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each sample of the class under test."""
    if "sample" in metafunc.fixturenames and metafunc.cls is not None and hasattr(metafunc.cls, "samples"):
        found = samples_in(metafunc.cls.samples)
        metafunc.parametrize("sample", found, ids=[path.name for path in found])


def understand(channel: AnyChannel, raw: bytes, settings: AccountSettings, name: str = "") -> Iterator[Any]:
    """What the hub would make of these bytes: for each item the list of what it means, or how it is broken."""
    for position, piece in enumerate(channel.parse(io.BytesIO(raw), Source(name=name), settings)):
        if isinstance(piece, Broken):
            yield {"broken": piece.code}
            continue
        try:
            found = channel.normalise(msgspec.structs.replace(piece, position=position), settings)
        except Unreadable as error:
            yield {"broken": error.code}
        else:
            yield [{"what": type(one).__name__.lower(), **msgspec.to_builtins(one)} for one in found]


class ChannelContract:
    """Inherit, set ``channel``, ``samples`` and ``settings``, and pytest does the rest."""

    channel: ClassVar[type[AnyChannel]]
    samples: ClassVar[Path]
    settings: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def made(self) -> AnyChannel:
        return self.channel()

    @pytest.fixture
    def configured(self, made: AnyChannel) -> AccountSettings:
        settings: AccountSettings = msgspec.convert(self.settings, made.settings)
        return settings

    def test_it_has_samples(self) -> None:
        assert samples_in(self.samples), f"no samples in {self.samples}: start with real payloads"

    def test_it_says_what_it_is(self, made: AnyChannel) -> None:
        assert made.name
        assert made.title
        assert made.kinds
        assert made.personal_data, "say what of people this channel stores"
        fields = {field.encode_name for field in msgspec.structs.fields(made.settings)}
        assert made.settings.secrets <= fields, "a secret that is no setting"

    def test_a_sample_becomes_what_it_must(self, sample: Path, made: AnyChannel, configured: AccountSettings) -> None:
        found = list(understand(made, sample.read_bytes(), configured, sample.name))
        beside = sample.with_name(sample.name + EXPECTED)
        if not beside.exists() and os.environ.get("KINLINE_WRITE_EXPECTED"):
            beside.write_text(json.dumps(json.loads(msgspec.json.encode(found)), indent=2, ensure_ascii=False) + "\n")
        assert beside.exists(), f"say what {sample.name} must become, in {beside.name}"
        assert json.loads(msgspec.json.encode(found)) == json.loads(beside.read_text())

    def test_the_same_bytes_give_the_same_items(
        self, sample: Path, made: AnyChannel, configured: AccountSettings
    ) -> None:
        raw = sample.read_bytes()
        assert list(understand(made, raw, configured)) == list(understand(made, raw, configured))

    def test_it_declares_the_kinds_it_makes(self, sample: Path, made: AnyChannel, configured: AccountSettings) -> None:
        for one in _interactions(made, sample, configured):
            assert one.kind in made.kinds, f"add {one.kind} to {type(made).__name__}.kinds"

    def test_ids_and_times_are_fit_to_keep(self, sample: Path, made: AnyChannel, configured: AccountSettings) -> None:
        for one in _interactions(made, sample, configured):
            assert one.source_id
            assert isinstance(one.source_id, str)
            assert one.occurred_at is None or one.occurred_at.tzinfo is not None, "a time needs a zone"
            assert msgspec.json.decode(msgspec.json.encode(one), type=Interaction) == one, "plain data only"

    def test_it_keeps_no_person_ids(self, sample: Path, made: AnyChannel, configured: AccountSettings) -> None:
        for one in _interactions(made, sample, configured):
            assert not {"person", "person_id"} & set(one.facts), "a plugin keeps identities, never persons"

    def test_malformed_input_is_refused_not_crashed(
        self, sample: Path, made: AnyChannel, configured: AccountSettings
    ) -> None:
        raw = sample.read_bytes()
        dice = random.Random(sample.name)  # noqa: S311 - repeatable, not secret
        for spoilt in _spoilt(raw, dice):
            try:
                for _ in understand(made, spoilt, configured):
                    pass
            except Unreadable as refusal:
                assert refusal.code, "a refusal names its reason"  # noqa: PT017 - most spoilt bytes are no error

    def test_settings_it_does_not_know_are_refused(self, made: AnyChannel) -> None:
        with pytest.raises(msgspec.ValidationError, match="unknown field"):
            msgspec.convert({**self.settings, "no_such_setting": 1}, made.settings)

    def test_an_unsigned_call_is_refused(self, made: AnyChannel, configured: AccountSettings) -> None:
        call = Request(method="POST", headers={"content-type": "application/json"}, query={}, body=b"{}")
        with pytest.raises(VerificationFailed):
            made.verify(call, configured)

    def test_a_forged_call_is_refused(self, made: AnyChannel, configured: AccountSettings) -> None:
        for signature in ("", "sha256=", "sha256=AAAA", "v1,AAAA", "\x00", "ñ", "=" * 5000):
            headers = dict.fromkeys(self.signature_headers, signature)
            with pytest.raises(VerificationFailed):
                made.verify(Request(method="POST", headers=headers, query={}, body=b"{}"), configured)

    #: The headers in which this channel's provider signs, in lower case.
    signature_headers: ClassVar[tuple[str, ...]] = ("x-signature",)

    def test_what_it_cannot_do_it_says(self, made: AnyChannel, configured: AccountSettings) -> None:
        if Ability.SEND in made.can:
            return
        from kinline.handles import Handle
        from kinline.messages import Outgoing
        from kinline.words import HandleType

        with pytest.raises(ChannelError) as refusal:
            made.prepare(Outgoing(id="1", to=Handle(HandleType.EMAIL, "ann@example.org"), text="hello"), configured)
        assert refusal.value.permanent

    def test_what_it_publishes_is_made_without_looking_anywhere(
        self, made: AnyChannel, configured: AccountSettings
    ) -> None:  # fmt: skip
        from kinline.messages import Post

        post = Post(id="1", text="hello")
        if Ability.PUBLISH not in made.can:
            with pytest.raises(ChannelError) as refusal:
                made.prepare_post(post, configured)
            assert refusal.value.permanent
            return
        with suppress(ChannelError):  # these settings may be for reading only
            assert made.prepare_post(post, configured) == made.prepare_post(post, configured)


def _interactions(channel: AnyChannel, sample: Path, settings: AccountSettings) -> Iterator[Interaction]:
    for position, piece in enumerate(
        channel.parse(io.BytesIO(sample.read_bytes()), Source(name=sample.name), settings)
    ):
        if isinstance(piece, Item):
            try:
                found = channel.normalise(msgspec.structs.replace(piece, position=position), settings)
            except KinlineError:
                continue
            yield from (one for one in found if isinstance(one, Interaction))


def _spoilt(raw: bytes, dice: random.Random) -> Iterator[bytes]:
    """Cut short, with bytes changed, doubled, emptied: what networks and disks do."""
    yield b""
    yield raw * 2
    for _ in range(20):
        yield raw[: dice.randrange(len(raw) + 1)]
    for _ in range(40):
        spoilt = bytearray(raw)
        for _ in range(dice.randint(1, 8)):
            spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
        yield bytes(spoilt)
