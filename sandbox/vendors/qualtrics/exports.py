"""Export jobs: started, asked after until done, and fetched as a file. What a job shows is settled when it starts."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.ids import token
from sandbox.state import Record
from sandbox.vendors.qualtrics.answers import invalid, not_found, refused
from sandbox.vendors.qualtrics.responses import METADATA, Responses, stamp
from sandbox.vendors.qualtrics.surveys import Column, Survey, columns
from sandbox.web import Answer, Json, dump

# A token that nobody uses is forgotten, and so are job and file.
TOKENS_LIVE: Final = timedelta(days=14)
JOBS_LIVE: Final = timedelta(days=7)
_A_POLL: Final = 50_000  # rows that a job has written when it is asked after

_OPTIONS: Final[Mapping[str, type]] = {
    "format": str, "startDate": str, "endDate": str, "allowContinuation": bool, "continuationToken": str, "limit": int,
    "filterId": str, "questionIds": list, "embeddedDataIds": list, "surveyMetadataIds": list, "useLabels": bool,
    "exportResponsesInProgress": bool, "compress": bool, "timeZone": str, "newlineReplacement": str,
    "seenUnansweredRecode": int, "multiselectSeenUnansweredRecode": int, "includeDisplayOrder": bool,
    "formatDecimalAsComma": bool, "breakoutSets": bool, "includeLabelColumns": bool, "sortByLastModifiedDate": bool,
}  # fmt: skip
_FORMATS: Final = {
    "csv": "text/csv; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "ndjson": "application/x-ndjson; charset=utf-8",
}
# The name of a piece of metadata in the first row of a CSV.
_HEADS: Final = {
    "startDate": "StartDate", "endDate": "EndDate", "status": "Status", "ipAddress": "IPAddress",
    "progress": "Progress", "duration": "Duration (in seconds)", "finished": "Finished",
    "recordedDate": "RecordedDate", "_recordId": "ResponseId", "recipientLastName": "RecipientLastName",
    "recipientFirstName": "RecipientFirstName", "recipientEmail": "RecipientEmail",
    "externalDataReference": "ExternalReference", "locationLatitude": "LocationLatitude",
    "locationLongitude": "LocationLongitude", "distributionChannel": "DistributionChannel",
    "userLanguage": "UserLanguage",
}  # fmt: skip
_DATES: Final = frozenset({"startDate", "endDate", "recordedDate"})


@dataclass(slots=True)
class _Job:
    survey: str
    started: datetime
    make: Callable[[], tuple[bytes, str]]  # the file and its media type
    polls: int
    token: str | None
    file: str
    rows: int


@dataclass(frozen=True, slots=True)
class _Token:
    survey: str
    until: datetime
    options: str


class Exports:
    """The jobs of all surveys."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._jobs: dict[str, _Job] = {}
        self._files: dict[str, _Job] = {}
        self._tokens: dict[str, _Token] = {}

    def start(self, survey: Survey, responses: Responses, body: Json, now: datetime) -> Json:
        options = _checked(body)
        held = self._continued(survey, options, now)
        if options.get("exportResponsesInProgress"):
            rows: list[Record] = list(responses.open.values())
        else:
            rows = [record for record in responses.visible(now) if _within(record, options)]
        if held is not None:
            rows = [record for record in rows if record["_shown"] > stamp(held.until)]
        rows = rows[: options.get("limit", len(rows))]
        number = len(self._jobs)
        following = None
        if options.get("allowContinuation") or held is not None:
            following = token(40, self._seed, "continue", number)
            self._tokens[following] = _Token(survey.id, now, _bound(options))
        file = f"{token(36, self._seed, 'file', number)}-def"
        job = _Job(survey.id, now, _maker(survey, rows, options), 1 + len(rows) // _A_POLL, following, file, len(rows))
        key = f"ES_{token(15, self._seed, 'job', number)}"
        self._jobs[key] = self._files[file] = job
        return {"progressId": key, "percentComplete": 0.0, "status": "inProgress"}

    def _continued(self, survey: Survey, options: Mapping[str, Json], now: datetime) -> _Token | None:
        if "continuationToken" not in options:
            return None
        held = self._tokens.get(options["continuationToken"])
        known = held is not None and held.survey == survey.id and held.options == _bound(options)
        if held is None or not known or now - held.until > TOKENS_LIVE:
            raise invalid("continuationToken")
        return held

    def progress(self, survey: Survey, key: str, now: datetime) -> Json:
        job = self._jobs.get(key)
        if job is None or job.survey != survey.id or now - job.started > JOBS_LIVE:
            raise not_found("Export")
        if job.polls:
            job.polls -= 1
            return {"percentComplete": 100.0 / (2 + job.polls), "status": "inProgress"}
        done = {"fileId": job.file, "percentComplete": 100.0, "status": "complete"}
        return done if job.token is None else {**done, "continuationToken": job.token}

    def file(self, survey: Survey, key: str, now: datetime) -> Answer:
        job = self._files.get(key)
        if job is None or job.survey != survey.id or job.polls or now - job.started > JOBS_LIVE:
            raise not_found("File")
        body, media_type = job.make()
        return Answer(200, body, media_type=media_type)


def _checked(body: Json) -> dict[str, Json]:
    if not isinstance(body, dict):
        raise invalid("format")
    for name, value in body.items():
        kind = _OPTIONS.get(name)
        if kind is None or not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise invalid(name)
    if body.get("format") not in {*_FORMATS, "xml", "spss"}:
        raise invalid("format")
    if body["format"] not in _FORMATS:
        raise refused(501, "SANDBOX", f"the sandbox writes no {body['format']}")
    if body.get("useLabels") and "json" in body["format"]:
        raise invalid("useLabels")
    if "continuationToken" in body and {"startDate", "endDate"} & body.keys():
        raise invalid("startDate")
    for name in ("startDate", "endDate"):
        if name in body:
            _moment(name, body[name])
    if "timeZone" in body:
        _zone(body["timeZone"])
    return dict(body)


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(name) from None
    if moment.tzinfo is None:
        raise invalid(name)
    return moment


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise invalid("timeZone") from None


def _within(record: Record, options: Mapping[str, Json]) -> bool:
    """By when it was recorded: from the start on, up to the end and without it."""
    recorded = record["values"]["recordedDate"]
    start, end = options.get("startDate"), options.get("endDate")
    return (start is None or recorded >= stamp(_moment("startDate", start))) and (
        end is None or recorded < stamp(_moment("endDate", end))
    )


def _bound(options: Mapping[str, Json]) -> str:
    """What a token is good for: the same export again."""
    loose = {"continuationToken", "allowContinuation", "startDate", "endDate"}
    return repr(sorted((name, value) for name, value in options.items() if name not in loose))


def _maker(survey: Survey, rows: Sequence[Record], options: Mapping[str, Json]) -> Callable[[], tuple[bytes, str]]:
    """The file is made when it is fetched: most of a job's rows nobody looks at twice."""
    kind = options["format"]
    chosen = _Chosen(survey, options, rows)

    def make() -> tuple[bytes, str]:
        if kind == "ndjson":
            body = b"".join(dump(chosen.shown(row)) + b"\n" for row in rows)
        elif kind == "json":
            body = b'{"responses":[%b]}' % b",".join(dump(chosen.shown(row)) for row in rows)
        else:
            body = _table(chosen, rows, options, "\t" if kind == "tsv" else ",")
        if not options.get("compress", True):
            return body, _FORMATS[kind]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(zipfile.ZipInfo(f"{survey.name.replace('/', '_')}.{kind}", (2026, 1, 1, 0, 0, 0)), body)
        return packed.getvalue(), "application/zip"

    return make


class _Chosen:
    """The columns that an export was asked for."""

    def __init__(self, survey: Survey, options: Mapping[str, Json], rows: Iterable[Record]) -> None:
        asked = options.get("questionIds")
        self.columns: list[Column] = [
            column
            for qid, question in survey.shown().items()
            if asked is None or qid in asked
            for column in columns(qid, question)
        ]
        wanted = options.get("surveyMetadataIds")
        self.metadata = [name for name in METADATA if wanted is None or name in wanted]
        every = {column.key for qid, question in survey.questions.items() for column in columns(qid, question)}
        taken = {*METADATA, *every}
        carried = dict.fromkeys(
            [*survey.embedded, *(name for row in rows for name in row["values"] if name not in taken)]
        )
        limited = options.get("embeddedDataIds")
        self.embedded = [name for name in carried if limited is None or name in limited]
        self._all = frozenset((*self.metadata, *(column.key for column in self.columns), *self.embedded))

    def shown(self, record: Record) -> Json:
        return {
            "responseId": record["responseId"],
            "values": {name: value for name, value in record["values"].items() if name in self._all},
            "labels": {name: value for name, value in record["labels"].items() if name in self._all},
            "displayedFields": [name for name in record["displayedFields"] if name in self._all],
            "displayedValues": {n: v for n, v in record["displayedValues"].items() if n in self._all},
        }


def _table(chosen: _Chosen, rows: Sequence[Record], options: Mapping[str, Json], delimiter: str) -> bytes:
    """Three rows of headings: tag, text, and what the column is called among the values."""
    zone = _zone(options.get("timeZone", "UTC"))
    heads = [
        *((_HEADS[name], _HEADS[name], name) for name in chosen.metadata),
        *((column.tag, column.head, column.key) for column in chosen.columns),
        *((name, name, name) for name in chosen.embedded),
    ]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    for nth in (0, 1):
        writer.writerow([head[nth] for head in heads])
    writer.writerow([dump({"ImportId": head[2]}).decode() for head in heads])
    labelled, newline = options.get("useLabels", False), options.get("newlineReplacement")
    for row in rows:
        cells = []
        for _, _, name in heads:
            value = row["labels"].get(name) if labelled and name in row["labels"] else row["values"].get(name)
            text = _cell(name, value, zone)
            cells.append(text if newline is None else text.replace("\n", newline))
        writer.writerow(cells)
    return out.getvalue().encode()


def _cell(name: str, value: Json, zone: ZoneInfo) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ",".join(map(str, value))
    if name in _DATES:
        return f"{datetime.fromisoformat(value).astimezone(zone):%Y-%m-%d %H:%M:%S}"
    return str(value)
