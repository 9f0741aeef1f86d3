"""The keys of the file: their names, what they mean, their form and default. Data.

The reader checks keys against it, the JSON Schema and the starter file take their words from it, so that none of them
knows a key that the others do not. Keys of a connector's own (auth, account, path ...) stand in its `settings` models.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct, field

DURATION: Final = r"^[0-9]+[smhdw]$"
SHARE: Final = r"^[0-9]+(\.[0-9]+)?%$"
NAME: Final = r"^[a-z][a-z0-9_-]*$"

Form = Mapping[str, Any]

TEXT: Final[Form] = {"type": "string"}
# An editor reads 4711 or 1.5 as a number where we read text.
WORD: Final[Form] = {"type": ["string", "number"]}
WHOLE: Final[Form] = {"type": "integer", "minimum": 0}
DURATION_FORM: Final[Form] = {"type": "string", "pattern": DURATION}
SHARE_FORM: Final[Form] = {"type": "string", "pattern": SHARE}
NAMES: Final[Form] = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
REFERENCE: Final[Form] = {"type": "string", "pattern": "^(env|file):."}


def one_of(*words: str) -> Form:
    return {"type": "string", "enum": list(words)}


def list_of(*words: str) -> Form:
    return {"type": "array", "items": one_of(*words), "uniqueItems": True}


WRITES: Final = ("create", "update", "delete")
ON_DELETE: Final = ("ignore", "unlink", "archive", "review")
DIRECTIONS: Final = ("both", "read", "write")
UNMAPPED: Final = ("dead_letter", "keep", "empty")
SURVEY_KINDS: Final = ("relationship", "transactional")
THEN: Final = ("same", "review")
ON_CONFLICT: Final = ("masters", "newest", "union", "restrictive", "review")
TAKEN: Final = ("keep", "hub", "masters", "newest")
ON_FOREIGN_EDIT: Final = ("review", "revert", "keep", "adopt")
METRICS: Final = ("nps", "csat", "ces")
GUARDED: Final = ("create", "update", "clear", "delete")
ALERTS: Final = ("run_failed", "connection_down")
RESERVED: Final = ("webhooks", "invitations", "frequency", "erasure")


class Key(Struct, frozen=True, kw_only=True):
    """One key. `about` is the hover text; `default` in words of the file; `form` "": a section of its own."""

    name: str
    about: str
    form: Form | None = None
    default: str = ""
    required: bool = False


class Section(Struct, frozen=True, kw_only=True):
    """A mapping with known keys. `noun` completes "... has no key 'wirte'"."""

    noun: str
    keys: Sequence[Key] = field(default_factory=tuple)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(key.name for key in self.keys)

    def key(self, name: str) -> Key:
        return next(key for key in self.keys if key.name == name)


FILE: Final = Section(
    noun="the file",
    keys=(
        Key(name="version", about="The version of this file's form.", form={"const": 1}, default="1", required=True),
        Key(
            name="time_zone",
            about="IANA name, such as Europe/Berlin: for schedules, times you see, vendor dates without a zone.",
            form=TEXT,
            default="UTC",
        ),
        Key(
            name="phone_region",
            about="ISO country, such as DE, of numbers written without a country code. "
            "Without it such numbers become dead letters.",
            form={"type": "string", "pattern": "^[A-Z]{2}$"},
        ),
        Key(
            name="store", about="Where the hub keeps what it knows. Left out: SQLite and crosswalk.key beside the file."
        ),
        Key(name="connections", about="The accounts that take part, each under a name of your own.", required=True),
        Key(name="match", about="What makes two records the same person or company. Sensible rules ship."),
        Key(name="merge", about="Whose value wins, field by field."),
        Key(name="cx", about="How the CX figures of a company are counted."),
        Key(
            name="guards",
            about="Ceilings per stream and run: over one of them the whole class of writes waits for a person.",
        ),
        Key(
            name="review",
            about="What becomes of a conflict that nobody decides. Left out: it waits for ever.",
        ),
        Key(name="schedule", about="When everything is synced, where a connection says nothing else."),
        Key(name="alerts", about="Whom the daemon tells of troubles: once when one begins, once when it ends."),
    ),
)

STORE: Final = Section(
    noun="store",
    keys=(
        Key(
            name="url",
            about="sqlite:///FILE or postgresql://HOST/DATABASE; with a password only as env: or file: reference.",
            form=TEXT,
            default="sqlite:///crosswalk.db",
        ),
        Key(
            name="encryption_key",
            about="env: or file: reference to the key that encrypts the tokens in the store.",
            form=REFERENCE,
            default="file:crosswalk.key",
        ),
        Key(
            name="keep_history",
            about="How long earlier values of golden fields and settled plans are kept.",
            form=DURATION_FORM,
            default="400d",
        ),
        Key(
            name="keep_journal",
            about="How long every write is kept; of each field the last one stays.",
            form=DURATION_FORM,
            default="400d",
        ),
        Key(
            name="keep_removed",
            about="How long what a record showed is kept once it is removed there; that it existed stays known.",
            form=DURATION_FORM,
            default="400d",
        ),
    ),
)

CONNECTION: Final = Section(
    noun="connection",
    keys=(
        Key(
            name="connector",
            about="Which connector speaks to this account. Left out where the name of the connection is a connector's.",
            form=TEXT,
        ),
        Key(name="budget", about="How much of the account's allowance the hub may spend, in the vendor's unit."),
        Key(
            name="streams",
            about="What is synced; nothing else is. Left out: the connector's usual streams, read only.",
        ),
        Key(name="schedule", about="When this connection is synced, instead of the schedule for all."),
    ),
)

BUDGET: Final = Section(
    noun="budget",
    keys=(
        Key(
            name="per_day",
            about="Units (calls, credits, tokens) a day. Left out: the account's allowance less the reserve.",
            form={"type": "integer", "minimum": 1},
        ),
        Key(
            name="reserve",
            about="Share of the allowance left to the people of the account; only opt-outs may spend it.",
            form=SHARE_FORM,
            default="20%",
        ),
    ),
)

STREAM: Final = Section(
    noun="stream",
    keys=(
        Key(
            name="write",
            about="What the hub may do here: create, update, delete. Left out: read only.",
            form=list_of(*WRITES),
            default="[]",
        ),
        Key(
            name="create_from",
            about="Connections whose people and companies may become new records here. Required with create.",
            form=NAMES,
        ),
        Key(
            name="hub_id",
            about="A unique text field that carries our id: it makes a repeated create harmless.",
            form=TEXT,
        ),
        Key(
            name="mapping",
            about="hub field: vendor field | function. All others keep the connector's default; null unmaps one.",
        ),
        Key(name="guards", about="Ceilings of this stream, instead of those for all."),
        Key(
            name="where",
            about="Only records for which this holds take part. Leaving it is not a delete.",
            form=TEXT,
        ),
        Key(
            name="on_delete",
            about="What a delete on this side does to the others: ignore, unlink, archive, review.",
            form=one_of(*ON_DELETE),
            default="ignore",
        ),
        Key(
            name="mapping_file",
            about="A file of mapping lines, from this file's folder; lines under mapping win over it.",
            form=TEXT,
        ),
        Key(name="surveys", about="Which surveys or forms take part, and what their questions mean. Left out: all."),
    ),
)

LINE: Final = Section(
    noun="a mapping line",
    keys=(
        Key(name="field", about="Vendor field, with its functions. Left out: that of the default.", form=WORD),
        Key(
            name="values",
            about="What the vendor's value stands for: theirs: ours.",
            form={"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
        ),
        Key(
            name="direction",
            about="read: only from the vendor; write: only to it; both where the functions allow it.",
            form=one_of(*DIRECTIONS),
            default="both",
        ),
        Key(
            name="unmapped",
            about="A value that `values` does not name: a dead letter, kept as it is, or taken as empty.",
            form=one_of(*UNMAPPED),
            default="dead_letter",
        ),
    ),
)

SURVEY: Final = Section(
    noun="a survey",
    keys=(
        Key(
            name="kind",
            about="relationship or transactional: the two never share a figure.",
            form=one_of(*SURVEY_KINDS),
            default="relationship",
        ),
        Key(name="touchpoint", about="The step of the journey it asks about, such as support.", form=TEXT),
        Key(
            name="mapping",
            about="Which question is what: nps: QID1, csat: 'QID2 | scale(1, 5)', comment: QID3_TEXT.",
            form={"type": "object", "additionalProperties": {"type": ["string", "number"]}},
        ),
    ),
)

MATCH: Final = Section(
    noun="match",
    keys=(
        Key(name="rules", about="In order; the first that holds decides."),
        Key(
            name="limits",
            about="An address or number shared by more than this identifies nobody.",
            form={"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}},
            default="{emails: 3, phones: 4, domains: 20}",
        ),
        Key(
            name="block",
            about="Addresses and numbers that identify nobody; * stands for anything.",
            form={"type": "array", "items": {"type": "string"}},
            default="[]",
        ),
        Key(
            name="model",
            about="What records of people and companies are scored by: shipped, none (exact rules alone), or a file.",
            form=TEXT,
            default="shipped",
        ),
        Key(
            name="spark",
            about="The master of a Spark, such as spark://host:7077, that shares out the work where all records are "
            "weighed; else this machine does it.",
            form=TEXT,
        ),
    ),
)

RULE: Final = Section(
    noun="a rule",
    keys=(
        Key(name="same", about="Hub fields that have to agree, all of them.", form=NAMES, required=True),
        Key(
            name="then",
            about="same: they are one; review: a person is asked.",
            form=one_of(*THEN),
            default="same",
        ),
    ),
)

POLICY: Final = Section(
    noun="a policy",
    keys=(
        Key(
            name="masters",
            about="Connections in rank order. Who is not named is written to, not believed.",
            form=NAMES,
            default="the connections in the file's order: CRMs, then files, then CEM tools",
        ),
        Key(
            name="on_conflict",
            about="Several edited it: masters, newest, union, restrictive, tried in turn; review ends every list.",
            form=list_of(*ON_CONFLICT),
            default="[review]",
        ),
        Key(
            name="on_foreign_edit",
            about="Edited where it has no master: revert writes ours again, keep leaves that side alone, "
            "review asks, adopt takes it.",
            form=one_of(*ON_FOREIGN_EDIT),
            default="review",
        ),
        Key(
            name="allow_clear",
            about="Connections whose emptying counts. Never for required fields or consent.",
            form=NAMES,
            default="[]",
        ),
        Key(
            name="tolerance",
            about="Edits closer together than this have no order.",
            form=DURATION_FORM,
            default="5m",
        ),
    ),
)

CX: Final = Section(
    noun="a figure",
    keys=(
        Key(name="window", about="How far back answers count.", form=DURATION_FORM, default="365d"),
        Key(
            name="minimum_responses",
            about="With fewer answers the figure stays empty.",
            form={"type": "integer", "minimum": 1},
            default="1",
        ),
    ),
)

GUARD: Final = Section(
    noun="a guard",
    keys=(
        Key(name="at_most", about="Records of one stream in one run.", form=WHOLE),
        Key(name="share", about="Share of the stream's records, counted from 20 records up.", form=SHARE_FORM),
    ),
)

REVIEW: Final = Section(
    noun="review",
    keys=(
        Key(
            name="after",
            about="How long a conflict waits for a person, from the last change of one of its sides.",
            form=DURATION_FORM,
            required=True,
        ),
        Key(
            name="take",
            about="What holds then: keep leaves every side what it shows, hub is what the hub holds, masters the "
            "highest master among the sides, newest the last edit. Consent is never decided like that.",
            form=one_of(*TAKEN),
            default="keep",
        ),
    ),
)

SCHEDULE: Final = Section(
    noun="schedule",
    keys=(
        Key(name="every", about="An interval, such as 15m. One of every and cron.", form=DURATION_FORM, default="15m"),
        Key(
            name="cron",
            about="minute hour day month weekday, weekdays by name: '0 3 * * sun'.",
            form=TEXT,
        ),
        Key(name="audit", about="A cron line: when the hub compares a sample with each vendor.", form=TEXT),
    ),
)

ALERT: Final = Section(
    noun="an alert",
    keys=(
        Key(
            name="to",
            about="env: or file: reference to an address: https://... gets a JSON POST; mailto:ADDRESS (by this "
            "machine's mail server) or smtps://USER:PASSWORD@HOST?to=ADDRESS a message.",
            form=TEXT,
            required=True,
        ),
        Key(
            name="when",
            about="run_failed: a run of the daemon failed; connection_down: a connection fails or is refused.",
            form=list_of(*ALERTS),
            default="[run_failed, connection_down]",
        ),
    ),
)

# What each class of the guards holds back, for hover texts.
GUARD_ABOUT: Final[Mapping[Literal["create", "update", "clear", "delete"], str]] = {
    "create": "New records in a stream. Default: 200 or 5%, the lower.",
    "update": "Changes of any one field. Default: 2000 or 20%, the lower.",
    "clear": "Values emptied. Default: 20 or 1%, the lower.",
    "delete": "Records deleted or archived. Default: 0.",
}
