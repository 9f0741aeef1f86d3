"""Export jobs of responses: started, waited for, and their file read line by line, whatever its size."""

import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from connectors.qualtrics.lists import result, unknown_form
from connectors.sdk import (
    Answer,
    Json,
    LaterError,
    Patience,
    Progress,
    RecordError,
    ShapeError,
    Tools,
    Transport,
    await_job,
)

# Until so many bytes a file is kept in memory.
_IN_MEMORY: Final = 8 * 1024 * 1024
_STATES: Final = {"inProgress": "running", "queued": "running", "complete": "done", "failed": "failed"}
_LINE: Final = msgspec.json.Decoder(float_hook=Decimal)


class File(NamedTuple):
    """A finished export. `token`: what goes on behind it."""

    id: str
    token: str | None


class Exports:
    """The exports of one survey. `path` is where it stands."""

    def __init__(self, transport: Transport, tools: Tools, path: str, *, where: str, patience: Patience) -> None:
        self._transport, self._tools, self._patience = transport, tools, patience
        self._path = f"{path}/export-responses"
        self._where = where

    def start(self, options: Mapping[str, Json]) -> str | None:
        """The key of a new job; None where the vendor does not take the options: a token that it no longer knows."""
        answer = self._post(options)
        if answer.status == 400:
            return None
        job = result(answer).get("progressId")
        if not isinstance(job, str) or not job:
            raise unknown_form(answer)
        return job

    def _post(self, options: Mapping[str, Json]) -> Answer:
        try:
            # Two jobs for one do no harm: each is a reading.
            return self._transport.request(
                "POST", self._path, json={"format": "ndjson", **options}, lane="read", idempotent=True, accept={400}
            )
        except RecordError as exc:
            raise _as_shape(exc) from exc

    def wait(self, begin: Callable[[], str], job: str | None) -> File:
        """The file of a job that is done; a job that the vendor no longer knows, or that failed, is begun anew."""
        told = await_job(begin, self._poll, tools=self._tools, where=self._where, job=job, patience=self._patience)
        return File(str(told["fileId"]), told.get("continuationToken"))

    def _poll(self, job: str) -> Progress:
        answer = self._transport.get(f"{self._path}/{job}", accept={404})
        if answer.status == 404:
            return Progress("gone")
        told = result(answer)
        state = _STATES.get(str(told.get("status")))
        match state:
            case "running":
                return Progress("running")
            case "done" if told.get("fileId"):
                return Progress("done", told)
            case "failed":
                return Progress("failed", reason="failed")
        raise unknown_form(answer)

    @contextmanager
    def lines(self, file: File) -> Iterator[Iterator[dict[str, Any]] | None]:
        """The responses of a file, one by one; None where the file is gone. One that came broken is an error."""
        answer = self._transport.request("GET", f"{self._path}/{file.id}/file", stream=True, accept={404})
        if answer.status == 404:
            yield None
            return
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as kept:
            for chunk in answer.chunks():
                kept.write(chunk)
            kept.seek(0)
            try:
                with zipfile.ZipFile(kept) as archive:
                    yield self._each(archive)
            except (zipfile.BadZipFile, EOFError) as exc:
                raise LaterError(
                    f"{self._where}: the file of the export came broken",
                    hint="nothing: it is fetched again by the next run",
                    code="CW302",
                ) from exc

    def _each(self, archive: zipfile.ZipFile) -> Iterator[dict[str, Any]]:
        # What the file is called is the survey's name, with whatever that holds: it is never unpacked to a disk.
        members = archive.infolist()
        if len(members) != 1:
            raise ShapeError(f"{self._where}: the export holds {len(members)} files, not one", code="CW307")
        with archive.open(members[0]) as lines:
            for line in lines:
                if line.strip():
                    yield self._decoded(line)

    def _decoded(self, line: bytes) -> dict[str, Any]:
        try:
            row = _LINE.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise ShapeError(f"{self._where}: a line of the export is no JSON", code="CW307") from exc
        if not isinstance(row, dict):
            raise ShapeError(f"{self._where}: a line of the export is no response", code="CW307")
        return row


def stamp(moment: datetime) -> str:
    """A bound as the exports take it, cut to the second: the lower one is included."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _as_shape(error: RecordError) -> ShapeError:
    """A question of ours that is refused: no record is to blame."""
    shape = ShapeError(error.text, hint=error.hint, code="CW307")
    shape.status, shape.vendor_code, shape.details = error.status, error.vendor_code, error.details
    return shape
