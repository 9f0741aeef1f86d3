"""From settings to a house that is open: connectors connected, catalogues known, mappings compiled, rules ready.

The catalogue of a stream (its fields, as the vendor has them today) is kept in the store. It is asked for again when
it is an hour old, or when the file names a field that it does not know; what only looks at the store asks nobody.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from connectors.sdk.contract import Account, Connector, FieldInfo, Keyed, StreamSpec, Tools
from connectors.sdk.errors import ConnectorError, GrantError, SetupError
from crosswalk import drift
from crosswalk.engine import matching, policies
from crosswalk.engine.accounts import doubted, renamed_streams, renewed, strange, twice
from crosswalk.engine.failures import problem_of, state_of
from crosswalk.engine.model import Ceiling, House, Link, Progress, Stream
from crosswalk.problems import Problem
from crosswalk.settings.model import ConnectionSettings, Guard, HubSettings, StreamSettings
from crosswalk.settings.plugin import credentials
from crosswalk.store import meta
from crosswalk.store.budget import Budgets
from crosswalk.store.codec import dump, load
from crosswalk.store.dialect import Database
from crosswalk.store.goldens import load_layout
from crosswalk.store.leases import Leases
from crosswalk.store.pauses import Pause, pause_of, pauses, reconsider
from crosswalk.store.records import some_rows
from crosswalk.store.tokens import Tokens, Vault
from mapping.compile import CompiledMapping, Context, MappingError, MappingFault, compile_mapping
from mapping.derive import COMPANY_FIELDS, PERSON_FIELDS, CxSettings, Setting
from mapping.schema import target
from mapping.surveys import SurveyRoles

_NOT_GRANTED: Final = "CW204"
_ROWS_LOOKED_AT: Final = 20  # of a stream, for what they are known by
_KNOWN_BY: Final = "known_by:"  # and the number of a stream: the columns that its records were last known by
_HOLDS: Final = timedelta(hours=1)  # who we are there, and a catalogue that nobody needs anew
_COMPUTED: Final = {"person": PERSON_FIELDS, "company": COMPANY_FIELDS}


class _Draft(Struct):
    """One listed stream on its way into the house."""

    settings: StreamSettings
    connection: ConnectionSettings
    id: int
    spec: StreamSpec
    catalogue: Sequence[FieldInfo] | None  # as the store has it, with what is paused
    complete: bool
    held: str | None = None  # as what kind of entity the store holds its records
    mapping: CompiledMapping | None = None
    asked: Sequence[FieldInfo] | None = None  # as the vendor has it now

    @property
    def address(self) -> str:
        return f"{self.connection.name}/{self.settings.name}"


class _Asked(Struct):
    """What a connection answered. `refused`: streams whose fields it does not show, and why."""

    account: Account | None  # None: it was asked a moment ago
    fields: dict[int, Sequence[FieldInfo]] = field(default_factory=dict)
    refused: list[Problem] = field(default_factory=list)


class Builder(Struct):
    """Builds a house. `problems` are those of connections that could not be asked; they stop nobody else."""

    settings: HubSettings
    database: Database
    vault: Vault
    clock: Callable[[], datetime]
    progress: Progress
    sleep: Callable[[float], None] = time.sleep
    problems: list[Problem] = field(default_factory=list)
    faults: list[Problem] = field(default_factory=list)  # of mappings: nothing can be done before they are mended
    warnings: list[Problem] = field(default_factory=list)  # of fields that are paused, and of streams under a new name
    links: dict[str, Link] = field(default_factory=dict)
    tools: dict[str, Tools] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)  # requests by connection
    misfits: dict[str, Problem] = field(default_factory=dict)  # by stream: its records are of another kind
    changed: dict[str, Sequence[drift.Change]] = field(default_factory=dict)  # by stream: what is not as it was
    _accounts: dict[str, Account] = field(default_factory=dict)
    _lately: set[str] = field(default_factory=set)  # connections of which the account was asked within the hour
    _pauses: Mapping[str, Pause] = field(default_factory=dict)

    def build(
        self, *, ask: bool = False, anew: bool = False, of: Collection[str] | None = None, lenient: bool = False
    ) -> House:
        """`ask`: vendors may be asked for what the store does not know or has known for too long; of these connections
        alone, where `of` names any. Nobody is asked of what is paused. `anew`: every catalogue is asked for, as reading
        a stream does anyway with most vendors.

        `lenient`: mappings that do not fit the catalogue are compiled as they are written; their faults are told by
        whoever asked for leniency. Else they are in `faults`, and their streams are left out.
        """
        prints = prints_of(self.settings, self.vault)
        reconsider(self.database, prints)
        self._connect(prints)
        drafts = self._drafts()
        with self.database.read() as connection:
            self._pauses = pauses(self.database, connection)
        askable = self._askable(of)
        if ask:
            self._refresh(
                drafts,
                [draft for draft in drafts if draft.connection.name in askable and (anew or self._is_old(draft))],
            )
        silent = set() if lenient else {draft.connection.name for draft in drafts} - askable
        with self.database.read() as connection:  # some may have been paused for what they answered
            self._pauses = pauses(self.database, connection)
        self._compile(drafts, lenient=lenient, silent=silent)
        if ask and self.faults:
            # The file may name what is new at the vendor since yesterday.
            again = [draft for draft in drafts if draft.mapping is None and draft.catalogue and draft.asked is None]
            self.faults.clear()
            self._refresh(drafts, [draft for draft in again if draft.connection.name in askable])
            self._compile(drafts, lenient=lenient, silent=silent)
        self.warnings = [
            problem
            for draft in drafts
            for problem in drift.told(
                draft.address,
                draft.connection.connector.label,
                [one for one in draft.catalogue or () if one.paused],
                self.changed.get(draft.address, ()),
            )
        ]
        self.warnings += [
            problem
            for name, told in self.settings.connections.items()
            for problem in doubted(name, told.connector.label, self._accounts.get(name))
        ]
        self.warnings += [
            problem
            for name, told in self.settings.connections.items()
            if told.connector.role == "files"
            for problem in renamed_streams(self.database, name, {one.name: one.kind for one in told.streams.values()})
        ]
        return self._furnish([draft for draft in drafts if draft.mapping is not None])

    def _askable(self, of: Collection[str] | None) -> set[str]:
        wanted = self.settings.connections if of is None else of
        return {name for name in wanted if pause_of(self._pauses, name) is None}

    def _counter(self, name: str) -> Callable[[int], None]:
        """Counts requests of one connection; its threads may count at once."""
        calls = self.calls
        calls[name] = 0
        lock = threading.Lock()

        def count(cost: int) -> None:
            del cost
            with lock:
                calls[name] += 1

        return count

    # -- connectors and catalogues -----------------------------------------------------------------------------

    def _connect(self, prints: Mapping[str, str]) -> None:
        tokens, budgets = Tokens(self.database, self.vault, self.clock), Budgets(self.database, self.clock)
        rows = []
        with self.database.read() as connection:
            known = {
                row[0]: row[1:]
                for row in self.database.run(
                    connection, "SELECT name, connector, account, checked_at FROM connection"
                ).fetchall()
            }
        for name, told in self.settings.connections.items():
            if name not in self.links:
                tools = self.tools[name] = Tools(
                    connection=name,
                    clock=self.clock,
                    sleep=self.sleep,
                    tokens=tokens,
                    budget=budgets,
                    time_zone=self.settings.time_zone,
                    sent=self._counter(name),
                )
                connector = told.connector.connect(told.settings, tools)
                self.links[name] = Link(name, connector, told.connector.role, told.connector.unit, tools.time_zone)
            connector_name, account, checked_at = known.get(name, (None, None, None))
            if connector_name != told.connector.name:
                rows.append((name, told.connector.name, prints[name]))
            if account is not None:
                self._accounts[name] = Account(**load(bytes(account)))
                if not self._holds_no_longer(checked_at):
                    self._lately.add(name)
        if rows:
            with self.database.write() as connection:
                self.database.upsert(connection, "connection", ("name",), ("name", "connector", "credentials"), rows)

    def _drafts(self) -> list[_Draft]:
        wanted = [(told, stream) for told in self.settings.connections.values() for stream in told.streams.values()]
        known = self._stream_rows()
        missing = [(told.name, stream.name) for told, stream in wanted if (told.name, stream.name) not in known]
        if missing:
            with self.database.write() as connection, self.database.lock(connection, 8):
                for pair in missing:
                    self.database.run(
                        connection,
                        "INSERT INTO stream (id, connection, name) SELECT coalesce(max(id), 0) + 1, ?, ? FROM stream "
                        "WHERE TRUE ON CONFLICT DO NOTHING",
                        pair,
                    )
            known = self._stream_rows()
        drafts = []
        for told, stream in wanted:
            number, catalogue, complete, held = known[told.name, stream.name]
            specs = self.links[told.name].connector.streams
            spec = specs.get(stream.name) or StreamSpec()
            drafts.append(_Draft(stream, told, number, spec, catalogue, complete, held))
        return drafts

    def _stream_rows(self) -> dict[tuple[str, str], tuple[int, Sequence[FieldInfo] | None, bool, str | None]]:
        with self.database.read() as connection:
            rows = self.database.run(
                connection,
                "SELECT s.connection, s.name, s.id, s.catalogue, s.complete, (SELECT m.kind FROM record r "
                "JOIN mapping m ON m.id = r.mapping WHERE r.stream = s.id LIMIT 1) FROM stream s",
            ).fetchall()
        return {
            (row[0], row[1]): (row[2], None if row[3] is None else drift.loaded(bytes(row[3])), bool(row[4]), row[5])
            for row in rows
        }

    def _is_old(self, draft: _Draft) -> bool:
        if draft.catalogue is None or draft.spec.cursor == "content":
            return True
        with self.database.read() as connection:
            at = self.database.run(connection, "SELECT catalogue_at FROM stream WHERE id = ?", (draft.id,)).scalar()
        return self._holds_no_longer(at)

    def _holds_no_longer(self, at: int | None) -> bool:
        now = int(self.clock().timestamp() * 1000)
        return at is None or now - at > _HOLDS.total_seconds() * 1000

    def _refresh(self, drafts: Sequence[_Draft], old: Sequence[_Draft]) -> None:
        """Ask the vendors side by side; one that cannot answer keeps what the store knows of it."""
        by_connection: dict[str, list[_Draft]] = {}
        for draft in old:
            by_connection.setdefault(draft.connection.name, []).append(draft)
        if not by_connection:
            return
        with ThreadPoolExecutor(max_workers=min(8, len(by_connection))) as pool:
            for name, answer in zip(
                by_connection, pool.map(self._ask, by_connection, by_connection.values()), strict=True
            ):
                if isinstance(answer, ConnectorError):
                    self._failed(problem_of(answer, connection=name))
                    continue
                told = self.settings.connections[name]
                if answer.account is not None:
                    problem = self._strange(told, answer.account)
                    if problem is not None:
                        self._failed(problem)
                        continue
                    self._keep(name, answer.account)
                self.problems += [one for one in answer.refused if one not in self.problems]
                for draft in by_connection[name]:
                    draft.asked = answer.fields.get(draft.id)
        self._bar_twins(asked=by_connection)

    def _strange(self, told: ConnectionSettings, now: Account) -> Problem | None:
        """Why the account that answers may not be worked with under this name."""
        return strange(
            self.database, told.name, told.connector.name, now, told.streams,
            known=self._accounts.get(told.name), role=told.connector.role, listed=self.settings.connections,
        )  # fmt: skip

    def _bar_twins(self, *, asked: Collection[str]) -> None:
        """Of two names of one account neither is worked with."""
        accounts = {
            name: (told.connector.name, self._accounts[name].id)
            for name, told in self.settings.connections.items()
            if name in self._accounts
        }
        writing = {
            name for name, told in self.settings.connections.items() if any(one.write for one in told.streams.values())
        }
        for problem in twice(accounts, writing, asked=asked):
            name = problem.connection or ""
            first = next(one for one in accounts if accounts[one] == accounts[name])
            for barred in (name, first):
                self._failed(replace(problem, connection=barred))

    def _ask(self, name: str, drafts: Sequence[_Draft]) -> _Asked | ConnectorError:
        """What is wrong with one stream alone, a permission or a part that is not there, is that stream's affair, any
        other failure the connection's."""
        connector: Connector = self.links[name].connector
        try:
            asked = _Asked(None if name in self._lately else connector.account())
            if asked.account is not None:
                self._declare(name, asked.account)  # before anything more is spent of it
            for draft in drafts:
                try:
                    asked.fields[draft.id] = connector.fields(draft.settings.name)
                except (GrantError, SetupError) as error:
                    if isinstance(error, GrantError) and error.code != _NOT_GRANTED:
                        raise
                    asked.refused.append(replace(problem_of(error, connection=name), stream=draft.address))
        except ConnectorError as error:
            return error
        return asked

    def _failed(self, problem: Problem) -> None:
        if problem not in self.problems:  # it is asked again where the file names what the store does not know
            self.problems.append(problem)
        with self.database.write() as connection:
            state_of(
                self.database, connection, problem.connection or "", problem, at=int(self.clock().timestamp() * 1000)
            )

    def _keep(self, name: str, account: Account) -> None:
        now = int(self.clock().timestamp() * 1000)
        with self.database.write() as connection:
            account = renewed(self.database, connection, name, account, known=self._accounts.get(name))
            self.database.run(
                connection,
                "UPDATE connection SET account = ?, checked_at = ? WHERE name = ?",
                (dump(asdict(account)), now, name),
            )
        self._accounts[name] = account

    def _declare(self, name: str, account: Account) -> None:
        """How much of the account's allowance is ours today."""
        told = self.settings.connections[name]
        own = told.budget.per_day
        if own is not None and account.allowance is not None and own > account.allowance:
            own = None  # more than there is: as if nothing were said, and `check` says so
        allowance = own or account.allowance
        if allowance is not None:
            Budgets(self.database, self.clock).declare(
                name,
                allowance=allowance,
                reserve=0 if own else int(allowance * told.budget.reserve),
                remaining=account.left,
            )

    # -- mappings ----------------------------------------------------------------------------------------------

    def _compile(self, drafts: Sequence[_Draft], *, lenient: bool, silent: Collection[str] = ()) -> None:
        """`silent`: connections that are not asked this time."""
        failing = {problem.connection for problem in self.problems} | set(silent)
        seen = []
        for draft in drafts:
            if draft.mapping is not None:
                continue
            if draft.catalogue is None and draft.asked is None and draft.connection.name in failing:
                continue  # nothing is known of it, and it cannot be asked: it is left out of this run
            misfit = _other_kind(draft) or self._other_key(draft)
            if misfit is not None:
                self.misfits[draft.address] = misfit
                if not lenient:
                    self.faults.append(misfit)
                    continue
            try:
                if draft.asked is None:
                    draft.mapping = self.compiled(draft.connection, draft.settings, draft.catalogue)
                else:
                    self._fit(draft, draft.asked)
                    seen.append((drift.stored(draft.catalogue or ()), int(self.clock().timestamp() * 1000), draft.id))
            except MappingError as error:
                if lenient:
                    draft.mapping = self.compiled(draft.connection, draft.settings, None)
                else:
                    self.faults += [fault_problem(fault, draft.connection, draft.settings) for fault in error.faults]
        if seen:
            with self.database.write() as connection:
                self.database.run_many(
                    connection, "UPDATE stream SET catalogue = ?, catalogue_at = ? WHERE id = ?", seen
                )

    def _other_key(self, draft: _Draft) -> Problem | None:
        """Its records are known by what another column said: read by this one, each would be a new record, and what it
        was known as would pass for gone. Looked for where the file names other columns than when they last fitted."""
        connector = self.links[draft.connection.name].connector
        if draft.held is None or not isinstance(connector, Keyed):
            return None
        fitted, named = f"{_KNOWN_BY}{draft.id}", dump(list(connector.known_by(draft.settings.name)))
        if meta.get(self.database, fitted) == named:
            return None
        with self.database.read() as connection:
            rows = some_rows(self.database, connection, draft.id, _ROWS_LOOKED_AT)
        told = [(key, values, connector.key_of(draft.settings.name, values)) for key, values in rows]
        known_by = [now for _, _, now in told if now is not None]
        other = [(key, values) for key, values, now in told if now not in (key, None)]
        if rows and not known_by and draft.asked is not None:  # the column is new, and may be the old one renamed
            other = [] if _lists_any(connector, draft.settings.name, {key for key, _ in rows}) else rows
        if not other or 2 * len(other) < len(known_by):  # a few may be left of a key that was changed long ago
            if known_by or (rows and draft.asked is not None):
                with self.database.write() as connection:
                    meta.put(self.database, connection, fitted, named)
            return None
        columns = [one for one in other[0][1] if all(str(values.get(one)) == key for key, values in other)]
        known = f"key: {columns[0]}" if columns else "the key that it had"
        return _misfit(
            draft,
            f"{draft.address} holds records under another key: each row would be a new one",
            f"write {known}, or list the rows under another name than {draft.settings.name}",
        )

    def _fit(self, draft: _Draft, now: Sequence[FieldInfo]) -> None:
        """The mapping on today's fields, with what of the old ones it still needs."""
        before = draft.catalogue or ()
        kept = self.fitted(draft.connection, draft.settings, before, now)
        if draft.catalogue is not None and (found := drift.changes(before, now)):
            self.changed[draft.address] = found
        draft.catalogue, draft.mapping = kept.catalogue, kept.mapping

    def fitted(
        self,
        told: ConnectionSettings,
        stream: StreamSettings,
        before: Sequence[FieldInfo],
        now: Sequence[FieldInfo],
    ) -> drift.Kept:
        """The mapping of a stream on what its vendor has now. Raises MappingError where the file is at fault."""
        return drift.keep(before, drift.marked(before, now), lambda catalogue: self.compiled(told, stream, catalogue))

    def compiled(
        self, told: ConnectionSettings, stream: StreamSettings, catalogue: Sequence[FieldInfo] | None
    ) -> CompiledMapping:
        """The mapping of a stream against this catalogue (None: names are taken as they are written)."""
        account = self._accounts.get(told.name)
        context = Context(
            connection=told.name,
            label=told.connector.label,
            time_zone=(account.time_zone if account else None) or self.settings.time_zone,
            region=(account.country if account else None) or self.settings.phone_region,
            currency=account.currency if account else None,
            currency_doubted=account is not None and account.currency_now is not None,
            surveys={
                name: SurveyRoles(kind=one.kind, touchpoint=one.touchpoint, roles=one.roles, places=one.places)
                for name, one in stream.surveys.items()
            },
            tool=told.connector.label,
        )
        return compile_mapping(stream.lines, kind=stream.kind, stream=stream.name, catalogue=catalogue, context=context)

    # -- the house ---------------------------------------------------------------------------------------------

    def _furnish(self, drafts: Sequence[_Draft]) -> House:
        database = self.database
        secret = meta.secret(database)
        kinds = matching.IdentKinds(database, secret)
        kinds.load()
        rules = matching.of_settings(self.settings.match, kinds, secret)
        answers = any(draft.settings.kind == "response" for draft in drafts)
        fields: dict[str, list[str]] = {}
        for draft in drafts:
            fields.setdefault(draft.settings.kind, []).extend(draft.mapping.fields if draft.mapping else ())
        if answers:
            for kind, computed in _COMPUTED.items():
                if kind in fields:
                    fields[kind] += computed
        layouts = {kind: load_layout(database, kind, names) for kind, names in fields.items()}
        mappings = self._mapping_rows(drafts)
        streams = {}
        for draft in drafts:
            mapping = draft.mapping
            if mapping is None:
                continue
            layout = layouts[draft.settings.kind]
            number, approved = mappings[draft.id]
            stream = Stream(
                id=draft.id,
                connection=draft.connection.name,
                name=draft.settings.name,
                spec=draft.spec,
                kind=draft.settings.kind,
                mapping=mapping,
                mapping_id=number,
                approved=approved,
                layout=layout,
                place=[layout.position[name] for name in mapping.fields],
                at={name: at for at, name in enumerate(mapping.fields)},
                refs=tuple(
                    at for at, name in enumerate(mapping.fields) if target(draft.settings.kind, name).field.refers
                ),
                writes=draft.settings.write,
                create_from=frozenset(draft.settings.create_from),
                hub_id=_hub_id(draft),
                on_delete=draft.settings.on_delete,
                guards=_ceilings({**self.settings.guards, **draft.settings.guards}),
                identifiers=rules.identifiers(draft.settings.kind, mapping.fields, list(self.settings.connections)),
                limit=rules.limit,
                catalogue=draft.catalogue or (),
                complete=draft.complete,
            )
            streams[stream.address] = stream
        return House(
            database=database,
            clock=self.clock,
            sleep=self.sleep,
            links=dict(self.links),
            streams=streams,
            layouts=layouts,
            policies=policies.of_settings(self.settings),
            rules=rules,
            settings_print=self.settings.digest,
            cx=CxSettings(
                {
                    name: Setting(window=one.window, minimum_responses=one.minimum_responses, kind=one.kind)
                    for name, one in self.settings.cx.items()
                }
            ),
            ident_kinds=kinds,
            holder=f"{socket.gethostname()}:{os.getpid()}",
            leases=Leases(database, self.clock),
            file=self.settings.file,
            settings=self.settings,
            progress=self.progress,
            calls=self.calls,
            changes=self.changed,
            pauses=self._pauses,
        )

    def _mapping_rows(self, drafts: Sequence[_Draft]) -> dict[int, tuple[int, bool]]:
        found = self._known_mappings(drafts)
        missing = [draft for draft in drafts if draft.id not in found]
        if missing:
            with self.database.write() as connection, self.database.lock(connection, 9):
                for draft in missing:
                    if draft.mapping is None:
                        continue
                    self.database.run(
                        connection,
                        "INSERT INTO mapping (id, stream, fingerprint, kind, fields, prints) "
                        "SELECT coalesce(max(id), 0) + 1, ?, ?, ?, ?, ? FROM mapping WHERE TRUE ON CONFLICT DO NOTHING",
                        (
                            draft.id, draft.mapping.fingerprint, draft.mapping.kind, dump(list(draft.mapping.fields)),
                            dump([one.hex() for one in draft.mapping.prints]),
                        ),
                    )  # fmt: skip
            found = self._known_mappings(drafts)
        return found

    def _known_mappings(self, drafts: Sequence[_Draft]) -> dict[int, tuple[int, bool]]:
        with self.database.read() as connection:
            rows = self.database.run(connection, "SELECT stream, fingerprint, id, approved_at FROM mapping").fetchall()
        known = {(row[0], bytes(row[1])): (row[2], row[3] is not None) for row in rows}
        return {
            draft.id: known[draft.id, draft.mapping.fingerprint]
            for draft in drafts
            if draft.mapping is not None and (draft.id, draft.mapping.fingerprint) in known
        }


