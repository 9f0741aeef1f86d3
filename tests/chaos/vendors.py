"""Random histories over the real connectors and the simulated vendors, in one process: the engine as it is delivered.

What people do at the vendors' own screens, what goes wrong on the way (throttling, errors before and after the effect,
lost answers, tokens that die in mid-page, locked rows, late commits), and the invariants of `tests.chaos.invariants`.
Effects are counted by the vendors and compared with the journal.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, Final

from connectors.sdk.contract import Window
from connectors.sdk.registry import installed
from crosswalk.app import Hub, open_hub
from crosswalk.engine.model import House
from crosswalk.store.codec import load, load_row
from crosswalk.store.dialect import Database
from crosswalk.store.records import LIVE
from sandbox.web import Call
from sandbox.world import ANCHOR
from tests.chaos.histories import MOST, Play, Step
from tests.chaos.inside import Inside, answered_by
from tests.chaos.invariants import (
    BrokenError,
    check_bases,
    check_consent,
    check_rest,
    check_texts,
    check_work,
    match_again,
    partition,
)
from tests.chaos.stage import StageWorld
from tests.hub import World
from tests.memory.connector import Crash
from tests.soak.accounts import doubled, journal_of, unexplained


@dataclass(frozen=True)
class Crm:
    """A vendor with people: what its streams and fields are called in a file, and at its own screen."""

    name: str
    stream: str
    told: str
    credentials: Mapping[str, str]
    settings: str
    title: str
    phone: str
    family: str
    email: str

    def fields(self, what: str, value: Any) -> dict[str, Any]:
        """As somebody types it there."""
        name = getattr(self, what)
        if self.name == "pipedrive" and what in ("phone", "email"):
            value = [] if value is None else [{"value": value, "label": "work", "primary": True}]
        return {name: f"Ann {value}" if name == "name" else value}


CRMS: Final = {
    "salesforce": Crm(
        "salesforce", "contacts", "contacts", {"SF_ID": "client_id", "SF_SECRET": "client_secret"},
        """
    auth: {{flow: client_credentials, client_id: env:SF_ID, client_secret: env:SF_SECRET}}
    streams:
      accounts:
      contacts:
        write: {write}
        create_from: [{other}]
        hub_id: Crosswalk_Id__c
        mapping: {{cx.nps.score: CX_NPS_Score__c}}""",
        "Title", "Phone", "LastName", "Email",
    ),
    "zoho": Crm(
        "zoho", "contacts", "Contacts",
        {"ZO_ID": "client_id", "ZO_SECRET": "client_secret", "ZO_TOKEN": "refresh_token"},
        """
    data_center: eu
    auth: {{flow: refresh_token, client_id: env:ZO_ID, client_secret: env:ZO_SECRET, refresh_token: env:ZO_TOKEN}}
    streams:
      accounts:
      contacts:
        write: {write}
        create_from: [{other}]
        mapping: {{cx.nps.score: CX_NPS_Score}}""",
        "Title", "Phone", "Last_Name", "Email",
    ),
    "pipedrive": Crm(
        "pipedrive", "persons", "persons",
        {"PD_ID": "client_id", "PD_SECRET": "client_secret", "PD_TOKEN": "refresh_token"},
        """
    auth: {{flow: refresh_token, client_id: env:PD_ID, client_secret: env:PD_SECRET, refresh_token: env:PD_TOKEN}}
    streams:
      organizations:
      persons:
        write: {write}
        create_from: [{other}]
        {hub_id}
        mapping: {{cx.nps.score: NPS score, job_title: NPS comment | text}}""",
        "NPS comment", "phones", "name", "emails",
    ),
}  # fmt: skip
TOOLS: Final = {
    "typeform": """
    auth: {{token: env:TF_TOKEN}}
    streams:
      responses:
        surveys: {{{survey}: {{mapping: {{nps: nps, comment: nps_reason}}}}}}""",
    "qualtrics": """
    data_center: fra1
    directory: {directory}
    auth: {{flow: api_token, api_token: env:QT_TOKEN}}
    streams:
      responses:
      directory_contacts: {{write: [update], mapping: {{job_title: embeddedData.crm_title}}}}""",
}
_TOKENS: Final = {"typeform": ("TF_TOKEN", "token"), "qualtrics": ("QT_TOKEN", "api_token")}
CASTS: Final = (
    ("salesforce", "pipedrive", "typeform"), ("salesforce", "pipedrive", "qualtrics"),
    ("zoho", "pipedrive", "typeform"), ("salesforce", "zoho", "qualtrics"),
)  # fmt: skip
REST: Final = """
merge:
  defaults: {{masters: [{first}, {second}], {clears}on_conflict: {chain}, on_foreign_edit: review}}
