"""Where things are said, in which colours and widths, who is asked, and with which code it ends."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from crosswalk.cli.commands import COMMANDS
from crosswalk.cli.text import cells
from tests.crosswalk.cli import fixtures
from tests.crosswalk.cli.fixtures import FakeHub, Run, action, change

# exit codes


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_the_exit_code_is_that_of_the_answer(crosswalk: Run, hub: FakeHub, code: int) -> None:
    hub.answers["sync"] = {**fixtures.SYNC, "exit_code": code}

    assert crosswalk("sync").code == code


DOWN: dict[str, Any] = {"code": "CW302", "severity": "error", "text": "no answer", "connection": "zoho"}


def test_where_a_connection_could_not_be_worked_with_nobody_says_that_there_is_nothing_to_do(
    crosswalk: Run, hub: FakeHub
) -> None:
    hub.answers["sync"] = {**fixtures.SYNC_QUIET, "problems": [DOWN], "exit_code": 1}

    result = crosswalk("sync")

    assert result.code == 1
    assert "nothing to do" not in result.out


@pytest.mark.parametrize(
    ("states", "waiting", "code"),
    [
        pytest.param(["ok", "ok"], {"conflicts": 0}, 0, id="all-is-well"),
        pytest.param(["ok", "new"], {"approvals": []}, 0, id="new-is-not-down"),
        pytest.param(["ok", "paused"], {"conflicts": 2}, 1, id="down-before-waiting"),
        pytest.param(["ok", "ok"], {"conflicts": 2}, 3, id="somebody-is-waited-for"),
        pytest.param(["ok"], {"approvals": [{"plan": "P1", "class": "create", "count": 4}]}, 3, id="a-guard-waits"),
    ],
)
def test_status_judges_the_house_when_asked(
    crosswalk: Run, hub: FakeHub, states: list[str], waiting: dict[str, Any], code: int
) -> None:
    connections = [{"name": f"c{at}", "state": state} for at, state in enumerate(states)]
    hub.answers["status"] = {**fixtures.STATUS, "connections": connections, "waiting": waiting}

    assert crosswalk("status", "--exit-code").code == code
    assert crosswalk("status").code == 0


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(["plan", "--colour", "x"], id="unknown-option"),
        pytest.param(["apply"], id="missing-argument"),
        pytest.param(["nothing"], id="unknown-command"),
        pytest.param(["discover", "salesforce"], id="no-stream"),
        pytest.param(["apply", "P87", "--approve", "everything"], id="no-class"),
        pytest.param(["review", "C31", "--take", "zoho", "--keep"], id="two-decisions"),
        pytest.param(["review", "--take", "zoho"], id="decides-nothing"),
        pytest.param(["dlq", "retry"], id="no-letter"),
    ],
)
def test_what_cannot_be_meant_ends_with_2_and_is_told_on_stderr(crosswalk: Run, hub: FakeHub, args: list[str]) -> None:
    result = crosswalk(*args)

    assert result.code == 2
    assert result.out == ""
    assert result.err
    assert not hub.calls


def test_a_misspelt_command_is_told_the_nearest(crosswalk: Run) -> None:
    assert "did you mean 'plan'?" in crosswalk("plna").err


def test_an_error_of_the_store_ends_with_1_and_its_hint(crosswalk: Run, hub: FakeHub) -> None:
    class StoreError(Exception):
        code, hint = "CW501", "start PostgreSQL or correct `store.url`; nothing was pulled"

    hub.answers["open"] = StoreError("the store cannot be opened: connection refused")

    result = crosswalk("sync")

    assert result.code == 1
    assert result.err == (
        "error CW501: the store cannot be opened: connection refused\n"
        "    start PostgreSQL or correct `store.url`; nothing was pulled\n"
    )


def test_a_question_without_an_answer_is_a_matter_of_usage(crosswalk: Run, hub: FakeHub) -> None:
    class AskError(Exception):
        hint = "crosswalk dlq lists what there is"

    hub.answers["dlq_show"] = AskError("there is no D99")

    result = crosswalk("dlq", "show", "D99")

    assert result.code == 2
    assert result.err == "error: there is no D99\n    crosswalk dlq lists what there is\n"


def test_of_an_unforeseen_error_no_text_is_told_since_it_may_be_a_customers(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["sync"] = ValueError("mara.lindqvist@nordlicht-solar.test")

    result = crosswalk("sync")

    assert result.code == 1
    assert "mara" not in result.err
    assert re.search(r"a fault in crosswalk itself: ValueError in fixtures\.py:\d+", result.err)


# nobody to ask


def test_without_a_terminal_apply_does_not_ask_but_names_the_flag(crosswalk: Run, hub: FakeHub) -> None:
    result = crosswalk("apply", "P87")

    assert result.code == 2
    assert "--yes" in result.err
    assert [name for name, _, _ in hub.calls] == ["show_plan"]


def test_apply_asks_on_stderr_and_takes_no_for_an_answer(crosswalk: Run, hub: FakeHub) -> None:
    result = crosswalk("apply", "P87", terminal=True, typed="\n")

    assert result.err.startswith("Write 901 records to salesforce, zoho, pipedrive, qualtrics? [y/N] ")
    assert "Nothing was written." in result.err
    assert result.out == ""
    assert result.code == 0
    assert [name for name, _, _ in hub.calls] == ["show_plan"]


def test_apply_writes_after_a_yes(crosswalk: Run, hub: FakeHub) -> None:
    crosswalk("apply", "P87", "--only", "zoho", terminal=True, typed="y\n")

    assert hub.calls[-1] == ("apply", ("P87",), {"approve": [], "only": ["zoho"]})


def test_the_question_counts_what_is_approved_with_it(crosswalk: Run, hub: FakeHub) -> None:
    result = crosswalk("apply", "P87", "--approve", "pipedrive/persons:create", terminal=True, typed="n\n")

    assert result.err.startswith("Write 975 records to ")


def test_the_end_of_the_input_is_an_interruption(crosswalk: Run) -> None:
    assert crosswalk("apply", "P87", terminal=True, typed="").code == 130


def test_review_without_a_terminal_lists_and_names_the_flags(crosswalk: Run) -> None:
    result = crosswalk("review")

    assert result.code == 2
    assert result.out.startswith("C31  person/8f2kq   title")
    assert "--take" in result.err
    assert crosswalk("review", "--list").code == 0


@pytest.mark.parametrize(
    ("args", "call"),
    [
        (["C31", "--take", "zoho"], ("review_decide", ("C31",), {"take": "zoho", "all_like": False})),
        (["c31", "--keep", "--alike"], ("review_decide", ("C31",), {"take": "keep", "all_like": True})),
        (["C31", "--value", "COO"], ("review_decide", ("C31",), {"value": "COO", "all_like": False})),
        (["M12", "--same"], ("review_pair", ("M12",), {"same": True})),
        (["M12", "--never"], ("review_pair", ("M12",), {"same": False})),
    ],
)
def test_review_decides_unasked(crosswalk: Run, hub: FakeHub, args: list[str], call: Any) -> None:
    result = crosswalk("review", *args)

    assert result.code == 0
    assert hub.calls == [call]


def test_an_edited_value_is_written_for_one_conflict_alone(crosswalk: Run, hub: FakeHub) -> None:
    crosswalk("review", "C31", terminal=True, typed="?\ne\nCOO\n")

    assert hub.calls[-1] == ("review_decide", ("C31",), {"value": "COO", "all_like": False})


# the options that stand everywhere


def test_shared_options_stand_before_the_command_or_behind_it(crosswalk: Run, hub: FakeHub, tmp_path: Path) -> None:
    crosswalk("--config", str(tmp_path / "a.yaml"), "--as", "Ada", "status", "--as", "Grace")

    assert hub.opened == {"config": tmp_path / "a.yaml", "who": "Grace"}


def test_decisions_carry_the_login_by_default(crosswalk: Run, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr("getpass.getuser", lambda: "ada")

    crosswalk("status")

    assert hub.opened["who"] == "ada"


def test_who_borrows_the_user_of_the_hub_decides_under_their_own_name(
    crosswalk: Run, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "grace")
    monkeypatch.setattr("getpass.getuser", lambda: "crosswalk")

    crosswalk("status")

    assert hub.opened["who"] == "grace"


def test_quiet_leaves_the_answer(crosswalk: Run) -> None:
    result = crosswalk("sync", "--quiet")

    assert result.out.startswith("R144")
    assert result.err == ""


# values of customers


def test_values_are_masked_where_there_is_no_terminal(crosswalk: Run) -> None:
    hidden, shown = crosswalk("plan").out, crosswalk("plan", "--show-values").out

    assert '"08…"' in hidden
    assert "M… L…, N… S… A…" in hidden
    assert not re.search("5550166|5550177|Lindqvist|শর্মিলা", hidden)
    assert "pipedrive is master" in hidden  # reasons are not a customer's
    assert "Mara Lindqvist" in shown


def test_a_terminal_shows_values_unless_it_is_told_to_mask(crosswalk: Run) -> None:
    assert "Mara Lindqvist" in crosswalk("plan", terminal=True).out
    assert "Lindqvist" not in crosswalk("plan", "--mask", terminal=True).out


def test_masks_hold_in_json_too(crosswalk: Run) -> None:
    hidden = json.loads(crosswalk("plan", "--json").out)["actions"][0]
    shown = json.loads(crosswalk("plan", "--json", "--show-values").out)["actions"][0]

    assert hidden["title"] == "M… L…, N… S… A…"
    assert [field["before"] for field in hidden["fields"]] == ["08…", 8]
    assert hidden["record"] == shown["record"]
    assert shown["fields"][0]["before"] == "089 5550166"


# colours


def coloured(text: str) -> bool:
    return "\x1b[" in text


def test_colours_are_for_terminals(crosswalk: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert coloured(crosswalk("plan", terminal=True).out)
    assert not coloured(crosswalk("plan").out)
    assert coloured(crosswalk("plan", "--color", "always").out)
    assert not coloured(crosswalk("plan", "--color", "never", terminal=True).out)
    assert not coloured(crosswalk("plan", "--json", "--color", "always", terminal=True).out)


def test_no_color_is_heeded_but_not_against_an_option(crosswalk: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    assert not coloured(crosswalk("plan", terminal=True).out)
    assert coloured(crosswalk("plan", "--color", "always", terminal=True).out)


def test_every_colour_repeats_a_sign_or_word(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["check"] = fixtures.CHECK_FAILING
    out = crosswalk("plan", terminal=True).out + crosswalk("check", terminal=True).out

    said = dict(re.findall("\x1b\\[([0-9;]+)m([^\x1b]*)\x1b\\[0m", out))
    assert said["32"] in ("+", "ok")
    assert said["33"] in ("~", "part")
    assert said["31"] in ("-", "fail")
    assert said["1;33"] == "!"


# widths and scripts


@pytest.mark.parametrize("columns", [60, 70, 80, 90, 100])
@pytest.mark.parametrize(
    "args",
    [
        ["check"], ["discover", "salesforce/contacts"], ["plan"], ["apply", "P87", "--yes"], ["sync"], ["status"],
        ["status", "-v"], ["runs"], ["explain", "x"], ["review", "--list"], ["dlq"], ["resync", "a/b/c"],
    ],
)  # fmt: skip
def test_no_line_is_wider_than_the_terminal(crosswalk: Run, hub: FakeHub, args: list[str], columns: int) -> None:
    hub.answers["explain"] = {**fixtures.EXPLAIN, "fields": fixtures.EXPLAIN_FIELD["fields"]}
    hub.answers["check"] = fixtures.CHECK_FAILING

    out = crosswalk(*args, "--color", "never", terminal=True, columns=columns).out

    # A command is not broken: it is there to be copied.
    wide = [line for line in out.splitlines() if cells(line) > columns and not line.startswith("    crosswalk ")]
    assert wide == []


def test_columns_leave_from_the_right(crosswalk: Run) -> None:
    def head(columns: int) -> list[str]:
        lines = crosswalk("status", columns=columns).out.splitlines()
        return next(line for line in lines if "state" in line).split("  ")

    assert "budget left" in " ".join(head(80))
    assert "budget left" not in " ".join(head(60))
    assert "last good" in " ".join(head(60))


def test_rows_become_blocks_where_no_column_is_left_to_leave() -> None:
    from crosswalk.cli.screen import plain
    from crosswalk.cli.table import Column, table

    columns = [Column(), Column(title="create", right=True), Column(title="costs", leaves=1)]
    rows = [["a" * 55, "12", "4 calls"], ["short", "-", ""]]

    assert [plain(line).rstrip() for line in table(columns, rows, width=60)] == [
        "a" * 55,
        "  create: 12",
        "  costs: 4 calls",
        "short",
    ]


ARABIC = "فاطمة الزهراء"
BENGALI = "নাসরিন সুলতানা"


def of(title: str, *fields: dict[str, Any]) -> dict[str, Any]:
    one = action(
        1,
        stream="pipedrive/persons",
        record="pipedrive/persons/1",
        title=title,
        fields=list(fields),
        **{"class": "update"},
    )
    return {**fixtures.PLAN, "actions": [one], "total": 1}


def test_right_to_left_text_is_fenced_on_a_terminal_and_never_in_json(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["plan"] = of(ARABIC, change("Name", "Fatima", ARABIC, "typeform alone changed it"))

    on_terminal = crosswalk("plan", "--color", "never", terminal=True).out
    piped = crosswalk("plan", "--show-values").out
    as_json = crosswalk("plan", "--json", terminal=True).out

    assert f'"Fatima"  ->  \u2068"{ARABIC}"\u2069\n' in on_terminal
    assert f"\u2068{ARABIC}\u2069\n" in on_terminal
    assert "\u2068" not in piped
    assert "\u2068" not in as_json
    assert ARABIC in as_json


def test_nothing_is_aligned_behind_bengali(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["plan"] = of(BENGALI, change("Name", BENGALI, "Nasrin"), change("Title", "x", "y"))

    out = crosswalk("plan", "--show-values").out

    assert f'    Name   "{BENGALI}"  ->  "Nasrin"\n' in out
    assert '    Title  "x"  ->  "y"\n' in out


def test_control_characters_are_shown_and_sent_nowhere(crosswalk: Run, hub: FakeHub) -> None:
    evil = "Ada\x1b[2J\u202egnp.exe\nroot\x9b31m"
    hub.answers["plan"] = of(evil, change("Name", None, evil))

    for terminal in (False, True):
        out = crosswalk("plan", "--show-values", "--color", "never", terminal=terminal).out
        assert r"Ada\x1b[2J\u202egnp.exe\nroot\x9b31m" in out
        assert not set(out) & {"\x1b", "\u202e", "\x9b"}


def test_an_encoding_that_cannot_say_it_does_not_end_the_command(
    crosswalk: Run, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.answers["plan"] = of(BENGALI)
    made = fixtures.Stream.__init__

    def ascii_only(self: fixtures.Stream, *, terminal: bool, typed: str = "") -> None:
        made(self, terminal=terminal, typed=typed)
        self.reconfigure(encoding="ascii", errors="strict")

    monkeypatch.setattr(fixtures.Stream, "__init__", ascii_only)

    assert "\\u09a8" in crosswalk("plan", "--show-values").out


# narrowing a plan


def test_a_plan_shows_as_many_records_as_are_asked_for(crosswalk: Run, hub: FakeHub) -> None:
    many = [
        action(at, stream="zoho/contacts", record=f"zoho/contacts/{at}", title="", **{"class": "update"})
        for at in range(50)
    ]
    hub.answers["plan"] = {**fixtures.PLAN, "actions": many, "total": 50}

    assert crosswalk("plan").out.count("~ zoho/contacts/") == 20
    assert "...  20 of 50 records shown;" in crosswalk("plan").out
    assert crosswalk("plan", "--all").out.count("~ zoho/contacts/") == 50
    assert crosswalk("plan", "--limit", "3").out.count("~ zoho/contacts/") == 3


def test_a_plan_is_narrowed_to_a_field_or_a_record(crosswalk: Run) -> None:
    phone = crosswalk("plan", "P87", "--field", "phone", "--show-values").out
    record = crosswalk("plan", "P87", "--record", "salesforce/contacts/003Ab00000Qx7Lm").out

    assert "Phone" in phone
    assert "CX_NPS_Score__c" not in phone
    assert "+ pipedrive/persons" not in record
    assert "CX_NPS_Score__c" in record


def test_a_verbose_plan_says_what_holds_a_create_and_what_it_would_write(crosswalk: Run) -> None:
    out = crosswalk("plan", "--verbose", "--show-values").out

    assert "    waits: the guard of creates holds it\n" in out
    assert '    name  empty  ->  "শর্মিলা দত্ত"\n' in out


def test_counts_alone_are_shown_on_request(crosswalk: Run) -> None:
    out = crosswalk("plan", "--no-actions").out
    whole = json.loads(crosswalk("plan", "--no-actions", "--json").out)

    assert "2,215 tokens" in out
    assert "~ salesforce" not in out
    assert whole["actions"] == []


def test_a_plan_that_is_over_says_so_and_offers_nothing_to_apply(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["show_plan"] = {**fixtures.PLAN, "plan": {**fixtures.PLAN["plan"], "state": "applied"}}

    assert crosswalk("plan", "P87").out == "P87  23 Nov 08:58, applied.  Another:  crosswalk plan\n"


def test_a_plan_of_nothing_says_that_everything_agrees(crosswalk: Run, hub: FakeHub) -> None:
    nothing: dict[str, Any] = {"plan": None, "counts": [], "actions": [], "forecast": [], "guards": [], "ready": 0}
    hub.answers["plan"] = {**nothing, "conflicts": [], "first_plans": [], "total": 0, "exit_code": 0}

    result = crosswalk("plan")

    assert (result.out, result.code) == ("Everything agrees: there is nothing to write.\n", 0)


# export


def test_export_writes_a_file_for_its_owner_alone(crosswalk: Run, hub: FakeHub, tmp_path: Path) -> None:
    hub.answers["export"] = {
        "kind": "person",
        "columns": ["entity", "name", "emails", "cx.nps.score", "records"],
        "rows": iter(
            [["person/8f2kq", 'Lindqvist, "Mara"', "m@x.test", 3, "a/b/1"], ["person/9", BENGALI, None, None, ""]]
        ),
    }
    target = tmp_path / "people.csv"

    result = crosswalk("export", "person", "--to", str(target))

    assert target.read_text("utf-8").splitlines() == [
        "entity,name,emails,cx.nps.score,records",
        'person/8f2kq,"Lindqvist, ""Mara""",m@x.test,3,a/b/1',
        f"person/9,{BENGALI},,,",
    ]
    assert target.stat().st_mode & 0o777 == 0o600
    assert result.out == f"wrote  {target}   2 rows\n"


