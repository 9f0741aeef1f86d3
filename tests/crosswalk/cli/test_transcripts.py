"""What the commands print, line by line."""

from copy import deepcopy
from typing import Any

import pytest

from tests.crosswalk.cli import fixtures
from tests.crosswalk.cli.fixtures import FakeHub, Run

CHECK = """\
crosswalk.yaml  ok    6 connections, 11 streams, 93 fields mapped, 20 of them by you
store           ok    PostgreSQL 16.4, schema 7
salesforce      ok    nordlicht, as svc-crosswalk; 35,880 of 40,000 calls left today
  contacts      ok    62,118   read create update         not synced: leads, cases, tasks, ...
1 connection answers, nothing was written.  Next:  crosswalk plan
"""

CHECK_FAILING = """\
crosswalk.yaml  ok    6 connections, 11 streams, 93 fields mapped, 20 of them by you
store           ok    SQLite 3.45.1, schema 7
salesforce      fail  CW301: nordlciht.my.salesforce.com: no such host
                      account is 'nordlciht' (crosswalk.yaml:8:14), or this machine has no DNS
zoho            fail  CW201: 401, the refresh token is revoked or of another data center than eu
                      make a new one in the API console, then  crosswalk check zoho
pipedrive       part  nordlicht; 58,300 of 60,000 tokens left today
  persons       fail  CW106: crosswalk.yaml:48:32: no field 'Kundenstuffe'; nearest: 'Kundenstufe'
qualtrics       part  nordlicht at fra1, as UR_7hV
  directory_contacts  CW204: may read, may not create: 403; your Qualtrics administrator grants
                      "Manage contacts", then  crosswalk check qualtrics
typeform        ok    nordlicht
shop            ok    ./exports
2 of 6 connections fail, 2 streams cannot do what the file asks. Nothing was written.
"""

DISCOVER = """\
  field                 type       can           mapped to             label
  CX_NPS_Score__c       number     read write    cx.nps.score (write)  Last NPS
142 fields, 1 shown, 38 mapped; those not mapped:  --unmapped
"""

PLAN = """\
P87  23 Nov 08:58, holds for 24 h. 1,680 changed records read; nothing written.
                              create  update  clear  delete   costs
salesforce/contacts               12     431      3       -   4 calls
salesforce/accounts                -      57      -       -   1 call        of 35,880 left today
zoho/contacts                      -     118      -       -   12 credits    of 91,204
pipedrive/persons               ! 74      73      2       -   2,215 tokens  of 58,300
qualtrics/directory_contacts       6     204      -       -   216 calls
~ salesforce/contacts/003Ab00000Qx7Lm                    Mara Lindqvist, Nordlicht Solar AB
    Phone            "089 5550166"  ->  "+49895550177"
                     pipedrive is master, changed there 22 Nov 16:02         crosswalk.yaml:95:5
    CX_NPS_Score__c  8              ->  3
                     Relationship 2026 (qualtrics), answered 22 Nov 21:07    crosswalk.yaml:23:25
+ pipedrive/persons  new                                 শর্মিলা দত্ত, Padma Textiles
...  2 of 975 records shown;  --all, --only pipedrive, --field phone, --record ADDRESS
! 74 creates in pipedrive/persons: over 60 (5% of 1,208). All 74 wait; if they are meant:
    crosswalk apply P87 --approve pipedrive/persons:create
! 9 fields in conflict are left alone. 7 of them this would settle, the rest  crosswalk review
    merge.person.job_title.on_conflict: [newest, masters]
901 writes are ready:  crosswalk apply P87
"""

APPLY = """\
R143  done in 44 s
  898  written                   salesforce 498, zoho 117, pipedrive 73, qualtrics 210
    2  planned anew as P88       changed there since P87
    1  set aside as D9           zoho/contacts/5561000000043: refused, DUPLICATE_DATA
   74  wait for approval         creates in pipedrive/persons
    crosswalk apply P88 --approve pipedrive/persons:create
Take it back:  crosswalk undo R143
"""

