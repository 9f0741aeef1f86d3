"""What people are told of a hub that really ran, and that what they decide is really done."""

from pathlib import Path
from typing import Any

import pytest

from connectors.sdk.contract import Outcome
from tests.hub import World
from tests.memory.connector import Remote

HUB = """
connections:
  alpha:
    connector: memory
    account: {a}
    streams:
      firms: {{write: [create, update], create_from: [beta]}}
      people: {{write: [create, update], create_from: [beta]}}
  beta:
    connector: memory
    account: {b}
    streams:
      firms:
      people: {{write: [update]}}
  tool:
    connector: survey
    account: {c}
    streams:
      answers:
match:
  person:
    rules:
      - same: [emails]
      - {{same: [phones, name.family], then: review}}
    model: none
merge:
  defaults: {{masters: [alpha, beta], on_conflict: [review], on_foreign_edit: review}}
{more}guards:
  create: {{at_most: 50, share: 100%}}
  update: {{at_most: 50, share: 100%}}
"""


class Hub(World):
    """Two CRMs and a survey tool."""

    def rule(self, line: str = "") -> None:
        """Write the file; `line`: what stands under merge.person."""
        more = f"  person:\n    {line}\n" if line else ""
        names = {name[0]: self.account(name) for name in ("alpha", "beta")}
        self.write(HUB.format(**names, c=self.account("tool"), more=more))

    def told(self, question: str, *args: Any, **named: Any) -> Any:
        """What a method of the hub answers, in a process of its own."""
        with self.open() as hub:
            return getattr(hub, question)(*args, **named)

    def side(self, what: str, field: str, connection: str) -> dict[str, Any]:
        (one,) = self.told("explain", what, field=field)["fields"]
        (side,) = [side for side in one["sides"] if side["connection"] == connection]
        return dict(side)


@pytest.fixture
def hub(tmp_path: Path, database_url: str) -> Hub:
    made = Hub(tmp_path, database_url, "")
    made.rule()
    return made


@pytest.fixture
def ito(hub: Hub) -> tuple[Remote, Remote]:
    """One buyer whom both systems know, at rest."""
    alpha, beta = hub.remote("alpha"), hub.remote("beta")
    for remote in (alpha, beta):
        remote.put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer", phone="+49895550177")
    hub.sync()
    return alpha, beta


def disagree(hub: Hub, ito: tuple[Remote, Remote]) -> dict[str, Any]:
    """Both systems give him another title; the conflict that comes of it."""
    ito[0].put("people", "1", title="COO")
    ito[1].put("people", "1", title="Chief Operating Officer")
    hub.sync()
    (one,) = hub.told("review_list")["conflicts"]
    return dict(one)


def test_who_was_made_by_the_hub_is_explained_with_every_side_at_rest(hub: Hub) -> None:
    alpha, beta = hub.remote("alpha"), hub.remote("beta")
    beta.put("firms", "5", name="Padma Textiles", site="https://padma.test")
    beta.put("people", "9", name="শর্মিলা দত্ত", email="s.datta@padma.test", firm="5", title="CEO")
    hub.sync()

    told = hub.told("explain", "s.datta@padma.test")

    assert told["title"] == "শর্মিলা দত্ত, CEO, Padma Textiles"
    first, second = told["records"]
    assert (first["address"], first["matched_by"]) == ("beta/people/9", "first here")
    assert second["address"].startswith("alpha/people/")
    assert (second["matched_by"], second["created_by_run"]) == ("created by the hub", "R1")
    assert first["seen_at"] is not None
    fields = {one["name"]: one for one in told["fields"]}
    assert fields["works_at"]["value"] == "Padma Textiles"
    assert fields["job_title"]["source"] == "beta/people/9"
    assert {side["state"] for name in fields for side in fields[name]["sides"]} == {"holds"}
    assert told["blocks"] == []
    assert told["missing"] == []
    created = [one for one in told["history"] if one["what"] == "write"]
    assert {one["record"] for one in created} == {second["address"]}
    assert [row[-1] for row in hub_rows(hub)] == [f"beta/people/9; {second['address']}"]
    assert len(alpha.rows["people"]) == 1


def hub_rows(hub: Hub) -> list[list[Any]]:
    with hub.open() as opened:
        return list(opened.export("person")["rows"])


def test_an_edit_is_explained_with_what_stood_before_and_who_was_written(hub: Hub, ito: tuple[Remote, Remote]) -> None:
    ito[0].put("people", "1", title="COO")
    hub.sync()

    (one,) = hub.told("explain", "ito@a.test", field="title")["fields"]
    side = hub.side("ito@a.test", "title", "beta")

    assert (one["value"], one["previous"]) == ("COO", {"value": "Buyer", "source": one["previous"]["source"]})
    assert (one["source"], one["run"]) == ("alpha/people/1", "R2")
    assert "crosswalk.yaml:" in one["place"]
    assert (side["state"], side["reason"]) == ("holds", "written by the hub, accepted")


