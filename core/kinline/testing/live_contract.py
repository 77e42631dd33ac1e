"""The conformance suite for channels that ask their provider, run against the stand-in that the channel ships.

Use it beside `ChannelContract`, and say how something happens at the provider::

    class TestSmsLive(LiveContract):
        channel = SmsChannel

        def happen(self, stand_in: PretendSms, number: int) -> None:
            stand_in.receive(f"message {number}")

What happens becomes one item at least, each with a source id of its own.
"""

import io
import time
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import msgspec
import pytest

from kinline.contract.channel import Ability, AccountSettings, AnyChannel
from kinline.contract.connection import Connection
from kinline.errors import ChannelError
from kinline.messages import Estimate, Fetched, Interaction, Item
from kinline.pretend import FakeAnswer, Fault, PretendServer

_SPOILT = [
    Fault(told=FakeAnswer(b"<html>Bad Gateway</html>", 502)),
    Fault(told=FakeAnswer(b"not what you expect", 200)),
    Fault(told=FakeAnswer(b"[" * 50_000, 200)),
    Fault(told=FakeAnswer(b"\xff\xfe\x00", 200)),
    Fault(told=FakeAnswer(b'{"error": "x", "data": 7, "results": "none", "comments": {"a": null}}', 200)),
    Fault(told=FakeAnswer(b"", 200)),
    Fault(how="drop"),
    Fault(how="half"),
]