UNDO = """\
P89 takes back R143, 898 writes of 09:02
  881  restore       the remote still holds what R143 wrote
   14  leave         edited there since, by people            list:  crosswalk plan P89 --leave
    3  cannot        created in salesforce; deals hang on them since
Coverage 98.1 %. Take back:  crosswalk apply P89   (pauses these mappings until  crosswalk resume)
"""

LEFT = """\
P89 takes back R143, 898 writes of 09:02
  881  restore       the remote still holds what R143 wrote
   14  leave         edited there since, by people            list:  crosswalk plan P89 --leave
    3  cannot        created in salesforce; deals hang on them since
Coverage 98.1 %. Take back:  crosswalk apply P89   (pauses these mappings until  crosswalk resume)
  salesforce/contacts/003Ab00000Qx7Lm  job_title  edited there since, by people
  salesforce/contacts/003Ab00000Rt1Kk             created in salesforce; deals hang on them since
"""
LEFT_OF_ERASED = """\
P89 takes back R143, 898 writes of 09:02
  881  restore       the remote still holds what R143 wrote
   14  leave         edited there since, by people            list:  crosswalk plan P89 --leave
    3  cannot        they have been erased since: nothing of them is kept
Coverage 98.1 %. Take back:  crosswalk apply P89   (pauses these mappings until  crosswalk resume)
  salesforce/contacts/003Ab00000Qx7Lm  job_title  edited there since, by people
  somebody erased (E7)                            they have been erased since: nothing of them is k…
"""

UNDONE = """\
R149  done in 12 s
! salesforce/contacts is paused by anna since 23 Nov 09:30: neither read nor written;
  crosswalk resume salesforce/contacts
  880  written                   salesforce 880
    1  left                      changed there since P89
Take it back:  crosswalk undo R149
"""

SYNC = "R144  done in 21 s: 62,118 read, 96 changed, 41 written, 0 wait, 0 set aside\n"
SYNC_QUIET = "R145  nothing to do: 11 streams asked, 0 changed, 0 written, 14 calls, 2.9 s\n"

RESYNC = """\
R146  read again: title differs from what the hub held; 1 written, 0.4 s
  ~ zoho/contacts/5561000000043   only salesforce changed it        Title "Head of Ops" -> "COO"
"""

STATUS = """\
daemon  on hub-1 since 21 Nov, heartbeat 4 s ago
              last good      next    budget left   state
salesforce    14 min ago     09:32          90 %   ok
pipedrive     29 min ago     -              97 %   fail  CW202: token refused since 09:20; paused
Waiting for a person:  74 creates (P87)   9 conflicts   3 pairs   1 dead letter
"""

RUNS = "R147  09:15  daemon  zoho                  read 12   written 5     waits    4.1 s\n"

EXPLAIN = """\
person/8f2kq                                             Mara Lindqvist, COO, Nordlicht Solar AB
  salesforce/contacts/003Ab00000Qx7Lm   seen 14 min ago   first here, 3 Nov
  pipedrive/persons/4711                seen 29 min ago   same email, 3 Nov
  qualtrics/directory_contacts/CID_1xY  seen 12 min ago   created by the hub, 4 Nov (R12)
  zoho/contacts/5561000000043           BLOCKED by D9     refused since 09:03; next try when you say
"""

EXPLAIN_FIELD = """\
phone = "+49895550177"                                   since 22 Nov 16:15 (R131)
  why         pipedrive alone changed it, and is master (crosswalk.yaml:95:5)
  before      "+49895550166", from salesforce
  salesforce  holds it              written 22 Nov 16:15, accepted
  zoho        holds "089 5550166"   not written: D9 blocks the record
"""

