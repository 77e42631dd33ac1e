"""The talks of ``tests/bad_inputs/smtp.yaml``, each with its exact answers."""

import socket
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.live.test_mail_door import count, serving

from kinline.accounts import connected
from kinline.hub import Hub

CASES = yaml.safe_load((Path(__file__).parents[1] / "bad_inputs" / "smtp.yaml").read_text(encoding="utf-8"))
LIMIT = 5_000
GOOD = {"mail": "MAIL FROM:<ann@people.example>\r\n", "rcpt": "RCPT TO:<help@shop.example>\r\n"}


def said(step: list[Any], *, lmtp: bool) -> tuple[bytes, int]:
    """What is said, and how many answers it gets."""
    words = {**GOOD, "hello": "LHLO x\r\n" if lmtp else "EHLO x\r\n"}
    if len(step) == 2:
        return words.get(step[0], step[0]).encode("latin-1"), 1
    text, times, end, _ = step
    return (text * times + end).encode("latin-1"), 1 if end else times


def last_code(reader: Any, answers: int) -> int:
    code = b""
    for _ in range(answers):
        line = reader.readline()
        while line[3:4] == b"-":
            line = reader.readline()
        code = line[:3]
    return int(code or 0)


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_a_stranger_gets_the_stated_answers(hub: Hub, case: dict[str, Any]) -> None:
    lmtp = case.get("lmtp", False)
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "email", "help", {"address": "help@shop.example"})
    small = Hub(hub.settings.model_copy(update={"max_mail": LIMIT}), hub.secret, hub.store)
    with (
        serving(small, lmtp=lmtp) as port,
        socket.create_connection(("127.0.0.1", port), 10) as wire,
        wire.makefile("rb") as reader,
    ):
        assert last_code(reader, 1) == 220
        found = []
        for step in case["talk"]:
            text, answers = said(step, lmtp=lmtp)
            wire.sendall(text)
            found.append([step[0], last_code(reader, answers)])

    assert found == [[step[0], step[-1]] for step in case["talk"]]
    assert count(hub, "intake") == case["kept"]
