"""How many calls a thousand changed records take at each vendor, as the simulated vendors count them.

What a run asks however little has changed is that of a quiet run, and named here one by one. What the records take on
top of it is compared with the smallest number that allow the vendor's batches, the look before a write that has no
condition, and the declared read-backs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import pytest

from bench.calls import least
from connectors.sdk.contract import StreamSpec
from tests.crosswalk.shop import VENDORS, Shop

CHANGED: Final = 1000
AT_MOST: Final = 1.2  # times the smallest number

SALESFORCE: Final = "/services/data/v66.0"
DIRECTORY: Final = "/API/v3/directories/{id}/contacts"
# What a run asks of one stream in which nothing has changed; who we are, once an hour, and tokens come on top.
QUIET: Final[Mapping[str, Mapping[str, int]]] = {
    "salesforce": {
        f"GET {SALESFORCE}/sobjects/{{object}}/describe": 2,  # the fields of contacts and of what they show of accounts
        f"GET {SALESFORCE}/query": 1,  # what has changed
        f"GET {SALESFORCE}/sobjects/{{object}}/deleted": 1,
        f"GET {SALESFORCE}/queryAll": 1,  # what was merged
    },
    "zoho": {
        "GET /crm/v8/settings/fields": 1,
        "GET /crm/v8/Contacts": 1,  # what has changed
        "GET /crm/v8/Contacts/deleted": 1,
    },
    "pipedrive": {
        "GET /api/v2/personFields": 1,
        "GET /api/v2/persons": 1,  # what has changed
    },
    "qualtrics": {
        f"GET {DIRECTORY}": 1,  # one contact, which shows the fields
        f"POST {DIRECTORY}/search": 1,  # what has changed
    },
}  # fmt: skip
# What the records take on top. The smallest number of Salesforce is 11: a look, then five times a write and a call that
# reads back what was written and looks at what comes next.
WRITING: Final[Mapping[str, Mapping[str, int]]] = {
    "salesforce": {f"PATCH {SALESFORCE}/composite/sobjects": 5, f"GET {SALESFORCE}/query": 1 + 5},
    # Zoho passes over fields that it does not know, so their list is looked at before a process writes.
    "zoho": {"PUT /crm/v8/Contacts": 10, "GET /crm/v8/Contacts": 10 + 10, "GET /crm/v8/settings/fields": 1},
    "pipedrive": {"PATCH /api/v2/persons/{id}": 1000, "GET /api/v2/persons": 20},
    "qualtrics": {f"PUT {DIRECTORY}/{{id}}": 1000, f"GET {DIRECTORY}/{{id}}": 1000 + 1000},
}


@dataclass
class Counted:
    """The calls of three runs, by vendor, and what was declared of the stream that was written to."""

    quiet: Mapping[str, Counter[str]]
    writing: Mapping[str, Counter[str]]
    echo: Mapping[str, Counter[str]]
    specs: Mapping[str, StreamSpec]


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    shop = Shop(tmp_path_factory.mktemp("shop"), CHANGED, guard="{at_most: 1000, share: 100%}")

    def run(written: int, **more: Any) -> dict[str, Counter[str]]:
        shop.vendors.hub.forget_log()
        with shop.opened() as hub:
            assert hub.sync(**more)["totals"]["written"] == written
        shop.sleep(700)  # longer than any hold-back: the next run reads none of this again
        return shop.calls()

    with shop.open_for_business():
        shop.export("Buyer")
        run(len(VENDORS) * CHANGED, first_too=True)
        run(0)
        quiet = run(0)
        shop.export("Head")
        writing = run(len(VENDORS) * CHANGED)
        echo = run(0)
        with shop.opened() as hub:
            specs = {name.partition("/")[0]: stream.spec for name, stream in hub.house.streams.items()}
        yield Counted(quiet, writing, echo, specs)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_run_in_which_nothing_has_changed_asks_what_is_named_here(counted: Counted, vendor: str) -> None:
    assert counted.quiet[vendor] == QUIET[vendor]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_thousand_changed_records_take_little_more_calls_than_they_must(counted: Counted, vendor: str) -> None:
    took = counted.writing[vendor] - counted.quiet[vendor]

    assert took == WRITING[vendor]
    assert took.total() <= AT_MOST * least(counted.specs[vendor], CHANGED)


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_was_written_comes_back_in_full_pages_and_once(counted: Counted, vendor: str) -> None:
    """With the next reading, since it has changed there: no call more than it has pages."""
    took = (counted.echo[vendor] - counted.quiet[vendor]).total()

    assert took <= ceil(CHANGED / counted.specs[vendor].page_size)
