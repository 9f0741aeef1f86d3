"""What of migrating needs Alembic; imported only where there is something to migrate."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection

FOLDER: Final = Path(__file__).resolve().parent


def config(connection: Connection) -> Config:
    made = Config()
    made.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def current(connection: Connection) -> int | None:
    found = MigrationContext.configure(connection).get_current_revision()
    return None if found is None else int(found)


def upgrade(connection: Connection, to: str = "head") -> None:
    """Inside the caller's transaction: all steps or none, on both databases."""
    command.upgrade(config(connection), to)
