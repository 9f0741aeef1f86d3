"""The command `crosswalk`. What a command needs is imported when it is called, and its module when it is named."""

import gc
import inspect
import os
import signal
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.main import get_command_from_info, get_group

from crosswalk.cli.commands import COMMANDS
from crosswalk.cli.options import Group, app, settle, signed


class Commands(Group):
    """The commands of the table, each built when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _built(cmd_name)
        return self.commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.help) for name, place in COMMANDS.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except typer.TyperException as error:
            from difflib import get_close_matches

            nearest = get_close_matches(args[0], COMMANDS, n=1)
            if nearest and hasattr(error, "message"):
                error.message = f"there is no command '{args[0]}'; did you mean '{nearest[0]}'?"
            raise


def _built(name: str) -> Any:
    module = import_module(f"crosswalk.cli.{COMMANDS[name].module}")
    for info in module.commands.registered_commands:
        if info.name == name:
            return get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode=None)
    group = next(info.typer_instance for info in module.commands.registered_groups if info.name == name)
    built = get_group(group)
    built.name = name
    return built


application = app(cls=Commands, no_args_is_help=True, add_completion=True)


def _version(wanted: bool) -> None:
    if wanted:
        from crosswalk import __version__

        sys.stdout.write(f"crosswalk {__version__}\n")
        raise typer.Exit


def _root(ctx: typer.Context, **given: Any) -> None:
    given.pop("version")
    settle(ctx, given)


_VERSION = inspect.Parameter(
    "version",
    inspect.Parameter.KEYWORD_ONLY,
    annotation=Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")],
    default=False,
)
application.callback(
    cls=Commands,
    help="Keeps CRMs and customer-experience tools in agreement.",
    epilog="""
        crosswalk demo                         everything, on simulated vendors
        crosswalk init                         a configuration to begin with
        crosswalk check                        who are we there, what may we do
        crosswalk plan                         what would be written
        crosswalk apply P1                     write it
        crosswalk explain mara@example.test    why is this so
    """,
)(signed(_root, [_VERSION]))


def _ours_alone() -> None:
    """End before anything is read where another distribution stands in our place."""
    from crosswalk import guard

    if (foreign := guard.check()) is not None:
        from crosswalk.messages import MESSAGES

        sys.stderr.write(f"error {foreign.code}: {foreign.text}\n    {foreign.hint}\n")
        sys.exit(MESSAGES[foreign.code].exit_code or 1)


def _end(number: int, _frame: Any) -> None:
    """What a signal does to any process but the first of a container, which has to listen to it. The daemon listens
    itself, once it is loaded."""
    os._exit(128 + number)


def main() -> None:
    """The console script."""
    # Importing makes more than 100,000 objects, and they stay: to look for cycles among them on the way, and again at
    # the end, took a tenth of a short command.
    gc.set_threshold(200_000, 20, 50)
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, _end)
    _ours_alone()
    try:
        application(prog_name="crosswalk")
    finally:
        gc.freeze()
