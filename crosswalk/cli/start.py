"""init, sandbox, demo: for who begins."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from crosswalk.cli import text
from crosswalk.cli.options import app, command
from crosswalk.cli.screen import Line, Screen
from crosswalk.cli.session import DONE, Answer, Session

commands = app()

# init


@command(
    commands,
    examples="""
        crosswalk init                                asks which systems, whose value wins, which time zone
        crosswalk init --connect pipedrive,typeform   asks nothing
        crosswalk init --sandbox                      for the simulated vendors of `crosswalk sandbox`
        crosswalk init --exports ./exports            for the CSV, Excel and JSON files in a folder, by their headings
    """,
)
def init(
    session: Session,
    connect: Annotated[str, typer.Option("--connect", metavar="A,B", help="These systems; nothing is asked.")] = "",
    simulated: Annotated[bool, typer.Option("--sandbox", help="The simulated vendors, on their usual ports.")] = False,
    exports: Annotated[
        Path | None,
        typer.Option("--exports", metavar="FOLDER", help="Exports in a folder; their columns are mapped as well."),
    ] = None,
) -> int:
    """Write a configuration to begin with, in which every key is explained. It reads; nothing can be written yet."""
    from crosswalk.cli.begin import begin

    names = [name.strip() for name in connect.split(",") if name.strip()]
    return begin(session, connect=names, simulated=simulated, exports=exports)


Seed = Annotated[int, typer.Option("--seed", metavar="N", help="The same seed makes the same world.")]
Size = Annotated[int, typer.Option("--size", metavar="N", min=3, help="How many customers live in it.")]


@command(
    commands,
    examples="""
        crosswalk sandbox                      every vendor on a port of its own
        crosswalk sandbox --seed 7 --size 500
        crosswalk sandbox --base-port 8700     ports 8700, 8701 ...
    """,
)
def sandbox(
    session: Session,
    base_port: Annotated[
        int, typer.Option("--base-port", metavar="PORT", min=0, help="The first; 0: free ones.")
    ] = 8700,
    seed: Seed = 7,
    size: Size = 5000,
) -> int:
    """Run the simulated vendors until Ctrl-C. They know nothing of the real ones and forget everything at the end."""
    import threading

    from sandbox.server import MAKERS, Sandbox

    with Sandbox.start(tuple(MAKERS), base_port=base_port, seed=seed, size=size) as running:
        try:
            session.show(running.json(), listed_vendors)
            threading.Event().wait()
        except KeyboardInterrupt:
            session.note("", "Stopped.")
    return DONE


def listed_vendors(answer: Answer, screen: Screen) -> Iterator[Line]:
    """`pipedrive http://127.0.0.1:8702   typeform :8704`, and how to disturb them."""
    first, *others = answer["vendors"]
    words = [f"{first['name']} {first['base_url']}", *(f"{one['name']} {_port(one['base_url'])}" for one in others)]
    yield from screen.prose("   ".join(words))
    yield from screen.prose(
        f"{text.number(answer['size'])} customers, the same for every seed {answer['seed']}.  "
        f"Faults: POST {_port(answer['faults_url'])}.  Ctrl-C stops."
    )


def _port(url: str) -> str:
    """`:8709/faults` of `http://127.0.0.1:8709/faults`."""
    return ":" + url.rpartition(":")[2].rstrip("/")


@command(
    commands,
    examples="""
        crosswalk demo                      six steps, then look around in crosswalk-demo
        crosswalk demo --size 5000 --seed 3
        crosswalk demo --stay               the vendors go on: change the file, plan and apply in another window
    """,
)
def demo(
    session: Session,
    folder: Annotated[Path, typer.Option("--folder", metavar="FOLDER", help="Where it is made.")] = Path(
        "crosswalk-demo"
    ),
    seed: Seed = 7,
    size: Size = 500,
    stay: Annotated[bool, typer.Option("--stay", help="Keep the vendors running until Ctrl-C.")] = False,
) -> int:
    """Show everything on simulated vendors: read, match, plan, write, and find nothing to do the second time."""
    from crosswalk.cli.demo.play import play

    return play(session, folder=folder, seed=seed, size=size, stay=stay)
