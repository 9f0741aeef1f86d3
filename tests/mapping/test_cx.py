"""Figures against worked examples: 95 % margins of 1.96 standard errors, population form."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from mapping.cx import Nps, canonical, csat_class, nps_class, rounded
from mapping.derive import Answered, CxSettings, Setting, company_cx, person_cx

AS_OF = "2026-11-24T08:00:00.000Z"


@pytest.mark.parametrize(
    ("counts", "value", "margin"),
    [
        ((50, 30, 20), "30", "15.3"),
        ((40, 35, 25), "15", "15.5"),
        ((200, 150, 50), "37.5", "6.8"),
        ((5, 3, 2), "30", "48.4"),
        ((1, 0, 2), "-33.3", "100"),
    ],
)
def test_nps_and_its_margin(counts: tuple[int, int, int], value: str, margin: str) -> None:
    figure = Nps(*counts)
    assert figure.value is not None
    assert figure.margin is not None
    assert (canonical(figure.value), canonical(figure.margin)) == (value, margin)


def test_seven_detractors_are_no_certainty_and_nobody_is_no_zero() -> None:
    assert (Nps(0, 0, 7).margin or 0) > 0
    assert (Nps().value, Nps().margin, Nps().at_risk) == (None, None, None)


def test_rounding_is_half_away_from_zero_and_scores_are_never_rounded() -> None:
    assert (rounded(Decimal("12.25")), rounded(Decimal("-12.25"))) == (Decimal("12.3"), Decimal("-12.3"))
    assert nps_class(Decimal("8.5")) is None
    assert csat_class(Decimal(1), Decimal(1), Decimal(5), "low") == "satisfied"


def answer(record: int, score: str, at: str = "2026-11-20T08:00:00.000Z", *, person: int | None = 1) -> Answered:
    return Answered(
        record=record, response_id=f"r{record}", survey="s", metric="nps", score=score, answered_at=at, person=person
    )


def test_a_person_shows_the_latest_counted_answer_and_loses_it_with_the_response() -> None:
    answers = [answer(1, "9", "2026-11-01T08:00:00.000Z"), answer(2, "3")]
    excluded = [answers[0], replace(answers[1], exclusion="test")]
    transactional = [replace(answers[1], kind="transactional")]

    def shown(given: list[Answered]) -> tuple[object, object, object]:
        values = person_cx(given, settings=CxSettings(), as_of=AS_OF)
        return values["cx.nps.score"], values["cx.nps.class"], values["cx.responses"]

    assert shown(answers) == ("3", "detractor", 2)
    assert shown(excluded) == ("9", "promoter", 1)
    assert shown(transactional) == (None, None, 1)
    assert shown([]) == (None, None, None)


def test_a_company_pools_one_answer_per_person_and_survey_in_the_window() -> None:
    answers = [
        answer(1, "10", "2026-10-01T08:00:00.000Z"),
        answer(2, "3"),
        answer(3, "9", person=2),
        answer(4, "0", person=None),
        answer(5, "0", "2024-01-01T08:00:00.000Z", person=3),
    ]

    values = company_cx(answers, contacts=4, settings=CxSettings(), as_of=AS_OF)
    strict = CxSettings({"nps": Setting(window=timedelta(days=365), minimum_responses=4)})

    assert (values["cx.nps.value"], values["cx.nps.n"], values["cx.at_risk"]) == ("-33.3", 3, True)
    assert (values["cx.promoters"], values["cx.passives"], values["cx.detractors"]) == (1, 0, 2)
    assert values["cx.coverage"] == "50"
    assert company_cx(answers, settings=strict, as_of=AS_OF)["cx.nps.value"] is None
    assert company_cx(list(reversed(answers)), contacts=4, settings=CxSettings(), as_of=AS_OF) == values
