"""The responses of a survey, and how an answer of the world's people is written down in one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, Literal

from sandbox.ids import token
from sandbox.people import Person
from sandbox.state import Record, Table
from sandbox.vendors.qualtrics.surveys import Kind, Survey, answers_of, columns, recode
from sandbox.web import Json
from sandbox.world import COMMENTS, MARA, RAHIM, World

# An unfinished response is recorded when its session runs out.
SESSION: Final = timedelta(days=7)
NORMAL, PREVIEW, TEST, IMPORTED, SPAM, OFFLINE = 0, 1, 2, 4, 8, 16
METADATA: Final = (
    "startDate", "endDate", "status", "ipAddress", "progress", "duration", "finished", "recordedDate", "_recordId",
    "recipientLastName", "recipientFirstName", "recipientEmail", "externalDataReference", "locationLatitude",
    "locationLongitude", "distributionChannel", "userLanguage",
)  # fmt: skip

Values = dict[str, Json]


class Responses:
    """Those of one survey: recorded ones, and sessions that are still open.

    Beside what the API shows a record holds names that begin with `_`: `_shown`, since when others see it.
    """

    def __init__(self) -> None:
        self.table: Table[str] = Table(
            {"recorded": lambda record: record["values"]["recordedDate"], "shown": lambda record: record["_shown"]}
        )
        self.open: dict[str, Record] = {}
        self.deleted = 0

    def put(self, record: Record, *, shown: datetime) -> None:
        self.table.put(record["responseId"], {**record, "_shown": stamp(shown)})

    def drop(self, key: str) -> None:
        self.table.drop(key)
        self.deleted += 1

    def visible(self, now: datetime) -> Iterator[Record]:
        """In the order in which they were recorded."""
        until = stamp(now)
        return (record for record in self.table.walk("recorded") if record["_shown"] <= until)

    def get(self, key: str, now: datetime) -> Record | None:
        record = self.table.get(key)
        return record if record is not None and record["_shown"] <= stamp(now) else None

    def counts(self, now: datetime) -> Json:
        generated = sum(record["values"]["status"] == TEST for record in self.visible(now))
        auditable = sum(1 for _ in self.visible(now)) - generated
        return {"auditable": auditable, "generated": generated, "deleted": self.deleted}


def stamp(at: datetime) -> str:
    """To the millisecond, as the API has it."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def second(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def record(key: str, survey: Survey, values: Values) -> Record:
    """A response in full: with the labels of what was picked, and what there was to pick from."""
    labels: dict[str, Json] = {
        "status": _STATUSES.get(values.get("status"), ""),
        "finished": str(bool(values["finished"])),
    }
    displayed: list[str] = []
    choices: dict[str, Json] = {}
    for qid, question in survey.questions.items():
        names = [column.key for column in columns(qid, question)]
        displayed += [name for name in names if not name.endswith("_NPS_GROUP")]
        if question["QuestionType"] not in ("MC", "Matrix"):
            continue
        offered = {recode(question, number): answer["Display"] for number, answer in answers_of(question).items()}
        for name in names:
            if name in values and not name.endswith("_TEXT"):
                group = name.endswith("_NPS_GROUP")
                labels[name] = _GROUPS[values[name]] if group else _labelled(values[name], offered)
            if not name.endswith(("_NPS_GROUP", "_TEXT")):
                choices[name] = [int(code) if code.isdecimal() else code for code in offered]
    return {
        "responseId": key,
        "values": values,
        "labels": labels,
        "displayedFields": displayed,
        "displayedValues": choices,
    }


_STATUSES: Final[Mapping[Json, str]] = {
    NORMAL: "IP Address", PREVIEW: "Survey Preview", TEST: "Survey Test", IMPORTED: "Imported", SPAM: "Spam",
    OFFLINE: "Offline",
}  # fmt: skip
_GROUPS: Final[Mapping[Json, str]] = {1: "Detractor", 2: "Passive", 3: "Promoter"}


