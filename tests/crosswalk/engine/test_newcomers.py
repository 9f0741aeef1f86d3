"""A first load: golden made of stored bytes is golden as it is decided, field by field."""

from array import array
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from crosswalk.engine.bulk import NO_RECORD, Found
from crosswalk.engine.model import House
from crosswalk.engine.newcomers import _Groups
from crosswalk.engine.references import References
from crosswalk.engine.settle import load_groups
from crosswalk.store.goldens import load_goldens
from tests.hub import World

# The phone is believed of beta alone, so what alpha shows of it is left out; beta's fields stand in another order.
HUB = """
connections:
  alpha:
    connector: memory
    account: {a}
    streams:
      firms:
      people: {{mapping: {{"consent[email.marketing]": "opt_out | optout(true)"}}}}
  beta:
    connector: memory
    account: {b}
    streams:
      people: {{mapping: {{"consent[email.marketing]": "news | consent(yes, no)", department: title}}}}
merge:
  person:
    phones: {{masters: [beta]}}
"""


@pytest.mark.parametrize("seed", range(30))
def test_entities_come_in_the_order_of_their_first_records_and_each_is_whole(seed: int) -> None:
    chance = Random(seed)
    size, strange = 40, 9
    streams = array("B", (chance.choice([1, 1, 2, strange]) for _ in range(size)))
    states = bytearray(chance.choice([0, 0, 0, NO_RECORD]) for _ in range(size))
    states[0] = NO_RECORD  # records are counted from 1
    groups: dict[int, list[int]] = {}
    for number in range(1, size):
        groups.setdefault(chance.randrange(20) if streams[number] != 2 else 20 + number, []).append(number)
    homes = array("i", [0] * size)
    for group in groups.values():
        for number in group:
            homes[number] = group[0]
    house: Any = SimpleNamespace(
        streams={"people": SimpleNamespace(id=1, kind="person"), "firms": SimpleNamespace(id=2, kind="company")}
    )

    told = _Groups(house, Found(streams, states, frozenset(), homes, array("i")))

    for kind, stream in (("person", 1), ("company", 2)):
        merged = [[n for n in group if streams[n] == stream and states[n] != NO_RECORD] for group in groups.values()]
        firsts = [number for batch in told.batches(kind) for number in batch]
        assert [list(told.together(first)) for first in firsts] == sorted(group for group in merged if group)
        assert [told.is_alone(first) for first in firsts] == [len(group) == 1 for group in sorted(filter(None, merged))]


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    world = World(tmp_path, database_url, "")
    world.write(HUB.format(a=world.account("alpha"), b=world.account("beta")))
    return world


