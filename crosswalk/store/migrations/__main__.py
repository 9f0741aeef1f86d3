"""Write the next step, or the last one anew, from what `tables.py` says (for whoever changes it).

With it what makes a new store: sqlite.sql and postgresql.sql (alone: --tables).
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from alembic import command
from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, make_url
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from crosswalk.store.migrations import FOLDER, HEAD
from crosswalk.store.migrations.upgrade import config, transaction
from crosswalk.store.tables import metadata

DIALECTS: Final[dict[str, Dialect]] = {
    "sqlite": make_url("sqlite://").get_dialect()(),
    "postgresql": make_url("postgresql+psycopg://").get_dialect()(),
}
_TITLE = re.compile(r'^"""(?P<title>.*)\.')


def main(words: list[str]) -> None:
    if words == ["--tables"]:
        _write_tables()
        return
    again = words == ["--again"]
    message = _title(HEAD) if again else " ".join(words).rstrip(".")
    if not message:
        sys.exit('what does the step do? python -m crosswalk.store.migrations "Add a column for X"')
    number = HEAD if again else HEAD + 1
    if again:
        _script(HEAD).unlink()
    with transaction("sqlite://") as connection:
        if number > 1:
            command.upgrade(config(connection), str(number - 1))
        _write(connection, number, message)
    _write_tables()
    print(_script(number))
    if not again:
        print(f"set HEAD = {number} in {FOLDER / '__init__.py'}")


def _write(connection: Connection, number: int, message: str) -> None:
    revision = command.revision(config(connection), message, autogenerate=True, rev_id=f"{number}")
    if revision is None or isinstance(revision, list):
        sys.exit("alembic wrote nothing")
    written = Path(revision.path)
    lines = [line for line in written.read_text().splitlines(keepends=True) if "# ###" not in line]
    _script(number).write_text("".join(lines))
    written.unlink()
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", _script(number)], check=True)


def _write_tables() -> None:
    for name in DIALECTS:
        (FOLDER / f"{name}.sql").write_text(tables(name), "utf-8")


def tables(dialect: str) -> str:
    """What makes all tables, with Alembic's own, which notes the step."""
    version = Table("alembic_version", MetaData(), Column("version_num", String(32), nullable=False))
    version.append_constraint(PrimaryKeyConstraint("version_num", name="alembic_version_pkc"))
    made: list[ExecutableDDLElement] = []
    for table in (version, *metadata.sorted_tables):
        made.append(CreateTable(table))
        made += [CreateIndex(index) for index in sorted(table.indexes, key=lambda index: str(index.name))]
    text = ";\n\n".join(str(one.compile(dialect=DIALECTS[dialect])).strip() for one in made)
    return "".join(f"{line.rstrip()}\n" for line in f"{text};".splitlines())


def _script(number: int) -> Path:
    return FOLDER / "versions" / f"v{number:04}.py"


def _title(number: int) -> str:
    match = _TITLE.match(_script(number).read_text())
    return match["title"] if match else ""


if __name__ == "__main__":
    main(sys.argv[1:])