EVIL = ["=1+1", "+cmd|' /C calc'!A0", "-2+3+HYPERLINK(1)", "@SUM(A1)"]
TAME = ["+49895550177", "+49895550177; +49 89 5550178 (2)", "-3", "a=b", "- "]


def test_export_writes_nothing_that_a_spreadsheet_would_run(crosswalk: Run, hub: FakeHub) -> None:
    answer = {"kind": "person", "columns": ["entity", "name"], "rows": [["person/1", one] for one in EVIL + TAME]}

    hub.answers["export"] = dict(answer)
    safe = [row[1] for row in csv.reader(crosswalk("export", "person", "--to", "-").out.splitlines())]
    hub.answers["export"] = dict(answer)
    whole = [row[1] for row in csv.reader(crosswalk("export", "person", "--to", "-", "--verbatim").out.splitlines())]

    assert safe[1:] == [f"'{one}" for one in EVIL] + TAME
    assert whole[1:] == EVIL + TAME


def test_export_replaces_a_file_only_when_told(crosswalk: Run, hub: FakeHub, tmp_path: Path) -> None:
    hub.answers["export"] = {"kind": "person", "columns": ["entity"], "rows": [["person/1"]]}
    target = tmp_path / "people.csv"
    target.write_text("mine")

    refused = crosswalk("export", "person", "--to", str(target))
    assert (refused.code, target.read_text()) == (2, "mine")
    assert "--yes" in refused.err

    assert crosswalk("export", "person", "--to", str(target), "--yes").code == 0
    assert target.read_text() == "entity\nperson/1\n"


