"""The tests of actions are tested: here the hub is broken, and they must see it."""

from typing import Any

import msgspec
import pytest
from sqlmodel import Session

from acting import Square
from breaking import checks_of, fails
from kinline import addresses, signatures
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.catalogue import references, template_store
from kinline.clock import DAY
from kinline.contract.plugins import channels
from kinline.decide import in_progress, steps, verdicts, waits
from kinline.followups import guards
from kinline.followups.holding import GuardResult
from kinline.hub import Hub
from kinline.triggers import Trigger, templates
from kinline.webhooks import deliver, deliveries, endpoints
from kinline.words import SendClass
from settable import Time

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
STEPS, ACTIONS = "core/test_steps.py", "core/test_actions.py"
CALLS, STORED = "core/test_webhooks_out.py", "core/test_stored_templates.py"


@on_sqlite
def test_a_step_that_is_done_again_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_progress, "close", lambda *_: True)

    fails(checks_of(STEPS).test_the_story_of_three_steps_with_a_crash_before_each, hub, inbox, time, monkeypatch)


@on_sqlite
def test_a_step_in_pieces_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """What was done before the crash is kept: the wait is closed in a transaction of its own."""
    real = steps._go_on

    def torn(acting: Any, row: Any) -> None:
        in_progress.close(acting.session, row.id, "done", "")
        acting.session.connection().commit()
        real(acting, row)

    monkeypatch.setattr(steps, "_go_on", torn)
    fails(checks_of(STEPS).test_the_story_of_three_steps_with_a_crash_before_each, hub, inbox, time, monkeypatch)


@on_sqlite
def test_a_step_that_looks_at_nothing_anew_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "replied", lambda *_: False)

    fails(checks_of(STEPS).test_an_answer_of_hers_ends_it, hub, inbox, time)


@on_sqlite
def test_a_step_of_a_trigger_that_was_stopped_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "_stopped", lambda *_: "")

    checks = checks_of(STEPS)
    fails(checks.test_what_is_due_too_long_ago_is_left_undone, hub, inbox, time)


@on_sqlite
def test_the_newest_words_instead_of_those_decided_on_are_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = template_store.newest
    monkeypatch.setattr(template_store, "newest", lambda session, name, version=None: real(session, name))

    fails(checks_of(STEPS).test_the_version_of_a_template_that_was_decided_on_is_what_is_sent, hub, inbox, time)


@on_sqlite
def test_a_start_without_who_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(Trigger, "addresses", lambda *_, **__: True)

    fails(checks_of(ACTIONS).test_a_trigger_starts_another_under_its_own_rules, hub, inbox, time)


@on_sqlite
def test_a_chain_without_an_end_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(verdicts, "DEEPEST", 99)

    fails(checks_of(ACTIONS).test_a_chain_of_starts_stops_by_its_depth, hub, inbox, time)


@on_sqlite
def test_a_circle_that_is_saved_is_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "_refuse_circle", lambda *_: None)

    fails(checks_of(ACTIONS).test_triggers_that_start_each_other_in_a_circle_are_refused, hub)


@on_sqlite
@pytest.mark.parametrize("broken", ["armed again", "fired all the same"])
def test_a_silence_that_comes_back_after_it_was_called_off_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    if broken == "armed again":
        monkeypatch.setattr(waits, "CALLED_OFF", "never: ")
    else:
        monkeypatch.setattr(in_progress, "called_off", lambda *_: {})

    fails(checks_of(ACTIONS).test_a_trigger_calls_off_what_another_has_under_way, hub, inbox, time)


@on_sqlite
def test_a_message_that_goes_without_approval_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tuple(guard for guard in guards._GUARDS["service"] if guard is not guards._approval)
    monkeypatch.setitem(guards._GUARDS, SendClass.SERVICE, kept)

    fails(checks_of(ACTIONS).test_a_message_waits_for_approval_and_goes_when_it_has_it, hub, inbox, time)


@on_sqlite
def test_an_approval_that_is_waited_for_for_ever_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = guards._approval

    def patient(going: Any) -> Any:
        held = real(going)
        return held and GuardResult(held.guard, held.reason, going.now + DAY, held.state)

    kept = tuple(patient if guard is real else guard for guard in guards._GUARDS["service"])
    monkeypatch.setitem(guards._GUARDS, SendClass.SERVICE, kept)
    fails(checks_of(ACTIONS).test_what_nobody_approves_expires_and_says_so, hub, inbox, time)


