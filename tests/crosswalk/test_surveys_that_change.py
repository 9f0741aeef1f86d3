"""A survey whose questions are changed after they have been answered."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.chaos.inside import answered_by
from tests.crosswalk.changing import Changing

STREAMS: Final = {
    "salesforce": """
    streams:
      contacts: {write: [update], mapping: {cx.csat.score: CX_CSAT_Score__c}}""",
    "typeform": """
    streams:
      responses:
        surveys: {STUDY: {mapping: {csat: trust}}}""",
}
ASKED: Final = "trust"  # on a scale from 0 to 10


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[Changing]:
    made = Changing(tmp_path, database_url, {**STREAMS, "typeform": STREAMS["typeform"].replace("STUDY", "x")})
    study = next(form.id for form in made.there["typeform"].forms.values() if ASKED in form.fields)
    made.write({**STREAMS, "typeform": STREAMS["typeform"].replace("STUDY", study)})
    with answered_by(made.vendors.answer):
        made.sync()
        yield made


def form(world: Changing) -> Any:
    return next(one for one in world.there["typeform"].forms.values() if ASKED in one.fields)


def change(world: Changing, **properties: Any) -> None:
    """Ask the question otherwise; of nothing, no more."""
    fields = json.loads(json.dumps(form(world).definition["fields"]))
    for field in fields:
        if field["ref"] == ASKED:
            field["properties"] |= properties
    kept = [field for field in fields if properties or field["ref"] != ASKED]
    world.edit("typeform", "forms", form(world).id, fields=kept)


@pytest.mark.parametrize(
    "properties",
    [pytest.param({}, id="it-is-gone"), pytest.param({"steps": 5, "start_at_one": True}, id="on-another-scale")],
)
@pytest.mark.parametrize("how", ["sync", "resync"])
def test_what_was_answered_stands_as_it_was_asked(world: Changing, properties: dict[str, Any], how: str) -> None:
    contact = world.edit("salesforce", "contacts", None, LastName="Zed", Email="zed@a.test")
    world.edit("typeform", "responses", None, form=form(world).id, answers={ASKED: 8}, hidden={"email": "zed@a.test"})
    world.sync(2)
    shown = world.there["salesforce"].org.record(contact)
    assert shown["CX_CSAT_Score__c"] == 8

    change(world, **properties)
    if how == "resync":
        with world.open() as hub:
            hub.resync("typeform")
    ran = world.sync()

    assert world.there["salesforce"].org.record(contact) == shown
    assert not ran["totals"]["aside"]
    with world.open() as hub:
        assert not hub.dlq_list()["dead_letters"]