EXPLAIN_THEN = """\
As it stood after R131, 22 Nov 16:15
phone = "+49895550177"                                   since 22 Nov 16:15 (R131)
  why         pipedrive alone changed it, and is master (crosswalk.yaml:95:5)
  before      "+49895550166", from salesforce
  22 Nov 16:15  R131  zoho/contacts/5561000000043  phone
      "089 5550166"  ->  "+49895550177"
      pipedrive alone changed it, and is master
  3 Nov 09:00  R3    qualtrics/directory_contacts/CID_1xY    put away
"""

EXPLAIN_NOBODY = """\
Belongs to nobody. Read 09:16; the e-mail is empty and no hidden field carries an id, so no rule of
match.person can answer.  Pass external_id as a hidden field of the form, or  crosswalk review
"""

AUDIT = """\
1,242 of 62,118 records compared, 7 calls: 1,239 as believed
  4  edited since       expected; the next sync takes them
  1  CHANGED UNSEEN     salesforce/contacts/003Ab00000Rt1Kk phones, 21 Nov 04:12: inside a window t…
     salesforce/contacts: overlap is now 10 min
"""

DLQ = """\
  D9   zoho/contacts/5561000000043   CW403 refused, DUPLICATE_DATA     1 try   12 min ago
  D10  members-11.csv line 214       CW401 phone: not possible in DE   1 try   2 h ago
"""


@pytest.mark.parametrize(
    ("args", "method", "answer", "code", "text"),
    [
        pytest.param(["check"], "check", fixtures.CHECK, 0, CHECK, id="check"),
        pytest.param(["check"], "check", fixtures.CHECK_FAILING, 2, CHECK_FAILING, id="check-with-failures"),
        pytest.param(
            ["discover", "salesforce/contacts", "--like", "nps"], "discover", fixtures.DISCOVER, 0, DISCOVER,
            id="discover",
        ),
        pytest.param(["plan"], "plan", fixtures.PLAN, 3, PLAN, id="plan"),
        pytest.param(["plan", "P87"], "show_plan", fixtures.PLAN, 3, PLAN, id="a-plan-again"),
        pytest.param(["apply", "P87", "--yes"], "apply", fixtures.APPLY, 3, APPLY, id="apply"),
        pytest.param(["undo", "r143"], "undo", fixtures.UNDO, 3, UNDO, id="undo"),
        pytest.param(["plan", "P89", "--leave"], "show_plan", fixtures.UNDO, 3, LEFT, id="what-an-undo-leaves"),
        pytest.param(
            ["plan", "P89", "--leave"], "show_plan", fixtures.UNDO_OF_ERASED, 3, LEFT_OF_ERASED,
            id="what-an-undo-leaves-of-who-was-erased",
        ),
        pytest.param(["apply", "P89", "--yes"], "apply", fixtures.UNDONE, 0, UNDONE, id="apply-an-undo"),
        pytest.param(["sync"], "sync", fixtures.SYNC, 0, SYNC, id="sync"),
        pytest.param(["sync"], "sync", fixtures.SYNC_QUIET, 0, SYNC_QUIET, id="sync-with-nothing-to-do"),
        pytest.param(["resync", "salesforce/contacts/003"], "resync", fixtures.RESYNC, 0, RESYNC, id="resync"),
        pytest.param(["status"], "status", fixtures.STATUS, 0, STATUS, id="status"),
        pytest.param(["runs", "--limit", "1"], "runs", fixtures.RUNS, 0, RUNS, id="runs"),
        pytest.param(["explain", "mara@x.test"], "explain", fixtures.EXPLAIN, 0, EXPLAIN, id="explain"),
        pytest.param(
            ["explain", "person/8f2kq", "--field", "phone"], "explain", fixtures.EXPLAIN_FIELD, 0, EXPLAIN_FIELD,
            id="explain-a-field",
        ),
        pytest.param(
            ["explain", "typeform/responses/r8"], "explain", fixtures.EXPLAIN_NOBODY, 0, EXPLAIN_NOBODY,
            id="explain-what-belongs-to-nobody",
        ),
        pytest.param(["audit", "salesforce", "--sample", "2%"], "audit", fixtures.AUDIT, 0, AUDIT, id="audit"),
        pytest.param(["dlq"], "dlq_list", fixtures.DLQ, 0, DLQ, id="dlq"),
    ],
)  # fmt: skip
def test_the_answer_reads_like_the_page(
    crosswalk: Run, hub: FakeHub, args: list[str], method: str, answer: dict[str, Any], code: int, text: str
) -> None:
    hub.answers[method] = answer

    result = crosswalk(*args, "--show-values")

    assert result.out == text
    assert result.code == code
    assert result.err == ""


