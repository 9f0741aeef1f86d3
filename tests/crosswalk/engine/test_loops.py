"""The loop breaker: what a workflow at a vendor rewrites over and over is frozen, shown as a conflict and reported."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.sdk.contract import Write
from tests.crosswalk.engine.test_rounds import quiet, settle_down, two
from tests.hub import World
from tests.memory.connector import Remote, lost

FILE = """
connections:
  alpha: {{connector: memory, account: {a}, streams: {{people: {{write: [update]}}}}}}
  beta: {{connector: memory, account: {b}, streams: {{people: {{write: [update]}}}}}}
merge:
  defaults: {{masters: [alpha], on_conflict: [masters], on_foreign_edit: revert}}
"""


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    made = World(tmp_path, database_url, "")
    made.write(FILE.format(a=made.account("alpha"), b=made.account("beta")))
    for name in ("alpha", "beta"):
        made.remote(name).put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer", phone="+49895550177")
    settle_down(made)
    return made


def run(world: World) -> dict[str, Any]:
    """A quarter of an hour on, and a run; after it beta's workflow has done its work."""
    world.clock.forward(seconds=900)
    for name in ("alpha", "beta"):
        world.remote(name).now = world.clock()
    done = world.sync()
    world.remote("beta").put("people", "1", title="BUYER")
    return done


def test_it_is_frozen_shown_and_reported(world: World) -> None:
    world.remote("beta").put("people", "1", title="BUYER")

    runs = [run(world) for _ in range(6)]

    written = [one["totals"]["written"] for one in runs]
    assert written == [1, 1, 1, 0, 0, 0]
    (problem,) = [one for one in runs[3]["problems"] if one["code"] == "CW702"]
    assert problem["text"].startswith("job_title of person/")
    assert problem["text"].endswith(" changed 6 times in 2 h between hub and Memory")
    assert problem["hint"] == "frozen as C1: a workflow there rewrites it; switch that off or `keep`"
    assert [one["exit_code"] for one in runs] == [0, 0, 0, 3, 0, 0]
    with world.open() as hub:
        (conflict,) = hub.review_list()["conflicts"]
        told = hub.explain("ito@a.test", field="job_title")["fields"][0]
    assert (conflict["id"], conflict["field"]) == ("C1", "job_title")
    assert "a workflow there rewrites it" in conflict["why"]
    assert {one["connection"]: one["value"] for one in conflict["sides"]} == {"alpha": "Buyer", "beta": "BUYER"}
    assert told["conflict"] == "C1"


def test_the_other_fields_go_on(world: World) -> None:
    world.remote("beta").put("people", "1", title="BUYER")
    for _ in range(5):
        run(world)

    world.remote("alpha").put("people", "1", phone="+49895550199")
    run(world)

    assert world.remote("beta").of("people", "1")["phone"] == "+49895550199"


def test_whoever_keeps_both_ends_it(world: World) -> None:
    world.remote("beta").put("people", "1", title="BUYER")
    for _ in range(5):
        run(world)

    with world.open() as hub:
        hub.review_decide("C1", take="keep")
    done = run(world)

    assert done["totals"]["written"] == 0
    assert quiet(world.sync())
    with world.open() as hub:
        assert hub.review_list()["conflicts"] == []


@pytest.mark.parametrize("how", ["deleted", "split"])
def test_it_is_over_once_the_record_that_is_rewritten_is_gone_from_there(world: World, how: str) -> None:
    beta = world.remote("beta")
    beta.put("people", "1", title="BUYER")
    for _ in range(5):
        run(world)

    if how == "deleted":
        beta.put("people", "1", gone=True)
    else:
        with world.open() as hub:
            hub.part(["beta/people/1"])
    settle_down(world)

    with world.open() as hub:
        assert hub.review_list()["conflicts"] == []
        told = hub.explain("alpha/people/1", field="job_title")["fields"][0]
    assert (told["value"], told["conflict"]) == ("Buyer", None)
    world.remote("alpha").put("people", "1", title="COO")
    settle_down(world)
    with world.open() as hub:
        assert hub.explain("alpha/people/1", field="job_title")["fields"][0]["value"] == "COO"


