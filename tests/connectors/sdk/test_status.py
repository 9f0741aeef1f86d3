"""What a status means: the vendor's word over the common one."""

import pytest

from connectors.sdk.status import COMMON, Rule, StatusTable, no_code

TABLE = StatusTable(
    vendor="Acme",
    rules={(409, "moved"): Rule("retry"), 404: Rule("setup"), 530: Rule("later"), (500, "busy"): Rule("budget")},
)


@pytest.mark.parametrize(
    ("status", "code", "family"),
    [
        (409, "moved", "retry"),  # status and code
        (409, "other", "refused"),  # the common one for the status
        (409, None, "refused"),
        (404, "whatever", "setup"),  # the vendor's for the status
        (401, None, "token"),
        (500, "busy", "budget"),
        (500, "other", "retry"),
        (555, None, "retry"),  # nobody's: a server's fault
        (418, None, "refused"),  # nobody's: ours
        (302, None, "shape"),
    ],
)
def test_the_closest_rule_counts(status: int, code: str | None, family: str) -> None:
    assert TABLE.rule(status, code).family == family


@pytest.mark.parametrize(
    ("status", "code", "lost"),
    [
        (500, None, True),
        (504, None, True),
        (555, None, True),  # nobody knows what it says
        (530, None, False),  # the vendor's table knows it
        (507, None, False),
        (429, None, False),
        (409, None, False),
    ],
)
def test_what_may_have_happened(status: int, code: str | None, lost: bool) -> None:
    assert TABLE.may_have_happened(status, code) is lost


def test_the_common_table_has_no_family_by_accident() -> None:
    assert {status for status, rule in COMMON.items() if rule.family == "token"} == {401}
    assert all(isinstance(status, int) and status >= 400 for status in COMMON)
    assert no_code({"error": "x"}) is None
