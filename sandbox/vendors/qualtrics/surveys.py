"""The surveys of the simulated brand: what they ask, and how a questionnaire is shown in its two views.

`survey-definitions` is what the editor sees; `surveys` is what runs. Questions are told apart by QID, which stays when
a text or an export tag changes. A choice is exported by its recode value, which need not be its number.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from sandbox.ids import token
from sandbox.web import Json
from sandbox.world import World

BRAND: Final = "nordlicht"
OWNER: Final = "UR_3fJqKxZ8mWvB2nH"

Kind = Literal["relationship", "support", "study"]


@dataclass(slots=True, kw_only=True)
class Survey:
    """`questions` by QID as the editor sees them. `hidden`: tags of questions that somebody took out (None) or
    renamed since."""

    id: str
    kind: Kind
    name: str
    active: bool
    created: str
    modified: str
    questions: dict[str, Json]
    embedded: tuple[str, ...]
    renamed: dict[str, str | None] = field(default_factory=dict)
    response_set: str = "RS_4tB7nQ1xVwZ9kLe"

    def shown(self) -> dict[str, Json]:
        """The questions as they stand now."""
        return {
            qid: {**question, "DataExportTag": self.renamed.get(qid) or question["DataExportTag"]}
            for qid, question in self.questions.items()
            if self.renamed.get(qid, "") is not None
        }

    def summary(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "ownerId": OWNER,
            "lastModified": self.modified,
            "creationDate": self.created,
            "isActive": self.active,
        }

    def definition(self) -> Json:
        """`GET /survey-definitions/{id}`."""
        block = f"BL_{token(15, self.id, 'block')}"
        return {
            "BrandBaseURL": "https://nordlicht.test",
            "BrandID": BRAND,
            "Blocks": {
                block: {
                    "BlockElements": [{"QuestionID": qid, "Type": "Question"} for qid in self.shown()],
                    "Description": "Default Question Block",
                    "ID": block,
                    "Type": "Default",
                }
            },
            "CreatorID": OWNER,
            "LastAccessed": None,
            "LastActivated": self.modified,
            "LastModified": self.modified,
            "OwnerID": OWNER,
            "ProjectInfo": {"ProjectCategory": "CORE", "ProjectType": "CoreSurvey", "SurveyID": self.id},
            "QuestionCount": str(len(self.shown())),
            "Questions": {qid: {**question, "QuestionID": qid} for qid, question in self.shown().items()},
            "ResponseSets": {self.response_set: "Default Response Set"},
            "SurveyFlow": self.flow(block),
            "SurveyID": self.id,
            "SurveyName": self.name,
            "SurveyOptions": {
                "ActiveResponseSet": self.response_set,
                "AnonymizeResponse": "No",
                "AvailableLanguages": {"EN": []},
                "PartialData": "+1 week",
                "SurveyLanguage": "EN",
                "SurveyTitle": self.name,
            },
            "SurveyStatus": "Active" if self.active else "Inactive",
        }

    def flow(self, block: str) -> Json:
        carried = [
            {"Description": name, "Field": name, "Type": "Recipient", "Value": "", "VariableType": "String"}
            for name in self.embedded
        ]
        return {
            "Flow": [
                {"EmbeddedData": carried, "FlowID": "FL_2", "Type": "EmbeddedData"},
                {"FlowID": "FL_3", "ID": block, "Type": "Standard"},
            ],
            "FlowID": "FL_1",
            "Properties": {"Count": 3, "RemovedFieldsets": []},
            "Type": "Root",
        }

    def running(self, counts: Json) -> Json:
        """`GET /surveys/{id}`."""
        return {
            **self.summary(),
            "organizationId": BRAND,
            "lastModifiedDate": self.modified,
            "expiration": {"startDate": None, "endDate": None},
            "questions": {qid: _running(question) for qid, question in self.shown().items()},
            "exportColumnMap": {
                column.tag: {"question": qid, "textEntry": column.tag} if column.text else {"question": qid}
                for qid, question in self.shown().items()
                for column in columns(qid, question)
            },
            "blocks": {},
            "flow": [],
            "embeddedData": [{"name": name} for name in self.embedded],
            "comments": {},
            "loopAndMerge": {},
            "responseCounts": counts,
        }


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an export. `key`: its name among the values of a response; `tag`: in a CSV's first row."""

    key: str
    tag: str
    text: bool = False
    head: str = ""


def columns(qid: str, question: Json) -> Iterator[Column]:
    """The columns that a question gives."""
    tag, asked = question["DataExportTag"], question["QuestionText"]
    kind, selector = question["QuestionType"], question["Selector"]
    if kind == "DB":
        return
    if kind == "MC":
        if selector == "NPS":
            yield Column(f"{qid}_NPS_GROUP", f"{tag}_NPS_GROUP", head=f"{asked} - Group")
        yield Column(qid, tag, head=asked)
        for number, choice in question["Choices"].items():
            if choice.get("TextEntry") == "true":
                yield Column(f"{qid}_{number}_TEXT", f"{tag}_{number}_TEXT", True, f"{asked} - {choice['Display']}")
    elif kind == "TE" and selector != "FORM":
        yield Column(f"{qid}_TEXT", tag, True, asked)
    else:
        text = kind == "TE"
        for number, choice in question["Choices"].items():
            yield Column(f"{qid}_{number}", f"{tag}_{number}", text, f"{asked} - {choice['Display']}")


def recode(question: Json, number: str) -> str:
    """What a choice is exported as."""
    return str(question.get("RecodeValues", {}).get(number, number))


def answers_of(question: Json) -> Mapping[str, Json]:
    """What one may pick: the answers of a matrix, the choices of everything else."""
    picked: Mapping[str, Json] = question.get("Answers") or question["Choices"]
    return picked


