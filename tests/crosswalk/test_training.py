"""`match train` of a file and of the store, and what its weights do to records whose truth is known."""

from pathlib import Path

import pytest
from yaml import safe_load

from bench import worlds
from crosswalk import training
from crosswalk.labelled import evaluated, model_of
from crosswalk.problems import ProblemsError
from crosswalk.store.dialect import Database
from crosswalk.store.records import DELETED
from tests.crosswalk.engine.house_for_reports import NOW, World


def silent(_words: str) -> None:
    """Nobody waits for it."""


def written(folder: Path, records: Path, **options: int) -> Path:
    told = training.of_file(records, mapping=None, kind=None, base=None, progress=silent)
    answer = training.trained(*told, source=records.name, seed=0, at=NOW, progress=silent)
    model = folder / "model.yaml"
    model.write_text(answer["text"], encoding="utf-8")
    return model


@pytest.mark.parametrize("kind", ["person", "company"])
def test_trained_weights_join_as_much_and_stay_precise(tmp_path: Path, kind: str) -> None:
    records, truth = worlds.write(tmp_path, kind, 4000, seed=9)
    model = written(tmp_path, records)

    shipped, trained = evaluated(records, truth), evaluated(records, truth, model=model)

    assert trained["pairs"]["precision"] >= 0.99
    assert trained["pairs"]["f1"] >= shipped["pairs"]["f1"] - 0.005
    assert trained["largest"] <= 2 * trained["largest_true"]


def test_the_file_says_what_it_was_trained_on_and_reads_as_a_model(tmp_path: Path) -> None:
    records, _ = worlds.write(tmp_path, "person", 2000, seed=4)
    model = written(tmp_path, records)

    told = safe_load(model.read_text(encoding="utf-8"))

    assert told["trained"]["from"] == "records.csv"
    assert told["trained"]["at"] == "2026-11-23T08:30:00+00:00"
    assert told["trained"]["records"] == 2000
    assert told["trained"]["matches"] > 200
    assert model_of(model).kind == "person"


def test_records_of_the_store_are_those_that_live_there(database: Database) -> None:
    world = World(database)
    world.stream("acme/persons", "person", ("name", "emails"))
    world.stream("tool/contacts", "person", ("name", "emails"))
    world.stream("acme/companies", "company", ("name",))
    world.record(
        "acme/persons/1", name={"given": "Mara", "family": "Lindqvist"}, emails=[{"address": "mara@lind.test"}]
    )
    world.record("tool/contacts/7", name={"full": "M. Lindqvist"})
    world.record("acme/companies/1", name="Padma Textiles Ltd.")
    gone = world.record("acme/persons/2", name={"full": "Rahim Uddin"})
    with database.write() as connection:
        database.run(connection, "UPDATE record SET state = ? WHERE id = ?", (DELETED, gone))

    people, base = training.of_store(world.house, "person", base=None, progress=silent)
    firms, _ = training.of_store(world.house, "company", base=None, progress=silent)

    assert base.kind == "person"
    assert [people.profile(at) for at in range(len(people))] == [
        {"given": ("mara",), "family": ("lindqvist",), "email": ("mara@lind.test",), "domain": ("lind.test",)},
        {"given": ("m",), "family": ("lindqvist",)},
    ]
    assert len(set(people.system.tolist())) == 2
    assert [firms.profile(at) for at in range(len(firms))] == [{"name": ("padma textiles",), "form": ("ltd",)}]


def test_too_few_records_are_refused_with_how_many_it_takes(database: Database) -> None:
    world = World(database)
    world.stream("acme/persons", "person", ("name",))
    world.record("acme/persons/1", name={"full": "Mara Lindqvist"})
    told = training.of_store(world.house, "person", base=None, progress=silent)

    with pytest.raises(ProblemsError) as caught:
        training.trained(*told, source="the store", seed=0, at=NOW, progress=silent)

    (problem,) = caught.value.problems
    assert problem.code == "CW131"
    assert problem.text == "too little to learn from in the store: there are 1 records; it takes 1,000"


def test_a_model_of_another_kind_is_no_beginning(tmp_path: Path, database: Database) -> None:
    records, _ = worlds.write(tmp_path, "company", 2000, seed=4)
    firms = written(tmp_path, records)

    with pytest.raises(ProblemsError, match="the model is of kind company, the records of person"):
        training.of_store(World(database).house, "person", base=firms, progress=silent)
