"""An export of a hundred megabytes whose import is killed in the middle goes on, and doubles nothing."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kinline.accounts import connected
from kinline.hub import Hub
from kinline.intake.ledger import ledger
from kinline.intake.receive import receive_file
from kinline.intake.understand import understand
from kinline.messages import Source
from kinline.store import sql
from kinline.testing.hubs import SECRET
from kinline.words import Origin

MEGABYTES = {"wxr": 100, "disqus": 20}
COMMENTS, KILLED_AFTER = 1_000, 250
LIMIT = 256 << 20  #: bytes of memory

WXR = """<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wp="http://wordpress.org/export/1.2/">
<channel><wp:base_blog_url>https://blog.example.org</wp:base_blog_url><item><title>A lamp</title>
<link>https://blog.example.org/a/</link><wp:post_id>1</wp:post_id><wp:status>publish</wp:status><wp:post_type>post</wp:post_type>
<wp:post_date_gmt>2024-05-01 08:00:00</wp:post_date_gmt>"""
WXR_COMMENT = """<wp:comment><wp:comment_id>{id}</wp:comment_id><wp:comment_author>Ann</wp:comment_author>
<wp:comment_author_email>ann{id}@example.org</wp:comment_author_email><wp:comment_date_gmt>2024-05-03 08:00:00</wp:comment_date_gmt>
<wp:comment_content>{text}</wp:comment_content><wp:comment_approved>1</wp:comment_approved><wp:comment_type>comment</wp:comment_type>
<wp:comment_parent>0</wp:comment_parent><!-- {filler} --></wp:comment>"""
DISQUS = """<disqus xmlns="http://disqus.com" xmlns:dsq="http://disqus.com/disqus-internals">
<thread dsq:id="1"><link>https://blog.example.org/a/</link><title>A lamp</title></thread>"""
DISQUS_COMMENT = """<post dsq:id="{id}"><message>{text}</message><createdAt>2024-05-03T08:00:00Z</createdAt>
<author><email>ann{id}@example.org</email><name>Ann</name><isAnonymous>true</isAnonymous></author><thread dsq:id="1"/><!-- {filler} --></post>"""
FILES = {"wxr": (WXR, WXR_COMMENT, "</item></channel></rss>"), "disqus": (DISQUS, DISQUS_COMMENT, "</disqus>")}

#: Understands the one intake there is, and says how far it came.
CHILD = """
import sys
from pydantic import SecretStr
from kinline.hub import Hub
from kinline.intake.understand import understand
from kinline.settings import Settings
hub = Hub.open(Settings(home=sys.argv[1], database_url=sys.argv[2], secret=SecretStr(sys.argv[4])))

def progress(done):
    print(done, flush=True)
    sys.stdin.readline()  # until it may go on

understand(hub.store, hub.secret, sys.argv[3], progress=progress)
status = open("/proc/self/status").read()  # getrusage would tell the peak of whoever started us
print("peak", status.partition("VmHWM:")[2].split()[0], flush=True)
"""


def export(kind: str) -> Iterator[bytes]:
    head, comment, tail = FILES[kind]
    filler = "x" * (MEGABYTES[kind] * 1_000_000 // COMMENTS - 700)
    yield head.encode()
    for number in range(1, COMMENTS + 1):
        yield comment.format(id=number, text=f"Comment {number}", filler=filler).encode()
    yield tail.encode()


class Started:
    """A process of its own that understands the intake."""

    def __init__(self, hub: Hub, intake: str) -> None:
        arguments = [str(hub.settings.home), hub.settings.database_url, intake, SECRET]
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def until(self, items: int) -> None:
        assert self.process.stdin
        assert self.process.stdout
        done = 0
        while (done := done + int(self.process.stdout.readline())) < items:
            self.process.stdin.write("\n")
            self.process.stdin.flush()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=30)

    def peak(self) -> int:
        """Bytes of memory it took, once it has ended well."""
        out, _ = self.process.communicate(timeout=240)
        assert self.process.returncode == 0
        return int(out.split()[-1]) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="it reads its memory from /proc")
@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_import_that_is_killed_in_the_middle_goes_on(hub: Hub, kind: str, tmp_path: Path) -> None:
    # Given a file of many megabytes
    path = tmp_path / "export.xml"
    with path.open("wb") as file:
        file.writelines(export(kind))
    assert path.stat().st_size > MEGABYTES[kind] * 900_000
    with hub.store.write() as session:
        account = connected.connect(session, hub.secret, "blog", "blog", {"site": "https://blog.example.org"})
    with path.open("rb") as content:
        intake = receive_file(hub.store, account, content, Source(name="export.xml"), origin=Origin.IMPORT)

    # When its import is killed in the middle, twice
    for _ in range(2):
        started = Started(hub, intake)
        started.until(KILLED_AFTER)
        started.kill()
        with hub.store.read() as session:
            [line] = ledger(session)
            assert line.holds
            assert 0 < line.recorded < COMMENTS

    # Then it goes on to its end, in little memory, and every comment is here once
    assert Started(hub, intake).peak() < LIMIT
    with hub.store.read() as session:
        [line] = ledger(session)
        [(count, people)] = sql.run(
            session, "SELECT count(*), count(DISTINCT author_id) FROM interaction WHERE kind = 'comment'"
        )
    assert (count, people, line.quarantined, line.in_flight, line.holds) == (COMMENTS, COMMENTS, 0, 0, True)

    # And once more it is all known
    understand(hub.store, hub.secret, intake)
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM interaction WHERE kind = 'comment'") == [(COMMENTS,)]