guards:
  create: {{at_most: 50, share: 100%}}
  update: {{at_most: 50, share: 100%}}
  clear: {{at_most: 50, share: 100%}}
"""
WRITES: Final = ("[create, update]", "[create, update]", "[update]")
CLEARS: Final = ("", "allow_clear: [{first}], ", "allow_clear: [{first}, {second}], ")
CHAINS: Final = ("[masters]", "[review]", "[newest, review]")

_WRITE: Final = "POST,PATCH,PUT,DELETE"
_NO_TOKEN: Final = r"^(?!.*(oauth|query|export|search))"  # not a call for a token, nor a read that goes by POST
FAULTS: Final[Sequence[tuple[str, Mapping[str, Any]]]] = (
    ("lost_response", {"method": _WRITE, "path": _NO_TOKEN}),
    ("lost_response", {"method": "GET"}),
    ("storm", {"retry_after": 2}),
    ("storm", {}),
    ("storm", {"retry_after": 40, "method": _WRITE, "path": _NO_TOKEN}),
    ("error", {"status": 502, "when": "before"}),
    ("error", {"status": 503, "when": "after", "method": _WRITE, "path": _NO_TOKEN}),
    ("error", {"status": 500, "when": "after", "method": _WRITE, "path": _NO_TOKEN}),
    ("error", {"status": 502, "when": "before", "html": True}),
    ("expired_token", {"path": r"^(?!.*oauth)"}),
    ("truncated", {"method": "GET"}),
    ("truncated", {"method": "GET", "honest": False}),
    ("duplicate_page", {"method": "GET", "path": r"(persons|Contacts|contacts)\?(?!.*ids)"}),  # of lists alone
    ("late_commit", {"seconds": 8, "method": _WRITE, "path": _NO_TOKEN}),
    ("search_lag", {"seconds": 12}),
    ("locked_rows", {"every": 2}),
    ("locked_rows", {"every": 1}),
    ("late_commit", {"seconds": 25, "method": "PATCH,PUT", "path": _NO_TOKEN}),  # longer than any vendor here says
    ("slow", {"delay_ms": 4000}),
    ("forbidden", {"method": _WRITE, "path": _NO_TOKEN}),
)

ALWAYS: Final = (*("edit",) * 4, *("both",) * 2, *("new",) * 2, *("sync",) * 4, *("fault",) * 4, *("strike",) * 4)
SOMETIMES: Final = (
    "clear",
    "trash",
    "answer",
    "decide",
    "pair",
    "tick",
    "commit",
    "retry",
    "late",
    "race",
    "die",
    "mail",
)


def history(seed: int, length: int = 22) -> list[Step]:
    """As `tests.chaos.histories.history`, of the steps that these worlds know."""
    random = Random(f"vendors/{seed}")
    some = [name for name in SOMETIMES if random.random() < 0.4]
    names = [*ALWAYS, *some * 2]
    steps = [Step("world", *(random.randrange(100) for _ in range(3)))]
    steps += [Step("new", *(random.randrange(100) for _ in range(3))) for _ in range(2)]
    steps.append(Step("sync", 0, 0, 0))
    steps += [
        Step(random.choice(names), *(random.randrange(100) for _ in range(3)))
        for _ in range(random.randrange(6, length))
    ]
    return steps


class VendorWorld(StageWorld):
    """A hub's folder, over the installed connectors."""

    def __init__(self, folder: Path, database: Database) -> None:
        super().__init__(folder, database)
        self.clock.now = ANCHOR

    @contextmanager
    def open(self, *, looked: bool = True) -> Iterator[Hub]:
        with open_hub(self.folder / "crosswalk.yaml", who="tester", clock=self.clock, registry=installed()) as hub:
            hub._builder.sleep = self.sleep
            if looked:
                hub.look_anew()
            yield hub