def test_edits_of_people_that_arrive_are_no_loop(world: World) -> None:
    for n in range(6):
        world.clock.forward(seconds=600)
        world.remote("alpha").put("people", "1", title=f"Title {n}")
        assert world.sync()["totals"]["written"] == 1

    assert world.remote("beta").of("people", "1")["title"] == "Title 5"


def test_a_rewrite_now_and_then_is_no_loop(world: World) -> None:
    for _ in range(5):
        world.remote("beta").put("people", "1", title="BUYER")
        world.clock.forward(seconds=3 * 3600)
        for name in ("alpha", "beta"):
            world.remote(name).now = world.clock()
        assert world.sync()["totals"]["written"] == 1


def test_edits_that_a_vendor_shows_in_its_own_form_are_no_loop(world: World) -> None:
    beta = world.remote("beta")

    def reshape(write: Write) -> None:
        row = beta.of("people", write.key or "")
        row["title"] = row["title"].upper()

    beta.after = reshape
    written = []
    for title in ("Analyst", "Baker", "Clerk", "Dyer", "Editor"):
        world.clock.forward(seconds=900)
        for name in ("alpha", "beta"):
            world.remote(name).now = world.clock()
        world.remote("alpha").put("people", "1", title=title)
        written.append(world.sync()["totals"]["written"])

    assert written == [1] * 5
    assert beta.of("people", "1")["title"] == "EDITOR"


def read_back(folder: Path, url: str) -> tuple[World, Remote, Remote]:
    """One person at two vendors, of whom the first answers a write without values, and is read back."""
    world = two(folder, url, alpha="silent")
    alpha, beta = world.remote("alpha"), world.remote("beta")
    alpha.answers = False
    for remote in (alpha, beta):
        remote.put("people", "1", name="Ito Sho", email="ito@a.test", title="Buyer")
    settle_down(world)
    return world, alpha, beta


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(str.upper, id="capitals"),
        pytest.param(lambda text: text.replace(" ", "  "), id="blanks"),
        pytest.param(lambda text: text[:25], id="cut"),
    ],
)
def test_a_vendors_form_of_what_was_written_goes_nowhere_else(
    tmp_path: Path, database_url: str, form: Callable[[str], str]
) -> None:
    """Of a vendor that answers without values it is read back, and was taken for an edit there."""
    world, alpha, beta = read_back(tmp_path, database_url)

    def reshape(write: Write) -> None:
        row = alpha.of("people", write.key or "")
        row["title"] = form(row["title"])

    alpha.after = reshape
    title = "Head of Purchasing and Logistics"
    beta.put("people", "1", title=title)
    settle_down(world)
    assert (alpha.of("people", "1")["title"], beta.of("people", "1")["title"]) == (form(title), title)

    alpha.put("people", "1", title="Head of Nothing")
    settle_down(world)
    assert beta.of("people", "1")["title"] == "Head of Nothing"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        pytest.param("7.25", "7", id="rounded-down"),
        pytest.param("7.5", "8", id="rounded-up"),
        pytest.param("1234.567", "1234.57", id="to-the-cent"),
        pytest.param("Head of 😀 Sales", "Head of ? Sales", id="a-mark-for-four-bytes"),
        pytest.param("Head of 😀 Sales", "Head of  Sales", id="no-four-bytes"),
        pytest.param("Head of 😀 Sales", "Head of", id="ended-at-four-bytes"),
        pytest.param("Grüße an café", "Gr??e an caf?", id="a-mark-for-what-is-no-ascii"),
        pytest.param("R&D <Labs>", "R&amp;D &lt;Labs&gt;", id="spelt-out-for-html"),
        pytest.param("2026-11-22T10:11:12.345Z", "2026-11-22T10:11:12Z", id="to-the-second"),
        pytest.param("2026-11-22T10:11:12Z", "2026-11-22T10:11:00Z", id="to-the-minute"),
    ],
)
def test_what_a_vendor_cannot_hold_whole_goes_nowhere_else(
    tmp_path: Path, database_url: str, sent: str, shown: str
) -> None:
    world, alpha, beta = read_back(tmp_path, database_url)

    def reshape(write: Write) -> None:
        alpha.of("people", write.key or "")["title"] = shown

    alpha.after = reshape
    beta.put("people", "1", title=sent)
    settle_down(world)

    assert (alpha.of("people", "1")["title"], beta.of("people", "1")["title"]) == (shown, sent)