def prints_of(settings: HubSettings, vault: Vault) -> dict[str, str]:
    """By connection: what it is opened with, known again without being kept."""
    return {name: vault.print(credentials(told.settings)) for name, told in settings.connections.items()}


def fault_problem(fault: MappingFault, told: ConnectionSettings, stream: StreamSettings) -> Problem:
    """A fault of a mapping at its place in the file."""
    return Problem(
        code=fault.code,
        text=fault.text,
        hint=fault.hint,
        file=fault.place.file,
        line=fault.place.line,
        column=fault.place.column,
        width=fault.width,
        connection=told.name,
        stream=f"{told.name}/{stream.name}",
    )


def _lists_any(connector: Connector, stream: str, keys: Set[str]) -> bool:
    """Is one of these keys there still? Also where that cannot be told."""
    empty = True
    try:
        for listed in connector.keys(stream):
            if not keys.isdisjoint(listed):
                return True
            empty = empty and not listed
    except ConnectorError:
        return True
    return empty


def _other_kind(draft: _Draft) -> Problem | None:
    """Its records are persons, say, and belong to persons: they cannot become companies where they are."""
    if draft.held in (None, draft.settings.kind):
        return None
    return _misfit(
        draft,
        f"{draft.address} holds records of kind {draft.held}, and is to be read as {draft.settings.kind}",
        f"write entity: {draft.held}, or list what they are now under another name than {draft.settings.name}",
    )


def _misfit(draft: _Draft, text: str, hint: str) -> Problem:
    """What the file says of a stream does not go with the records that it has."""
    fault = MappingFault(code="CW102", text=text, hint=hint, place=draft.settings.place)
    return fault_problem(fault, draft.connection, draft.settings)


def _hub_id(draft: _Draft) -> FieldInfo | None:
    wanted = draft.settings.hub_id
    if wanted is None:
        return None
    return next((one for one in draft.catalogue or () if wanted in (one.name, one.label, one.path)), None)


def _ceilings(guards: Mapping[str, Guard]) -> dict[str, Ceiling]:
    return {
        name: Ceiling(
            at_most=guard.at_most,
            share=None if guard.share is None else float(guard.share),
            rule="default" if guard.place is None else f"{guard.place.file}:{guard.place.line}:{guard.place.column}",
        )
        for name, guard in guards.items()
    }
