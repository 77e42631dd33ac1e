"""A process that lives through a made-up year in a shop, and tells each day that is over, until somebody kills it.

Run as: python shop_keeping.py DATABASE_URL HOME SEED CUSTOMERS DAYS. For each line ``DAY`` on standard input a child is
forked, which goes on from that day, with everything of each day told twice and in any order. It prints ``pid N`` first,
``day N`` when day N is over, and ``done`` at the end; ``end`` comes after it, however it ended.
"""

import os
import random
import sys
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from kinline.hub import Hub
from kinline.settings import Settings
from kinline.store import sql
from kinline.testing.hubs import SECRET
from posting import tell
from shop import FIRST, Shop, days, made_up


def serve(url: str, home: str, seed: int, customers: int, length: int) -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            tell(f"pid {os.getpid()}")
            go_on(url, Path(home), seed, customers, length, int(line))
            tell("done")
            os._exit(0)
        os.waitpid(child, 0)
        tell("end")


def go_on(url: str, home: Path, seed: int, customers: int, length: int, start: int) -> None:
    hub = Hub.open(Settings(home=home, database_url=url, secret=SecretStr(SECRET)))
    with hub.store.write() as session:  # whoever held jobs before is dead: its leases have run out
        sql.run(session, "UPDATE job SET lease_until = 0 WHERE state = 'running'")
    shop, dice = Shop(hub), random.Random(start)
    for number, (day, orders) in enumerate(days(made_up(seed, customers, length), FIRST + timedelta(length))):
        if number >= start:
            shop.day(day, orders, dice)
            tell(f"day {number}")


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
