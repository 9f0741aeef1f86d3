"""Values as people see them, titles, ids."""

from decimal import Decimal
from typing import Any

import pytest

from crosswalk.engine.words import (
    AskError,
    differing_first,
    field_of,
    held_classes,
    held_words,
    number_of,
    shown,
    spoken,
    title_of,
    told_apart,
)
from mapping.values import ABSENT


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (ABSENT, None),
        (None, None),
        (True, True),
        (7, 7),
        ("COO", "COO"),
        ({"full": "Mara Lindqvist", "given": "Mara"}, "Mara Lindqvist"),
        ({"given": "Mara", "family": "Lindqvist"}, "Mara Lindqvist"),
        ([{"address": "a@x.test", "type": "work"}, {"address": "b@x.test"}], "a@x.test, b@x.test"),
        ([{"number": "+4989", "extension": "12"}], "+4989 ext. 12"),
        ({"amount": "12000", "currency": "EUR"}, "12000 EUR"),
        ({"amount": "12000", "currency": None}, "12000"),
        ({"code": "lead", "raw": "Interessent"}, "lead"),
        ({"code": "other", "raw": "Wiedervorlage"}, "Wiedervorlage"),
        ([{"entity": "company/cccc", "role": "employee"}], "Padma Textiles"),
        ([{"entity": "company/zzzz"}], "company/zzzz"),
        ([{"stream": "companies", "id": "7"}], "companies/7"),
        ([{"channel": "email", "purpose": "marketing", "status": "denied"}], "email.marketing denied"),
        ([{"namespace": "erp", "value": "7"}], "erp 7"),
        ([{"kind": "website", "url": "https://x.test/"}], "https://x.test/"),
        ({"pipeline": "Sales", "stage": "Offer", "status": "open"}, "Sales / Offer (open)"),
        ({"text": "fine", "html": "<p>fine</p>"}, "fine"),
        (
            {"type": "work", "lines": ["Ring 1"], "postal_code": "80331", "locality": "München", "country": "DE"},
            "Ring 1, 80331 München, DE",
        ),
        (
            [{"question": "q", "metric": "nps", "value": "3", "scale_max": "10", "class": "detractor"}],
            "nps 3 of 10 (detractor)",
        ),
        (["a", "b"], "a, b"),
        (
            [{"question": "q1", "values": ["3", "x"]}, {"question": "q2", "body": {"text": "late"}}],
            "q1: 3, x, q2: late",
        ),
        (Decimal("8.5"), 8.5),
    ],
)
def test_values_are_told_plainly(value: Any, told: Any) -> None:
    assert shown(value, titles={"company/cccc": "Padma Textiles"}) == told


@pytest.mark.parametrize(
    ("text", "told"), [("12000", 12000), ("8.5", 8.5), ("0.1234567890123456789", "0.1234567890123456789"), ("x", "x")]
)
def test_numbers_stay_numbers_where_no_digit_is_lost(text: str, told: Any) -> None:
    field = field_of("person", "cx.nps.score")
    assert field is not None
    assert field.type == "decimal"

    assert shown(text, field) == told
    assert shown(text) == text


@pytest.mark.parametrize(
    ("kind", "value", "title"),
    [
        ("person", {"name": {"full": "Mara"}, "job_title": "COO", "company_name": "Padma"}, "Mara, COO, Padma"),
        ("person", {"emails": [{"address": "a@x.test"}, {"address": "b@x.test"}]}, "a@x.test"),
        ("person", {}, None),
        ("company", {"name": "Padma"}, "Padma"),
        ("ticket", {"number": "12", "subject": "Broken"}, "#12 Broken"),
        (
            "response",
            {"tool": "typeform", "survey_id": "X", "respondent": {"email": "a@x.test"}},
            "typeform X, a@x.test",
        ),
    ],
)
def test_titles_are_what_people_call_it(kind: str, value: Any, title: str | None) -> None:
    assert title_of(kind, value) == title


def test_ids_are_short_enough_to_be_said() -> None:
    assert [spoken(thing, 9) for thing in ("run", "plan", "conflict", "pair", "letter")] == [
        "R9",
        "P9",
        "C9",
        "M9",
        "D9",
    ]
    assert [number_of("run", text) for text in ("R9", " r9 ", "9", 9)] == [9, 9, 9, 9]
    for wrong in ("C9", "R", "", "R9x", "-9"):
        with pytest.raises(AskError):
            number_of("run", wrong)


def test_reasons_of_being_held_are_told_in_words() -> None:
    assert held_classes("update", "first,guard:clear") == ["clear"]
    assert held_classes("update", "first,guard:clear,guard:update") == ["clear", "update"]
    assert held_classes("create", "first") == ["create"]
    assert held_words("first") == ["the first plan of a mapping"]


def test_values_that_read_alike_are_told_apart_by_their_marks() -> None:
    work = [{"address": "mara@x.test", "type": "work", "primary": True}]
    home = [{"address": "mara@x.test", "type": "personal", "primary": True}]

    assert told_apart(work, home, "mara@x.test") == ("mara@x.test (work, primary)", "mara@x.test (personal, primary)")
    assert told_apart(work, work, "mara@x.test") is None


def test_of_two_sets_what_only_one_has_comes_first() -> None:
    shared, old, new = {"address": "a@x.test"}, {"address": "z@x.test"}, {"address": "y@x.test"}

    assert differing_first([shared, old], [shared, new]) == ([old, shared], [new, shared])
    assert differing_first("COO", "CEO") == ("COO", "CEO")