def fill(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    alpha.put("firms", "5", name="Padma Textiles", site="https://padma.test")
    alpha.put("people", "1", name="Mara Lindqvist", email="m@n.test", phone="+49 30 1234567", firm="5", opt_out=True)
    alpha.put("people", "2", name="José Álvarez", email="", title='a "quoted" {title}', firm="9", opt_out=False)
    alpha.put("people", "3", name="Anh Nguyen", email="a@n.test", firm="", tags=["x", "y"])
    alpha.put("people", "4", name="firms", email="f@n.test", title='"firms"', firm="5")
    beta.put("people", "1", name="Mara Lindqvist", email="m@n.test", phone="+49 30 7654321", news="yes", title="")
    beta.put("people", "7", name="Søren Kjær", email="s@n.test", phone="+49 30 1111111", news="no", title="Sales")
    beta.put("people", "8", name="Zoë 😀", firm="5", news="")


def decided(house: House) -> dict[str, list[Any]]:
    """By record what golden is to be, of those that are alone: from their rows, field by field."""
    layout = house.layouts["person"]
    told = {}
    with house.database.read() as connection:
        entities = [row[0] for row in house.database.run(connection, "SELECT id FROM entity WHERE kind = 'person'")]
        for group in load_groups(house, connection, entities, reading=True):
            if len(group.members) == 1:
                one = group.members[0]
                system = one.stream.connection
                told[f"{system}/{one.rkey}"] = house.policies.lone(
                    layout, record=one.id, system=system, row=one.row
                ).values
    return told


def held(house: House) -> dict[str, list[Any]]:
    """By record what golden holds."""
    width = len(house.layouts["person"].fields)
    with house.database.read() as connection:
        rows = house.database.run(
            connection,
            "SELECT m.entity, r.stream, r.rkey FROM member m JOIN record r ON r.id = m.record "
            "JOIN entity e ON e.id = m.entity WHERE e.kind = 'person'",
        ).fetchall()
        goldens = load_goldens(house.database, connection, [row[0] for row in rows], width)
    streams = {stream.id: stream.connection for stream in house.streams.values()}
    return {f"{streams[stream]}/{rkey}": goldens[entity].values for entity, stream, rkey in rows}


def test_golden_of_a_lone_record_is_what_its_row_comes_to(world: World) -> None:
    fill(world)
    world.sync()

    with world.open() as hub:
        told, found = decided(hub.house), held(hub.house)

    assert set(told) == {"alpha/2", "alpha/3", "alpha/4", "beta/7", "beta/8"}
    assert {record: found[record] for record in told} == told


def test_a_record_that_is_not_believed_or_names_nobody_known_leaves_its_field_out(world: World) -> None:
    fill(world)
    world.remote("alpha").put("people", "3", phone="+49 30 2222222")
    world.sync()

    with world.open() as hub:
        at, found = hub.house.layouts["person"].position, held(hub.house)

    assert not found["alpha/3"][at["phones"]]  # alpha is no master of it
    assert found["beta/7"][at["phones"]][0]["number"] == "+49301111111"
    assert not found["alpha/2"][at["works_at"]]  # nobody has seen firm 9
    assert found["alpha/4"][at["works_at"]][0]["entity"].startswith("company/")
    assert found["beta/7"][at["consent"]][0]["status"] == "denied"


def test_a_lone_record_waits_for_whom_it_names(world: World) -> None:
    fill(world)
    world.sync()

    world.remote("alpha").put("firms", "9", name="Nordlicht Solar")
    world.sync()

    with world.open() as hub:
        at = hub.house.layouts["person"].position["works_at"]
        assert held(hub.house)["alpha/2"][at][0]["entity"].startswith("company/")


def test_records_that_meet_are_merged_beside_those_that_are_alone(world: World) -> None:
    fill(world)
    world.sync()

    with world.open() as hub:
        at, found = hub.house.layouts["person"].position, held(hub.house)

    assert found["alpha/1"] == found["beta/1"]
    assert [one["number"] for one in found["alpha/1"][at["phones"]]] == ["+49307654321"]
    assert found["alpha/1"][at["consent"]][0]["status"] in ("denied", "withdrawn")  # the more restrictive of the two


def test_a_second_first_load_after_a_crash_comes_to_the_same(world: World) -> None:
    fill(world)
    world.sync()
    with world.open() as hub:
        before = held(hub.house)
    with world.store() as database, database.write() as connection:
        database.run(connection, "DELETE FROM meta WHERE name = 'settled_once'")
        database.run(connection, "DROP INDEX uq_entity_public")  # it died before they were built

    world.sync()

    with world.open() as hub:
        assert held(hub.house) == before
        with hub.house.database.read() as connection:
            references = References(hub.house, connection)
            stream = hub.house.streams["alpha/people"]
            assert references.seen_once(stream, stream.at["works_at"], [{"stream": "firms", "id": "5"}])


def test_a_stream_that_knows_no_companies_is_merged_beside_one_that_does(tmp_path: Path, database_url: str) -> None:
    world = World(tmp_path, database_url, "")
    world.write(
        "connections:\n"
        "  list: {connector: files, path: ./exports, streams: {members: {files: '*.csv', entity: person, key: no, "
        "mapping: {name.full: Name}}}}\n"
        f"  crm: {{connector: memory, account: {world.account('crm')}, streams: {{firms: , people: }}}}\n"
        f"  tool: {{connector: survey, account: {world.account('tool')}, streams: {{answers: }}}}\n"
    )
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "members.csv").write_text("no,Name\n1,Ito Sho\n")
    world.remote("crm").put("firms", "5", name="Padma Textiles")
    world.remote("crm").put("people", "2", name="Mara Lindqvist", firm="5")

    world.sync()

    with world.open() as hub:
        at, found = hub.house.layouts["person"].position, held(hub.house)
        with hub.house.database.read() as connection:
            kept = hub.house.database.run(connection, "SELECT count(*) FROM association").scalar()
    assert at["works_at"] >= len(hub.house.streams["list/members"].mapping.fields)  # else nothing is tried here
    assert found["list/1"][at["name"]]["full"] == "Ito Sho"
    assert found["crm/2"][at["works_at"]][0]["entity"].startswith("company/")
    assert kept == 1
