"""Mails: who bounced, what was written, how it is signed, which conversation, which addresses."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

from kinline import Broken, Handle, HandleType, Interaction, Item, Normalised, Source, handles
from kinline.errors import Invalid
from kinline_email import EmailChannel, mime, reply, signature, threads
from kinline_email.html import Reading
from kinline_email.settings import EmailSettings
from sets import Case, Cases, equal, readings

CHANNEL, SETTINGS = EmailChannel(), EmailSettings()


def pieces(path: Path) -> list[Item | Broken]:
    with path.open("rb") as file:
        return list(CHANNEL.parse(file, Source(name=path.name), SETTINGS))


def understood(path: Path) -> list[Normalised]:
    first = pieces(path)[0]
    if isinstance(first, Broken):
        raise ValueError(f"refused: {first.code}")
    return list(CHANNEL.normalise(first, SETTINGS))


def read(path: Path) -> Interaction:
    mail = understood(path)[0]
    if not isinstance(mail, Interaction):
        raise TypeError("no interaction")
    return mail


def bounces(folder: Path) -> Cases:
    """Exactly who bounced, and whether the mail was given up or is only late: what flufl calls temporary."""
    for row in json.loads((folder / "expected.json").read_text(encoding="utf-8")):
        failed = read(folder / "data" / row["file"]).facts.get("failed", [])
        found = sorted((one["address"].lower(), one["action"] == "delayed") for one in failed)
        expected = {(one.lower(), row["temporary"]) for one in row["expected"]}
        yield equal(row["file"], found, sorted(expected))


def visible_replies(folder: Path) -> Cases:
    """The lines that a person wrote."""
    for path in sorted(folder.glob("*/emails/*.txt")):
        if path.stem in readings.WRITTEN:
            text = path.read_text(encoding="utf-8")
            name = f"{path.parts[-3]}/{path.name}"
            yield equal(name, reply.visible(text).split(), readings.written(text, path.stem).split())


def talon_replies(folder: Path) -> Cases:
    """The ways in which mail clients quote, in plain text and in HTML."""
    for path in sorted((folder / "standard_replies").glob("*.eml")):
        yield equal(path.name, _answer(path), readings.PLAIN)
    for path in sorted((folder / "html_replies").glob("*.html")):
        yield equal(path.name, _answer(path), readings.HTML)
    for name, (start, end) in readings.OTHERS.items():
        found = _answer(folder / name)
        yield Case(name, "" if found.startswith(start) and found.endswith(end) else repr(found[-100:]))


def _answer(path: Path) -> str:
    if path.suffix == ".html":
        text = reply.visible(Reading(path.read_text(encoding="utf-8", errors="replace")).visible)
    else:
        text = read(path).text
    return " ".join(text.split())


def talon_signatures(folder: Path) -> Cases:
    """Where the text ends and the signature begins, the sender's name being known."""
    for path in sorted((folder / "signature" / "emails" / "stripped").glob("*_body")):
        text, sender, expected = (_stripped(path, part) for part in ("_body", "_sender", "_signature"))
        yield equal(path.name.removesuffix("_body"), signature.split(text, [sender])[1], expected)


def _stripped(path: Path, part: str) -> str:
    """One of the three files, without the marks of those who put the set together."""
    found = path.with_name(path.name.removesuffix("_body") + part).read_text(encoding="utf-8")
    return found.replace("#sig#", "").strip()


def trees(folder: Path) -> Cases:
    """Exactly the trees of RFC 5256: each ``thread`` command of a script, after what it deleted before."""
    for script in sorted(path for path in (folder / "tests").glob("thread*") if not path.suffix):
        raw = re.split(rb"(?m)^(?=From )", script.with_suffix(".mbox").read_bytes())  # one has no fields at all
        found = [_thread_mail(Item(body=one, form="mbox")) for one in raw if one]
        gone: set[int] = set()
        asked = ""
        for line in script.read_text(encoding="utf-8").splitlines():
            words = line.lower().split()
            if words[:2] == ["ok", "store"] and "\\deleted" in words:
                gone |= {int(one) - 1 for one in words[2].split(",")}
            elif words[:2] == ["ok", "expunge"]:
                found, gone = [one for number, one in enumerate(found) if number not in gone], set()
            elif words[:2] == ["ok", "thread"]:
                asked = words[2]
            elif words[:2] == ["*", "thread"]:
                made = threads.by_subject(found) if asked == "orderedsubject" else threads.by_references(found)
                told = "".join(tree.written() for tree in made)
                yield equal(f"{script.name} {asked}", told, line.partition("(")[1] + line.partition("(")[2])


def _thread_mail(item: Item) -> threads.Mail:
    """What decides where a mail stands, as the channel reads it."""
    mail = CHANNEL.normalise(item, SETTINGS)[0]
    if not isinstance(mail, Interaction):
        raise TypeError("no mail")
    root = mime.parse(item.body.partition(b"\n")[2], set())
    return threads.of(root.headers, mail.subject, mail.occurred_at)


def addresses(folder: Path) -> Cases:
    """Can mail be sent to it? And no two different addresses become one."""
    spelled: dict[str, set[str]] = {}
    tests = ElementTree.parse(folder / "test" / "tests.xml").iter("test")  # noqa: S314 - a file of the corpora
    verdicts = {_with_controls(test.findtext("address") or ""): test.findtext("category") or "" for test in tests}
    for text, category in verdicts.items():
        found = _normalised(text)
        verdict = verdicts.get(text.strip(), category)  # white space around it is not part of it
        yield equal(f"{text!r} {category}", bool(found), verdict in readings.ADDRESSES)
        if found:
            spelled.setdefault(found, set()).add(text)
    merged = [sorted(texts) for texts in spelled.values() if len({_mailbox(text) for text in texts}) > 1]
    yield Case("no two are made one", f"{merged}" if merged else "")


def _normalised(address: str) -> str:
    try:
        return handles.normalise(Handle(HandleType.EMAIL, address)).value
    except Invalid:
        return ""


def _with_controls(text: str) -> str:
    """The set writes control characters as their symbols, from U+2400."""
    return re.sub("[\u2400-\u2420]", lambda found: chr(ord(found[0]) - 0x2400), text)


def _mailbox(text: str) -> tuple[str, str]:
    """The local part with its quoting undone, and the domain without case: one mailbox in RFC 5321's eyes."""
    local, _, domain = text.strip().rpartition("@")
    if local.startswith('"') and local.endswith('"'):
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    return local, domain.lower()
