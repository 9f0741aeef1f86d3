"""What a vendor's fields become while the hub is at work: a field that is gone pauses itself and nothing else."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.sdk.contract import Page, Window
from crosswalk.problems import ProblemsError
from tests.crosswalk.engine.test_rounds import settle_down, two
from tests.hub import World
from tests.memory.connector import SPEC, MemoryConnector, Remote

BETA = "people: {write: [update]}"


@pytest.fixture(params=["absent", "cleared"])
def world(request: pytest.FixtureRequest, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two systems that agree. `cleared`: a key that a row lacks means that nothing stands there."""
    specs = {**MemoryConnector.streams, "people": replace(SPEC, missing_means=request.param)}
    monkeypatch.setattr(MemoryConnector, "streams", specs)
    world = two(tmp_path, database_url)
    text = (tmp_path / "crosswalk.yaml").read_text().replace("on_foreign", "allow_clear: [alpha, beta], on_foreign")
    (tmp_path / "crosswalk.yaml").write_text(text)
    for name in ("alpha", "beta"):
        world.remote(name).put(
            "people", "1", name="Ada Byron", email="ada@a.test", title="Countess", phone="+49895550177", tags=["vip"]
        )
    settle_down(world)
    return world


def lose(remote: Remote, *names: str) -> None:
    """The account drops fields; the records' stamps move, as they do where a layout is changed."""
    remote.gone["people"] = set(names)
    remote.put("people", "1")


def codes(answer: dict[str, Any]) -> list[str]:
    """Besides that of creates without a unique key, which these files ask for."""
    return [one["code"] for one in answer["problems"] if one["code"] != "CW118"]


