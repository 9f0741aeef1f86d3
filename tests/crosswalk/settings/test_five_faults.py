"""The transcript of five faults: places, words, carets, secrets masked."""

from pathlib import Path

import pytest

from crosswalk.problems import Problem
from crosswalk.settings.load import load
from crosswalk.settings.render import lines
from tests.crosswalk.settings.fakes import registry
from tests.crosswalk.settings.test_load import HERE, SECRETS

TRANSCRIPT = """\
crosswalk.yaml:12:22: error CW103: a secret stands in the file
    12 |       client_secret: •••
       |                      ^^^ write env:NAME or file:PATH; renew it: it may be in the history
crosswalk.yaml:13:23: error CW102: per_day is '40k'
    13 |     budget: {per_day: 40k, reserve: 20%}
       |                       ^^^ a whole number, such as 40000
crosswalk.yaml:29:9: error CW101: a Salesforce stream has no key 'wirte'
    29 |         wirte: [update]
       |         ^^^^^ did you mean 'write'?  or: create_from, hub_id, mapping, guards, ...
crosswalk.yaml:57:69: error CW110: '(' is not closed
    57 |   ... {touchpoint: support, mapping: {csat: QID1 | scale(1, 5)}}
       |                                             ^^^^ quote it: in { } a comma ends a value
crosswalk.yaml:91:44: error CW105: there is no connection 'shopp'
    91 |     masters: [salesforce, zoho, pipedrive, shopp]
       |                                            ^^^^^ did you mean 'shop'?
"""


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    source = (HERE / "whole.yaml").read_text(encoding="utf-8")
    for right, wrong in (
        ("client_secret: env:SF_CLIENT_SECRET", "client_secret: hunter2-and-more"),
        ("{per_day: 40000, reserve: 20%}", "{per_day: 40k, reserve: 20%}"),
        ("        write: [update]\n        mapping: {segment", "        wirte: [update]\n        mapping: {segment"),
        ("{csat: 'QID1 | scale(1, 5)'}", "{csat: QID1 | scale(1, 5)}"),
        ("masters: [salesforce, zoho, pipedrive, shop]", "masters: [salesforce, zoho, pipedrive, shopp]"),
    ):
        assert source.count(right) == 1
        source = source.replace(right, wrong)
    source = source.replace("  # the vendor's unit, here calls; the reserve is left to people", "")
    (tmp_path / "crosswalk.yaml").write_text(source, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return source


def found() -> list[Problem]:
    loaded = load("crosswalk.yaml", environment=SECRETS, registry=registry())
    assert loaded.hub is None
    return [problem for problem in loaded.problems if problem.severity == "error"]


def test_five_faults_are_told_at_once_each_at_its_place(broken: str) -> None:
    told = [line for problem in found() for line in lines(problem, broken, 100)]

    assert "\n".join(told) + "\n" == TRANSCRIPT


def test_no_secret_is_in_any_form_of_a_fault(broken: str) -> None:
    problems = found()

    shown = [line for problem in problems for width in (40, 80, 200) for line in lines(problem, broken, width)]
    assert "hunter2" not in repr(problems) + "".join(shown) + repr([problem.json() for problem in problems])


def test_faults_carry_their_address(broken: str) -> None:
    assert [(one.path, one.connection, one.stream) for one in found()] == [
        ("connections.salesforce.auth.client_secret", "salesforce", None),
        ("connections.salesforce.budget.per_day", "salesforce", None),
        ("connections.salesforce.streams.accounts.wirte", "salesforce", "salesforce/accounts"),
        (
            "connections.qualtrics.streams.responses.surveys.SV_9dRf7TgY2hUj3kL.mapping.csat",
            "qualtrics",
            "qualtrics/responses",
        ),
        ("merge.defaults.masters.3", None, None),
    ]