def test_an_earlier_run_and_what_has_changed_are_told(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["explain"] = fixtures.EXPLAIN_THEN

    result = crosswalk("explain", "person/8f2kq", "--field", "phone", "--as-of", "r131", "--history", "--show-values")

    assert result.out == EXPLAIN_THEN
    assert hub.calls == [("explain", ("person/8f2kq",), {"field": "phone", "as_of": "R131"})]


def test_a_retry_is_a_run_of_its_own_and_says_what_became_of_the_letter(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers |= {"resync": fixtures.DLQ_RUN, "dlq_show": fixtures.DLQ_CLOSED}

    result = crosswalk("dlq", "retry", "d9")

    assert result.out == "R148  planned anew: nothing left to write. D9 closed.\n"
    assert [call[:2] for call in hub.calls] == [
        ("dlq_retry", ("D9",)),
        ("resync", ("zoho/contacts/5561000000043",)),
        ("dlq_show", ("D9",)),
    ]


def test_a_retry_of_several_is_one_run_of_their_streams(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["sync"] = fixtures.DLQ_RUN

    result = crosswalk("dlq", "retry", "--code", "CW403")

    assert ("sync", (), {"only": ["zoho/contacts"]}) in hub.calls
    assert "D9    still set aside: CW403 refused, DUPLICATE_DATA" in result.out


REVIEW = """\
C31  1 of 9   person/8f2kq   title                       Mara Lindqvist, Nordlicht Solar AB
     agreed until 2 Nov     "Head of Operations"
  1  salesforce   22 Nov 17:40, J. Weber     "COO"
  2  zoho         22 Nov 17:44, ±1 min       "Chief Operating Officer"
     newest cannot tell: 4 min apart, tolerance 10m (crosswalk.yaml:96:5)
Take 1, 2, [e]dit, [k]eep both, [s]kip, [a]ll 7 like this, [q]uit, [?]: \
7 decided for salesforce; the next run writes them. As a rule, under merge.person:
    job_title: {on_conflict: [newest, masters], tolerance: 10m}
"""

PAIR = """\
M12  1 of 3   the same person?
  A  pipedrive/persons/5120      +8801711555012   r.uddin@padma.test       Rahim Uddin
  B  typeform/responses/k2p9     +8801711555012   rahim.uddin@padma.test   মোঃ রহিম উদ্দিন
     for  same phone, held by these 2 only; names agree once transliterated
     against  e-mail differs
[y] the same, [n] never, [s]kip, [q]uit, [?]: \
"""


def test_a_conflict_is_decided_for_all_that_are_like_it(crosswalk: Run, hub: FakeHub) -> None:
    result = crosswalk("review", terminal=True, typed="a 1\nq\n")

    assert uncoloured(result.err).startswith(REVIEW)
    assert hub.calls[1] == ("review_decide", ("C31",), {"take": "salesforce", "all_like": True})
    assert "C38" in uncoloured(result.err).removeprefix(REVIEW)  # those seven are not asked about again
    assert "C32" not in result.err


def test_a_pair_is_decided(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["review_list"] = {**fixtures.REVIEW, "conflicts": []}

    result = crosswalk("review", terminal=True, typed="y\nn\nq\n")

    assert uncoloured(result.err).startswith(PAIR)
    assert hub.calls[1:] == [("review_pair", ("M12",), {"same": True}), ("review_pair", ("M13",), {"same": False})]


def test_one_answer_decides_all_pairs_that_are_like_it(crosswalk: Run, hub: FakeHub) -> None:
    pairs = [{**one, "alike": 2} for one in fixtures.REVIEW["pairs"][:2]]
    hub.answers["review_list"] = {**fixtures.REVIEW, "conflicts": [], "pairs": pairs}
    hub.answers["review_pair"] = {"decided": 2, "ids": [one["id"] for one in pairs], "problems": [], "exit_code": 0}

    result = crosswalk("review", terminal=True, typed="a n\n")

    assert "[a]ll 2 like this" in uncoloured(result.err)
    assert hub.calls[1:] == [("review_pair", ("M12",), {"same": False, "all_like": True})]


def uncoloured(text: str) -> str:
    import re

    return re.sub("\x1b\\[[0-9;]*m", "", text)


FAULTY = """\
crosswalk.yaml:3:20: error CW103: a secret stands in the file
     3 |     client_secret: •••
       |                    ^^^ write env:NAME or file:PATH; renew it: it may be in the history
crosswalk.yaml:4:23: error CW102: per_day is '40k'
     4 |     budget: {per_day: 40k, reserve: 20%}
       |                       ^^^ a whole number, such as 40000
2 errors. No system was contacted.
"""


def faults() -> Exception:
    from crosswalk.problems import Problem, ProblemsError

    return ProblemsError(
        [
            Problem(
                code="CW103",
                text="a secret stands in the file",
                hint="write env:NAME or file:PATH; renew it: it may be in the history",
                file="crosswalk.yaml",
                line=3,
                column=20,
                width=14,
            ),
            Problem(
                code="CW102",
                text="per_day is '40k'",
                hint="a whole number, such as 40000",
                file="crosswalk.yaml",
                line=4,
                column=23,
                width=3,
            ),
        ]
    )


def test_discover_says_in_brackets_where_a_field_may_belong(crosswalk: Run, hub: FakeHub) -> None:
    told = deepcopy(fixtures.DISCOVER)
    told["fields"] = [{**told["fields"][-1], "name": "Geburtstag__c", "label": "Geburtstag", "suggested": "birth_date"}]
    hub.answers["discover"] = told

    line = crosswalk("discover", "salesforce/contacts", "--unmapped").out.splitlines()[1]

    assert line.split() == ["Geburtstag__c", "text", "read", "write", "-", "(birth_date?)", "Geburtstag"]


def test_the_states_of_streams_stand_below_each_other_however_long_a_name_is(crosswalk: Run, hub: FakeHub) -> None:
    told = deepcopy(fixtures.CHECK)
    (contacts,) = [one for one in told["connections"][0]["streams"] if not one["unlisted"]]
    told["connections"][0]["streams"].append({**contacts, "name": "newsletter_subscribers"})
    hub.answers["check"] = told

    lines = crosswalk("check").out.splitlines()

    assert lines[0].startswith("crosswalk.yaml            ok    ")
    assert [line.index(" ok ") for line in lines[:-1]] == [25] * 5


@pytest.fixture
def faulty_file(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "connections:\n  zoho:\n    client_secret: s3cr3t-of-zoho\n    budget: {per_day: 40k, reserve: 20%}\n"
    (tmp_path / "crosswalk.yaml").write_text(text)


@pytest.mark.usefixtures("faulty_file")
def test_faults_of_the_file_are_shown_with_their_line_and_no_secret(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["open"] = faults()

    result = crosswalk("check", terminal=True)

    assert uncoloured(result.out) == FAULTY
    assert result.code == 2


@pytest.mark.usefixtures("faulty_file")
def test_without_a_terminal_only_the_first_line_of_each_fault_is_told(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["open"] = faults()

    result = crosswalk("check")

    assert result.out.splitlines() == [
        "crosswalk.yaml:3:20: error CW103: a secret stands in the file",
        "crosswalk.yaml:4:23: error CW102: per_day is '40k'",
        "2 errors. No system was contacted.",
    ]


@pytest.mark.usefixtures("faulty_file")
def test_other_commands_tell_the_faults_on_stderr(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["open"] = faults()

    result = crosswalk("plan")

    assert result.out == ""
    assert result.err.startswith("crosswalk.yaml:3:20: error CW103")
    assert result.code == 2


def test_the_first_plan_of_a_mapping_is_said_to_wait(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["plan"] = {**fixtures.PLAN, "first_plans": ["typeform/responses"]}

    result = crosswalk("plan")

    assert "! first plan of typeform/responses: `sync` leaves it to `apply`\n" in result.out


def test_resync_says_of_a_record_that_is_nowhere_that_it_is_nowhere(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["resync"] = {**fixtures.RESYNC, "found": False, "differences": [], "actions": []}

    result = crosswalk("resync", "salesforce/contacts/nobody")

    assert "there is no such record" in result.out
    assert "as the hub held it" not in result.out


def test_first_plans_of_many_streams_are_one_remark(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["plan"] = {**fixtures.PLAN, "first_plans": ["pipedrive/persons", "typeform/responses"]}

    result = crosswalk("plan")

    assert "! first plan of pipedrive/persons, typeform/responses: `sync` leaves it to `apply`\n" in result.out


def test_a_file_that_lets_nothing_be_written_is_told_so_beside_an_empty_plan(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["plan"] = {
        **fixtures.PLAN, "plan": None, "counts": [], "guards": [], "actions": [], "conflicts": [], "suggestions": [],
        "first_plans": [], "ready": 0, "total": 0, "writable": [],
    }  # fmt: skip

    result = crosswalk("plan")

    assert "no stream of the file has `write`" in result.out


def test_a_letter_that_names_its_field_is_not_introduced_by_it_again(crosswalk: Run, hub: FakeHub) -> None:
    block = {"id": "D2", "record": "a/b/1", "field": "birth_date", "text": "birth_date: born is no date"}
    hub.answers["explain"] = {**fixtures.EXPLAIN_NOBODY, "blocks": [block, {**block, "id": "D3", "text": "refused"}]}

    result = crosswalk("explain", "typeform/responses/r8")

    assert "! D2  birth_date: born is no date\n" in result.out
    assert "! D3  birth_date: refused\n" in result.out


def test_one_conflict_and_nothing_to_write_are_told_in_one_breath(crosswalk: Run, hub: FakeHub) -> None:
    conflict = {"id": "C1", "entity": "person/8f2kq", "title": None, "field": "name", "why": "", "suggestion": "x"}
    hub.answers["plan"] = {
        **fixtures.PLAN, "plan": None, "counts": [], "guards": [], "actions": [], "conflicts": [conflict],
        "suggestions": [{"text": "", "yaml": "name: {on_foreign_edit: revert}", "settles": 1}],
        "first_plans": [], "ready": 0, "total": 0,
    }  # fmt: skip

    result = crosswalk("plan")

    assert result.out == (
        "! 1 field in conflict is left alone. This would settle it:\n"
        "    name: {on_foreign_edit: revert}\n"
        "All else agrees: there is nothing to write.\n"
    )


def test_a_plan_says_where_creates_start_something_and_what_was_stopped(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["plan"] = {
        **fixtures.PLAN,
        "automation": [{"stream": "pipedrive/persons", "creates": 74}],
        "stopped": ["zoho/contacts"],
    }

    told = " ".join(crosswalk("plan").out.split())

    assert "! zoho/contacts stopped, since most of its writes were refused; look at crosswalk dlq" in told
    assert "! 74 creates in pipedrive/persons: whatever is set up there for new records starts, such as welcome" in told
