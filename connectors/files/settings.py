"""What an operator writes: one folder, and of each stream which files, whose rows, known by which column."""

import codecs
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from connectors.sdk.contract import Settings, StreamSettings


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _named(columns: tuple[str, ...]) -> tuple[str, ...]:
    if not all(column.strip() for column in columns):
        raise ValueError("expected the name of a column, or a list of them")
    return columns


def _inside(pattern: str) -> str:
    parts = PurePosixPath(pattern).parts
    if not parts or pattern.startswith(("/", "~")) or ".." in parts or ":" in parts[0]:
        raise ValueError("expected a pattern of file names within `path`, such as members-*.csv")
    return pattern


def _one_character(delimiter: str) -> str:
    if delimiter.casefold() in ("tab", "\\t"):
        return "\t"
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise ValueError("expected one character, or the word tab")
    return delimiter


def _codec(encoding: str) -> str:
    try:
        info = codecs.lookup(encoding)
        "".encode(info.name)  # zlib and the like are codecs too, and none of text
    except LookupError:
        raise ValueError("expected an encoding, such as utf-8, utf-16 or cp1252") from None
    return encoding


Columns = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed),
    AfterValidator(_named),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]


class FilesStream(StreamSettings):
    """A stream: the files that match one pattern, each of whose rows is a record."""

    files: Annotated[str, AfterValidator(_inside)] = Field(description="a pattern of file names within `path`")
    entity: str = Field(description="what a row is: person, company, deal, response ...")
    key: Columns = Field(description="the column that tells one row from all others, or several that do so together")
    delimiter: Annotated[str, AfterValidator(_one_character)] | None = Field(
        default=None, description="of CSV; left out: it is found"
    )
    encoding: Annotated[str, AfterValidator(_codec)] | None = Field(
        default=None, description="of CSV and JSON; left out: it is found"
    )
    sheet: str | None = Field(default=None, description="of a workbook; left out: the first one")
    modified: str | None = Field(default=None, description="the column that says when a row was last changed")
    dates: Columns | None = Field(
        default=None, description="columns in which a day stands as 22.11.2026; it is read as 2026-11-22"
    )


class FilesSettings(Settings):
    """A folder. `path` is absolute by the time a connector sees it; the hub lays it beside the configuration file."""

    path: Path = Field(description="the folder, beside the configuration file")
