"""The six steps of the demo.

It calls what the commands call (`plan`, `apply`, `sync`, `explain`), on a SQLite store in a folder of its own, so that
everything can be looked at afterwards. What it claims about the CRMs it has asked them, over their own HTTP APIs.

A run begins anew: what an earlier one left in the folder, ended or killed, is replaced. The vendors live in this
process and forget everything at its end, so a half-written store would not fit them any more.
"""

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from msgspec import Struct, field

from crosswalk import clock
from crosswalk.cli import text
from crosswalk.cli.demo.asking import newest_answer, scores_in_crms
from crosswalk.cli.demo.folder import VENDORS, write_folder
from crosswalk.cli.explain import explained
from crosswalk.cli.plans import CLASSES, actions_shown, approvable, due, waits
from crosswalk.cli.screen import Line
from crosswalk.cli.session import DONE, FAILED, Session, UsageError

if TYPE_CHECKING:
    from crosswalk.app import Hub
    from crosswalk.cli.progress import Bars, Lines, Quiet
    from sandbox.server import Sandbox

HEROINE = "Mara Lindqvist"
ADDRESS = "mara.lindqvist@nordlicht-solar.test"
_FOLLOW_UPS = 3  # rounds
_MARKER = ".crosswalk-demo"  # the folder was made by a demo, so a demo may replace it


def play(session: Session, *, folder: Path, seed: int, size: int, stay: bool = False) -> int:
    """Six steps; 0 only where each came out as it must. `stay`: the vendors then go on until Ctrl-C."""
    from sandbox.server import Sandbox

    # Whoever the demo shows was invented, so there is nobody to protect from a build log.
    session.out.hide = session.manners.mask
    # Calls are counted but none is refused: nobody wants to watch a client wait for the next two seconds.
    with _own(session, folder), Sandbox.start(VENDORS, seed=seed, size=size, limits="lifted") as sandbox:
        _set_the_clock(sandbox)
        code = _Play(session, folder, sandbox).run()
        if stay and code == DONE:
            _stay(session, folder, sandbox)
        return code


def _stay(session: Session, folder: Path, sandbox: "Sandbox") -> None:
    """Until Ctrl-C, at the time of whoever comes to look."""
    sandbox.set_clock(clock.now())
    session.note(
        f"The vendors go on. In another window:  cd {folder}, change crosswalk.yaml,  {_command(folder)} plan",
        "Ctrl-C stops.",
    )
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        session.note("", "Stopped.")


def _set_the_clock(sandbox: "Sandbox") -> None:
    """An hour after the story's last answer: vendors that show answers late show them all, and none comes in between.

    The hub gets the vendors' clock, so the demo ends the same in any year.
    """
    sandbox.set_clock(sandbox.world.anchor + timedelta(hours=1))


@contextmanager
def _own(session: Session, folder: Path) -> Iterator[None]:
    """The folder, new and ours alone. Raises UsageError where it is somebody else's or another demo is at work."""
    if folder.exists() and not (folder / _MARKER).exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there and no demo made it", "give another one with --folder")
    if folder.exists():
        session.note(f"{folder} is of an earlier demo and is made anew.")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _MARKER).open("w") as marker:
        if not _locked(marker):
            raise UsageError(f"another demo is at work in {folder}", "wait for it, or give another one with --folder")
        for entry in folder.iterdir():
            if entry.name != _MARKER:
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        yield


def _locked(file: IO[str]) -> bool:
    """Whether this process alone has the file now; the system lets go of it however the process ends."""
    try:
        import fcntl
    except ImportError:  # no such locks on this system: two demos in one folder are not kept apart
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class _Clocks(Struct):
    """Takes the time of the engine's stages: it is told each one, and the one before ends then."""

    seconds: dict[str, float] = field(default_factory=dict)
    _open: tuple[str, float] | None = None

    def stage(self, name: str, *, total: int | None = None) -> None:
        self.end()
        self._open = (name, time.monotonic())

    def advance(self, stream: str, *, read: int = 0, changed: int = 0, written: int = 0) -> None:
        """Counts are read from the answers."""

    def end(self) -> None:
        if self._open is not None:
            name, began = self._open
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began
            self._open = None

    def took(self, *names: str) -> float:
        return sum(self.seconds.get(name, 0.0) for name in names)