def _labelled(value: Json, offered: Mapping[str, str]) -> Json:
    if isinstance(value, list):
        return [offered.get(str(one), str(one)) for one in value]
    return offered.get(str(value), str(value))


def nps(score: int) -> Values:
    """The two columns of an NPS question."""
    return {"QID1": score, "QID1_NPS_GROUP": 3 if score >= 9 else 2 if score >= 7 else 1}


# -- what the world's people say here --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One person, or a passer-by, answers one survey. `state`: finished, given up, or still open."""

    kind: Kind
    person: Person | None
    started: datetime
    seconds: int
    state: Literal["finished", "given up", "open"]
    status: int
    channel: str
    score: int
    comment: str | None


def told(world: World) -> Sequence[Said]:
    """Every answer, in order of time. Mara's here is an old one: what she says last she says elsewhere."""
    rng = world.draw("qualtrics", "told")
    shares: Mapping[Kind, float] = {"relationship": 0.3, "support": 0.2, "study": 0.05}
    found = []
    for kind, share in shares.items():
        for person in world.people:
            if person.number not in (MARA, RAHIM) and rng.random() < share:
                found += [_said(rng, kind, person, world.anchor) for _ in range(2 if rng.random() < 0.15 else 1)]
        found += [_said(rng, kind, None, world.anchor) for _ in range(max(1, int(world.size * share * 0.05)))]
        if kind != "study":
            # Somebody is always in the middle of it.
            found += [_said(rng, kind, None, world.anchor, fresh=True) for _ in range(max(2, world.size // 1000))]
    for number, score, days in ((MARA, 7, 214), (RAHIM, 9, 31)):
        at = world.anchor - timedelta(days=days, hours=3)
        found.append(
            Said(
                kind="relationship", person=world.people[number], started=at, seconds=140, state="finished",
                status=NORMAL, channel="email", score=score, comment="Fast and friendly." if score > 8 else None,
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: (one.started, one.kind, one.score))


def _said(rng: Random, kind: Kind, person: Person | None, anchor: datetime, *, fresh: bool = False) -> Said:
    state: Literal["finished", "given up", "open"] = "finished"
    # The study has been over for months; the others go on.
    since = anchor - timedelta(days=150) if kind == "study" else anchor
    started = since - timedelta(seconds=rng.randrange(3600, 86400 if fresh else 400 * 86400))
    if fresh or rng.random() < 0.08:
        state = "given up" if since - started > SESSION else "open"
    status = rng.choices((NORMAL, PREVIEW, TEST, IMPORTED, SPAM, OFFLINE), (93, 2, 1, 2, 1, 1))[0]
    likes = person.likes if person else rng.random()
    score = min(10, max(0, round(likes * 10 + rng.gauss(0, 1.3))))
    mood = "gladly" if score >= 9 else "so so" if score >= 7 else "not"
    channel = "anonymous" if person is None else rng.choices(("email", "anonymous", "gl", "qr"), (70, 20, 7, 3))[0]
    return Said(
        kind=kind, person=None if status in (PREVIEW, TEST) else person, started=started.replace(microsecond=0),
        seconds=rng.randrange(20, 900), state=state, status=status,
        channel="preview" if status == PREVIEW else channel, score=score,
        comment=rng.choice(COMMENTS[mood]) if rng.random() < 0.7 else None,
    )  # fmt: skip


def written(world: World, survey: Survey, said: Said, nth: int, contact: Record | None) -> tuple[Record, datetime]:
    """One answer as a response of its survey, and when it was recorded. `contact`: in the directory, if the link was
    sent to it."""
    rng = world.draw("qualtrics", survey.kind, nth)
    answered = {} if said.state == "open" and rng.random() < 0.5 else _WRITERS[survey.kind](said, rng)
    if said.state != "finished":
        answered = dict(list(answered.items())[: 2 if survey.kind == "relationship" else 1])
    ended = said.started + timedelta(seconds=said.seconds)
    finished = said.state == "finished"
    recorded = ended + timedelta(seconds=1, milliseconds=rng.randrange(1000)) if finished else said.started + SESSION
    prefix = "FS" if said.state == "open" else "R"
    key = f"{prefix}_{token(15, world.seed, survey.id, 'response', nth)}"
    values: Values = {
        "startDate": second(said.started),
        "endDate": second(ended),
        "status": said.status,
        "ipAddress": f"203.0.113.{rng.randrange(1, 255)}",
        "progress": 100 if finished else rng.randrange(10, 90),
        "duration": said.seconds,
        "finished": int(finished),
        "recordedDate": stamp(recorded),
        "_recordId": key,
        "locationLatitude": f"{rng.randrange(30, 60)}.{rng.randrange(1000):03}",
        "locationLongitude": f"{rng.randrange(0, 40)}.{rng.randrange(1000):03}",
        "distributionChannel": said.channel,
        "userLanguage": "EN" if said.person is None else said.person.culture.language.upper(),
        **answered,
        **_carried(world, survey, said, rng, contact),
    }
    return record(key, survey, values), recorded


def _carried(world: World, survey: Survey, said: Said, rng: Random, contact: Record | None) -> Values:
    """Who it was: of a link that was sent to a contact the contact as it was then, of another one what stood in it."""
    person = said.person
    if person is None:
        return {}
    if said.channel in ("email", "gl") and contact is not None:
        embedded = {name: value for name, value in contact["embeddedData"].items() if name in survey.embedded}
        known: Values = {
            "recipientFirstName": contact["firstName"],
            "recipientLastName": contact["lastName"],
            "recipientEmail": contact["email"],
            "externalDataReference": contact["extRef"],
            "contactId": contact["contactId"],
        }
        carried = {name: value for name, value in known.items() if value}
        return {**carried, **embedded, **_of_case(survey, rng)}
    crm_id = world.crm_id(person)
    found: Values = {}
    if crm_id is not None and rng.random() < 0.6:
        found["contact_id"] = str(crm_id)
    return {**found, **_of_case(survey, rng)}


def _of_case(survey: Survey, rng: Random) -> Values:
    return {"ticket_id": f"T-{rng.randrange(10000, 99999)}"} if survey.kind == "support" else {}


def _relationship(said: Said, rng: Random) -> Values:
    values = nps(said.score)
    if said.comment:
        values["QID2_TEXT"] = said.comment
    if rng.random() < 0.8:
        willing = rng.random() < 0.35
        values["QID3"] = 1 if willing else 2
        if willing and said.person is not None:
            values["QID4_1"] = said.person.full()
            values["QID4_2"] = said.person.work_email or said.person.private_email
    return values


def _support(said: Said, rng: Random) -> Values:
    values: Values = {"QID1": max(1, min(5, 1 + said.score * 4 // 10))}
    if rng.random() < 0.8:
        values["QID2_1"] = max(1, min(7, 1 + said.score * 6 // 10))
        values["QID2_2"] = rng.randrange(1, 8)
    if rng.random() < 0.6:
        values["QID4"] = sorted(rng.sample(["1", "2", "3", "4"], rng.randrange(1, 3)))
        if "4" in values["QID4"]:
            values["QID4_4_TEXT"] = "Hotline 📞"
    if said.comment and rng.random() < 0.5:
        values["QID5_TEXT"] = said.comment
    return values


def _study(said: Said, rng: Random) -> Values:
    ranks = rng.sample([1, 2, 3], 3)
    return {
        "QID2": max(1, min(5, 1 + said.score * 4 // 10)),
        **{f"QID3_{n}": rank for n, rank in enumerate(ranks, start=1)},
        "QID4_1": said.score * 10,
    }


_WRITERS: Final[Mapping[Kind, Callable[[Said, Random], Values]]] = {
    "relationship": _relationship,
    "support": _support,
    "study": _study,
}
