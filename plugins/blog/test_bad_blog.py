"""Each bad input gets exactly the answer that tests/bad_inputs/blog.yaml gives it, and soon."""

import gzip
import io
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from kinline import Broken, Source, Unreadable
from kinline_blog import BlogChannel, rest
from kinline_blog.settings import BlogSettings

SETTINGS = BlogSettings(site="https://blog.example.org", own_authors=("3",))
SAMPLES = Path(__file__).parent / "samples"
BAD = yaml.safe_load((Path(__file__).parents[2] / "tests" / "bad_inputs" / "blog.yaml").read_text())["cases"]
WXR = """<rss xmlns:wp="http://wordpress.org/export/1.2/"><channel><wp:base_blog_url>https://blog.example.org</wp:base_blog_url>
<item><wp:comment>{}</wp:comment></item></channel></rss>"""
DISQUS = '<disqus xmlns="http://disqus.com" xmlns:dsq="http://disqus.com/disqus-internals"><post {}>{}</post></disqus>'
THE_POST = {"reason": "untyped record, of no status"}  # of the small export above
SECONDS = 2

watched: list[tuple[str, Any]] | None = None


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if watched is not None and event.startswith(("open", "socket.", "subprocess.", "os.system", "urllib.")):
        watched.append((event, arguments[0]))


sys.addaudithook(_audit)  # the interpreter tells of every file and connection (PEP 578); hooks stay for good


@contextmanager
def reaching_out() -> Iterator[list[tuple[str, Any]]]:
    """All that is opened or called meanwhile, the interpreter's own modules apart."""
    global watched
    seen: list[tuple[str, Any]] = []
    watched = seen
    try:
        yield seen
    finally:
        watched = None
        seen[:] = [(event, what) for event, what in seen if not str(what).endswith((".py", ".pyc"))]


def body_of(case: dict[str, Any], canary: Path) -> bytes:
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    if "repeat" in case:
        head, piece, times, tail = case["repeat"]
        body = "".join(piece.replace("%d", str(n)) for n in range(times)) if "%d" in piece else piece * times
        return f"{head}{body}{tail}".encode()
    if "sample" in case:
        return MAKERS[case["make"]]((SAMPLES / case["sample"]).read_bytes())
    if "comment" in case:
        return WXR.format(case["comment"].replace("LONG", "a" * 400)).encode()
    if "post" in case:
        ident = case.get("id_of_post", "1")
        return DISQUS.format(f'dsq:id="{ident}"' if ident else "", case["post"]).encode()
    return str(case["body"]).replace("CANARY", str(canary)).encode()


def zipped(raw: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("export.xml", raw)
    return made.getvalue()


MAKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zip": zipped,
    "cut": lambda raw: raw[: len(raw) * 7 // 10],
}


def answer_to(raw: bytes) -> tuple[list[Any], str]:
    """Of each item its meaning or the code it is broken with, and all that the person is told."""
    channel, found, told = BlogChannel(), list[Any](), ""
    for piece in channel.parse(io.BytesIO(raw), Source(), SETTINGS):
        if isinstance(piece, Broken):
            found, told = [*found, piece.code], told + piece.detail
            continue
        try:
            found += msgspec.json.decode(msgspec.json.encode(channel.normalise(piece, SETTINGS)))
        except Unreadable as refusal:
            found, told = [*found, refusal.code], told + refusal.detail
    return [one for one in found if one != THE_POST], told


@pytest.mark.alone
@pytest.mark.parametrize("case", BAD, ids=lambda case: f"{case['id']} {case['why']}")
def test_a_bad_input_gets_its_answer(case: dict[str, Any], tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("nobody may read this")
    raw, begun = body_of(case, canary), time.perf_counter()

    with reaching_out() as reached:
        try:
            found, told = answer_to(raw)
        except Unreadable as refusal:
            found, told = [{"refused": refusal.code}], refusal.detail
        took = time.perf_counter() - begun

    wanted = [{"refused": case["refused"]}] if "refused" in case else case["items"]
    assert [shown(one, want) for one, want in zip(found, wanted, strict=True)] == wanted, told
    assert case.get("says", "").lower() in told.lower()
    assert reached == []
    assert took < SECONDS


def shown(found: Any, wanted: Any) -> Any:
    """Of a meaning only the fields that are asked for; what it leaves out is shown as missing."""
    return {key: found.get(key, "missing") for key in wanted} if isinstance(wanted, dict) else found


def test_the_canary_would_sing(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("x")

    with reaching_out() as reached:
        canary.read_text()

    assert reached == [("open", str(canary))]


def test_json_over_its_limit_is_refused_and_names_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "MAX_BODY", 1 << 20)

    with pytest.raises(Unreadable, match="1 MB") as refusal:
        answer_to(b'[{"id": 1, "post": 1, "x": "' + b"x" * (1 << 20) + b'"}]')

    assert refusal.value.code == "too_large"


def test_a_pipe_that_gives_a_byte_at_a_time_reads_the_same() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(1, size) if size and size > 0 else size)

    raw = (SAMPLES / "wordpress-tree.xml").read_bytes()

    whole, slow = (list(BlogChannel().parse(kind(raw), Source(), SETTINGS)) for kind in (io.BytesIO, Slow))

    assert slow == whole
