"""The tables. Nothing on a hot path is one row per field; what is at rest has no row that says so.

`record` is narrow, since every poll reads it; `body` holds what was read; `base` has a row only while
something of a record is not at rest. Ids of records and entities are dense integers taken in blocks.
Times are milliseconds since 1970, UTC.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from crosswalk.store import unsettled

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def _of_some(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of the rows of which this holds."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


# SQLite gives out row ids by itself only for INTEGER PRIMARY KEY.
Key = BigInteger().with_variant(Integer, "sqlite")

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

sequence = Table(
    "sequence",
    metadata,
    Column("name", Text, primary_key=True),
    Column("next", BigInteger, nullable=False),
)

connection = Table(
    "connection",
    metadata,
    Column("name", Text, primary_key=True),
    Column("connector", Text, nullable=False),
    Column("account", LargeBinary),  # JSON of connectors' Account
    Column("checked_at", BigInteger),
    Column("last_good_at", BigInteger),
    Column("state", Text, nullable=False, server_default="ok"),  # ok, paused, fail
    Column("code", Text),
    Column("detail", Text),
    Column("since", BigInteger),
    Column("credentials", Text),  # a print of what was configured when it was last opened; the secrets are nowhere
)

stream = Table(
    "stream",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("connection", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("mapping", Integer),  # the mapping that its records are read with
    Column("catalogue", LargeBinary),  # JSON list of fields as discovered
    Column("catalogue_at", BigInteger),
    Column("swept_at", BigInteger),
    Column("complete", Boolean, nullable=False, server_default=text("false")),  # every part read to its end once
    UniqueConstraint("connection", "name"),
)

part = Table(
    "part",
    metadata,
    Column("stream", Integer, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("watermark", BigInteger),
    Column("position", LargeBinary),  # JSON; where an open window goes on
    Column("since", BigInteger),  # lower bound of the open window
    Column("opened", BigInteger),  # server time at the start of the open window
    Column("largest", BigInteger),  # newest stamp seen in it, where the vendor tells no time
    Column("read_no", BigInteger, nullable=False, server_default="0"),
    Column("covered_from", BigInteger),
    Column("covered_to", BigInteger),
    Column("total", BigInteger),
    Column("complete", Boolean, nullable=False, server_default=text("false")),
)

swept = Table(  # keys that an id sweep has listed so far
    "swept",
    metadata,
    Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("rkey", Text, primary_key=True),
)

mapping = Table(
    "mapping",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("stream", Integer, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("fields", LargeBinary, nullable=False),  # JSON list of hub fields: the order of body.observed
    Column("prints", LargeBinary, nullable=False),  # JSON list: fingerprint of each field
    Column("approved_at", BigInteger),  # its first plan was applied by a person
    UniqueConstraint("stream", "fingerprint"),
)

record = Table(
    "record",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
    Column("stream", Integer, nullable=False),
    Column("rkey", Text, nullable=False),
    Column("version", Text),
    Column("modified", BigInteger),
    Column("read_no", BigInteger, nullable=False),
    Column("hash", LargeBinary),  # of what was landed whole; none after a partial read
    Column("mapping", Integer, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("hub_id", Text),
    UniqueConstraint("stream", "rkey"),
    _of_some("uq_record_hub_id", "stream", "hub_id", unique=True, where="hub_id IS NOT NULL"),
)

body = Table(
    "body",
    metadata,
    Column("record", Key, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),
    Column("observed", LargeBinary, nullable=False),  # JSON array in the order of the mapping's fields
)

removed = Table(  # records of which the vendor says that they are gone: see store.removals
    "removed",
    metadata,
    Column("record", Key, primary_key=True, autoincrement=False),
    Column("since", BigInteger),  # when that was learned; none: by a landed page, not dated yet
    Column("there_until", BigInteger),  # when it was last known to be there
    Column("state", Text, nullable=False),  # open: what `on_delete` says is still to be done; agreed: a person said so
    _of_some("ix_removed_open", "record", where=unsettled.REMOVAL),
)

survivor = Table(  # the key of the record that a merged record lives on in
    "survivor",
    metadata,
    Column("record", Key, primary_key=True, autoincrement=False),
    Column("rkey", Text, nullable=False, index=True),
)

base = Table(
    "base",
    metadata,
    Column("record", Key, primary_key=True, autoincrement=False),
    Column("side", LargeBinary, nullable=False),  # {field: [agreed value, number of its raw]}
    Column("hub", LargeBinary, nullable=False),  # {field: agreed value}; a field under "never" has none
    Column("raws", LargeBinary, nullable=False),  # the records that the agreed values of `side` were read from
)

known_as = Table(  # further keys by which others of its system name a record: the contact of a person account
    "known_as",
    metadata,
    Column("record", Key, primary_key=True, autoincrement=False),
    Column("rkey", Text, primary_key=True, index=True),
)

became = Table(  # the keys of what a record was converted to, or came of: of a lead its contact, of a deal its lead
    "became",
    metadata,
    Column("record", Key, primary_key=True, autoincrement=False),
    Column("rkey", Text, primary_key=True, index=True),
)

# No primary key: at the first load its indexes are dropped and built afterwards, which costs a third.
ident = Table(
    "ident",
    metadata,
    Column("kind", SmallInteger, nullable=False),
    Column("value", BigInteger, nullable=False),  # keyed hash
    Column("record", BigInteger, nullable=False),
)
ident_by_value = Index("ix_ident_value", ident.c.kind, ident.c.value, ident.c.record)
ident_by_record = Index("ix_ident_record", ident.c.record)

ident_kind = Table(
    "ident_kind",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False, unique=True),
)

block = Table(  # what a record is looked up by in scored matching
    "block",
    metadata,
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("value", BigInteger, primary_key=True, autoincrement=False),  # keyed hash
    Column("record", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

profile = Table(  # what scored matching compares of a record, or did before it showed something else
    "profile",
    metadata,
    Column("record", Key, primary_key=True, autoincrement=False),
    Column("form", BigInteger, nullable=False),  # hash of the mapping and the rules that it was made by; 0: outdated
    Column("told", LargeBinary, nullable=False),  # see engine.profiles
)

frequency = Table(  # values that several records hold, as of the last count: see engine.likeness
    "frequency",
    metadata,
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("value", BigInteger, primary_key=True, autoincrement=False),  # keyed hash
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

member = Table(
    "member",
    metadata,
    Column("record", Key, primary_key=True, autoincrement=False),
    Column("entity", BigInteger, nullable=False, index=True),
)

entity = Table(
    "entity",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("public", Text, nullable=False),
    Column("merged_into", BigInteger),
)
# An index, no constraint: a first load leaves it away and builds it afterwards.
Index("uq_entity_public", entity.c.public, unique=True)

alias = Table(
    "alias",
    metadata,
    Column("public", Text, primary_key=True),
    Column("entity", BigInteger, nullable=False, index=True),
)

edge = Table(
    "edge",
    metadata,
    Column("left", BigInteger, primary_key=True, autoincrement=False),
    Column("right", BigInteger, primary_key=True, autoincrement=False),
    Column("source", Text, primary_key=True),  # rule and identifier, or "person"
    Column("verdict", Text, nullable=False),  # same, never, unlinked
    Column("rule", Text, nullable=False),
    Column("score", Text),  # bits, where they were scored
    Column("who", Text),
    Column("at", BigInteger, nullable=False),
    Column("run", Integer),
    # Where they were scored, a digest of what both showed then; where one of them was unlinked, which.
    Column("shown", Text),
    Index("ix_edge_right", "right"),
    Index("ix_edge_source", "source"),
)

pair = Table(  # two groups that may be one, for a person to decide
    "pair",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("left", BigInteger, nullable=False),
    Column("right", BigInteger, nullable=False),
    Column("rule", Text, nullable=False),
    Column("state", Text, nullable=False),  # open, same, never
    Column("at", BigInteger, nullable=False),
    Column("who", Text),
    Column("score", Text),  # bits, where they were scored
    UniqueConstraint("left", "right"),
    Index("ix_pair_right", "right"),
)

golden = Table(
    "golden",
    metadata,
    Column("entity", Key, primary_key=True, autoincrement=False),
    Column("vals", LargeBinary, nullable=False),  # JSON array in the order of the kind's layout
    Column("lineage", LargeBinary, nullable=False),  # [[records], [index per field], [rules], [index per field], ...]
    Column("run", Integer, nullable=False),
)

golden_history = Table(
    "golden_history",
    metadata,
    Column("entity", BigInteger, primary_key=True, autoincrement=False),
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("before", LargeBinary, nullable=False),  # {field: [value, winner, rule]} of the changed fields
)

layout = Table(  # the order of golden.vals; a field is only ever added behind the last
    "layout",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("field", Text, nullable=False),
    UniqueConstraint("kind", "field"),
)

association = Table(  # who belongs to whom, as golden has it: what figures of companies are counted by
    "association",
    metadata,
    Column("entity", BigInteger, primary_key=True, autoincrement=False),
    Column("field", Text, primary_key=True),
    Column("target", BigInteger, primary_key=True, autoincrement=False),
    Index("ix_association_target", "target", "field"),
)

waiting = Table(  # a reference to a record that has not been seen yet
    "waiting",
    metadata,
    Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("rkey", Text, primary_key=True),
    Column("record", BigInteger, primary_key=True, autoincrement=False),
    Index("ix_waiting_record", "record"),
)

doubt = Table(  # a reference that a record shows no more: what it named is to be asked for
    "doubt",
    metadata,
    Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("rkey", Text, primary_key=True),
    Column("record", BigInteger, primary_key=True, autoincrement=False),
    Index("ix_doubt_record", "record"),
)

response = Table(  # narrow copy of scores for the derived figures
    "response",
    metadata,
    Column("record", BigInteger, primary_key=True, autoincrement=False),
    Column("metric", Text, primary_key=True),
    Column("question", Text, primary_key=True),
    Column("person", BigInteger),
    Column("company", BigInteger),
    Column("survey", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("answered_at", BigInteger),
    Column("score", LargeBinary, nullable=False),  # JSON of the score
    Column("counted", Boolean, nullable=False),
    Index("ix_response_person", "person", "metric", "answered_at"),
    Index("ix_response_company", "company", "metric", "answered_at"),
)

todo = Table(
    "todo",
    metadata,
    Column("stage", SmallInteger, primary_key=True, autoincrement=False),  # see store/work.py
    Column("id", BigInteger, primary_key=True, autoincrement=False),
)

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("command", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("plan", Integer),
    Column("who", Text),
    Column("counts", LargeBinary, nullable=False),  # JSON
    Column("beat_at", BigInteger),  # while it runs: when its process last said that it lives
    _of_some("ix_run_running", "id", where=unsettled.RUN),
)

plan = Table(
    "plan",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("state", Text, nullable=False),  # open, applied, expired, superseded
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("settings", Text, nullable=False),  # fingerprint of the settings it was made with
    Column("run", Integer),
    Column("detail", LargeBinary, nullable=False),  # JSON: counts, guards, forecast
    _of_some("ix_plan_open", "id", where=unsettled.PLAN),
)


action = Table(
    "action",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("plan", Integer, nullable=False, index=True),
    Column("stream", Integer, nullable=False),
    Column("record", BigInteger),
    Column("entity", BigInteger, nullable=False),
    Column("op", Text, nullable=False),
    Column("hub_id", Text),
    Column("fields", LargeBinary, nullable=False),  # JSON list: field, label, before, after, hub, reason, rule, source
    Column("expects", Text),
    Column("seen", LargeBinary),  # digits: the last number that a record had been given when it was sent
    Column("state", Text, nullable=False),
    Column("held_by", Text),  # first plan of a mapping, a guard
    Column("due", BigInteger),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("sent_at", BigInteger),
    Column("run", Integer),
    Column("reason", Text),
    Index("ix_action_entity", "entity"),
    _of_some("ix_action_open", "stream", "state", "due", where=unsettled.ACTION),
    _of_some("uq_action_record", "record", unique=True, where=f"record IS NOT NULL AND {unsettled.ACTION}"),
    _of_some("uq_action_create", "stream", "entity", unique=True, where=f"op = 'create' AND {unsettled.ACTION}"),
)

journal = Table(
    "journal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", Integer, nullable=False, index=True),
    Column("action", Integer, nullable=False),
    Column("plan", Integer),
    Column("record", BigInteger, nullable=False),
    Column("entity", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("op", Text, nullable=False),
    Column(
        "fields", LargeBinary, nullable=False
    ),  # JSON: as in `action`, with `shows` where the answer has another form
    Index("ix_journal_record", "record", "at"),
)

conflict = Table(
    "conflict",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entity", BigInteger, nullable=False),
    Column("field", Text, nullable=False),
    Column("state", Text, nullable=False),  # open, decided, used, gone
    Column("inputs", LargeBinary, nullable=False),
    Column("detail", LargeBinary, nullable=False),  # JSON: base, sides, why
    Column("run", Integer),
    Column("at", BigInteger, nullable=False),
    # JSON: what a person decided; of what stays as it is (`keep`) with what each record showed when settle used it
    Column("decision", LargeBinary),
    Column("who", Text),
    Index("ix_conflict_entity", "entity", "field"),
    _of_some("ix_conflict_waiting", "state", "entity", where=unsettled.CONFLICT),
    _of_some("uq_conflict_open", "entity", "field", unique=True, where="state = 'open'"),
)

dead_letter = Table(
    "dead_letter",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("stream", Integer, nullable=False),
    Column("rkey", Text, nullable=False),  # or the place in a file
    Column("phase", Text, nullable=False),  # read, write
    Column("field", Text, nullable=False),  # "" for the whole record
    Column("code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", LargeBinary),  # what stood there; shown by `dlq show` alone
    Column("inputs", LargeBinary),
    Column("state", Text, nullable=False),  # open, retry, closed, dropped
    Column("tries", Integer, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("run", Integer),
    Column("note", Text),
    UniqueConstraint("stream", "rkey", "phase", "field"),
    _of_some("ix_letter_waiting", "stream", "phase", where=unsettled.LETTER),
)

erasure = Table(  # people of whom nothing is kept: see store.erasures
    "erasure",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entity", BigInteger, nullable=False, index=True),
    Column("run", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("records", Integer, nullable=False),
    Column("lifted_at", BigInteger),  # none: what is sent of them again is not stored
)

suppressed = Table(  # by what they are known
    "suppressed",
    metadata,
    Column("value", BigInteger, primary_key=True, autoincrement=False),  # keyed hash: of an address or an identifier
    Column("erasure", Integer, nullable=False, index=True),
)

approval = Table(
    "approval",
    metadata,
    Column("plan", Integer, primary_key=True, autoincrement=False),
    Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("class", Text, primary_key=True),
    Column("at_most", Integer, nullable=False),
    Column("who", Text),
    Column("at", BigInteger, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),  # grows with every owner; what is committed under a lease checks it
    Column("holder", Text),  # none: released
    Column("expires_at", BigInteger, nullable=False),
)

slot = Table(  # one firing of a job per slot, whoever comes first
    "slot",
    metadata,
    Column("job", Text, primary_key=True),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("holder", Text),  # the daemon that fires it
    Column("done_at", BigInteger),  # none while it is worked on, or where its daemon has gone before the end
    Column("again_at", BigInteger),  # it failed, and is tried again then
    Column("tries", Integer, nullable=False, server_default="0"),  # that have failed
)

daemon = Table(
    "daemon",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("heartbeat_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),  # none: it lives, or its heartbeat says since when it does not
)

pause = Table(  # what a person has stopped: a connection or a stream
    "pause",
    metadata,
    Column("address", Text, primary_key=True),
    Column("who", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

alert = Table(  # what has been told to whom, so that it is told once
    "alert",
    metadata,
    Column("target", Text, primary_key=True),  # a hash: the address may hold a secret
    Column("trouble", Text, primary_key=True),
    Column("began_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("told", Text),  # none, sending, began: what the target knows
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("due", BigInteger, nullable=False),  # when the next message may go out
    Column("detail", LargeBinary, nullable=False),  # JSON
)

token = Table(
    "token",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("generation", BigInteger, nullable=False),
    Column("sealed", LargeBinary),  # JSON of connectors' Grant, encrypted; none: the first one is being fetched
    Column("claimed_until", BigInteger),
)

budget = Table(
    "budget",
    metadata,
    Column("account", Text, primary_key=True),
    Column("allowance", BigInteger, nullable=False),  # a day
    Column("reserve", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("resets_at", BigInteger, nullable=False),  # when the day turns
    Column("granted", BigInteger, nullable=False),  # by the last take: what its statement gives back
)
