"""Rows that cannot be records cost themselves alone."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx

from connectors.sdk import Bearer, RemoteRecord, StatusTable, Transport
from connectors.sdk.fakes import Bench
from connectors.sdk.rows import number, sorted_out, undated, unknown_form


def named(row: Any) -> RemoteRecord | str:
    return RemoteRecord(str(row["id"]), None, None, row) if "name" in row else "a row without a name"


def test_a_row_that_is_none_is_told_with_where_it_stands_and_why() -> None:
    good, bad = {"id": 1, "name": "Mara"}, {"id": 2}
    nameless: dict[str, Any] = {}

    made, faults = sorted_out([good, bad, nameless], named, where="persons")

    assert [record.key for record in made] == ["1"]
    assert [(fault.where, fault.key, fault.raw) for fault in faults] == [("persons/2", "2", bad), ("persons", None, {})]
    assert {fault.reason for fault in faults} == {"a row without a name"}


def test_undated_rows_are_records_without_a_time() -> None:
    made, faults = undated([{"id": 7, "last_login": "now"}, {"id": ""}, {"id": None}, "x"], shape, where="users")

    assert made == [RemoteRecord("7", None, None, {"id": 7})]
    assert [fault.where for fault in faults] == ["users"] * 3


def shape(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "last_login"}


@respx.mock
def test_an_answer_in_another_form_names_the_call_and_quotes_nothing() -> None:
    respx.get("https://acme.test/persons").mock(return_value=httpx.Response(200, json={"mail": "mara@acme.test"}))
    bench = Bench()
    with Transport("https://acme.test", Bearer("t"), StatusTable(vendor="Acme"), bench.tools(), "acme") as transport:
        error = unknown_form(transport.get("/persons", {"q": "mara@acme.test"}))

    assert (error.code, error.text) == (
        "CW307",
        "Acme GET /persons: answered in a form the connector does not know",
    )


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        pytest.param("10.50", Decimal("10.50"), id="a-decimal"),
        pytest.param("12", Decimal(12), id="a-whole-one"),
        pytest.param("NaN", "NaN", id="none"),
        pytest.param("ten", "ten", id="a-word"),
        pytest.param(7, 7, id="a-number-already"),
        pytest.param(None, None, id="cleared"),
    ],
)
def test_a_number_in_words_is_sent_as_one(value: Any, sent: Any) -> None:
    assert number(value) == sent
