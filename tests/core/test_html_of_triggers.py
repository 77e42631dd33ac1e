"""What triggers write as HTML: values are escaped, what comes out is clean, and there is always text beside it."""

import pytest

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.catalogue import trigger_store
from kinline.errors import Invalid
from kinline.hub import Hub
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import MORNING, InteractionFactory, PartyFactory, RecordingFactory
from kinline.words import TriggerState

TRIGGER = """
name: thank
about: Thank everybody who writes.
when: {did: {kind: message}}
do:
  - message:
      class: service
      text: "Thank you, {{ person.name }}"
      html: "<p onclick='x()'>Thank you, <b>{{ person.name }}</b></p><script>x()</script>"
"""


def test_a_name_is_a_name_and_no_markup(hub: Hub) -> None:
    with clock.frozen(clock.from_datetime(MORNING)):
        with hub.store.write() as session:
            inbox = connected.connect(session, hub.secret, "email", "inbox", {"address": "help@hub.example"})
            trigger_store.save(session, TRIGGER, made_by="Cleo")
            trigger_store.set_state(session, "thank", TriggerState.LIVE, override="a test")
        who = PartyFactory.build(name="<img src=x onerror=x()>")
        with hub.store.write() as session:
            what = InteractionFactory.build(parties=(who,))
            record_batch(session, [RecordingFactory.build(account=inbox, what=what)])
        handlers.drain(hub)

    with hub.store.read() as session:
        [(text, html, state)] = sql.run(session, "SELECT body, html, state FROM followup")
    assert text == "Thank you, <img src=x onerror=x()>"
    assert html == "<p>Thank you, <b>&lt;img src=x onerror=x()&gt;</b></p>"
    assert state == "sent"


def test_html_without_text_is_refused(hub: Hub) -> None:
    with hub.store.write() as session, pytest.raises(Invalid, match="text"):
        trigger_store.save(session, TRIGGER.replace("text:", "subject:"), made_by="Cleo")