@dataclass
class Known:
    """A record of somebody at a CRM."""

    crm: Crm
    key: str
    email: str
    gone: bool = False


@dataclass
class VendorPlay(Play):
    """One history over simulated vendors."""

    vendors: Inside = field(init=False)
    cast: tuple[str, str, str] = CASTS[0]
    records: list[Known] = field(default_factory=list)
    dies: tuple[int, bool] | None = None  # at the n-th write from now on, before or after it
    racing: str | None = None  # an edit that comes just before the next write
    read: dict[str, SimpleNamespace] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.page_crash = self.page_busy = self.second = None
        self._begin(Step("world", 0, 0, 0))

    def _begin(self, step: Step) -> None:
        self.cast = CASTS[step.a % len(CASTS)]
        self.vendors = Inside(self.cast, clock=self.world.clock, sleep=self.world.sleep)
        self.vendors.before, self.vendors.after = self._before_call, self._after_call
        secrets: dict[str, str] = {}
        for name in self.cast[:2]:
            told = self.vendors.vendor(name).credentials
            secrets |= {variable: told[key] for variable, key in CRMS[name].credentials.items()}
        variable, key = _TOKENS[self.cast[2]]
        secrets[variable] = self.vendors.vendor(self.cast[2]).credentials[key]
        (self.world.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in secrets.items()))
        self._write_file(step)

    def _write_file(self, step: Step) -> None:
        first, second, tool = self.cast
        lines = ["connections:"]
        for name, other, n in ((first, second, step.b), (second, first, step.c)):
            vendor = self.vendors.vendor(name)
            lines.append(f"  {name}:\n    base_url: {vendor.base_url}\n    token_url: {vendor.token_url}")
            hub_id = "hub_id: Crosswalk ID" if n % 2 else ""
            lines[-1] += CRMS[name].settings.format(write=WRITES[n % len(WRITES)], other=other, hub_id=hub_id)
        vendor = self.vendors.vendor(tool)
        survey = next(iter(self.vendors.hub.vendors["typeform"].forms), "") if tool == "typeform" else ""  # type: ignore[attr-defined] # each vendor has its own
        lines.append(
            f"  {tool}:\n    base_url: {vendor.base_url}\n    token_url: {vendor.token_url}"
            + TOOLS[tool].format(survey=survey, directory=vendor.credentials.get("directory"))
        )
        self.told_clears = CLEARS[step.b % len(CLEARS)]
        names = {"first": first, "second": second}
        for name in names:
            if f"{{{name}}}" in self.told_clears:
                self.witness.may_clear.add(names[name])
        lines.append(REST.format(**names, clears=self.told_clears.format(**names), chain=CHAINS[step.c % len(CHAINS)]))
        self.world.write("\n".join(lines))

    # -- calls -----------------------------------------------------------------------------------------------

    def _before_call(self, vendor: str, call: Call) -> None:
        if self.dead:
            raise Crash
        if self.dies is not None and not self.dies[1] and self._is_write(vendor, call):
            self._count_down()
        if self.racing is not None and self._is_write(vendor, call):
            self.racing = None
            there = [one for one in self.records if one.crm.name == vendor and not one.gone]
            if there:
                self._put(there[0], title=f"race {len(self.log)}")
                self.exempt.add((vendor, there[0].key, "title", ""))

    def _after_call(self, vendor: str, call: Call) -> None:
        if self.dies is not None and self.dies[1] and self._is_write(vendor, call):
            self._count_down()

    def _count_down(self) -> None:
        assert self.dies is not None
        left, after = self.dies
        self.dies = (left - 1, after)
        if left <= 0:
            self.dies, self.dead = None, True
            raise Crash

    def _is_write(self, vendor: str, call: Call) -> bool:
        return (
            vendor in self.cast[:2]
            and call.method != "GET"
            and not any(word in call.path for word in ("oauth", "query", "coql", "export", "search"))
        )

    # -- steps -----------------------------------------------------------------------------------------------

    def do_world(self, step: Step) -> None:
        if self.log == [f"-- {step}"]:
            self.world.key = f"{step.a} {step.b} {step.c}"
            self._begin(step)

    def pass_time(self, seconds: float) -> None:
        self.world.clock.forward(seconds=seconds)

    def do_tick(self, step: Step) -> None:
        self.pass_time((5, 70, 4000, 26 * 3600)[step.a % 4])

    def _put(self, known: Known, **values: Any) -> None:
        fields: dict[str, Any] = {}
        for what, value in values.items():
            fields |= known.crm.fields(what, value)
        self.vendors.edit(known.crm.name, known.crm.told, known.key, fields)
        for what, value in values.items():
            self.edits[known.crm.name, known.crm.stream, known.key, what] = value
            place = (known.crm.name, known.key, what, "")
            # What commits late is put over what came in between, whoever wrote it.
            (self.exempt.add if self.vendors.unseen_until > self.world.clock() else self.exempt.discard)(place)
        self.log.append(f"{known.crm.name}/{known.key} {values}")
        self.world.clock.forward(seconds=1)

    def _pick(self, n: int) -> Known | None:
        there = [one for one in self.records if not one.gone]
        return there[n % len(there)] if there else None

    def do_new(self, step: Step) -> None:
        if self.people == MOST:
            self.do_edit(step)
            return
        self.people += 1
        n = self.people
        mail = f"p{n}@a.test"
        for at in ((0,), (1,), (0, 1))[step.a % 3]:
            crm = CRMS[self.cast[at]]
            fields = crm.fields("family", f"Person{n}") | crm.fields("email", mail)
            if crm.name == "salesforce":
                fields |= {"FirstName": "Ann"}
            elif crm.name == "zoho":
                fields |= {"First_Name": "Ann"}
            if step.b % 2:
                fields |= crm.fields("title", f"t{step.c % 3}")
            key = self.vendors.edit(crm.name, crm.told, None, fields)
            self.records.append(Known(crm, key, mail))
            self.log.append(f"{crm.name}/{key} is new: {fields}")
            self.world.clock.forward(seconds=1)

    def _value(self, what: str, step: Step) -> str:
        if what == "phone":
            return f"+4989555{1000 + len(self.log) * 7 + step.c % 7}"
        return f"{'Person' if what == 'family' else 'title '}{len(self.log)}x{step.c}"

    def do_edit(self, step: Step) -> None:
        known = self._pick(step.a)
        if known is not None:
            what = ("title", "phone", "title", "family")[step.b % 4]
            self._put(known, **{what: self._value(what, step)})

    def do_both(self, step: Step) -> None:
        known = self._pick(step.a)
        if known is None:
            return
        what = ("title", "phone", "title", "family")[step.b % 4]
        for one in self.records:
            if one.email == known.email and not one.gone:
                self._put(one, **{what: self._value(what, step)})

    def do_mail(self, step: Step) -> None:
        known = self._pick(step.a)
        if known is not None:
            known.email = f"q{len(self.log)}@a.test"
            self._put(known, email=known.email)

    def do_clear(self, step: Step) -> None:
        known = self._pick(step.a)
        if known is not None:
            self.witness.cleared.add((known.crm.name, "title"))
            self._put(known, title=None)

    def do_trash(self, step: Step) -> None:
        known = self._pick(step.a)
        if known is None:
            return
        known.gone = True
        crm = known.crm
        gone = {"salesforce": {"IsDeleted": True}, "zoho": {"$deleted": True}, "pipedrive": {"is_deleted": True}}
        self.vendors.edit(crm.name, crm.told, known.key, gone[crm.name])
        self.log.append(f"{crm.name}/{known.key} was deleted")

    def do_answer(self, step: Step) -> None:
        tool = self.vendors.hub.vendors[self.cast[2]]
        mail = f"p{1 + step.a % max(1, self.people)}@a.test"
        if self.cast[2] == "typeform":
            form = next(iter(tool.forms))  # type: ignore[attr-defined] # each vendor has its own
            told = {"form": form, "answers": {"nps": step.b % 11}, "hidden": {"email": mail}}
        else:
            survey = next(iter(tool.surveys))  # type: ignore[attr-defined] # each vendor has its own
            told = {"survey": survey, "values": {"QID1": step.b % 11, "QID1_NPS_GROUP": 1, "recipientEmail": mail}}
        self.vendors.edit(self.cast[2], "responses", None, told)

    def do_late(self, step: Step) -> None:
        """Somebody's edit comes to light a little later, under its own stamp."""
        known = self._pick(step.a)
        if known is not None and known.crm.name != "zoho":
            value = self._value("title", step)
            fields = known.crm.fields("title", value)
            self.vendors.edit(known.crm.name, known.crm.told, known.key, fields, visible_after=3 + step.b % 25)
            self.exempt.add((known.crm.name, known.key, "title", ""))
            self.log.append(f"{known.crm.name}/{known.key} title {value}, late")

    def do_race(self, _step: Step) -> None:
        self.racing = "title"

    def do_die(self, step: Step) -> None:
        self.dies = (step.a % 4, bool(step.b % 2))

    def do_fault(self, step: Step) -> None:
        kind, words = FAULTS[step.a % len(FAULTS)]
        vendor = self.cast[step.b % 3]
        if kind == "locked_rows" and vendor != "salesforce":
            return
        if kind == "expired_token" and vendor in TOOLS:
            return  # a fixed token that is refused waits for a person
        more = {} if kind == "search_lag" else {"count": 1 + step.c % 3, "skip": step.c % 12}
        if kind == "expired_token":
            more["count"] = 1  # one that is refused again and again waits for a person
        self.vendors.fault(kind, vendor=vendor, **words, **more)
        self.log.append(f"{kind} at {vendor}: {words} {more}")

    def do_strike(self, step: Step) -> None:
        """Somebody is edited or new, and the write that follows from it goes wrong."""
        (self.do_new if step.c % 3 == 0 else self.do_edit)(step)
        kind, words = FAULTS[[n for n, one in enumerate(FAULTS) if one[1].get("method") == _WRITE][step.b % 6]]
        for vendor in self.cast[:2]:
            self.vendors.fault(kind, vendor=vendor, **words, count=1 + step.a % 3)
        self.log.append(f"{kind} at both: {words}")
        self.do_sync(step)

    # -- what must hold --------------------------------------------------------------------------------------

    def remote(self, name: str) -> Any:
        return self.read[name]

    def was_cleared(self, system: str, key: str, name: str) -> bool:
        return name == "job_title" and self.edits.get((system, CRMS[system].stream, key, "title"), "") is None

    def out_of_scope(self, _system: str, _row: Mapping[str, Any]) -> bool:
        return False

    def changed_unseen(self, _system: str, _stream: str, _key: str) -> bool:
        return False

    def judge(self) -> None:
        with self.world.store() as database, database.read() as connection:
            check_texts(self, database, connection)

    def finish(self) -> None:
        """Edits and faults stop; runs until the hold-backs have passed; then everything must hold."""
        self.vendors.hub.board.clear()
        self.crash_at = self.dies = self.racing = None
        for _ in range(3):
            self.pass_time(4000)
            run = self.do_sync(Step("sync", 0, 0, 0))
            assert run["run"]["state"] != "failed", run
        self.stays("I1", "a quiet world")
        with self.world.open() as hub:
            self.read = everything(hub.house)
            for check in (check_held, check_rest, check_edited, check_effects, check_bases, check_work, check_consent):
                check(self, hub.house)
        with self.world.store() as database:
            before = partition(database)
            match_again(database)
        self.held["I10"] += 1
        self.do_sync(Step("sync", 0, 0, 0))
        with self.world.store() as database:
            if partition(database) != before:
                raise BrokenError("I10", f"matched again, {before} became {partition(database)}")

    def stays(self, invariant: str, what: str) -> None:
        self.held[invariant] += 1
        count = len(self.done())
        totals = self.do_sync(Step("sync", 0, 0, 0))["totals"]
        if len(self.done()) != count or totals["written"] or totals["moved"]:
            raise BrokenError(invariant, f"{what} is written to: {self.done()[count:]} {totals}")

    def done(self) -> Sequence[Mapping[str, Any]]:
        """What our calls did at the vendors."""
        found: list[Mapping[str, Any]] = self.vendors.hub.log()["effects"]
        return [one for one in found if one["method"] != "EDIT"]