def test_a_decision_for_a_side_is_written_by_the_next_run(hub: Hub, ito: tuple[Remote, Remote]) -> None:
    conflict = disagree(hub, ito)
    assert [side["value"] for side in conflict["sides"]] == ["COO", "Chief Operating Officer"]
    assert hub.side("ito@a.test", "title", "beta")["reason"] == f"{conflict['id']} is open"

    hub.told("review_decide", conflict["id"], take="beta")
    answer = hub.sync()

    assert answer["totals"]["written"] == 1
    assert ito[0].of("people", "1")["title"] == "Chief Operating Officer"
    (one,) = hub.told("explain", "ito@a.test", field="title")["fields"]
    assert (one["rule"], one["conflict"]) == ("decided by tester", None)
    assert hub.told("review_list")["conflicts"] == []
    assert hub.sync()["totals"]["written"] == 0


def test_another_value_is_written_to_every_side(hub: Hub, ito: tuple[Remote, Remote]) -> None:
    conflict = disagree(hub, ito)

    hub.told("review_decide", conflict["id"], value="Chief of Staff")
    hub.sync()

    assert [remote.of("people", "1")["title"] for remote in ito] == ["Chief of Staff"] * 2


def test_keeping_both_writes_nothing_and_asks_no_more(hub: Hub, ito: tuple[Remote, Remote]) -> None:
    conflict = disagree(hub, ito)

    hub.told("review_decide", conflict["id"], take="keep")
    answer = hub.sync()

    assert answer["totals"]["written"] == 0
    assert [remote.of("people", "1")["title"] for remote in ito] == ["COO", "Chief Operating Officer"]
    assert hub.told("review_list")["conflicts"] == []
    assert hub.side("ito@a.test", "title", "beta")["reason"].startswith("agreed to differ")


def test_the_suggested_line_does_settle_it(hub: Hub, ito: tuple[Remote, Remote]) -> None:
    conflict = disagree(hub, ito)
    assert conflict["suggestion"] == "job_title: {on_conflict: [newest, masters]}"

    hub.rule(conflict["suggestion"])
    hub.sync()

    assert hub.told("review_list")["conflicts"] == []
    assert ito[1].of("people", "1")["title"] == ito[0].of("people", "1")["title"]


def test_a_refusal_blocks_its_record_until_a_retry_plans_anew(hub: Hub, ito: tuple[Remote, Remote]) -> None:
    alpha, beta = ito
    alpha.put("people", "1", title="COO")
    beta.before = lambda write: Outcome(write.action, "rejected", reason="DUPLICATE_DATA")
    hub.sync()
    (letter,) = hub.told("dlq_list")["dead_letters"]
    assert (letter["record"], letter["code"]) == ("beta/people/1", "CW403")
    side = hub.side("ito@a.test", "title", "beta")
    assert (side["value"], side["state"]) == ("Buyer", "not written")
    assert side["reason"].startswith(f"{letter['id']} blocks")
    beta.before = None

    hub.told("dlq_retry", letter["id"])
    hub.sync()

    assert beta.of("people", "1")["title"] == "COO"
    assert hub.told("dlq_list")["dead_letters"] == []
    assert hub.side("ito@a.test", "title", "beta")["state"] == "holds"


def test_what_was_dropped_is_not_tried_again(hub: Hub, ito: tuple[Remote, Remote]) -> None:
    alpha, beta = ito
    alpha.put("people", "1", title="COO")
    beta.before = lambda write: Outcome(write.action, "rejected", reason="DUPLICATE_DATA")
    hub.sync()
    beta.before = None

    hub.told("dlq_drop", "D1", "left to sales")
    hub.sync()

    assert beta.of("people", "1")["title"] == "Buyer"
    assert hub.told("dlq_show", "D1")["dead_letters"][0]["note"] == "left to sales (tester)"


@pytest.fixture
def twins(hub: Hub) -> tuple[Remote, Remote]:
    """Two records with one phone and one family name, and different addresses."""
    alpha, beta = hub.remote("alpha"), hub.remote("beta")
    alpha.put("people", "1", name="Rahim Uddin", email="r.uddin@padma.test", phone="+8801711555012")
    beta.put("people", "2", name="মোঃ Rahim Uddin", email="rahim@padma.test", phone="+8801711555012", title="Dyer")
    hub.sync()
    return alpha, beta


