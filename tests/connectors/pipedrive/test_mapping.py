"""The default mapping fits the records as they are, both ways."""

from typing import Any

import pytest

from connectors.pipedrive.connector import PipedriveConnector
from connectors.sdk import Window, Write
from mapping.compile import CompiledMapping
from tests.connectors.mappings import compiled, told
from tests.connectors.pipedrive.live import STREAMS, pulled

# Of these the simulated account holds nothing: the add-on for contacts is off, activities have no places.
EMPTY = {("persons", "description"), ("activities", "location")}


@pytest.mark.parametrize("stream", STREAMS)
def test_every_line_reads_something_from_the_records_of_its_stream(stream: str, live: PipedriveConnector) -> None:
    mapping = compiled(live, stream)

    filled, faulty = told(mapping, pulled(live, stream))

    assert set(mapping.fields) - filled - {name for where, name in EMPTY if where == stream} == set()
    assert faulty <= {"phones"}  # numbers that people typed


@pytest.mark.parametrize(
    ("stream", "values", "state"),
    [
        pytest.param("persons", {"is_deleted": True}, "deleted", id="a-deleted-person"),
        pytest.param("deals", {"is_archived": True}, "archived", id="an-archived-deal"),
        pytest.param("leads", {"is_archived": True}, "archived", id="an-archived-lead"),
        pytest.param("notes", {"active_flag": False}, "deleted", id="a-deleted-note"),
        pytest.param("notes", {"active_flag": True}, "live", id="a-live-note"),
    ],
)
def test_the_state_of_a_record_is_read_from_its_flags(
    stream: str, values: dict[str, Any], state: str, live: PipedriveConnector
) -> None:
    assert compiled(live, stream).state(values) == state


def test_a_persons_change_is_written_and_reads_back_as_meant(live: PipedriveConnector) -> None:
    mapping = compiled(live, "persons", {"cx.nps.score": "NPS score", "custom.tier": "Kundenstufe"})
    [first, *_] = live.pull("persons", Window(part="", since=None))
    record = first.records[0]
    wanted = {
        at(mapping, "name"): {"full": "Mara Lindqvist"},
        at(mapping, "emails"): [{"address": "mara@nordlicht.example", "type": "work", "primary": True}],
        at(mapping, "cx.nps.score"): "9",
        at(mapping, "custom.tier"): "Gold",
    }

    [outcome] = live.send(
        "persons", [Write("a1", "update", record.key, None, mapping.write(wanted, over=record.values), None)]
    )

    assert (outcome.status, outcome.reason) == ("done", "")
    assert outcome.values is not None
    row, faults = mapping.read(outcome.values)
    assert faults == []
    assert row[at(mapping, "name")]["full"] == "Mara Lindqvist"
    assert row[at(mapping, "emails")] == wanted[at(mapping, "emails")]
    assert row[at(mapping, "custom.tier")] == "Gold"
    assert mapping.shown(at(mapping, "cx.nps.score"), "9", over=outcome.values) == "9"


def at(mapping: CompiledMapping, field: str) -> int:
    return mapping.fields.index(field)