@on_sqlite
def test_a_post_that_nobody_looked_at_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    square = Square()
    monkeypatch.setitem(channels().loaded, "square", square)
    monkeypatch.setattr(hub.settings, "outbound", "live")
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "square", "market", {})
    monkeypatch.setattr(guards, "_PUBLIC", ())
    check = checks_of(
        "core/test_public_posts.py"
    ).test_a_public_post_waits_for_approval_and_then_goes_to_nobody_in_particular

    fails(check, hub, inbox, time, square)


@on_sqlite
def test_one_language_for_everybody_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template_store, "language_for", lambda stored, wanted: stored.default)
    check = checks_of(ACTIONS).test_a_message_is_in_the_persons_language_else_in_that_of_what_they_wrote

    fails(check, hub, inbox, time)


@on_sqlite
def test_words_that_are_read_as_a_template_twice_are_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = templates.render

    def twice(source: str, data: Any, form: Any = "text") -> str:
        try:
            return real(real(source, data, form), data, form)
        except Exception:
            return ""

    monkeypatch.setattr(templates, "render", twice)
    check = checks_of(STORED).test_what_a_customer_wrote_is_put_in_once_and_never_read_as_a_template
    fails(check, hub, inbox, time)


class TestCalls:
    """Of an endpoint that a receiver stands behind."""

    @pytest.fixture
    def crm(self, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Any:
        made = checks_of(CALLS).Crm()
        made.start()
        monkeypatch.setattr(hub.settings, "outbound", "live")
        monkeypatch.setattr(addresses, "is_public", lambda address: True)
        yield made
        made.stop()

    @pytest.fixture
    def secret(self, hub: Hub, crm: Any) -> str:
        with hub.store.write() as session:
            _, made = endpoints.add(session, hub.secret, "crm", f"{crm.url}/hooks")
        checks_of(CALLS).live(hub, "tell-crm", "[{webhook: {endpoint: crm}}]")
        return made

    @on_sqlite
    def test_a_call_that_is_signed_wrongly_is_seen(
        self, hub: Hub, inbox: AccountRef, time: Time, crm: Any, secret: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = signatures.headers
        monkeypatch.setattr(signatures, "headers", lambda secrets, id, at, body: real(secrets, id, at, body + b" "))

        fails(checks_of(CALLS).test_a_call_is_a_signed_cloud_event_about_the_decision, hub, inbox, time, crm, secret)

    @on_sqlite
    def test_another_id_on_every_try_is_seen(
        self, hub: Hub, inbox: AccountRef, time: Time, crm: Any, secret: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = signatures.headers
        named = lambda secrets, id, at, body: real(secrets, f"{id}-{at}", at, body)  # noqa: E731
        monkeypatch.setattr(signatures, "headers", named)

        fails(checks_of(CALLS).test_every_try_has_the_same_id_and_bytes_and_a_new_time, hub, inbox, time, crm, secret)

    @on_sqlite
    def test_a_call_that_is_tried_once_is_seen(
        self, hub: Hub, inbox: AccountRef, time: Time, crm: Any, secret: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(deliver, "_put_off", lambda session, each, due, reason: None)

        fails(checks_of(CALLS).test_every_try_has_the_same_id_and_bytes_and_a_new_time, hub, inbox, time, crm, secret)

    @on_sqlite
    def test_an_old_secret_that_stops_at_once_is_seen(
        self, hub: Hub, inbox: AccountRef, time: Time, crm: Any, secret: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = endpoints.secrets_of
        monkeypatch.setattr(endpoints, "secrets_of", lambda row, secret, now: real(row, secret, now)[:1])

        check = checks_of(CALLS).test_a_new_secret_signs_beside_the_old_one_until_the_overlap_is_over
        fails(check, hub, inbox, time, crm, secret)

    @on_sqlite
    def test_a_call_inside_is_seen(
        self, hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
    ) -> None:  # fmt: skip
        monkeypatch.setattr(addresses, "is_public", lambda address: True)

        check = checks_of(CALLS).test_a_private_address_is_never_called
        fails(check, hub, inbox, time, monkeypatch, "http://127.0.0.1:1/x")

    @on_sqlite
    def test_a_call_that_nobody_approved_is_seen(
        self, hub: Hub, inbox: AccountRef, time: Time, crm: Any, secret: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = deliveries.plan

        def hasty(hub: Hub, session: Session, call: Any) -> str:
            return real(hub, session, msgspec.structs.replace(call, needs_approval=False))

        monkeypatch.setattr(deliveries, "plan", hasty)
        check = checks_of(CALLS).test_a_call_may_wait_for_approval_and_expires_without
        with pytest.raises((AssertionError, ValueError)):
            check(hub, inbox, time, crm, secret)