def everything(house: House) -> dict[str, SimpleNamespace]:
    """What the vendors show to who reads all of it now, by stream and key."""
    found: dict[str, SimpleNamespace] = {name: SimpleNamespace(rows={}) for name in house.links}
    for stream in house.streams.values():
        connector = house.links[stream.connection].connector
        rows = found[stream.connection].rows.setdefault(stream.name, {})
        for part in connector.parts(stream.name):
            for page in connector.pull(stream.name, Window(part, None)):
                rows.update((record.key, record.values) for record in page.records)
    return found


def check_held(play: VendorPlay, house: House) -> None:
    """I6 and I7: every record that a vendor shows is held, and none is held as gone that it shows."""
    with house.database.read() as connection:
        for stream in house.streams.values():
            held = dict(
                house.database.run(
                    connection, "SELECT rkey, state FROM record WHERE stream = ?", (stream.id,)
                ).fetchall()
            )
            for key, raw in play.read[stream.connection].rows.get(stream.name, {}).items():
                play.held["I6"] += 1
                if key not in held:
                    raise BrokenError("I6", f"{stream.address}/{key} was missed: {raw}")
            for known in play.records:
                if known.crm.name == stream.connection and known.crm.stream == stream.name and not known.gone:
                    play.held["I7"] += 1
                    if held.get(known.key) != LIVE:
                        raise BrokenError(
                            "I7", f"{stream.address}/{known.key} lives and is held as {held.get(known.key)}"
                        )


