"""Write the next step, or the last one anew, from what `tables.py` says (for whoever changes it)."""

import re
import subprocess
import sys
from pathlib import Path

from alembic import command
from sqlalchemy import Connection

from crosswalk.store.dialect import in_memory
from crosswalk.store.migrations import HEAD
from crosswalk.store.migrations.upgrade import FOLDER, config, upgrade

_TITLE = re.compile(r'^"""(?P<title>.*)\.')


def main(words: list[str]) -> None:
    again = words == ["--again"]
    message = _title(HEAD) if again else " ".join(words).rstrip(".")
    if not message:
        sys.exit('what does the step do? python -m crosswalk.store.migrations "Add a column for X"')
    number = HEAD if again else HEAD + 1
    if again:
        _script(HEAD).unlink()
    with in_memory().write() as connection:
        if number > 1:
            upgrade(connection, str(number - 1))
        _write(connection, number, message)
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


def _script(number: int) -> Path:
    return FOLDER / "versions" / f"v{number:04}.py"


def _title(number: int) -> str:
    match = _TITLE.match(_script(number).read_text())
    return match["title"] if match else ""


if __name__ == "__main__":
    main(sys.argv[1:])
