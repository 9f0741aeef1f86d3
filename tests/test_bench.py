"""The bench measures what it says: contacts of the right size, a vendor that behaves as told, CPU that is counted."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest

from bench import hub, salesforce, worlds, zoho
from bench.__main__ import vendor as served
from bench.contacts import DOUBLE_EVERY, FIELDS, contact
from bench.hub import PIPEDRIVE, ROOT, SALESFORCE_BULK, SALESFORCE_REST, ZOHO, Source
from bench.measure import measured
from bench.pipedrive import Pipedrive, catalogue
from bench.prepared import Request, packed
from bench.server import Service
from bench.specialist import best_threshold
from crosswalk.app import open_hub


def contact_row(number: int, random: Random) -> bytes:
    return packed(contact(number, random))


@pytest.fixture
def vendor(tmp_path: Path) -> Service:
    return Service(Pipedrive(tmp_path, records=25, page=10))


def asked(vendor: Service, method: str, target: str, body: bytes = b"") -> dict[str, object]:
    answer: dict[str, object] = json.loads(vendor.answer(Request(method, target, body)).body)
    return answer


def listing(vendor: Service, query: str = "") -> dict[str, object]:
    return asked(vendor, "GET", f"/api/v2/persons?limit=500{query}")


def keys(answer: dict[str, object]) -> list[int]:
    rows = answer["data"]
    assert isinstance(rows, list)
    return [row["id"] for row in rows]


def test_one_contact_is_the_one_of_its_list(vendor: Service) -> None:
    listed = listing(vendor)["data"]
    assert isinstance(listed, list)

    one = asked(vendor, "GET", "/api/v2/persons/3")

    assert one["data"] == next(row for row in listed if row["id"] == 3)


@pytest.mark.parametrize(
    "row", [contact_row, lambda *at: salesforce.listed(salesforce.row(*at)), lambda *at: packed(zoho.row(*at))],
    ids=["pipedrive", "salesforce", "zoho"],
)  # fmt: skip
def test_contacts_have_the_size_that_goals_are_set_for(row: Callable[[int, Random], bytes]) -> None:
    random = Random(1)

    sizes = [len(row(number, random)) for number in range(50_000, 51_000)]

    assert 900 < sum(sizes) / len(sizes) < 980


def test_contacts_have_so_many_fields() -> None:
    one = contact(1, Random(1))

    custom = one["custom_fields"]
    assert isinstance(custom, dict)
    assert len(one) - 1 + len(custom) == FIELDS
    told = {field["field_code"] for field in catalogue()}
    assert set(custom) <= told
    assert {"emails", "label_ids"} <= told
    assert len(salesforce.row(1, Random(1))) == len(salesforce.description()["fields"]) == FIELDS
    assert len(zoho.row(1, Random(1))) == len(zoho.description()) + 1 == FIELDS  # the id is not described


def test_some_contacts_share_an_address() -> None:
    rows = {number: json.dumps(contact(number, Random(1))["emails"]) for number in range(1, 201)}

    shared = [number for number in rows if rows.get(number - 1) == rows[number]]

    assert shared == list(range(DOUBLE_EVERY, 201, DOUBLE_EVERY))


def test_pages_follow_each_other_to_the_end(vendor: Service) -> None:
    first = listing(vendor)
    second = listing(vendor, "&cursor=1")
    last = listing(vendor, "&cursor=2")

    assert [len(keys(page)) for page in (first, second, last)] == [10, 10, 5]
    assert [page["additional_data"] for page in (first, second, last)] == [
        {"next_cursor": "1"},
        {"next_cursor": "2"},
        {"next_cursor": None},
    ]
    assert keys(first) + keys(second) + keys(last) == list(range(1, 26))


def test_a_quiet_vendor_has_nothing_new_and_counts_who_asked(vendor: Service) -> None:
    asked(vendor, "POST", "/bench", b'{"quiet": true}')

    assert keys(listing(vendor)) == []
    assert asked(vendor, "GET", "/bench") == {"asked": {"/api/v2/persons": 1}}


@pytest.mark.parametrize("source", [PIPEDRIVE, SALESFORCE_REST, SALESFORCE_BULK, ZOHO], ids=lambda one: str(one.name))
def test_every_contact_is_read_with_all_that_it_has(source: Source, tmp_path: Path) -> None:
    with served(250, 100, source.connector) as there:
        config = hub.configure(tmp_path, port=there.port, store=f"sqlite:///{tmp_path}/store.db", source=source)
        usage = hub.command(["sync", "--yes", "--quiet", "--config", str(config)], cwd=tmp_path)
    assert usage.code in hub.GOOD_CODES, usage.errors

    with open_hub(config) as opened:
        database, house = opened.house.database, opened.house
        fields = house.streams[f"{source.connector}/{source.stream}"].mapping.fields
        with database.read() as connection:
            rows = database.run(connection, "SELECT observed FROM body").fetchall()
            faults = database.run(connection, "SELECT count(*) FROM dead_letter").fetchone()
    people = [dict(zip(fields, json.loads(bytes(row[0])), strict=True)) for row in rows]
    assert len(people) == 250
    assert faults is not None
    assert faults[0] == 0
    filled = {name for one in people for name, value in one.items() if value}
    assert {"name", "emails", "phones", "job_title", "birth_date", "works_at", "owned_by"} <= filled
    assert {f"custom.bench_{n}" for n in range(1, 9)} <= filled


def test_an_ended_vendor_leaves_none_of_its_pages_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    with served(20, 10):
        assert list(tmp_path.iterdir())

    assert not list(tmp_path.iterdir())


def test_a_program_is_measured_with_all_it_says() -> None:
    usage = measured(
        [
            sys.executable,
            "-c",
            "import sys; print('x' * 200_000); print(sum(range(10**6)), file=sys.stderr); sys.exit(3)",
        ]
    )

    assert usage.code == 3
    assert len(usage.output) == 200_001
    assert usage.errors == "499999500000\n"
    assert 0 < usage.cpu < 60
    assert usage.peak > 1024 * 1024


def test_a_system_is_judged_in_a_process_of_its_own(tmp_path: Path) -> None:
    records, truth = worlds.write(tmp_path, "person", 600)
    told = {}
    for system in ("scored", "cascade", "plain"):
        words = [sys.executable, "-m", "bench.matching", system, str(records), str(truth)]
        (told[system],) = json.loads(measured(words, cwd=ROOT).output)

    assert told["scored"]["largest_true"] == told["plain"]["largest_true"]
    assert told["scored"]["precision"] > told["plain"]["precision"]
    assert told["scored"]["f1"] > told["cascade"]["f1"] > told["plain"]["f1"]


def test_the_best_threshold_of_another_system_is_where_the_truth_says() -> None:
    true = np.array([0, 0, 1, 1, 2, 3])
    left, right = np.array([0, 2, 4, 1]), np.array([1, 3, 5, 2])

    assert best_threshold(left, right, np.array([9.0, 6.5, 3.0, 2.0]), true) == 6.0
