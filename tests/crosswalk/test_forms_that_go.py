"""A form that somebody deletes at Typeform while its responses are read."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from connectors.typeform import connector
from sandbox.vendors.typeform.answers import refused
from sandbox.web import Answer, Call
from tests.chaos.inside import answered_by
from tests.crosswalk.changing import Changing

STREAMS: Final = {"typeform": "    streams: {responses: }"}
PAGE: Final = 2


class Forms:
    """A hub that reads the responses of all forms, few at a time."""

    def __init__(self, world: Changing) -> None:
        self.world = world
        self.there = world.there["typeform"]
        self.form = max(self.there.forms, key=lambda form: len(self.there.responses[form].table))
        self.kept: tuple[Any, Any] = (self.there.forms[self.form], self.there.responses[self.form])
        self.calls = 0

    def delete(self) -> None:
        del self.there.forms[self.form], self.there.responses[self.form]

    def bring_back(self) -> None:
        self.there.forms[self.form], self.there.responses[self.form] = self.kept
        self.world.vendors.before = lambda _vendor, _call: None

    def delete_before_page(self, number: int) -> None:
        """Once its responses are asked for so often."""

        def before(_vendor: str, call: Call) -> None:
            if call.path == f"/forms/{self.form}/responses":
                self.calls += 1
                if self.calls == number:
                    self.delete()

        self.world.vendors.before = before

    def held(self, *, of: bool) -> int:
        """Live records of this form, or of the others."""
        with self.world.open() as hub, hub._database.read() as connection:
            keys = {
                row[0]
                for row in hub._database.run(
                    connection,
                    "SELECT r.rkey FROM record r JOIN stream s ON s.id = r.stream "
                    "WHERE s.name = 'responses' AND r.state = 0",
                ).fetchall()
            }
        mine = {str(one["response_id"]) for one in self.kept[1].table}
        return len(keys & mine if of else keys - mine)

    @property
    def all_of_it(self) -> int:
        return sum(1 for one in self.kept[1].table if one.get("response_type", "completed") == "completed")


def codes(ran: dict[str, Any]) -> list[str]:
    return [one["code"] for one in ran["problems"]]


@pytest.fixture
def forms(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forms]:
    monkeypatch.setattr(connector, "RESPONSES_PAGE", PAGE)
    world = Changing(tmp_path, database_url, STREAMS)
    with answered_by(world.vendors.answer):
        yield Forms(world)


def test_what_came_stands_the_others_go_on_and_it_is_told(forms: Forms) -> None:
    forms.delete_before_page(2)

    ran = forms.world.sync()

    assert (codes(ran), forms.form in ran["problems"][0]["text"]) == (["CW313"], True)
    assert (forms.held(of=True), forms.held(of=False) > 0, ran["exit_code"]) == (PAGE, True, 0)
    assert "CW313" not in codes(forms.world.sync())


def test_one_that_comes_back_is_read_to_its_end(forms: Forms) -> None:
    forms.delete_before_page(2)
    forms.world.sync()

    forms.bring_back()
    ran = forms.world.sync(4)

    assert (codes(ran), forms.held(of=True)) == ([], forms.all_of_it)


def test_what_was_answered_after_it_came_back_is_read_too(forms: Forms) -> None:
    forms.delete_before_page(2)
    forms.world.sync()
    forms.bring_back()
    forms.world.sync()

    forms.world.edit("typeform", "responses", None, form=forms.form, answers={}, hidden={})
    forms.world.sync(4)

    assert forms.held(of=True) == forms.all_of_it


@pytest.mark.parametrize("page", [1, 2], ids=["at-once", "in-the-middle"])
def test_a_sweep_takes_nothing_for_gone_while_the_form_is_there(
    forms: Forms, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """A path that answers 404 for a moment is no word on what it holds."""
    forms.world.sync(3)
    answered: Callable[[Call, str], Answer] = forms.there._list_responses
    asked = 0

    def refusing(call: Call, form: str) -> Answer:
        nonlocal asked
        if form != forms.form or "since" in call.query:
            return answered(call, form)
        asked += 1
        return answered(call, form) if asked < page else refused(404, "FORM_NOT_FOUND", "Non existing form").answer

    monkeypatch.setattr(forms.there, "_list_responses", refusing)
    forms.world.sleep(25 * 3600)
    ran = forms.world.sync()

    assert asked == page
    assert (codes(ran), ran["exit_code"]) == (["CW307"], 1)
    assert forms.held(of=True) == forms.all_of_it
