"""The form of a fault."""

from crosswalk.problems import Problem, ProblemsError, errors

FULL = Problem(
    code="CW101",
    text="a Pipedrive stream has no key 'wirte'",
    hint="did you mean 'write'?",
    file="crosswalk.yaml",
    line=29,
    column=9,
    width=5,
    path="connections.pipedrive.streams.persons.wirte",
    connection="pipedrive",
    stream="pipedrive/persons",
)


def test_json_holds_what_is_known_and_nothing_else() -> None:
    assert FULL.json() == {
        "code": "CW101",
        "severity": "error",
        "text": "a Pipedrive stream has no key 'wirte'",
        "hint": "did you mean 'write'?",
        "file": "crosswalk.yaml",
        "line": 29,
        "column": 9,
        "path": "connections.pipedrive.streams.persons.wirte",
        "connection": "pipedrive",
        "stream": "pipedrive/persons",
        "width": 5,
    }
    assert Problem(code="CW302", text="Zoho does not answer").json() == {
        "code": "CW302",
        "severity": "error",
        "text": "Zoho does not answer",
    }


def test_a_place_is_as_exact_as_it_is_known() -> None:
    assert FULL.place == "crosswalk.yaml:29:9"
    assert Problem(code="CW100", text="x", file="crosswalk.yaml").place == "crosswalk.yaml"
    assert Problem(code="CW302", text="x", line=3).place == ""


def test_an_error_tells_all_its_problems() -> None:
    other = Problem(code="CW118", text="creates without hub_id", severity="warning")

    error = ProblemsError([FULL, other])

    assert error.problems == (FULL, other)
    assert str(error) == (
        "crosswalk.yaml:29:9: error CW101: a Pipedrive stream has no key 'wirte' (did you mean 'write'?); "
        "warning CW118: creates without hub_id"
    )
    assert errors(error.problems) == [FULL]