class LiveContract:
    """Inherit, set ``channel``, write ``happen``, and pytest does the rest."""

    channel: ClassVar[type[AnyChannel]]
    #: Seconds in which a provider that does not answer has to be given up.
    patience: ClassVar[float] = 40.0

    def make_stand_in(self) -> PretendServer:
        found = self.channel().pretend()
        assert isinstance(found, PretendServer)
        return found

    def happen(self, stand_in: Any, number: int) -> None:
        """Have something happen at the provider."""
        raise NotImplementedError

    @pytest.fixture
    def stand_in(self) -> Iterator[PretendServer]:
        self._server = self.make_stand_in()
        self._given = self._server.start()
        yield self._server
        self._server.stop()

    @pytest.fixture
    def configured(self, stand_in: PretendServer) -> AccountSettings:
        settings: AccountSettings = msgspec.convert(self._given, self.channel().settings)
        return settings

    @pytest.fixture
    def connection(self, configured: AccountSettings) -> Iterator[Connection]:
        with self.channel().connect(configured) as opened:
            yield opened

    def test_it_says_what_it_reached(self, connection: Connection, configured: AccountSettings) -> None:
        assert connection.about().strip()
        assert self.channel().test(configured).strip()

    def test_what_happens_is_brought_and_each_cursor_goes_on_behind_its_piece(
        self, stand_in: PretendServer, connection: Connection, configured: AccountSettings
    ) -> None:
        # Given somebody who looked once, and three things that happened since
        start = _last(connection.fetch(""), "")
        for number in range(3):
            self.happen(stand_in, number)
        pieces = list(connection.fetch(start))
        names = [self._names([piece], configured) for piece in pieces]
        everything = set().union(*names)
        assert len(everything) >= 3

        # Then whoever goes on behind a piece misses nothing
        for place, piece in enumerate(pieces):
            if piece.cursor:
                rest = self._names(connection.fetch(piece.cursor), configured)
                assert set().union(*names[: place + 1]) | rest == everything

    def test_looking_again_brings_no_new_names(
        self, stand_in: PretendServer, connection: Connection, configured: AccountSettings
    ) -> None:
        start = _last(connection.fetch(""), "")
        self.happen(stand_in, 0)
        pieces = list(connection.fetch(start))

        again = self._names(connection.fetch(_last(pieces, start)), configured)

        assert again <= self._names(pieces, configured)

    def test_the_newest_there_are_named_as_they_are_recorded(
        self, stand_in: PretendServer, connection: Connection, configured: AccountSettings
    ) -> None:
        if Ability.COMPARE not in self.channel.can:
            return
        start = _last(connection.fetch(""), "")
        for number in range(2):
            self.happen(stand_in, number)
        brought = self._names(connection.fetch(start), configured)

        recent = list(connection.recent(2) or ())

        assert recent
        assert set(recent) <= brought

    def test_the_past_comes_whole_and_in_pieces(
        self, stand_in: PretendServer, connection: Connection, configured: AccountSettings
    ) -> None:
        if Ability.HISTORY not in self.channel.can:
            return
        for number in range(3):
            self.happen(stand_in, number)
        assert isinstance(connection.estimate(), Estimate)
        pieces = list(connection.history(""))
        names = [self._names([piece], configured) for piece in pieces]
        everything = set().union(*names)
        assert len(everything) >= 3
        for place, piece in enumerate(pieces):
            if piece.cursor:
                rest = self._names(connection.history(piece.cursor), configured)
                assert set().union(*names[: place + 1]) | rest == everything

    def test_a_provider_that_asks_us_to_wait_is_obeyed(self, stand_in: PretendServer, connection: Connection) -> None:
        start = _last(connection.fetch(""), "")
        stand_in.faults.extend([Fault(told=FakeAnswer({"error": "slowly"}, 429, {"retry-after": "77"}))] * 50)

        with pytest.raises(ChannelError) as refusal:
            list(connection.fetch(start))

        assert not refusal.value.permanent
        assert refusal.value.retry_after is not None
        assert refusal.value.retry_after > 0

    def test_a_consent_that_is_gone_needs_a_person(self, stand_in: PretendServer, connection: Connection) -> None:
        start = _last(connection.fetch(""), "")
        stand_in.faults.extend([Fault(told=FakeAnswer({"error": "unauthorized"}, 401))] * 50)

        with pytest.raises(ChannelError) as refusal:
            list(connection.fetch(start))

        assert (refusal.value.code, refusal.value.permanent) == ("not_authorised", True)

    @pytest.mark.parametrize("number", range(len(_SPOILT)))
    def test_a_spoilt_answer_loses_nothing(
        self, stand_in: PretendServer, connection: Connection, configured: AccountSettings, number: int
    ) -> None:
        """It may be told as an error, or got over; afterwards everything is brought."""
        start = _last(connection.fetch(""), "")
        self.happen(stand_in, 0)
        self.happen(stand_in, 1)
        wanted = self._names(connection.fetch(start), configured)
        stand_in.faults.append(_SPOILT[number])
        brought: set[str] = set()
        cursor = start
        for _ in range(3):
            try:
                for piece in connection.fetch(cursor):
                    brought |= self._names([piece], configured)
                    cursor = piece.cursor or cursor
            except ChannelError as error:
                assert error.code, "an error says which it is"  # noqa: PT017 - most answers are no error
        stand_in.faults.clear()
        assert wanted <= brought

    def test_a_provider_that_hangs_is_given_up(self, stand_in: PretendServer, connection: Connection) -> None:
        start = _last(connection.fetch(""), "")
        stand_in.faults.extend([Fault(how="hang")] * 50)
        began = time.monotonic()

        with pytest.raises(ChannelError):
            list(connection.fetch(start))

        assert time.monotonic() - began < self.patience

    def test_secrets_are_declared(self, stand_in: PretendServer) -> None:
        telling = ("token", "password", "secret", "private_key", "api_key")
        for field in msgspec.structs.fields(self.channel.settings):
            if any(field.encode_name.endswith(word) for word in telling):
                assert field.encode_name in self.channel.settings.secrets, f"{field.encode_name} is stored readable"

    def _names(self, pieces: Iterable[Fetched], settings: AccountSettings) -> set[str]:
        """The source ids that these pieces become."""
        channel, found = self.channel(), set()
        for piece in pieces:
            for item in channel.parse(io.BytesIO(piece.body), piece.source, settings) if piece.body else ():
                if isinstance(item, Item):
                    found |= {
                        each.source_id for each in channel.normalise(item, settings) if isinstance(each, Interaction)
                    }
        return found


def _last(pieces: Iterable[Fetched], before: str) -> str:
    for piece in pieces:
        before = piece.cursor or before
    return before