class _Both:
    """Progress for the eye and for the clocks."""

    def __init__(self, *tellers: Any) -> None:
        self._tellers = tellers

    def stage(self, name: str, *, total: int | None = None) -> None:
        for teller in self._tellers:
            teller.stage(name, total=total)

    def advance(self, stream: str, *, read: int = 0, changed: int = 0, written: int = 0) -> None:
        for teller in self._tellers:
            teller.advance(stream, read=read, changed=changed, written=written)


class _Play:
    """The six steps. Each is printed when it is done, with its own figures and the seconds it took."""

    def __init__(self, session: Session, folder: Path, sandbox: "Sandbox") -> None:
        self._session = session
        self._folder = folder
        self._sandbox = sandbox
        self._steps: list[dict[str, Any]] = []
        self._clocks = _Clocks()
        self._bars: Bars | Lines | Quiet | None = None
        self._heroine = ADDRESS  # what `explain` is asked; her entity, once it is known

    def run(self) -> int:
        self._start()
        with self._open() as hub:
            plan = self._plan(hub)
            if plan is not None and not self._session.interrupted:
                self._apply(hub, plan)
                self._again(hub)
                self._look(hub)
        return self._end()

    def _end(self) -> int:
        good = len(self._steps) == 6 and all(step["ok"] for step in self._steps)
        answer = {
            **self._sandbox.json(),
            "steps": self._steps,
            "exit_code": DONE if good else FAILED,
        }
        return self._session.show(answer, lambda a, s: ())

    @contextmanager
    def _open(self) -> "Iterator[Hub]":
        """The hub of the folder, on the vendors' clock."""
        from crosswalk.app import open_hub

        with (
            self._session.progress(transient=True) as self._bars,
            chdir(self._folder),  # so that places read as they will for whoever looks around there
            open_hub(
                Path("crosswalk.yaml"), progress=_Both(self._bars, self._clocks), who=self._session.who,
                clock=self._sandbox.now,
            ) as hub,
            self._session.stoppable(hub.stop),
        ):  # fmt: skip
            self._session.at(hub.time_zone)
            yield hub

    def _step(
        self,
        name: str,
        words: str,
        *,
        took: float,
        ok: bool = True,
        counts: Mapping[str, Any],
        more: Sequence[Line] = (),
    ) -> None:
        if self._bars is not None:
            self._bars.close()  # the terminal is for the step now
        number = len(self._steps) + 1
        self._steps.append({"name": name, "counts": dict(counts), "seconds": round(took, 2), "ok": ok})
        if not self._session.manners.json:
            screen = self._session.out
            lines = list(screen.prose(f"{words}   {text.seconds(took)}", indent=13, first=f"{number}  {name}"))
            screen.write([*lines, *more])

    # 1

    def _start(self) -> None:
        began = time.monotonic()
        files = write_folder(self._folder, self._sandbox)
        vendors, customers = len(self._sandbox.vendors), text.number(self._sandbox.size)
        words = f"{text.count(vendors, 'simulated vendor')} and a folder of CSV, {customers} customers"
        counts = {"vendors": vendors, "files": files, "customers": self._sandbox.size}
        self._step("started", words, took=time.monotonic() - began, counts=counts)

    # 2 to 4

    def _plan(self, hub: "Hub") -> dict[str, Any] | None:
        began = time.monotonic()
        plan = hub.plan()
        self._clocks.end()
        spent = time.monotonic() - began
        status = hub.status()
        records = {one["stream"]: one["records"] for one in status["streams"]}
        whole = all(one["complete"] for one in status["streams"])
        settle, planning = self._clocks.took("settle"), self._clocks.took("plan")
        read = max(0.0, spent - settle - planning)
        self._step("read", f"{text.count(sum(records.values()), 'record')}", took=read, ok=whole, counts=records)
        people, companies = (_entities(hub, kind) for kind in ("person", "company"))
        waiting = status["waiting"]
        words = f"{text.number(people)} people, {text.number(companies)} companies"
        left = [
            text.count(waiting[key], word)
            for key, word in (("pairs", "pair"), ("conflicts", "conflict"))
            if waiting[key]
        ]
        words += f"; {' and '.join(left)} left to you" if left else ""
        counts = {
            "people": people,
            "companies": companies,
            "pairs": waiting["pairs"],
            "conflicts": waiting["conflicts"],
        }
        self._step("matched", words, took=settle, ok=people > 0, counts=counts)
        failed = any(problem["severity"] == "error" for problem in plan["problems"])
        return self._planned(plan, took=planning, ok=plan["plan"] is not None and not failed)

    def _planned(self, plan: dict[str, Any], *, took: float, ok: bool) -> dict[str, Any] | None:
        sums = {kind: sum(row[kind] for row in plan["counts"]) for kind in CLASSES}
        words = ", ".join(text.count(sums[kind], kind) for kind in ("update", "create", "delete"))
        held = bool(plan["first_plans"] or plan["guards"])
        one = self._shown(plan)
        if one:
            words += "; one of them in full:"
        self._heroine = str(one[0]["entity"]) if one else ADDRESS
        more: list[Line] = list(actions_shown(one, self._session.out))
        if held:
            more += [
                *waits(plan, self._session.out),
                "   A person would look and approve; the demo approves all of it.",
            ]
        self._step("planned", words, took=took, ok=ok and held, counts=sums, more=more)
        return plan if ok else None

    def _shown(self, plan: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Her update in a CRM, or the first one."""
        updates = [action for action in plan["actions"] if action["class"] == "update"]
        hers = [action for action in updates if str(action["title"]).startswith(HEROINE)]
        return sorted(hers, key=lambda action: not action["stream"].startswith("salesforce/"))[:1] or updates[:1]

    # 5

    def _apply(self, hub: "Hub", plan: dict[str, Any]) -> None:
        began = time.monotonic()
        approved = approvable(plan)
        self._session.expect(due(plan, approved=approved))
        done = hub.apply(plan["plan"]["id"], approve=approved)
        written, followed = done["totals"]["written"], self._follow_up(hub)
        took = time.monotonic() - began
        told = hub.explain(self._heroine)
        answered, shown = newest_answer(self._sandbox, told), scores_in_crms(self._sandbox, told)
        asked = " and ".join(f"{name.capitalize()} {text.value(score)}" for name, score in shown.items())
        words = f"{text.number(written)} written"
        words += f", and {text.number(followed)} that followed from them" if followed else ""
        words += f". Asked over their APIs, the NPS score of {HEROINE} is: {asked}"
        agreed = bool(shown) and answered is not None and set(shown.values()) == {answered}
        if not agreed:
            words += f"; but she answered {text.value(answered)}"
        if done["totals"]["aside"]:
            words += f"; {text.number(done['totals']['aside'])} set aside"
        counts = {**done["totals"], "followed": followed, "nps_shown": shown, "nps_answered": answered}
        fine = written > 0 and agreed and done["exit_code"] != FAILED
        self._step("applied", words, took=took, ok=fine, counts=counts)
        self._session.report(done)

    def _follow_up(self, hub: "Hub") -> int:
        """What was written may show that two were one, and that leads to writes of its own."""
        followed = 0
        for _ in range(_FOLLOW_UPS):
            written = int(hub.sync()["totals"]["written"])
            followed += written
            if not written:
                break
        return followed

    # 6

    def _again(self, hub: "Hub") -> None:
        began = time.monotonic()
        done = hub.sync()
        totals = done["totals"]
        words = f"{text.number(totals['changed'])} changed, {text.number(totals['written'])} written"
        quiet = not (totals["changed"] or totals["written"] or totals["moved"] or totals["aside"])
        self._step(
            "again", words, took=time.monotonic() - began, ok=quiet and done["exit_code"] != FAILED, counts=totals
        )
        self._session.report(done)

    # afterwards

    def _look(self, hub: "Hub") -> None:
        """One customer out of CRM, shop and survey, with where each value comes from."""
        if self._session.manners.json:
            return
        answer = hub.explain(self._heroine)
        screen = self._session.out
        screen.now = self._sandbox.now()
        screen.write(["", *explained(answer, screen, field=None), ""])
        self._session.note(f"Look around:  cd {self._folder} && {_command(self._folder)} explain {answer['entity']}")


def _command(folder: Path) -> str:
    """What to type in the folder for this very program: its name where that finds it, else the way to it."""
    program = Path(sys.argv[0])
    if program.name != "crosswalk" or shutil.which("crosswalk") == str(program.absolute()):
        return "crosswalk"
    return os.path.relpath(program.absolute(), folder.absolute())


def _entities(hub: "Hub", kind: str) -> int:
    return sum(1 for _ in hub.export(kind)["rows"])
