"""Bulk API 2.0: a query as a job, its result as CSV files that are read line by line. Vendor facts: README.md, Bulk.

A window's position remembers the job: a crash costs the part of a file that was not landed, and never starts a job
twice. No more than a page of lines is held.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from connectors.sdk import Answer, Json, LaterError, Patience, Progress, ShapeError, Tools, Transport, await_job

T = TypeVar("T")
# What a header makes of its lines.
Reader: TypeAlias = Callable[[Sequence[str]], Callable[[Sequence[str]], T]]

# Lines a file. It is read as it arrives: its size costs no memory, only what a broken connection makes us read again.
FILE: Final = 50_000

_STATES: Final[Mapping[str, str]] = {
    "Open": "running",
    "UploadComplete": "running",
    "InProgress": "running",
    "JobComplete": "done",
    "Failed": "failed",
    "Aborted": "failed",
}
_END: Final = "null"  # in words, where others leave the header out


class Block(NamedTuple, Generic[T]):
    """Some lines of a job's result. `locator` and `line`: where the lines behind them begin; None: there are none."""

    rows: Sequence[T]
    locator: str | None
    line: int
    ended: bool
    server_time: datetime | None


class BulkQuery:
    """Query jobs of one org. `root` is the path of its API version."""

    def __init__(self, transport: Transport, tools: Tools, root: str, *, patience: Patience | None = None) -> None:
        self._transport = transport
        self._tools = tools
        self._root = f"{root}/jobs/query"
        self._patience = patience or Patience()

    def start(self, soql: str) -> str:
        """Make a job; its id. A lost answer leaves a job behind that nobody reads, which does no harm."""
        body = {
            "operation": "query",
            "query": soql,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        return _job_id(self._transport.request("POST", self._root, json=body, lane="read", idempotent=True))

    def ready(self, soql: str, *, job: str | None, where: str) -> tuple[str, int | None]:
        """A job of this query that is done, and how many lines it has. `job`: one that was begun before."""
        done = await_job(
            lambda: self.start(soql), self._poll, tools=self._tools, where=where, job=job, patience=self._patience
        )
        count = done.get("numberRecordsProcessed")
        return str(done["id"]), count if isinstance(count, int) else None

    def _poll(self, job: str) -> Progress:
        answer = self._transport.get(f"{self._root}/{job}", accept={404})
        if answer.status == 404:
            return Progress("gone")
        told = answer.json
        state = _STATES.get(str(told.get("state"))) if isinstance(told, dict) else None
        if state is None:
            raise ShapeError(
                f"{answer.origin}: a job in a state that the connector does not know",
                hint="`crosswalk runs --report` makes a file without personal data to send in",
                code="CW307",
            )
        if state == "done":
            return Progress("done", told)
        # `errorMessage` quotes the query; its beginning is a code.
        reason = str(told.get("errorMessage") or "").partition(":")[0]
        return Progress("running" if state == "running" else "failed", reason=reason if reason.isidentifier() else "")

    def blocks(self, job: str, *, locator: str | None, line: int, size: int, reader: Reader[T]) -> Iterator[Block[T]]:
        """The lines of a job that is done from a place on, at most `size` at a time; the last one says so.

        `locator`: of the file, None for the first; `line`: how many of its lines were read before. Each line is read
        as it comes: what it consists of is gone before the next one. Raises LaterError where a file breaks off: the
        next run goes on there.
        """
        while True:
            answer = self._file(job, locator)
            following = answer.headers.get("Sforce-Locator")
            following = None if following in (None, "", _END) else following
            if following is not None and following == locator:
                raise ShapeError(
                    f"{answer.origin}: the files of the result turn in a circle",
                    hint="nothing is lost: the next run goes on from the last page; if it stays, ask the vendor",
                    code="CW307",
                )
            yield from self._blocks(answer, locator, following, line, size, reader)
            if following is None:
                return
            locator, line = following, 0

    def _file(self, job: str, locator: str | None) -> Answer:
        params: dict[str, Any] = {"maxRecords": FILE}
        if locator is not None:
            params["locator"] = locator
        return self._transport.request(
            "GET", f"{self._root}/{job}/results", params=params, headers={"Accept": "text/csv"}, stream=True
        )

    def _blocks(
        self, answer: Answer, locator: str | None, following: str | None, line: int, size: int, reader: Reader[T]
    ) -> Iterator[Block[T]]:
        rows = rows_of(lines(answer.chunks()))
        header = next(rows, None)
        count = sum(1 for _ in islice(rows, line))
        made = iter(()) if header is None else map(reader(header), rows)
        while len(block := list(islice(made, size))) == size:
            count += size
            yield Block(block, locator, count, False, answer.server_time)
        count += len(block)
        said = answer.headers.get("Sforce-NumberOfRecords")
        if said is not None and said.isdecimal() and int(said) != count:
            raise LaterError(
                f"{answer.origin}: {count} of {said} lines arrived",
                hint="nothing: the rest is read by the next run",
                code="CW302",
            )
        yield Block(block, following, 0, following is None, answer.server_time)


def _job_id(answer: Answer) -> str:
    told: Json = answer.json
    found = told.get("id") if isinstance(told, dict) else None
    if not isinstance(found, str) or not found:
        raise ShapeError(f"{answer.origin}: answered with no job", code="CW307")
    return found


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines with their ends, of bytes that break anywhere. Only a line feed ends one: texts hold all the others."""
    rest: list[bytes] = []
    for chunk in chunks:
        whole, end, last = chunk.rpartition(b"\n")
        if end:
            text = b"".join([*rest, whole, end]).decode("utf-8", "replace")
            rest.clear()
            yield from io.StringIO(text, newline="\n")
        if last:
            rest.append(last)
    if rest:
        yield b"".join(rest).decode("utf-8", "replace")


def rows_of(text: Iterator[str]) -> Iterator[list[str]]:
    """The rows of these lines as `csv.reader` gives them. A job puts every cell in quotes: where there are no more of
    them in a line than that takes, it is cut between its cells, in half the instructions."""
    odd: list[str] = []
    reader = csv.reader(iter(lambda: odd.pop() if odd else next(text, None), None))
    longest = csv.field_size_limit()
    for line in text:
        cells = line[1:-2].split('","')
        if line.count('"') == 2 * len(cells) and line[0] == '"' and line[-2:] == '"\n' and len(line) < longest:
            yield cells
        else:
            odd.append(line)
            yield next(reader)
