"""A folder of exports as any entity. What is read when, and which file wins: README.md beside this file."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from typing import ClassVar, Final, Literal, Self

from connectors.files.folder import BusyError, Folder, look_into
from connectors.files.formats import UnreadableError, columns, lines
from connectors.files.guess import field_types, path_of
from connectors.files.reading import Reading
from connectors.files.rows import Row, Rows
from connectors.files.settings import FilesSettings, FilesStream
from connectors.files.streams import PAGE, SPEC
from connectors.sdk.contract import (
    Account,
    FieldInfo,
    Outcome,
    Page,
    RemoteRecord,
    Removal,
    Settings,
    StreamSettings,
    StreamSpec,
    Tools,
    Values,
    Window,
    Write,
)
from connectors.sdk.errors import LaterError, SetupError, ShapeError

_SAMPLE_FILES: Final = 20
_SAMPLE_ROWS: Final = 200


class FilesConnector:
    """Reads. Writing exports is the command line's business."""

    name: ClassVar[str] = "files"
    label: ClassVar[str] = "Files"
    unit: ClassVar[str] = "calls"
    role: ClassVar[Literal["crm", "files", "cem"]] = "files"
    each: ClassVar[StreamSpec] = SPEC
    settings: ClassVar[type[Settings]] = FilesSettings
    stream_settings: ClassVar[type[StreamSettings]] = FilesStream

    def __init__(self, settings: FilesSettings, tools: Tools) -> None:
        self._settings = settings
        self._tools = tools

    @classmethod
    def connect(cls, settings: FilesSettings, tools: Tools) -> Self:
        return cls(settings, tools)

    @property
    def streams(self) -> Mapping[str, StreamSpec]:
        return dict.fromkeys(self._settings.streams, self.each)

    def account(self) -> Account:
        path = self._settings.path.resolve()
        look_into(path)
        mark = blake2b(str(path).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
        return Account(id=mark, name=path.name or str(path), identity="this machine")

    def fields(self, stream: str) -> Sequence[FieldInfo]:
        """The columns of the newest files; of one that cannot be read none: `pull` says what is wrong with it.

        Raises ShapeError where none of them can be read: that is no stream without columns.
        """
        settings, folder = self._stream(stream)
        named: dict[str, None] = {}
        rows: list[Values] = []
        unread: list[str] = []
        for name in folder.names()[:_SAMPLE_FILES]:
            try:
                with folder.open(name) as file:
                    named.update(dict.fromkeys(columns(file.handle, name, settings)))
                    sample = islice(lines(file.handle, name, settings), _SAMPLE_ROWS)
                    rows += [line.values for line in sample if line.values is not None]
            except (BusyError, UnreadableError) as exc:
                unread.append(f"{name} {exc}")
        if unread and not named and not rows:
            raise ShapeError(unread[0], hint="export it again, or correct `files`; what was read before stays")
        types = field_types(rows)
        return [
            FieldInfo(
                name=column,
                label=column,
                type=types.get(column, "text"),
                path=path_of(column, rows),
                required=column in settings.key,
                unique=settings.key == (column,),
            )
            for column in {**named, **dict.fromkeys(types)}
        ]

    def parts(self, stream: str) -> Sequence[str]:
        return [""]

    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        """Rows of the files that changed since the position was written, newest file first, each key once."""
        settings, folder = self._stream(stream)
        yield from Reading(folder, self._rows(settings), window.position).pages()

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Page]:
        settings, folder = self._stream(stream)
        wanted = set(keys)
        found: list[RemoteRecord] = []
        for name in folder.names():
            if not wanted:
                break
            for row in self._whole(folder, settings, name):
                if row.key in wanted:
                    wanted.discard(row.key)
                    if row.record is not None:
                        found.append(row.record)
        for start in range(0, len(found), PAGE):
            yield Page(found[start : start + PAGE], None, None)

    def keys(self, stream: str) -> Iterator[Sequence[str]]:
        """Every key; raises where a row's key cannot be told, since its record would pass for gone."""
        settings, folder = self._stream(stream)
        for name in folder.names():
            rows = self._whole(folder, settings, name)
            while found := list(islice(rows, PAGE)):
                yield [row.key for row in found if row.key is not None]

    def _whole(self, folder: Folder, settings: FilesStream, name: str) -> Iterator[Row]:
        """Every row of a file; raises ShapeError unless the key of each is known."""
        try:
            with folder.open(name) as file:
                for row in self._rows(settings).of(name, file):
                    if row.doubtful and row.fault is not None:
                        raise ShapeError(
                            f"{row.where}: {row.fault.reason}",
                            hint="which records are gone cannot be told before that is corrected",
                            code="CW307",
                        )
                    yield row
        except BusyError as exc:
            raise LaterError(f"{name} {exc}", hint="nothing: the next run reads it", code="CW302") from exc

    def known_by(self, stream: str) -> Sequence[str]:
        settings: FilesStream = self._settings.streams[stream]
        return settings.key

    def key_of(self, stream: str, values: Values) -> str | None:
        """What a row that was read like this is known by, as the file has it now; None: by nothing."""
        return self._rows(self._settings.streams[stream]).key(values)

    def _rows(self, settings: FilesStream) -> Rows:
        return Rows(settings, self._tools.time_zone, self._tools.sleep)

    def removals(self, stream: str, window: Window) -> Iterator[Sequence[Removal]]:
        return iter(())

    def find(self, stream: str, write: Write) -> Sequence[RemoteRecord]:
        return ()

    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        raise SetupError(
            f"{self._tools.connection}/{stream} is a folder of exports: it is read, not written",
            hint="leave out `write`",
            code="CW102",
        )

    def close(self) -> None:
        """Nothing is held between two calls."""

    def _stream(self, stream: str) -> tuple[FilesStream, Folder]:
        settings: FilesStream = self._settings.streams[stream]
        return settings, Folder(self._settings.path, settings.files, self._tools.clock)
