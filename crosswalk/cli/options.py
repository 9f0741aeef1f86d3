"""How a command is declared: examples before options, and the options that every command has.

    @command(app, examples='''
        crosswalk check              every connection
        crosswalk check salesforce   one of them
    ''')
    def check(session: Session, only: Only = None) -> int: ...

The function gets a `Session` first; its exit code is what it returns.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from crosswalk.cli.session import Colour, Manners, Session, run

_EVERYWHERE = "Everywhere"

SHARED: Mapping[str, tuple[Any, Any]] = {
    "config": (
        Annotated[
            Path,
            typer.Option("--config", metavar="FILE", help="The configuration.", show_default=False, show_envvar=True),
        ],
        Path("crosswalk.yaml"),
    ),
    "json": (Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")], False),
    "quiet": (Annotated[bool, typer.Option("--quiet", "-q", help="The answer alone: no progress, no hints.")], False),
    "verbose": (Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")], False),
    "colour": (
        Annotated[Colour, typer.Option("--color", help="Colours.", show_default=False)],
        "auto",
    ),
    "mask": (Annotated[bool, typer.Option("--mask", help="Hide values of customers.")], False),
    "show_values": (
        Annotated[bool, typer.Option("--show-values", help="Show them where there is no terminal, too.")],
        False,
    ),
    "yes": (
        Annotated[bool, typer.Option("--yes", "-y", help="Answer questions with yes; approves no guard.")],
        False,
    ),
    "who": (
        Annotated[str, typer.Option("--as", metavar="NAME", help="Who decides, in the journal.", show_default=False)],
        "",
    ),
}
_FLAGS = frozenset(
    {"--config", "--json", "--quiet", "--verbose", "--color", "--mask", "--show-values", "--yes", "--as"}
)


class _AsTyped:
    """Reads the value of a parameter where there is nothing to read; asks typer where there is.

    Typer reads every value with pydantic, defaults too, and to import that takes half of what `crosswalk status` does.
    """

    def __init__(self, read: Callable[[], Any]) -> None:
        self._read = read  # makes typer's own reader

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        if value is None and not param.multiple and param.nargs == 1:
            return None
        if value is not None and value == param.default:
            return value
        if isinstance(value, str) and param.type_descriptor.annotation is str:
            return value
        if isinstance(value, str) and param.name == "config":
            return Path(value)
        return self._read().coerce(value, param=param, ctx=ctx)


class _Helpful:
    """Help in the order in which it is read: what it does, examples, then options, those of every command last."""

    def get_params(self, ctx: Any) -> list[Any]:
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]  # of the class it is mixed into
        for one in parameters:
            read = getattr(one, "get_runtime_param", None)  # earlier versions of typer have none
            if read is not None and "get_runtime_param" not in vars(one):
                one.get_runtime_param = partial(_AsTyped, read)
        return parameters

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.format_usage(ctx, formatter)  # type: ignore[attr-defined]  # of the class it is mixed into
        self.format_help_text(ctx, formatter)  # type: ignore[attr-defined]
        self.format_epilog(ctx, formatter)
        self.format_options(ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        examples = inspect.cleandoc(self.epilog or "").splitlines()  # type: ignore[attr-defined]
        if examples:
            with formatter.section("Examples"):
                for line in examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")

    def format_options(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], _EVERYWHERE: []}
        for parameter in self.get_params(ctx):
            if record := parameter.get_help_record(ctx):
                if parameter.param_type_name == "argument":
                    sections["Arguments"].append(record)
                else:
                    sections[_EVERYWHERE if _FLAGS & set(parameter.opts) else "Options"].append(record)
        commands = getattr(self, "format_commands", None)
        if commands:
            commands(ctx, formatter)
        for name, records in sections.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


class Command(_Helpful, TyperCommand):
    """One command."""


class Group(_Helpful, TyperGroup):
    """A command with commands of its own."""


def app(**kwargs: Any) -> typer.Typer:
    """A group of commands, in the manners of all of them."""
    return typer.Typer(
        cls=kwargs.pop("cls", Group),
        add_completion=kwargs.pop("add_completion", False),
        rich_markup_mode=None,  # rich would cost every --help a tenth of a second
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        **kwargs,
    )


Body = Callable[..., int | None]


def command(
    group: typer.Typer, *, name: str | None = None, examples: str = "", json_name: str | None = None
) -> Callable[[Body], Body]:
    """Register a command. `json_name`: its name in JSON, where it is not the one that is typed."""

    def register(body: Body) -> Body:
        typed = name or body.__name__.rstrip("_")
        group.command(typed, cls=Command, epilog=examples, help=inspect.getdoc(body))(
            with_session(body, json_name or typed)
        )
        return body

    return register


def callback(group: typer.Typer, *, examples: str = "", json_name: str) -> Callable[[Body], Body]:
    """What a group does when none of its commands is named. The body is only called then."""

    def register(body: Body) -> Body:
        group.callback(cls=Group, epilog=examples, help=inspect.getdoc(body), invoke_without_command=True)(
            with_session(body, json_name, alone=True)
        )
        return body

    return register


def with_session(body: Body, command: str, *, alone: bool = False) -> Callable[..., None]:
    """The function that typer calls: it takes the shared options off, makes the session, ends with the exit code."""
    own = list(inspect.signature(body).parameters.values())[1:]

    def called(ctx: typer.Context, **given: Any) -> None:
        manners = settle(ctx, {name: given.pop(name) for name in SHARED})
        if alone and ctx.invoked_subcommand is not None:
            return
        session = Session(command, manners)
        raise typer.Exit(run(session, lambda: body(session, **given)))

    called.__name__, called.__doc__ = body.__name__, body.__doc__
    return signed(called, own)


def signed(called: Callable[..., None], own: Sequence[inspect.Parameter]) -> Callable[..., None]:
    """`called` with the signature that typer reads: the context, parameters of its own, the shared ones."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter(name, keyword, annotation=annotation, default=default)
        for name, (annotation, default) in SHARED.items()
    ]
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    parameters = [context, *(one.replace(kind=keyword) for one in own), *shared]
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect.signature reads
    called.__annotations__ = {"ctx": typer.Context}
    return called


def settle(ctx: typer.Context, given: Mapping[str, Any]) -> Manners:
    """The shared options, which may stand before the command or behind it; behind wins. Kept for its commands."""
    before = ctx.parent.obj if ctx.parent is not None and isinstance(ctx.parent.obj, Manners) else Manners()
    named = [name for name in given if str(ctx.get_parameter_source(name)).rpartition(".")[2] != "DEFAULT"]
    manners = before.over(Manners(**given), named)
    ctx.obj = manners
    return manners
