"""A question that somebody deletes from a survey of Qualtrics after it has been answered."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from crosswalk.engine.run import held_of
from tests.chaos.inside import answered_by
from tests.crosswalk.changing import Changing

STREAMS: Final = {
    "salesforce": """
    streams:
      contacts: {write: [update], mapping: {cx.nps.score: CX_NPS_Score__c}}""",
    "qualtrics": """
    streams:
      responses:""",
}


class Answered:
    """Somebody who has answered, and their score in Salesforce."""

    def __init__(self, world: Changing) -> None:
        self.world = world
        self.there = world.there["qualtrics"]
        self.contact = world.edit("salesforce", "contacts", None, LastName="Zed", Email="zed@a.test")
        survey = next(iter(self.there.surveys))
        self.survey = self.there.surveys[survey]
        values = {"QID1": 8, "QID1_NPS_GROUP": 2, "QID2_TEXT": "fine", "recipientEmail": "zed@a.test"}
        self.response = world.edit("qualtrics", "responses", None, survey=survey, values=values)

    def delete(self, question: str, *, answers: bool) -> None:
        """The survey counts as edited then, as it does there. `answers`: its answers go along."""
        self.survey.renamed[question] = None
        if answers:
            self.take_back(question)
        self.survey.modified = self.world.clock().isoformat()[:19] + "Z"

    def take_back(self, question: str) -> None:
        table = self.there.responses[self.survey.id].table
        row = table.get(self.response)
        kept = {name: value for name, value in row["values"].items() if not name.startswith(question)}
        table.put(self.response, {**row, "values": kept})

    @property
    def score(self) -> Any:
        return self.world.there["salesforce"].org.record(self.contact)["CX_NPS_Score__c"]


@pytest.fixture
def answered(tmp_path: Path, database_url: str) -> Iterator[Answered]:
    world = Changing(tmp_path, database_url, STREAMS)
    with answered_by(world.vendors.answer):
        world.sync()
        made = Answered(world)
        world.sync(2)
        assert made.score == 8
        yield made


def held(answered: Answered) -> dict[str, Any]:
    """What the store has of the response, by hub field."""
    with answered.world.open() as hub:
        return held_of(hub.house, hub.house.streams["qualtrics/responses"], answered.response)


@pytest.mark.parametrize("answers", [False, True], ids=["answers-stay", "answers-go"])
@pytest.mark.parametrize("question", ["QID1", "QID2"])
@pytest.mark.parametrize("how", ["response", "stream", "audit"])
def test_what_was_answered_stands(answered: Answered, how: str, question: str, answers: bool) -> None:
    before = held(answered)
    answered.delete(question, answers=answers)
    answered.world.sleep(1200)

    with answered.world.open() as hub:
        if how == "audit":
            told = hub.audit(["qualtrics"])
            assert not [one for one in told["differences"] if one["record"].endswith(answered.response)]
        else:
            record = f"/{answered.response}" if how == "response" else ""
            hub.resync(f"qualtrics/responses{record}")
    answered.world.sync(2)

    assert (held(answered), answered.score) == (before, 8)


def test_an_answer_that_somebody_takes_back_is_taken_back(answered: Answered) -> None:
    answered.take_back("QID2")
    answered.delete("QID1", answers=True)

    with answered.world.open() as hub:
        hub.resync(f"qualtrics/responses/{answered.response}")

    assert [one["question"] for one in held(answered)["answers"]] == ["QID1"]