def test_a_pair_that_a_person_joins_becomes_one(hub: Hub, twins: tuple[Remote, Remote]) -> None:
    (pair,) = hub.told("review_list")["pairs"]
    assert {record["address"] for record in pair["records"]} == {"alpha/people/1", "beta/people/2"}
    assert pair["for"][0] == "same phone and family name, held by these 2 only"

    hub.told("review_pair", pair["id"], same=True)
    hub.sync()

    told = hub.told("explain", "rahim@padma.test")
    assert {record["address"] for record in told["records"]} == {"alpha/people/1", "beta/people/2"}
    assert "decided by tester" in {record["matched_by"] for record in told["records"]}
    assert twins[0].of("people", "1")["title"] == "Dyer"
    assert hub.told("review_list")["pairs"] == []


def test_a_later_never_parts_them_again(hub: Hub, twins: tuple[Remote, Remote]) -> None:
    hub.told("review_pair", "M1", same=True)
    hub.sync()
    assert hub.told("explain", "alpha/people/1")["entity"] == hub.told("explain", "beta/people/2")["entity"]

    hub.told("review_pair", "M1", same=False)
    hub.sync()

    one, other = hub.told("explain", "alpha/people/1"), hub.told("explain", "beta/people/2")
    assert [told["records"][0]["address"] for told in (one, other)] == [
        "alpha/people/1",
        "beta/people/2",
    ]
    assert one["entity"] != other["entity"]
    assert hub.told("review_list")["pairs"] == []


def test_a_pair_that_a_person_keeps_apart_stays_apart(hub: Hub, twins: tuple[Remote, Remote]) -> None:
    (pair,) = hub.told("review_list")["pairs"]

    hub.told("review_pair", pair["id"], same=False)
    twins[1].put("people", "2", title="Master dyer")
    hub.sync()
    hub.sync()

    assert hub.told("review_list")["pairs"] == []
    assert hub.told("explain", "rahim@padma.test")["entity"] != hub.told("explain", "r.uddin@padma.test")["entity"]


def test_answers_are_told_with_their_person_or_with_the_reason_why_not(hub: Hub, ito: tuple[Remote, Remote]) -> None:
    tool = hub.remote("tool")
    tool.put("answers", "r1", email="ito@a.test", survey="S1", answers=[])
    tool.put("answers", "r2", email=None, survey="S1", answers=[])
    hub.sync()

    mine, nobodys = hub.told("explain", "tool/answers/r1"), hub.told("explain", "tool/answers/r2")

    assert (mine["record"], mine["title"]) == ("tool/answers/r1", "Ito Sho, Buyer")
    assert nobodys["entity"] is None
    assert nobodys["why"].startswith("the e-mail is empty and no hidden field carries an id")


def test_a_first_plan_is_waited_for_and_says_so(hub: Hub) -> None:
    hub.remote("beta").put("people", "9", name="Mara Lindqvist", email="mara@nordlicht.test")
    with hub.open() as opened:
        opened.sync()

    told = hub.told("explain", "mara@nordlicht.test")
    waiting = hub.told("status")["waiting"]

    (missing,) = told["missing"]
    assert (missing["stream"], missing["reason"][:27]) == ("alpha/people", "waits in P1 for a person: t")
    assert [(one["class"], one["count"], one["why"]) for one in waiting["approvals"]] == [
        ("create", 1, ["the first plan of a mapping"])
    ]


def test_status_and_runs_tell_what_was_done(hub: Hub, ito: tuple[Remote, Remote]) -> None:
    ito[0].put("people", "1", title="COO")
    hub.sync()

    told, ran = hub.told("status"), hub.told("runs", 1)

    assert {one["name"]: one["state"] for one in told["connections"]} == {"alpha": "ok", "beta": "ok", "tool": "ok"}
    people = next(one for one in told["streams"] if one["stream"] == "alpha/people")
    assert (people["records"], people["complete"]) == (1, True)
    (one,) = ran["runs"]
    assert (one["id"], one["state"], one["written"], one["changed"]) == ("R2", "done", 1, 1)
    (work,) = [stream for stream in hub.told("runs", run="R2")["streams"] if stream["stream"] == "beta/people"]
    assert work["written"] == 1


def test_check_judges_the_file_by_what_the_vendor_has(hub: Hub) -> None:
    told = hub.told("check")

    assert {one["name"]: one["state"] for one in told["connections"]} == {"alpha": "ok", "beta": "ok", "tool": "ok"}
    assert told["config"]["streams"] == 5
    assert {one["code"] for one in told["problems"]} == {"CW118"}  # creates go by search: nothing unique is there
    alpha = told["connections"][0]["streams"]
    assert next(one for one in alpha if one["name"] == "people")["can"] == ["read", "create", "update"]
    assert next(one for one in alpha if one["name"] == "answers")["unlisted"] is True


def test_discover_tells_what_the_mapping_makes_of_each_field(hub: Hub) -> None:
    told = hub.told("discover", "beta/people")

    fields = {one["name"]: (one["mapped_to"], one["direction"]) for one in told["fields"]}
    assert fields["title"] == ("job_title", "both")
    assert fields["email"] == ("emails[work]", "both")
    assert fields["site"] == (None, None)