def test_an_export_that_breaks_off_leaves_no_file(crosswalk: Run, hub: FakeHub, tmp_path: Path) -> None:
    def rows() -> Any:
        yield ["person/1"]
        raise OSError(28, "No space left on device")

    hub.answers["export"] = {"kind": "person", "columns": ["entity"], "rows": rows()}

    result = crosswalk("export", "person", "--to", str(tmp_path / "people.csv"))

    assert result.code == 1
    assert list(tmp_path.iterdir()) == []


# codes


def test_a_code_that_there_is_not_is_answered_with_those_of_its_family(crosswalk: Run, hub: FakeHub) -> None:
    result = crosswalk("explain", "CW299")

    assert result.code == 2
    assert "CW201, CW202" in result.err
    assert "CW301" not in result.err


def test_a_code_is_explained_without_a_hub(crosswalk: Run, hub: FakeHub) -> None:
    result = crosswalk("explain", "cw202")

    assert result.out.startswith("CW202  ")
    assert "What to do" in result.out
    assert hub.opened == {}


def test_a_code_that_is_none_is_told_so(crosswalk: Run) -> None:
    assert crosswalk("explain", "CW999").code == 2


# help


def test_help_shows_examples_before_options_and_what_stands_everywhere_last(crosswalk: Run) -> None:
    out = crosswalk("apply", "--help").out

    places = [out.index(word) for word in ("Usage:", "Write what a plan says", "Examples:", "--approve", "Everywhere:")]
    assert places == sorted(places)
    assert "crosswalk apply P87 --approve pipedrive/persons:create" in out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_of_itself(crosswalk: Run, name: str) -> None:
    result = crosswalk(name, "--help")

    assert result.code == 0
    assert re.search(rf"Examples:\n  crosswalk {name}\b", result.out)
    for option in ("--config", "--json", "--quiet", "--verbose", "--color", "--mask", "--yes", "--as"):
        assert option in result.out
    assert f"  {name} " in crosswalk("--help").out


def test_the_version_is_said(crosswalk: Run) -> None:
    from crosswalk import __version__

    assert crosswalk("--version").out == f"crosswalk {__version__}\n"


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(["runs", "--limit", "-1"], id="below-the-least"),
        pytest.param(["runs", "--limit", "some"], id="no-number"),
        pytest.param(["status", "--color", "blue"], id="none-of-the-words"),
        pytest.param(["explain"], id="nothing-where-something-must-stand"),
    ],
)
def test_what_cannot_be_read_is_refused_though_defaults_are_taken_as_they_are(crosswalk: Run, args: list[str]) -> None:
    assert crosswalk(*args).code == 2


def test_an_error_of_a_library_is_not_told_in_its_own_words(crosswalk: Run, hub: FakeHub) -> None:
    """They show what the library was given: an address, a password, a customer."""

    class LibraryError(Exception):
        code = "e3q8"

    def sync(**_: Any) -> dict[str, Any]:
        raise LibraryError("postgresql://hub:hunter2@db")

    hub.sync = sync  # type: ignore[attr-defined]

    result = crosswalk("sync")

    assert result.code == 1
    assert "a fault in crosswalk itself: LibraryError" in result.err
    assert "hunter2" not in result.err
