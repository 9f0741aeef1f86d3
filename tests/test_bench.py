"""The bench measures what it says: contacts of the right size, a vendor that behaves as told, CPU that is counted."""

import json
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

from bench import worlds
from bench.contacts import DOUBLE_EVERY, FIELDS, catalogue, contact, write_pages
from bench.hub import ROOT
from bench.measure import measured
from bench.server import Vendor
from bench.specialist import best_threshold


@pytest.fixture
def vendor(tmp_path: Path) -> Vendor:
    return Vendor(write_pages(tmp_path / "pages", records=25, page=10))


def listing(vendor: Vendor, query: str = "") -> dict[str, object]:
    answer: dict[str, object] = json.loads(vendor.answer("GET", f"/api/v2/persons?limit=500{query}", b""))
    return answer


def keys(answer: dict[str, object]) -> list[int]:
    rows = answer["data"]
    assert isinstance(rows, list)
    return [row["id"] for row in rows]


def test_one_contact_is_the_one_of_its_list(vendor: Vendor) -> None:
    listed = listing(vendor)["data"]
    assert isinstance(listed, list)

    one = json.loads(vendor.answer("GET", "/api/v2/persons/3", b""))

    assert one["data"] == next(row for row in listed if row["id"] == 3)


def test_contacts_have_the_size_that_goals_are_set_for() -> None:
    random = Random(1)
    rows = [contact(number, random) for number in range(50_000, 51_000)]

    sizes = [len(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()) for row in rows]

    assert 900 < sum(sizes) / len(sizes) < 980
    custom = rows[0]["custom_fields"]
    assert isinstance(custom, dict)
    assert len(rows[0]) - 1 + len(custom) == FIELDS
    told = {field["field_code"] for field in catalogue()}
    assert set(custom) <= told
    assert {"emails", "label_ids"} <= told


def test_some_contacts_share_an_address() -> None:
    rows = {number: json.dumps(contact(number, Random(1))["emails"]) for number in range(1, 201)}

    shared = [number for number in rows if rows.get(number - 1) == rows[number]]

    assert shared == list(range(DOUBLE_EVERY, 201, DOUBLE_EVERY))


def test_pages_follow_each_other_to_the_end(vendor: Vendor) -> None:
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


def test_a_quiet_vendor_has_nothing_new_and_counts_who_asked(vendor: Vendor) -> None:
    vendor.answer("POST", "/bench", b'{"quiet": true}')

    assert keys(listing(vendor)) == []
    assert json.loads(vendor.answer("GET", "/bench", b"")) == {"asked": {"/api/v2/persons": 1}}


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
