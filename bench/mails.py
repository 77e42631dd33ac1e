"""Raw mails: received, kept, understood and recorded, by one process; and what importing a large file costs in memory."""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlmodel import Session

from hubs import Bench, fresh
from kinline import handlers
from kinline.intake.receive import receive_all
from kinline.messages import Source
from kinline.record.writer import write_all
from measure import Figure, middle

#: The target of a process (RESULTS.md). Its scale: Request Tracker 5, django-helpdesk 30, Odoo 30 mails a second, through their own gateways.
MAILS_A_SECOND = 500.0
WORDS = "parcel order bicycle saddle question answer morning please thanks invoice colour delivery".split()  # noqa: SIM905


def mail(number: int, dice: random.Random) -> bytes:
    """About 4.3 kB: plain text and HTML, three in ten an answer, one in six with a file."""
    text = "\n".join(" ".join(dice.choices(WORDS, k=10)) for _ in range(14))
    answer = (
        f"In-Reply-To: <{number - 1}@mail.example>\nReferences: <{number - 1}@mail.example>\n"
        if dice.random() < 0.3
        else ""
    )
    subject = f"{'Re: ' if answer else ''}{dice.choice(WORDS)} {number}"
    file = ""
    if dice.random() < 0.16:
        file = "--b\nContent-Type: text/csv\nContent-Disposition: attachment; filename=list.csv\n\n" + "a,b,c\n" * 60
    html = "".join(f"<p>{line}</p>" for line in text.splitlines())
    return (
        f"From: Person {number % 100} <person{number % 100}@customers.example>\nTo: help@hub.example\n"
        f"Subject: {subject}\nDate: Mon, 2 Mar 2026 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02} +0000\n"
        f"Message-ID: <{number}@mail.example>\n{answer}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
        f"--b\nContent-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
        f"--a\nContent-Type: text/html; charset=utf-8\n\n<html><body>{html}</body></html>\n--a--\n{file}\n--b--\n"
    ).encode()


def measure(database: str, *, count: int, rounds: int) -> Iterator[Figure]:
    """Every mail goes the live way: raw bytes and a job are durable first, then it is understood and recorded."""
    rates = []
    with fresh(database) as bench:
        dice = random.Random(7)  # noqa: S311 - repeatable
        for each in range(rounds):
            mails = [mail(each * count + number, dice) for number in range(count)]
            rates.append(_rate(bench, mails))
        recorded = bench.count("SELECT count(*) FROM interaction")
    if recorded != rounds * count:
        raise AssertionError(f"{rounds * count} mails, {recorded} recorded")
    size = sum(map(len, mails)) / len(mails) / 1000
    yield Figure(
        "raw mails recorded, one process", database, middle(rates), "/s", None, "RT 5/s, Odoo 30/s, django-helpdesk 30/s",
        MAILS_A_SECOND, checked=f"{recorded} mails, {recorded} recorded", note=f"{size:.1f} kB each", rounds=rates,
    )  # fmt: skip


def _rate(bench: Bench, mails: list[bytes]) -> float:
    """Received as the webhook route does, many in one commit; understood by jobs, as a worker does."""
    hub, began = bench.hub, time.perf_counter()
    for at in range(0, len(mails), 50):
        chunk = mails[at : at + 50]
        kept = write_all(hub.store, lambda session, bodies: _received(session, bench, bodies), chunk)
        if not all(isinstance(each, str) for each in kept):
            raise AssertionError(f"not received: {kept}")
    handlers.drain(hub)
    return len(mails) / (time.perf_counter() - began)


def _received(session: Session, bench: Bench, bodies: Sequence[bytes]) -> list[str]:
    source = Source(name="mail", media_type="message/rfc822")
    return receive_all(session, [(bench.account, body, source) for body in bodies])


def memory(database: str, *, small: int, large: int) -> Iterator[Figure]:
    """Peak memory of ``kinline import`` over a small and a large mbox (sizes in MB)."""
    peaks, recorded = [], []
    for size in (small, large):
        with fresh(database) as bench, tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "all.mbox"
            count = _mbox(path, size * 1_000_000)
            peaks.append(_peak(bench, path))
            recorded.append((count, bench.count("SELECT count(*) FROM interaction")))
    if any(there != made for made, there in recorded):
        raise AssertionError(f"mails and interactions: {recorded}")
    yield Figure(
        f"peak memory of an import of {large} MB", database, peaks[1], "MB", peaks[1] / peaks[0],
        f"{peaks[0]:.0f} MB for {small} MB", 1.25, more_is_better=False, checked=f"{recorded[1][0]} mails, all recorded",
    )  # fmt: skip


def _mbox(path: Path, size: int) -> int:
    dice, count = random.Random(11), 0  # noqa: S311 - repeatable
    with path.open("wb") as file:
        while file.tell() < size:
            file.write(b"From person@customers.example Mon Mar  2 09:00:00 2026\n" + mail(count, dice) + b"\n")
            count += 1
    return count


def _peak(bench: Bench, path: Path) -> float:
    """The most resident memory the importing process ever had, in MB."""
    code = (
        "import sys; from kinline_cli import main; sys.argv[1:] = ['import', 'email', sys.argv[1], '--account', 'inbox', "
        "'--no-work', '--json']\ntry: main()\nfinally:\n"
        " print([l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')][0], file=sys.stderr)"
    )
    run = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", code, str(path)],
        env=os.environ | bench.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return int(run.stderr.strip().splitlines()[-1]) / 1024
