"""A mail server on loopback that writes down what it was handed, before it says that it took it."""

import asyncio
import email
import random
import threading
from collections import Counter
from typing import Any

from aiosmtpd.controller import Controller


class MailSink:
    """``got`` counts mails by recipient. ``handed`` is set when one has arrived and was not answered yet:
    the moment when killing its sender does the most harm."""

    def __init__(self, seed: int) -> None:
        self.got: Counter[str] = Counter()
        self.message_ids: Counter[str] = Counter()
        self.handed = threading.Event()
        self.slowest = 0.03  #: seconds until a mail is answered, at most
        self._dice = random.Random(seed)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        mail = email.message_from_bytes(envelope.content)
        for recipient in envelope.rcpt_tos:
            self.got[recipient] += 1
        self.message_ids[str(mail["Message-ID"])] += 1
        self.handed.set()
        await asyncio.sleep(self._dice.uniform(0, self.slowest))
        return "250 taken"

    def serving(self, port: int) -> Controller:
        return Controller(self, hostname="127.0.0.1", port=port)