def test_a_field_that_is_gone_is_paused_and_the_stream_goes_on(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    lose(beta, "title")
    alpha.put("people", "1", phone="+49895550166")
    before = len(beta.log)

    answer = world.sync()

    assert codes(answer) == ["CW305"]
    assert "title" in answer["problems"][-1]["text"]
    assert answer["problems"][-1]["stream"] == "beta/people"
    assert (answer["exit_code"], beta.of("people", "1")["phone"]) == (0, "+49895550166")
    assert alpha.of("people", "1")["title"] == "Countess"  # what is gone there is no clear
    assert beta.log[before:] == [("update", "people", "1", {"phone": "+49895550166"})]
    settle_down(world)


def test_what_happened_meanwhile_is_written_once_the_field_is_back(world: World) -> None:
    alpha, beta = world.remote("alpha"), world.remote("beta")
    lose(beta, "title")
    world.sync()
    alpha.put("people", "1", title="Analyst")
    assert world.sync()["totals"]["written"] == 0

    beta.gone.clear()
    beta.put("people", "1")
    answer = world.sync()

    assert codes(answer) == []
    assert (answer["totals"]["waiting"], beta.of("people", "1")["title"]) == (0, "Analyst")
    settle_down(world)


@pytest.mark.parametrize("edited", ["with-it", "later"])
@pytest.mark.parametrize("closing", ["hidden", "read-only"])
def test_an_edit_elsewhere_stands_while_the_first_master_has_the_field_closed(
    world: World, monkeypatch: pytest.MonkeyPatch, closing: str, edited: str
) -> None:
    """The value that the master still shows is an old one, then and when it may be written again."""
    alpha, beta = world.remote("alpha"), world.remote("beta")
    with monkeypatch.context() as closed:
        if closing == "hidden":
            lose(alpha, "title")
        else:
            fields = MemoryConnector.fields
            closed.setattr(
                MemoryConnector,
                "fields",
                lambda self, stream: [
                    replace(one, write=one.write and (one.name != "title" or self._remote is beta))
                    for one in fields(self, stream)
                ],
            )
        if edited == "later":
            settle_down(world)
        beta.put("people", "1", title="Analyst")
        settle_down(world)
        assert (alpha.of("people", "1")["title"], beta.of("people", "1")["title"]) == ("Countess", "Analyst")

    alpha.gone.clear()
    alpha.put("people", "1")
    world.sync()

    assert (alpha.of("people", "1")["title"], beta.of("people", "1")["title"]) == ("Analyst", "Analyst")
    settle_down(world)


def test_a_list_of_which_one_place_is_gone_is_left_as_it_is(tmp_path: Path, database_url: str) -> None:
    world = two(tmp_path, database_url)
    file = tmp_path / "crosswalk.yaml"
    text = file.read_text().replace("on_foreign", "allow_clear: [alpha, beta], on_foreign")
    file.write_text(text.replace(BETA, f"{BETA[:-1]}, mapping: {{'phones[mobile]': site | phone}}}}"))
    alpha, beta = world.remote("alpha"), world.remote("beta")
    alpha.put("people", "1", name="Ada Byron", email="ada@a.test", phone="+49895550177")
    beta.put("people", "1", name="Ada Byron", email="ada@a.test", phone="+49895550177", site="+4915155501660")
    settle_down(world)

    lose(beta, "site")
    answer = world.sync()

    assert codes(answer) == ["CW305"]
    with world.open() as hub:
        told = hub.explain("ada@a.test", field="phones")
    assert "+4915155501660" in str(told["fields"])
    settle_down(world)


def test_a_field_that_the_file_itself_names_wrongly_is_the_files_fault(world: World) -> None:
    file = world.folder / "crosswalk.yaml"
    file.write_text(file.read_text().replace(BETA, f"{BETA[:-1]}, mapping: {{job_title: titel}}}}"))

    with pytest.raises(ProblemsError, match="CW106"):
        world.sync()


def test_an_option_that_is_gone_pauses_the_field_whose_line_names_it(tmp_path: Path, database_url: str) -> None:
    world = two(tmp_path, database_url)
    file = tmp_path / "crosswalk.yaml"
    line = "custom.tier: {field: tags, values: {gold: a, silver: b}}"
    file.write_text(file.read_text().replace(BETA, f"{BETA[:-1]}, mapping: {{{line}, tags: null}}}}"))
    beta = world.remote("beta")
    beta.options = (("g", "gold"), ("s", "silver"))
    beta.put("people", "1", name="Ada Byron", email="ada@a.test", tags="gold")
    settle_down(world)

    beta.options = (("g", "gold"),)
    answer = world.sync()

    assert codes(answer) == ["CW305"]
    assert "silver" in answer["problems"][-1]["text"]
    settle_down(world)


def test_check_tells_what_is_not_as_it_was(world: World) -> None:
    lose(world.remote("beta"), "title", "site")

    with world.open(looked=False) as hub:
        told = hub.check(["beta"])
        again = hub.check(["beta"])

    (people,) = [one for one in told["connections"][0]["streams"] if one["name"] == "people"]
    assert {(one["field"], one["what"]) for one in people["changes"]} == {("title", "removed"), ("site", "removed")}
    assert (people["state"], codes(told)) == ("ok", ["CW305"])
    (people,) = [one for one in again["connections"][0]["streams"] if one["name"] == "people"]
    assert people["changes"] == [] or {one["what"] for one in people["changes"]} == {"removed"}
    assert codes(again) == ["CW305"]


def test_check_asks_for_the_newest_record_again_by_its_stamp(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with world.open() as hub:
        assert "CW309" not in codes(hub.check(["beta"]))
    pull = MemoryConnector.pull

    def an_hour_off(self: MemoryConnector, stream: str, window: Window) -> Iterator[Page]:
        since = None if window.since is None else window.since + timedelta(hours=1)
        return pull(self, stream, replace(window, since=since))

    monkeypatch.setattr(MemoryConnector, "pull", an_hour_off)
    with world.open() as hub:
        told = hub.check(["beta"])

    assert [one["stream"] for one in told["problems"] if one["code"] == "CW309"] == ["beta/people"]
    assert told["exit_code"] == 1


def test_check_tells_of_lines_that_nothing_fills(tmp_path: Path, database_url: str) -> None:
    world = two(tmp_path, database_url)
    file = tmp_path / "crosswalk.yaml"
    lines = "{owner.name: site, company.website: hub}"
    file.write_text(file.read_text().replace(BETA, f"{BETA[:-1]}, mapping: {lines}}}"))

    with world.open() as hub:
        told = hub.check(["beta"])

    unfilled = [one for one in told["problems"] if one["code"] == "CW121"]
    assert [(one["severity"], one["text"].split()[0]) for one in unfilled] == [("warning", "owner.name")]
    assert unfilled[0]["line"] is not None