def _running(question: Json) -> Json:
    shown = {
        "questionType": {
            "type": question["QuestionType"],
            "selector": question["Selector"],
            "subSelector": question.get("SubSelector"),
        },
        "questionText": question["QuestionText"],
        "questionLabel": None,
        "questionName": question["DataExportTag"],
        "validation": {"doesForceResponse": question["Validation"]["Settings"]["ForceResponse"] == "ON"},
    }
    if "Choices" in question:
        shown["choices"] = {
            number: {
                "recode": recode(question, number) if "Answers" not in question else number,
                "description": choice["Display"],
                "choiceText": choice["Display"],
                "imageDescription": None,
                "variableName": None,
                "analyze": True,
            }
            for number, choice in question["Choices"].items()
        }
    return shown


def _question(
    kind: str,
    selector: str,
    tag: str,
    text: str,
    choices: Sequence[str] | Mapping[str, str] = (),
    *,
    sub: str | None = None,
    recodes: Mapping[str, str] | None = None,
    answers: Sequence[str] = (),
    other: str | None = None,
    forced: bool = False,
) -> Json:
    labels = choices if isinstance(choices, Mapping) else {str(n): label for n, label in enumerate(choices, start=1)}
    question: dict[str, Json] = {
        "QuestionText": text,
        "DataExportTag": tag,
        "QuestionType": kind,
        "Selector": selector,
        "QuestionDescription": text,
        "Configuration": {"QuestionDescriptionOption": "UseText"},
        "Validation": {"Settings": {"ForceResponse": "ON" if forced else "OFF", "Type": "None"}},
        "Language": [],
    }
    if sub is not None:
        question["SubSelector"] = sub
    if labels:
        question["Choices"] = {number: {"Display": label} for number, label in labels.items()}
        question["ChoiceOrder"] = list(labels)
    if other is not None:
        question["Choices"][other]["TextEntry"] = "true"
    if answers:
        question["Answers"] = {str(n): {"Display": label} for n, label in enumerate(answers, start=1)}
        question["AnswerOrder"] = list(question["Answers"])
    if recodes is not None:
        question["RecodeValues"] = dict(recodes)
    return question


_AGREE: Final = (
    "Strongly disagree", "Disagree", "Somewhat disagree", "Neither", "Somewhat agree", "Agree", "Strongly agree",
)  # fmt: skip
# (name, is it running, what it carries, its questions)
_ASKED: Final[Mapping[Kind, tuple[str, bool, tuple[str, ...], Mapping[str, Json]]]] = {
    "relationship": (
        "Relationship NPS (Qualtrics)",
        True,
        ("contact_id", "account_id", "segment"),
        {
            "QID1": _question(
                "MC",
                "NPS",
                "nps",
                "How likely are you to recommend us to a colleague?",
                {str(n): str(n) for n in range(11)},
                sub="TX",
                forced=True,
            ),
            "QID2": _question("TE", "ESTB", "why", "What is the main reason for your score?"),
            "QID3": _question("MC", "SAVR", "call", "May we call you about it?", ("Yes", "No"), sub="TX"),
            "QID4": _question("TE", "FORM", "who", "How do we reach you?", ("Name", "E-mail")),
        },
    ),
    "support": (
        "Support: how did we do? 🛠 / 2026",
        True,
        ("ticket_id", "contact_id"),
        {
            # The best answer stands first and is its number 1: only the recode value says that it is a five.
            "QID1": _question(
                "MC",
                "SAVR",
                "csat",
                "How satisfied are you with our answer?",
                ("Very satisfied", "Satisfied", "Neither", "Dissatisfied", "Very dissatisfied"),
                sub="TX",
                recodes={"1": "5", "2": "4", "3": "3", "4": "2", "5": "1"},
                forced=True,
            ),
            "QID2": _question(
                "Matrix",
                "Likert",
                "ease",
                "How far do you agree?",
                ("It was easy to get my problem solved", "I was kept up to date"),
                sub="SingleAnswer",
                answers=_AGREE,
            ),
            "QID4": _question(
                "MC",
                "MAVR",
                "topics",
                "What was it about?",
                ("Invoice", "Delivery", "Product", "Something else"),
                sub="TX",
                other="4",
            ),
            "QID5": _question("TE", "SL", "remark", "Anything else?"),
        },
    ),
    "study": (
        "Customer study (closed)",
        False,
        ("contact_id",),
        {
            "QID1": _question("DB", "TB", "welcome", "Twenty minutes, and a voucher at the end."),
            "QID2": _question(
                "MC", "SAHR", "quality", "Quality", ("1", "2", "3", "4", "5"), sub="TX",
                recodes={"1": "1", "2": "2", "3": "3", "4": "4", "5": "5"},
            ),
            "QID3": _question("RO", "DND", "rank", "Rank these", ("Price", "Speed", "Service"), sub="TX"),
            "QID4": _question("Slider", "HSLIDER", "trust", "I trust them", ("Trust",)),
        },
    ),
}  # fmt: skip


def surveys(world: World) -> list[Survey]:
    """The brand's surveys. Their ids differ from seed to seed."""
    return [
        Survey(
            id=f"SV_{token(15, world.seed, 'qualtrics survey', kind)}",
            kind=kind,
            name=name,
            active=active,
            created=f"2024-0{nth + 2}-11T09:00:00Z",
            modified=f"2026-0{nth + 6}-01T00:00:00Z",
            questions=dict(questions),
            embedded=embedded,
        )
        for nth, (kind, (name, active, embedded, questions)) in enumerate(_ASKED.items())
    ]
