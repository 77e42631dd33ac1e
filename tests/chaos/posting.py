"""Processes that post through the group writer and tell each acknowledged id, until somebody kills them.

Run as: python posting.py DATABASE_URL. For each line ``NAME THREADS COUNT`` on standard input (count 0: for
ever) a child is forked, which prints one id a line; its process id comes first. Everything is imported once,
so that a round takes milliseconds.
"""

import os
import sys
import threading

from kinline.accounts.connected import AccountRef
from kinline.handles import Handle
from kinline.intake.typed import PostAnswer, TypedPost, record_posts
from kinline.messages import Interaction, Party
from kinline.record.recording import Recording
from kinline.record.writer import GroupWriter
from kinline.store import Store
from kinline.words import Direction, HandleType, Kind, Role

INBOX = AccountRef("1" * 32, "email", "", "inbox")
ANN = Party(role=Role.AUTHOR, handle=Handle(HandleType.EMAIL, "ann@example.org"))


def serve(url: str) -> None:
    for line in sys.stdin:
        name, threads, count = line.split()
        child = os.fork()
        if child == 0:
            tell(f"pid {os.getpid()}")
            run(url, name, int(threads), int(count))
            os._exit(0)
        os.waitpid(child, 0)
        tell("end")


def run(url: str, name: str, threads: int, count: int) -> None:
    store = Store(url)
    store.check()
    writer: GroupWriter[TypedPost, PostAnswer] = GroupWriter(store, record_posts)
    writer.start()
    workers = [threading.Thread(target=post, args=(writer, f"{name}-{n}", count)) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    writer.stop()
    store.close()


def post(writer: GroupWriter[TypedPost, PostAnswer], name: str, count: int) -> None:
    number = 0
    while not count or number < count:
        source = f"{name}-{number}"
        what = Interaction(
            source_id=source, kind=Kind.MESSAGE, direction=Direction.INBOUND, parties=(ANN,), text="x" * 300
        )
        answer = writer.submit(TypedPost((Recording(account=INBOX, what=what, arrived_at=number),))).result()
        assert answer.outcomes[0].interaction_id
        tell(f"id {source}")
        number += 1


def tell(text: str) -> None:
    os.write(1, f"{text}\n".encode())  # one write, whole or not at all


if __name__ == "__main__":
    serve(sys.argv[1])
