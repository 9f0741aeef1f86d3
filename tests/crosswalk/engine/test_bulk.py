"""A first load of many: what matching it holds in memory, and whom an answer belongs to that names several."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crosswalk.app import Hub
from crosswalk.engine.entities import Matched
from crosswalk.engine.identify import Matcher
from crosswalk.engine.model import House
from tests.hub import World

HUB = """
connections:
  alpha: {{connector: memory, account: {account}-alpha, streams: {{people: }}}}
  beta: {{connector: memory, account: {account}-beta, streams: {{people: }}}}
  tool: {{connector: survey, account: {account}-tool, streams: {{answers: }}}}
match:
  person:
    rules: [{{same: [external_ids]}}, {{same: [emails]}}, {{same: [name, company], then: review}}]
    limits: {{emails: 2}}
"""


@contextmanager
def opened(folder: Path) -> Iterator[Hub]:
    folder.mkdir(exist_ok=True)
    with World(folder, f"sqlite:///{folder}/crosswalk.db", HUB.format(account=folder.name)).open() as hub:
        yield hub


def landed(house: House, records: list[tuple[int, str]], idents: list[tuple[str, int, int]]) -> None:
    """As landing leaves them: records by number, with the address of their stream; idents as (kind, value, number)."""
    database = house.database
    kinds = {kind: house.ident_kinds.number(kind) for kind in {one[0] for one in idents}}
    rows = [
        (number, house.streams[address].id, f"k{number}", 1, house.streams[address].mapping_id, 0)
        for number, address in records
    ]
    with database.write() as connection:
        database.insert(connection, "record", ("id", "stream", "rkey", "read_no", "mapping", "state"), rows)
        database.insert(
            connection, "ident", ("kind", "value", "record"), [(kinds[kind], value, n) for kind, value, n in idents]
        )


def peak_of(house: House, records: int) -> tuple[int, Matched]:
    """Bytes at the highest, for records that meet by two and two, and of which a person is asked by two and two."""
    address = ("alpha/people", "beta/people")
    rows = [(n, address[n % 2]) for n in range(1, records + 1)]
    idents = [("person/email", (n - 1) // 2, n) for n, _ in rows]
    idents += [("person/name+company", (n - 1) // 4, n) for n, _ in rows]
    idents += [("person/external:erp", (n - 1) // 2 + 1, n) for n, _ in rows]
    landed(house, rows, idents)
    tracemalloc.start()
    matched, _ = Matcher(house, run=1).match_all()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, matched


def test_matching_a_first_load_holds_a_few_bytes_a_record(tmp_path: Path) -> None:
    small, large = 5_000, 25_000
    for name in ("first", "small"):  # the first time something is imported, and stays
        with opened(tmp_path / name) as hub:
            few, _ = peak_of(hub.house, small)
    with opened(tmp_path / "large") as hub:
        many, matched = peak_of(hub.house, large)

    assert matched.joined == large // 2
    assert matched.pairs == large // 2
    assert (many - few) / (large - small) < 80


def test_an_answer_whose_claims_name_two_people_alike_belongs_to_neither(tmp_path: Path) -> None:
    with opened(tmp_path / "hub") as hub:
        house = hub.house
        landed(
            house,
            [(1, "alpha/people"), (2, "beta/people"), (3, "tool/answers"), (4, "tool/answers")],
            [
                ("person/external:erp", 11, 1),
                ("person/external:erp", 12, 2),
                ("person/external:erp", 11, 3),
                ("person/external:erp", 12, 3),
                ("person/external:erp", 12, 4),
                ("person/email", 7, 1),
                ("person/email", 7, 4),
            ],
        )

        Matcher(house, run=1).match_all()

        with house.database.read() as connection:
            homes = dict(Matcher(house, run=1).entities.homes(connection, [1, 2, 3, 4]))
    assert 3 not in homes
    assert homes[4] == homes[2] != homes[1]
