"""What ``kinline doctor`` looks at. Each check answers in a sentence, with the cure where something is wrong."""

import shutil
import time
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice

import msgspec
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.engine import make_url

from kinline.contract.plugins import channels
from kinline.errors import KinlineError, Misconfigured, Unavailable
from kinline.intake.ledger import ledger
from kinline.jobs.queue import database_now
from kinline.scoring.arm import arm_of
from kinline.settings import Settings, load
from kinline.store import Store, sql
from kinline.store.schema import revisions, unfinished
from kinline.threads.apart import would_part
from kinline.threads.numbers import number_of
from kinline_workers.broker import check_redis

#: Free space under which the doctor speaks up, in bytes.
ROOM = 1_000_000_000
#: So many conversations are named by their numbers.
NAMED = 50
#: How far the clocks of this machine and of the database may be apart, in seconds.
APART = 5.0


class State(StrEnum):
    OK = "ok"
    LOOK = "look"  #: it works, and somebody should look at it
    WRONG = "wrong"  #: it does not work


class Finding(msgspec.Struct, frozen=True):
    """What one check found."""

    check: str
    state: State
    detail: str
    cure: str = ""
    code: str = ""


def everything() -> Iterator[Finding]:
    """All checks, in the order in which one rests on the other. What cannot be looked at is left out."""
    try:
        settings = load()
    except Misconfigured as error:
        yield _wrong("settings", error, "Mend these settings; docs/settings.md lists all of them.")
        return
    yield Finding(
        "settings",
        State.OK,
        f"read; messages are {'really sent' if settings.outbound == 'live' else 'written to files'}",
    )
    yield _secret(settings)
    yield _disk(settings)
    yield _plugins()
    yield _scorer(settings)
    yield _redis(settings)
    yield from _database(settings)


def _database(settings: Settings) -> Iterator[Finding]:
    where = make_url(settings.database).render_as_string(hide_password=True)
    try:
        store = Store(settings.database)
        try:
            store.check()
            yield Finding("database", State.OK, f"{where} answers, and keeps what it acknowledges")
            yield from _inside(store)
        finally:
            store.close()
    except Unavailable as error:
        yield _wrong("database", error, f"Start the database at {where}, or mend KINLINE_DATABASE_URL.")
    except KinlineError as error:
        yield _wrong("database", error, "Set the database back to keeping what it acknowledges.")


def _inside(store: Store) -> Iterator[Finding]:
    found, wanted = revisions(store)
    if found != wanted:
        detail = f"at {found or 'nothing'}, this version needs {wanted}"
        yield Finding("schema", State.WRONG, detail, "Run `kinline migrate`.", "wrong_schema")
        return
    if steps := unfinished(store):
        detail = f"at {found}, and stored data has still to go through: {', '.join(steps)}"
        yield Finding("schema", State.WRONG, detail, "Run `kinline migrate`.", "data_not_upgraded")
        return
    yield Finding("schema", State.OK, f"at {found}")
    yield _clock(store)
    yield from _old_conversations(store)
    yield _jobs(store)
    yield _ledger(store)


def _old_conversations(store: Store) -> Iterator[Finding]:
    """Those of before the upgrade that today's rules would part: two people who named one Message-ID are no conversation."""
    with store.read() as session:
        found = list(islice(would_part(session), NAMED + 1))
    if found:
        numbers = ", ".join(map(number_of, found[:NAMED])) + (" and more" if len(found) > NAMED else "")
        detail = f"by today's rules some that are one would be several: {numbers}"
        cure = "Look at each before you answer in it, and split it where they should not be one: POST /v1/conversations/{conversation}/split."
        yield Finding("conversations", State.LOOK, detail, cure, "would_part")


def _secret(settings: Settings) -> Finding:
    try:
        settings.hub_secret()
    except (KinlineError, OSError) as error:
        return _wrong("secret", error, "Set KINLINE_SECRET to the output of: openssl rand -hex 32")
    if settings.secret.get_secret_value():
        return Finding("secret", State.OK, "given in the settings")
    path = settings.home / "secret"
    if path.stat().st_mode & 0o077:
        return Finding("secret", State.LOOK, f"{path} can be read by others", f"Run: chmod 600 {path}")
    return Finding("secret", State.OK, f"kept in {path}; keep a copy of it with your backups")