_TARGETS: Final = {"title": "job_title", "phone": "phones", "family": "name", "email": "emails"}


def check_edited(play: VendorPlay, house: House) -> None:
    """I3: the last edit of each field of each record is visible somewhere: golden, its history, conflict, journal."""
    texts = _told_anywhere(house)
    for (system, stream, key, what), value in play.edits.items():
        known = next(one for one in play.records if one.crm.name == system and one.key == key)
        if value is None or known.gone or (system, key, what, "") in play.exempt:
            continue
        play.held["I3"] += 1
        raw = play.read[system].rows[stream].get(key)
        if raw is None or str(value) in repr(raw):
            continue  # it stands there still
        if not any(str(value) in text for text in texts):
            raise BrokenError("I3", f"{system}/{stream}/{key} {what} = {value!r} has vanished")


def _told_anywhere(house: House) -> list[str]:
    database = house.database
    texts: list[str] = []
    with database.read() as connection:
        for (vals,) in database.run(connection, "SELECT vals FROM golden").fetchall():
            texts.append(repr(load_row(bytes(vals))))
        for statement in (
            "SELECT before FROM golden_history",
            "SELECT detail FROM conflict",
            "SELECT fields FROM journal",
        ):
            texts += [repr(load(bytes(row[0]))) for row in database.run(connection, statement).fetchall()]
    return texts


