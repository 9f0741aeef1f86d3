"""Golden records as rows."""

import pytest

from crosswalk.engine import export as module
from crosswalk.engine.export import export
from crosswalk.engine.words import AskError
from crosswalk.store.dialect import Database
from tests.crosswalk.engine.house_for_reports import World, public_id


@pytest.fixture
def world(database: Database) -> World:
    made = World(database)
    made.stream("acme/companies", "company", ("name", "annual_revenue"))
    made.stream("acme/persons", "person", ("name", "emails", "works_at"), refs=("works_at",))
    made.stream("tool/responses", "response", ("survey_id",))
    firm = made.record("acme/companies/7", name="Padma Textiles")
    made.entity(
        "company", [firm], public="cccc", name="Padma Textiles", annual_revenue={"amount": "12000", "currency": "EUR"}
    )
    return made


def test_rows_hold_what_people_read(world: World) -> None:
    record = world.record("acme/persons/1")
    answer = world.record("tool/responses/r1", survey_id="X")
    world.entity(
        "person",
        [record, answer],
        public="8f2kq",
        name={"full": "শর্মিলা দত্ত"},
        emails=[{"address": "a@x.test"}, {"address": "b@x.test"}],
        works_at=[{"entity": f"company/{public_id('cccc')}"}],
    )

    people, firms = export(world.house, "person"), export(world.house, "company")

    assert people["columns"] == ["entity", "name", "emails", "works_at", "records"]
    assert list(people["rows"]) == [
        [f"person/{public_id('8f2kq')}", "শর্মিলা দত্ত", "a@x.test, b@x.test", "Padma Textiles", "acme/persons/1"]
    ]
    assert next(firms["rows"])[1:3] == ["Padma Textiles", "12000 EUR"]


def test_no_entity_is_lost_between_two_batches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH", 2)
    for at in range(5):
        record = world.record(f"acme/persons/{at}")
        world.entity("person", [record], public=f"{at}8888", name={"full": f"N {at}"})

    assert [row[1] for row in export(world.house, "person")["rows"]] == [f"N {at}" for at in range(5)]


def test_what_is_secret_stays(database: Database) -> None:
    world = World(database)
    world.stream("tool/invitations", "invitation", ("invitation_id", "link"))
    record = world.record("tool/invitations/1")
    world.entity("invitation", [record], invitation_id="I1", link="https://tool.test/secret")

    told = export(world.house, "invitation")

    assert told["columns"] == ["entity", "invitation_id", "records"]
    assert "secret" not in str(list(told["rows"]))


def test_a_kind_that_there_is_not_is_answered_with_those_there_are(world: World) -> None:
    with pytest.raises(AskError) as error:
        export(world.house, "persons")

    assert "did you mean 'person'?" in error.value.hint