def _disk(settings: Settings) -> Finding:
    home = next(folder for folder in (settings.home.absolute(), *settings.home.absolute().parents) if folder.exists())
    free = shutil.disk_usage(home).free
    detail = f"{free / 1e9:.1f} GB free at {settings.home}"
    if free < ROOM:
        return Finding("disk", State.LOOK, detail, "Make room: a full disk stops all recording.")
    return Finding("disk", State.OK, detail)


def _plugins() -> Finding:
    found = channels()
    names = ", ".join(sorted(found.loaded)) or "none"
    if found.failed:
        reasons = "; ".join(f"{one.plugin}: {one.reason}" for one in found.failed)
        return Finding(
            "plugins", State.LOOK, f"{names}; left out: {reasons}", "Mend or uninstall the plugins left out."
        )
    return Finding(
        "plugins", State.OK if found.loaded else State.WRONG, names, "" if found.loaded else "Install a channel."
    )


def _scorer(settings: Settings) -> Finding:
    try:
        arm = arm_of(settings)
    except Misconfigured as error:
        return _wrong("scorer", error, "Set KINLINE_SCORER to an installed scorer or to none; see docs/scorers.md.")
    return Finding(
        "scorer", State.OK, f"{arm.name} {arm.version}, {settings.scoring}" if arm else "none: nothing is judged"
    )


def _redis(settings: Settings) -> Finding:
    if settings.embedded:
        return Finding("redis", State.OK, "not used: the embedded worker needs none")
    client = Redis.from_url(settings.redis_url, socket_connect_timeout=3, socket_timeout=3)
    try:
        client.ping()
        check_redis(settings)
    except RedisError as error:
        return _wrong("redis", error, "Start Redis. Until then work goes on from the database, in seconds.", State.LOOK)
    except Misconfigured as error:
        return _wrong("redis", error, "Run: redis-cli CONFIG SET maxmemory-policy noeviction")
    finally:
        client.close()
    return Finding("redis", State.OK, "answers, and evicts nothing")


def _clock(store: Store) -> Finding:
    with store.read() as session:
        apart = abs(database_now(session) / 1e6 - time.time())
    if apart > APART:
        return Finding(
            "clock", State.LOOK, f"this machine and the database are {apart:.0f} s apart", "Run NTP on both."
        )
    return Finding("clock", State.OK, "this machine and the database agree")


def _jobs(store: Store) -> Finding:
    with store.read() as session:
        counts = dict(sql.run(session, "SELECT state, count(*) FROM job GROUP BY state"))
    detail = f"{counts.get('pending', 0)} waiting, {counts.get('running', 0)} running, {counts.get('dead', 0)} given up"
    if counts.get("dead"):
        cure = "See their errors: `kinline job list`; mend the cause, then `kinline job retry --all`."
        return Finding("jobs", State.LOOK, detail, cure)
    return Finding("jobs", State.OK, detail)


def _ledger(store: Store) -> Finding:
    with store.read() as session:
        lines = ledger(session)
    broken = [line.account for line in lines if not line.holds]
    if broken:
        return Finding(
            "ledger", State.WRONG, f"does not add up for {', '.join(broken)}", "Tell us: this must never be."
        )
    aside = sum(line.quarantined for line in lines)
    if aside:
        return Finding("ledger", State.LOOK, f"adds up; {aside} items in quarantine", "See `kinline quarantine list`.")
    return Finding("ledger", State.OK, f"adds up for {len(lines)} accounts")


def _wrong(check: str, error: Exception, cure: str, state: State = State.WRONG) -> Finding:
    detail = error.detail if isinstance(error, KinlineError) else f"{type(error).__name__}: {error}"
    return Finding(check, state, detail, cure, getattr(error, "code", ""))