def check_effects(play: VendorPlay, house: House) -> None:
    """I4 and I5: what the vendors say was done to them is what stands in the journal, and nothing was made twice."""
    journal = journal_of(house)
    done = [one for one in play.done() if one["vendor"] in play.cast]
    play.held["I5"] += len(done) + len(journal)
    play.held["I4"] += sum(row.op == "create" for row in journal)
    if told := unexplained(done, journal):
        raise BrokenError("I5", "; ".join(told))
    if told := doubled(journal):
        raise BrokenError("I4", "; ".join(told))
    for name in play.cast[:2]:
        by_mail: dict[str, set[str]] = defaultdict(set)
        for key, row in play.read[name].rows[CRMS[name].stream].items():
            for mail in _MAIL.findall(repr(row.get(CRMS[name].email))):
                by_mail[mail].add(key)
        by_people = {known.key for known in play.records if known.crm.name == name}  # who may enter somebody twice
        if twice := {mail: keys for mail, keys in by_mail.items() if len(keys) > 1 and keys - by_people}:
            raise BrokenError("I4", f"{name} has somebody more than once: {twice}")


_MAIL: Final = re.compile(r"[pq]\d+@a\.test")


def play(world: World, steps: Sequence[Step]) -> VendorPlay:
    """The history as it was played. Raises BrokenError."""
    made = VendorPlay(world)
    with answered_by(lambda request: made.vendors.answer(request)):
        for step in steps:
            made.log.append(f"-- {step}")
            made.step(step)
        made.finish()
    return made


__all__ = ["VendorPlay", "VendorWorld", "history", "play"]