def test_what_a_vendor_rounds_and_whose_answer_is_lost_goes_nowhere_else(tmp_path: Path, database_url: str) -> None:
    world, alpha, beta = read_back(tmp_path, database_url)

    def reshape_and_lose(write: Write) -> None:
        alpha.after = None
        alpha.of("people", write.key or "")["title"] = "8"
        lost(write)

    alpha.after = reshape_and_lose
    beta.put("people", "1", title="8.25")
    for _ in range(4):
        world.clock.forward(seconds=900)
        alpha.now = beta.now = world.clock()
        world.sync()

    assert (alpha.of("people", "1")["title"], beta.of("people", "1")["title"]) == ("8", "8.25")


def test_tags_that_a_vendor_sorts_and_knows_in_other_capitals_go_nowhere_else(
    tmp_path: Path, database_url: str
) -> None:
    world, alpha, beta = read_back(tmp_path, database_url)

    def reshape(write: Write) -> None:
        row = alpha.of("people", write.key or "")
        row["tags"] = sorted(tag.upper() for tag in row["tags"])

    alpha.after = reshape
    beta.put("people", "1", tags=["vip", "Lead", "alpha"])
    settle_down(world)

    assert alpha.of("people", "1")["tags"] == ["ALPHA", "LEAD", "VIP"]
    assert beta.of("people", "1")["tags"] == ["vip", "Lead", "alpha"]


def test_what_a_vendor_does_not_keep_more_exactly_is_written_once(tmp_path: Path, database_url: str) -> None:
    """What stood there before is what it makes of the new one: that had been sent with every run, for ever."""
    world, alpha, beta = read_back(tmp_path, database_url)
    beta.put("people", "1", title="7")
    settle_down(world)
    sent: list[Write] = []

    def reshape(write: Write) -> None:
        alpha.of("people", write.key or "")["title"] = "7"
        sent.append(write)

    alpha.after = reshape
    beta.put("people", "1", title="7.25")
    for _ in range(4):
        world.clock.forward(seconds=900)
        alpha.now = beta.now = world.clock()
        world.sync()

    assert len(sent) == 1
    assert (alpha.of("people", "1")["title"], beta.of("people", "1")["title"]) == ("7", "7.25")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        pytest.param("7.25", "6", id="another-number"),
        pytest.param("7", "7.25", id="more-exact"),
        pytest.param("12", "1", id="other-digits"),
        pytest.param("Иван", "Пётр", id="another-name"),
        pytest.param("Иван", "Ivan", id="another-alphabet"),
        pytest.param("Head", "Head?", id="a-question"),
        pytest.param("2026-11-22T10:11:12Z", "2026-11-22T10:12:00Z", id="another-minute"),
    ],
)
def test_what_no_vendor_makes_of_it_is_an_edit(tmp_path: Path, database_url: str, sent: str, shown: str) -> None:
    world, alpha, beta = read_back(tmp_path, database_url)

    def race(write: Write) -> None:
        alpha.after = None
        alpha.put("people", write.key or "", title=shown)

    alpha.after = race
    beta.put("people", "1", title=sent)
    settle_down(world)

    assert (alpha.of("people", "1")["title"], beta.of("people", "1")["title"]) == (shown, shown)


def test_what_is_no_form_of_what_was_written_is_an_edit(tmp_path: Path, database_url: str) -> None:
    world, alpha, beta = read_back(tmp_path, database_url)

    def race(write: Write) -> None:
        alpha.after = None
        alpha.put("people", write.key or "", title="Head")

    alpha.after = race
    beta.put("people", "1", title="Head of Purchasing and Logistics")
    settle_down(world)

    assert (alpha.of("people", "1")["title"], beta.of("people", "1")["title"]) == ("Head", "Head")
